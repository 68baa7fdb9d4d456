from __future__ import annotations

from typing import Any

import pytest

from mlxtwin.backend.device import prepare
from mlxtwin.backend.engine import Loaded, load_base
from mlxtwin.backend.models import starter
from pretrain import evaluate
from pretrain.answers import MOST_TOKENS, Answer, Shares, answer, judged
from pretrain.prompts import PROMPTS
from pretrain.tokenizer import ASSISTANT, SYSTEM, USER


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load_base(starter(), prepare())


def given(text: str, ended: bool = True, kept_format: bool = True) -> Answer:
    return Answer(text, (1,), ended, kept_format)


@pytest.mark.parametrize(
    ("text", "ended", "proper"),
    [
        ("It is late.", True, True),
        ('"Is it?" (Perhaps!)', True, True),
        ("It is late.\n", True, True),
        ("It is late.", False, False),
        ("It is", True, False),
        ("", True, False),
    ],
)
def test_an_answer_ends_properly_with_a_whole_sentence_and_the_end_token(text: str, ended: bool, proper: bool) -> None:
    assert given(text, ended).ends_properly is proper


def test_eight_words_said_twice_are_a_loop_and_seven_are_not() -> None:
    eight = "one two three four five six seven eight"
    assert given(f"{eight}. And {eight}!").loops
    assert not given(f"{eight}. And {eight.rpartition(' ')[0]} nine.").loops
    assert given("no " * 9).loops


def test_shares_count_each_flaw() -> None:
    answers = [given("Yes."), given("Yes"), given("no " * 9, kept_format=False), given("Yes.", ended=False)]
    assert Shares.of(answers) == Shares(answers=4, end_properly=1, leave_format=1, loop=1)


@pytest.mark.parametrize("token", [USER, SYSTEM, ASSISTANT])
def test_speaking_for_another_role_leaves_the_format(loaded: Loaded, token: int) -> None:
    words = loaded.tokenizer.encode("I agree.")
    assert judged(loaded.tokenizer, words, True).kept_format
    assert not judged(loaded.tokenizer, [*words, token, *words], True).kept_format


def test_an_empty_answer_and_a_spelled_out_control_token_leave_the_format(loaded: Loaded) -> None:
    processor = loaded.tokenizer
    assert not judged(processor, [], True).kept_format
    spelled = [token for part in ("<", "|user|>") for token in processor.encode(part)]
    assert "<|user|>" in processor.decode(spelled)
    assert not judged(processor, spelled, True).kept_format


def test_the_same_seed_gives_the_same_answer_and_others_give_others(loaded: Loaded) -> None:
    prompt = PROMPTS[27]
    first = answer(loaded, prompt, 0.7, seed=1)
    assert first == answer(loaded, prompt, 0.7, seed=1)
    assert any(first != answer(loaded, prompt, 0.7, seed=seed) for seed in (2, 3))
    assert len(first.tokens) <= MOST_TOKENS


def test_there_are_forty_different_prompts_and_the_user_speaks_last() -> None:
    assert len({tuple(prompt) for prompt in PROMPTS}) == 40
    for prompt in PROMPTS:
        roles = [role for role, _ in prompt if role != "system"]
        assert roles == [("user", "assistant")[place % 2] for place in range(len(roles))]
        assert roles[-1] == "user"


def test_the_report_shows_both_models_side_by_side_and_what_is_wrong() -> None:
    answers = [given(f"Answer {place}.", ended=place != 3) for place in range(40)]
    text = evaluate.report({"new": {"greedy": answers, "sampled": answers}, "old": {"greedy": answers, "sampled": []}})
    assert text.count("Answer 3.") == 3
    assert text.count("(not ended)") == 3
    assert text.index("**new, greedy** (not ended)") < text.index("**old, greedy** (not ended)") < text.index("## 5\n")


def test_bits_per_byte_of_the_bundled_base_come_out_of_its_probabilities(loaded: Loaded) -> None:
    """Uniform over the vocabulary, 12 bits a token; the base must be far better than that."""
    ids = loaded.tokenizer.encode("The old king had three sons, and the youngest was called Simpleton.")
    texts: dict[str, Any] = {"tales": [(ids, 68)]}
    uniform = evaluate.bits_per_byte(texts, lambda windows: sum(len(one) - 1 for one in windows) * 8.317766, 1, 512)
    assert uniform["tales"] == pytest.approx(12 * len(ids) / 68, abs=1e-3)
    assert evaluate.bits_per_byte(texts, evaluate.code_length(loaded), 1, 512)["tales"] < uniform["tales"] / 1.5


def test_windows_cover_every_token_once() -> None:
    documents = [list(range(10, 10 + size)) for size in (1, 7, 8, 20)]
    windows = [window for batch in evaluate.batches(documents, 1, 8) for window in batch]
    assert sorted(token for window in windows for token in window[1:]) == sorted(
        token for ids in documents for token in ids
    )
    assert all(window[0] == 1 and len(window) <= 9 for window in windows)

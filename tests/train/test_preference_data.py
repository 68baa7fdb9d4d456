"""Preference records to tokens: the same prompt for both answers, the answer alone supervised, mismatches for KTO."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlxtwin.backend.tokenizer import ChatTokenizer, load_tokenizer
from mlxtwin.dataset.tokens import tokenise, tokenise_answers
from mlxtwin.records import Example, Message, PreferencePair, Rating, TokenExample
from mlxtwin.train.preference import preference_items
from mlxtwin.train.preference_data import TokenPair, TokenRating, groups, mismatches, tokenise_pairs, tokenise_ratings
from mlxtwin.train.preference_settings import PreferenceSettings

STARTER = Path(__file__).resolve().parents[2] / "mlxtwin" / "starter"


@pytest.fixture(scope="module")
def tokenizer() -> ChatTokenizer:
    return load_tokenizer(STARTER)


def asked(*contents: str) -> tuple[Message, ...]:
    """Messages by turns, the first and the last of them the user's."""
    return tuple(Message("assistant" if place % 2 else "user", content) for place, content in enumerate(contents))


def prompt_of(example: TokenExample) -> tuple[int, ...]:
    return example.tokens[: example.supervised.index(True)]


def answer_of(example: TokenExample) -> tuple[int, ...]:
    return tuple(token for token, on in zip(example.tokens, example.supervised, strict=True) if on)


def test_an_answer_is_supervised_as_in_other_training(tokenizer: ChatTokenizer) -> None:
    prompt = asked("How was the lake?")
    (made,) = tokenise_answers("doc", prompt, ["Cold, but lovely."], tokenizer, 200)
    messages = (*prompt, Message("assistant", "Cold, but lovely."))
    assert [made] == tokenise([Example("doc", "reply", messages, 1, "train")], tokenizer, 200)
    assert made.tokens[-1] in tokenizer.eos_ids


def test_earlier_answers_of_the_prompt_are_not_supervised(tokenizer: ChatTokenizer) -> None:
    prompt = asked("one", "two", "three")
    (pair,) = tokenise_pairs([PreferencePair("doc", prompt, "four", "five", 3)], tokenizer, 200)
    assert prompt_of(pair.chosen) == prompt_of(pair.rejected) == tuple(tokenizer.render(prompt, True))
    (chosen, rejected) = tokenise_answers("doc", asked("three"), ["four", "five"], tokenizer, 200)
    assert answer_of(pair.chosen) == answer_of(chosen)
    assert answer_of(pair.rejected) == answer_of(rejected)
    assert pair.version == 3


def test_both_answers_lose_the_same_oldest_context(tokenizer: ChatTokenizer) -> None:
    system = Message("system", "Be brief.")
    prompt = (system, *asked("old " * 40, "older", "new " * 10))
    long = "word " * 30
    whole = tokenise_answers("doc", prompt, [long, "short"], tokenizer, 400)
    window = len(whole[0].tokens) - 5
    made = tokenise_answers("doc", prompt, [long, "short"], tokenizer, window)
    assert prompt_of(made[0]) == prompt_of(made[1]) == tuple(tokenizer.render((system, prompt[-1]), True))
    assert [answer_of(one) for one in made] == [answer_of(one) for one in whole]
    assert max(len(one.tokens) for one in made) <= window


def test_as_many_of_the_newest_turns_stay_as_fit(tokenizer: ChatTokenizer) -> None:
    prompt = asked("old " * 40, "older", "new " * 5, "newer", "newest")
    kept = tuple(tokenizer.render(prompt[2:], True))
    made = tokenise_answers("doc", prompt, ["yes", "no"], tokenizer, len(kept) + 30)
    assert [prompt_of(one) for one in made] == [kept, kept]


def test_a_last_message_too_long_loses_its_oldest_words(tokenizer: ChatTokenizer) -> None:
    prompt = asked(" ".join(f"w{number}" for number in range(200)))
    made = tokenise_answers("doc", prompt, ["yes", "no, thank you"], tokenizer, 64)
    whole = tokenise_answers("doc", prompt, ["yes", "no, thank you"], tokenizer, 9999)
    assert prompt_of(made[0]) == prompt_of(made[1])
    assert prompt_of(made[0])[-20:] == prompt_of(whole[0])[-20:]
    assert max(len(one.tokens) for one in made) <= 64
    assert [answer_of(one) for one in made] == [answer_of(one) for one in whole]


def test_an_answer_longer_than_the_window_is_cut_at_its_end(tokenizer: ChatTokenizer) -> None:
    long = " ".join(f"w{number}" for number in range(300))
    made = tokenise_answers("doc", asked("go on " * 50), [long, "no"], tokenizer, 64)
    whole = tokenise_answers("doc", asked("go"), [long], tokenizer, 9999)
    assert prompt_of(made[0]) == prompt_of(made[1])
    assert len(made[0].tokens) == 64
    assert answer_of(made[0]) == answer_of(whole[0])[: made[0].targets]
    assert made[0].targets >= 48
    assert made[1].tokens[-1] in tokenizer.eos_ids


def test_a_template_that_writes_answers_otherwise_gets_the_same_prompt_for_both() -> None:
    class Thoughtful:
        """Asks for an answer with a token that it leaves out once the answer is there."""

        eos_ids = frozenset({2})

        def encode(self, text: str) -> list[int]:
            return [10 + len(word) for word in text.split()]

        def render(self, messages: tuple[Message, ...], generation_prompt: bool) -> list[int]:
            tokens = [token for message in messages for token in (*self.encode(message.content), 2)]
            return [*tokens, 5] if generation_prompt else tokens

    made = tokenise_answers("doc", asked("a bb"), ["ccc dddd", "a"], Thoughtful(), 50)  # type: ignore[arg-type]
    assert [prompt_of(one) for one in made] == [(11, 12, 2, 5)] * 2
    assert [answer_of(one) for one in made] == [(13, 14, 2), (11, 2)]


def test_mismatched_answers_come_from_other_prompts_each_once() -> None:
    prompts = [asked(name) for name in "aabbbcdefa"]
    partners = mismatches(prompts)
    assert sorted(partners) == list(range(len(prompts)))
    assert all(prompts[place] != prompts[partner] for place, partner in enumerate(partners))
    assert mismatches(prompts) == partners
    assert mismatches([]) == []
    alike = mismatches([asked("a")] * 4)
    assert all(place != partner for place, partner in enumerate(alike))


def test_a_rating_carries_the_answer_of_another_prompt(tokenizer: ChatTokenizer) -> None:
    rated = [Rating("d1", asked("first"), "one", True, 2), Rating("d2", asked("second"), "two", False)]
    first, second = tokenise_ratings(rated, tokenizer, 100)
    assert (first.good, first.version, second.good, second.version) == (True, 2, False, None)
    assert prompt_of(first.mismatched) == prompt_of(first.answer) != prompt_of(second.answer)
    assert answer_of(first.mismatched) == answer_of(second.answer)
    assert answer_of(second.mismatched) == answer_of(first.answer)


def test_a_rating_alone_has_no_mismatch(tokenizer: ChatTokenizer) -> None:
    (only,) = tokenise_ratings([Rating("d", asked("first"), "one", True)], tokenizer, 100)
    assert only.answer.targets > 0
    assert only.mismatched.targets == 0


def test_each_method_takes_the_newest_records_it_can_use(tokenizer: ChatTokenizer) -> None:
    pairs = [PreferencePair(f"p{number}", asked(f"q{number}"), "good", "bad", number) for number in range(4)]
    rated = [Rating("r", asked("r"), "fine", True, 9)]
    dpo = preference_items(PreferenceSettings(max_pairs=3), pairs, rated, tokenizer, 100)
    assert all(isinstance(item, TokenPair) for item in dpo)
    assert [item.version for item in dpo] == [1, 2, 3]
    kto = preference_items(PreferenceSettings(method="kto"), pairs, rated, tokenizer, 100)
    assert [item.good for item in kto if isinstance(item, TokenRating)] == [True, False] * 4 + [True]
    assert [item.version for item in kto] == [0, 0, 1, 1, 2, 2, 3, 3, 9]


def test_groups_hold_every_place_once_and_respect_the_limit() -> None:
    sizes = [3, 9, 2, 2, 2, 30, 1]
    made = groups(sizes, 10)
    assert [place for group in made for place in group] == list(range(len(sizes)))
    assert all(len(group) == 1 or max(sizes[place] for place in group) * len(group) <= 10 for group in made)
    assert made == [[0], [1], [2, 3, 4], [5], [6]]

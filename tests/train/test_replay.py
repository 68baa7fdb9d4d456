"""Replay: the base's own answers, the same for a resumed run, as the share of the loss that was asked for."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest
from backend.small import small_folder

from mlxtwin.backend.adapters import LoraSpec, adapter_arrays, adapter_bytes, attach
from mlxtwin.backend.engine import Loaded, load_base
from mlxtwin.backend.models import describe
from mlxtwin.dataset.examples import Dataset, DatasetReport
from mlxtwin.errors import SealBroken
from mlxtwin.paths import Home
from mlxtwin.records import Example, Message, TokenExample
from mlxtwin.security.crypto import SealedFiles, new_key
from mlxtwin.train.checkpoint import CheckpointFile
from mlxtwin.train.loop import Beside, TrainResult, TrainSettings, train
from mlxtwin.train.recipe import BaseShape, resolve
from mlxtwin.train.replay import FILE, answers_wanted, base_answers, kept_answers, mixed_in, prompts
from mlxtwin.train.session import Session

SETTINGS = TrainSettings(epochs=2, batch_tokens=128, learning_rate=2e-3, warmup=0.1, max_grad_norm=1.0, seed=5)


@pytest.fixture
def loaded(home: Home) -> Loaded:
    folder = small_folder(home.root.parent / "small")
    found = load_base(describe(folder, "small"))
    attach(found.model, LoraSpec(num_layers=2, rank=4), seed=3)
    return found


def nothing(_event: str, /, **_data: Any) -> None:
    pass


def never() -> bool:
    return False


def own(count: int, length: int = 20, weight: float = 1.0) -> list[TokenExample]:
    return [
        TokenExample(f"d{number}", tuple(range(10, 10 + length)), (False, *[True] * (length - 1)), weight)
        for number in range(count)
    ]


def test_the_prompts_are_some_dozens_of_single_lines() -> None:
    found = prompts()
    assert 40 <= len(found) <= 60
    assert len(set(found)) == len(found)
    assert all(prompt == prompt.strip() and 10 < len(prompt) < 100 for prompt in found)


def test_the_base_answers_the_same_for_one_seed_whatever_its_adapter(loaded: Loaded) -> None:
    first = base_answers(loaded, 3, 1, 128, nothing, never)
    bent = [(name, value + 1.0) for name, value in adapter_arrays(loaded.model).items()]
    loaded.model.load_weights(bent, strict=False)
    assert base_answers(loaded, 3, 1, 128, nothing, never) == first
    assert base_answers(loaded, 3, 2, 128, nothing, never) != first


def test_only_answers_are_learned_and_not_that_they_end_where_they_were_cut(loaded: Loaded) -> None:
    """A random base hardly ever ends an answer by itself."""
    answers = base_answers(loaded, 4, 1, 128, nothing, never)
    assert answers
    for answer in answers:
        told = answer.supervised.index(True)
        assert all(answer.supervised[told:])
        assert not set(answer.tokens[told:]) & loaded.tokenizer.eos_ids
        prompt = loaded.tokenizer.decode(answer.tokens[:told])
        assert any(asked in prompt for asked in prompts()[:4])


def test_an_answer_that_ended_by_itself_teaches_that_it_ends(loaded: Loaded) -> None:
    cut = base_answers(loaded, 1, 1, 128, nothing, never)
    assert cut
    told = cut[0].supervised.index(True)
    fourth = cut[0].tokens[told + 3]
    loaded.tokenizer.eos_ids.add(fourth)
    ended = base_answers(loaded, 1, 1, 128, nothing, never)
    assert ended
    end = cut[0].tokens.index(fourth, told) + 1
    assert (ended[0].tokens, ended[0].supervised) == (cut[0].tokens[:end], cut[0].supervised[:end])


def test_an_answer_is_kept_sealed_and_the_same_for_a_resumed_run(loaded: Loaded, home: Home) -> None:
    folder, sealed = home.runs / "one" / "checkpoint", SealedFiles(home, new_key())
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 30

    assert kept_answers(loaded, 3, 1, 128, folder, sealed, nothing, stop) is None
    assert not (folder / FILE).exists()
    first = kept_answers(loaded, 3, 1, 128, folder, sealed, nothing, never)
    assert first
    # Another seed would give other answers: these are read, not made.
    assert kept_answers(loaded, 3, 2, 128, folder, sealed, nothing, never) == first
    stored = (folder / FILE).read_bytes()
    assert b"replay" not in stored
    (folder / FILE).write_bytes(stored[:-1] + bytes([stored[-1] ^ 1]))
    with pytest.raises(SealBroken):
        kept_answers(loaded, 3, 1, 128, folder, sealed, nothing, never)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5])
@pytest.mark.parametrize(("count", "weight"), [(3, 1.0), (400, 0.5), (400, 2.0)])
def test_the_answers_make_their_share_of_the_loss(share: float, count: int, weight: float) -> None:
    person = own(count, weight=weight)
    mixed = mixed_in([replace(answer, document="replay-0") for answer in own(8, 30)], person, share)
    theirs = sum(example.weight * example.targets for example in mixed)
    mine = sum(example.weight * example.targets for example in person)
    assert theirs / (theirs + mine) == pytest.approx(share)
    if count > 3:
        assert mixed[0].weight == pytest.approx(weight, rel=0.5)


def test_no_share_asks_for_nothing_and_little_data_for_few_answers() -> None:
    assert answers_wanted(own(100), 0.0) == 0
    assert mixed_in(own(3), own(100), 0.0) == []
    assert answers_wanted(own(3), 0.1) == 8
    assert answers_wanted(own(100_000), 0.1) == len(prompts())
    assert 8 < answers_wanted(own(300), 0.1) < len(prompts())


def test_what_is_rehearsed_is_trained_on_but_not_counted_among_the_words_of_the_person(home: Home) -> None:
    def run(name: str, beside: Beside) -> tuple[dict[str, Any], int, bytes]:
        found = load_base(describe(home.root.parent / "base", "base"))
        attach(found.model, LoraSpec(num_layers=2, rank=4), seed=3)
        events: dict[str, Any] = {}
        checkpoint = CheckpointFile(home.runs / name, sealed)

        def emit(event: str, /, **data: Any) -> None:
            events[event] = data

        result = train(found.model, own(12), SETTINGS, checkpoint, emit, never, beside=beside)
        return events, result.progress.tokens, adapter_bytes(found.model)

    small_folder(home.root.parent / "base")
    sealed = SealedFiles(home, new_key())
    plain, tokens, adapter = run("plain", Beside())
    rehearsed, counted, other = run("rehearsed", Beside(replay=own(6, 30, 0.5)))
    assert tokens == counted == 2 * sum(example.targets for example in own(12))
    assert plain["train"]["tokens"] == rehearsed["train"]["tokens"]
    assert plain["train"]["examples"] == rehearsed["train"]["examples"] == 12
    assert rehearsed["step"]["tokens"] == counted
    assert rehearsed["step"]["steps"] > plain["step"]["steps"]
    assert adapter != other


def test_a_run_stopped_while_the_base_answers_goes_on_to_the_same_bytes(home: Home) -> None:
    base = describe(small_folder(home.root.parent / "base"), "base")
    written = {"num_layers": 2, "epochs": 2, "max_seq_length": 96, "batch_tokens": 128, "replay": {"share": 0.3}}
    recipe = resolve(written, {}, BaseShape(32, 3, 256)).recipe
    made = tuple(
        Example(
            f"d{number}", "reply", (Message("user", f"Number {number}?"), Message("assistant", "so " * 9)), 1, "train"
        )
        for number in range(8)
    )
    dataset = Dataset(made, made[:2], DatasetReport({}, {}, {}, {}, {}, {}))
    key = new_key()
    spec = {"recipe": recipe.model_dump(mode="json"), "base": asdict(base), "parent": None}

    def run(name: str, calls: int) -> tuple[TrainResult, int, bytes]:
        """Stops at that call; with it the number of calls there were."""
        own = Home(home.root / name)
        session = Session.open(spec, dataset, own.runs / "one" / "checkpoint", SealedFiles(own, key))
        left = [calls]

        def stop() -> bool:
            left[0] -= 1
            return left[0] < 0

        return session.train(nothing, stop), calls - left[0], session.adapter()

    whole, calls, adapter = run("never", 10**6)
    assert not whole.stopped
    first, _, _ = run("stopped", 60)
    assert first.stopped and first.progress.step == 0
    assert not (home.root / "stopped" / "runs" / "one" / "checkpoint" / FILE).exists()
    second, _, _ = run("stopped", calls - 3)
    assert second.stopped and 0 < second.progress.step < whole.progress.step
    last, _, same = run("stopped", 10**6)
    assert (last.progress.step, last.progress.tokens) == (whole.progress.step, whole.progress.tokens)
    assert same == adapter

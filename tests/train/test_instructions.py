"""Requests written by the base: only where it proves able or is told to, sealed, and the same for a resumed run."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest
from backend.small import small_folder

from mlxtwin.backend.adapters import LoraSpec, attach
from mlxtwin.backend.engine import Loaded, load_base
from mlxtwin.backend.models import describe, starter
from mlxtwin.dataset.examples import Dataset, DatasetReport, asked_by
from mlxtwin.errors import SealBroken
from mlxtwin.paths import Home
from mlxtwin.records import Example, Message
from mlxtwin.security.crypto import SealedFiles, new_key
from mlxtwin.train import instructions
from mlxtwin.train.instructions import FILE, MARGIN_NATS, TRIED, Ability, Instructor, ability
from mlxtwin.train.loop import TrainResult
from mlxtwin.train.recipe import BaseShape, resolve
from mlxtwin.train.session import Session

WORDS = ["rye", "salt", "oven", "stone", "crumb", "crust", "leaven", "water", "flour", "patience"]


def text(number: int) -> Example:
    said = " ".join(WORDS[(number + place) % len(WORDS)] for place in range(20))
    return Example(
        f"d{number}", "instruct", (Message("user", "Write a note."), Message("assistant", said)), 1, "train", 1.0,
        "template",
    )  # fmt: skip


TEXTS = [text(number) for number in range(20)]


def nothing(_event: str, /, **_data: Any) -> None:
    pass


def never() -> bool:
    return False


@pytest.fixture
def loaded(home: Home) -> Loaded:
    found = load_base(describe(small_folder(home.root.parent / "small"), "small"))
    attach(found.model, LoraSpec(num_layers=2, rank=4), seed=3)
    return found


@pytest.fixture
def able(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A base that says what is asked for; the texts it was shown."""
    shown: list[str] = []

    def says(_loaded: Loaded, messages: tuple[Message, ...], **_more: Any) -> Any:
        shown.append(messages[-1].content)
        return Said([f"Write about {messages[-1].content.split()[7]}."])

    class Said(list[str]):
        ended = "end"

    monkeypatch.setattr(instructions, "generate", says)
    return shown


def saving(_self: Instructor, example: Example) -> float:
    """Nats that fall with a request that is of the text's own words."""
    named = example.messages[0].content.rsplit(" ", 1)[-1].rstrip(".")
    return 2.0 if example.messages[1].content.startswith(named) else 3.0


def instructor(loaded: Loaded, home: Home, key: bytes, emit: Any = nothing) -> Instructor:
    return Instructor(loaded, 128, home.runs / "one" / "checkpoint", SealedFiles(home, key), emit)


@pytest.mark.parametrize(
    ("found", "able"),
    [
        (Ability(8, 8, 0.2), True),
        (Ability(8, 6, MARGIN_NATS), True),
        (Ability(8, 5, 0.2), False),
        (Ability(8, 8, MARGIN_NATS - 0.001), False),
        (Ability(8, 8, -1.0), False),
        (Ability(1, 1, 0.2), True),
        (Ability(1, 0, 0.0), False),
        (Ability(0, 0, 0.0), False),
    ],
)
def test_a_base_is_able_whose_requests_obey_and_make_the_texts_likelier(found: Ability, able: bool) -> None:
    assert found.able == able


def test_what_a_request_saves_is_counted_over_the_texts_that_got_one() -> None:
    def write(example: Example) -> str:
        return "" if example.document == "d0" else f"Write about {example.document}."

    def nats(example: Example) -> float:
        if example.asked_by == "template":
            return 3.0
        right = example.messages[0].content == write(example)
        return 3.0 - 0.1 * int(example.document[1:]) if right else 2.9 - generic

    generic = 0.0
    found = ability(TEXTS[:4], write, nats)
    assert (found.tried, found.obeyed) == (4, 3)
    assert found.gain_nats == pytest.approx(0.1)
    assert ability(TEXTS[2:3], write, nats).gain_nats == pytest.approx(0.2)
    generic = 0.5
    assert ability(TEXTS[:4], write, nats).gain_nats < 0


def test_requests_that_would_do_for_any_text_are_of_no_use() -> None:
    found = ability(TEXTS[:TRIED], lambda one: "Write about bread.", lambda one: 3.0 - (one.asked_by == "base"))
    assert (found.obeyed, found.gain_nats, found.able) == (TRIED, 0.0, False)


def test_the_starter_tries_and_is_not_able(home: Home) -> None:
    loaded = load_base(starter(), training=True)
    writer = instructor(loaded, home, new_key())
    found = ability(TEXTS[:TRIED], lambda one: writer._request(one, never), writer._nats)
    assert found.tried == TRIED
    assert not found.able


def test_a_small_base_is_not_even_asked_unless_the_recipe_says_so(loaded: Loaded, home: Home) -> None:
    writer = instructor(loaded, home, new_key())
    assert not writer.wanted("auto", TEXTS)
    assert not writer.wanted("templates", TEXTS)
    assert writer.wanted("base", TEXTS)
    assert not writer.wanted("base", [replace(one, form="write") for one in TEXTS])
    config = {**loaded.config, "hidden_size": 4096, "num_hidden_layers": 32, "intermediate_size": 11008}
    large = replace(writer, loaded=replace(loaded, config=config))
    assert large.wanted("auto", TEXTS)
    assert not large.wanted("templates", TEXTS)


def test_a_base_that_fails_its_trial_writes_nothing_and_says_so(loaded: Loaded, home: Home) -> None:
    told: dict[str, Any] = {}
    writer = instructor(loaded, home, new_key(), lambda event, /, **data: told.update({event: data}))
    assert writer.kept("auto", TEXTS, never) == {}
    assert told["instructed"]["able"] is False
    assert (told["instructed"]["texts"], told["instructed"]["tried"], told["instructed"]["base"]) == (20, TRIED, 0)


def test_an_able_base_writes_for_every_text_and_what_it_says_is_kept_sealed(
    loaded: Loaded, home: Home, able: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Instructor, "_nats", saving)
    key = new_key()
    writer = instructor(loaded, home, key)
    written = writer.kept("auto", TEXTS, never)
    assert written and set(written) == set(range(20))
    assert all(said.startswith("Write about ") for said in written.values())
    assert len(able) == TRIED + 20
    stored = (writer.folder / FILE).read_bytes()
    assert b"Write about" not in stored
    told: list[str] = []
    again = instructor(loaded, home, key, lambda event, /, **_: told.append(event))
    assert again.kept("auto", TEXTS, never) == written
    assert (len(able), told, (writer.folder / FILE).read_bytes()) == (TRIED + 20, [], stored)
    (writer.folder / FILE).write_bytes(stored[:-1] + bytes([stored[-1] ^ 1]))
    with pytest.raises(SealBroken):
        writer.kept("auto", TEXTS, never)


@pytest.mark.parametrize("calls", [0, 3, TRIED + 1, TRIED + 17, TRIED + 19])
def test_a_base_stopped_while_it_writes_goes_on_where_it_was(
    loaded: Loaded, home: Home, able: list[str], monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    monkeypatch.setattr(Instructor, "_nats", saving)
    key = new_key()
    assert instructor(loaded, home, key).kept("auto", TEXTS, lambda: len(able) > calls) is None
    before = len(able)
    written = instructor(loaded, home, key).kept("auto", TEXTS, never)
    assert written and set(written) == set(range(20))
    # The trial is made once, unless it was stopped; the request that was being written is written again.
    assert len(able) == before + (TRIED + 20 if calls < TRIED else TRIED + 20 - calls)


def test_a_bound_on_what_is_written_is_spread_over_all_texts(
    loaded: Loaded, home: Home, able: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instructions, "MOST_WRITTEN", 5)
    written = instructor(loaded, home, new_key()).kept("base", TEXTS, never)
    assert written and sorted(written) == [0, 4, 8, 12, 16]
    assert len(able) == 5


def test_a_run_learns_from_the_requests_of_the_base_and_a_stopped_one_ends_with_the_same_bytes(
    home: Home, able: list[str]
) -> None:
    base = describe(small_folder(home.root.parent / "base"), "base")
    written = {"num_layers": 2, "epochs": 2, "max_seq_length": 96, "batch_tokens": 128, "early_stop": {"share": 0}}
    dataset = Dataset(tuple(TEXTS), tuple(TEXTS[:2]), DatasetReport({}, {}, {}, {}, {}, {}))
    key = new_key()

    def run(name: str, setting: str, calls: int) -> tuple[TrainResult, int, Session]:
        """Stops at that call; with it the number of calls there were."""
        recipe = resolve(written | {"data": {"instructions": setting}}, {}, BaseShape(32, 3, 256)).recipe
        spec = {"recipe": recipe.model_dump(mode="json"), "base": asdict(base), "parent": None}
        own = Home(home.root / name)
        session = Session.open(spec, dataset, own.runs / "one" / "checkpoint", SealedFiles(own, key))
        left = [calls]

        def stop() -> bool:
            left[0] -= 1
            return left[0] < 0

        return session.train(nothing, stop), calls - left[0], session

    _, _, templates = run("templates", "templates", 10**6)
    whole, calls, session = run("never", "base", 10**6)
    assert asked_by(session.dataset.train) == {"base": 20}
    assert asked_by(templates.dataset.train) == {"template": 20}
    assert session.dataset.holdout == dataset.holdout
    assert session.adapter() != templates.adapter()
    first, _, _ = run("stopped", "base", 7)
    assert first.stopped and first.progress.step == 0
    assert (home.root / "stopped" / "runs" / "one" / "checkpoint" / FILE).exists()
    second, _, _ = run("stopped", "base", calls - 10)
    assert second.stopped and 0 < second.progress.step < whole.progress.step
    last, _, again = run("stopped", "base", 10**6)
    assert (last.progress.step, last.progress.tokens) == (whole.progress.step, whole.progress.tokens)
    assert again.adapter() == session.adapter()

"""Requests that a base writes: which texts get one, what may be said, and that nothing else of an example changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlxtwin.dataset.examples import Dataset, DatasetReport, Wanted, asked_by, assemble
from mlxtwin.dataset.instructions import asked, instruction, open_to, question, with_instructions
from mlxtwin.records import Example, Message

from .people import document, kept, own, prose, quoted

TEXT = "I baked the rye again today and it came out sour, close and as black as the stone it lay on."
PLAIN = Example(
    "d", "instruct", (Message("user", "Write a note."), Message("assistant", TEXT)), 1, "train", 1.0, "template"
)
NOTES = Wanted(frozenset(("note",)), {1: 1.0}, 0.1)


def test_only_single_texts_that_nothing_is_known_of_are_open_to_a_request_of_the_base() -> None:
    titled = document("note", own(prose(1, 40)), title="Boats", key="a")
    clip = document("note", quoted("They say so."), own(prose(2, 40)), key="b")
    long = document("note", own(prose(3, 700)), key="c")
    bare = [document("note", own(prose(10 + n, 60)), key=f"n{n}") for n in range(20)]
    dataset = assemble(kept([titled, clip, long, *bare]), NOTES)
    chosen = {dataset.train[place].document for place in open_to(dataset.train)}
    train = {one.document for one in dataset.train}
    assert chosen == train - {titled.id}
    assert all(dataset.train[place].form == "instruct" for place in open_to(dataset.train))
    assert dataset.report.asked_by == {"template": len(dataset.train) + len(dataset.holdout)}


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("Tell me how the bread came out today.", "Tell me how the bread came out today."),
        ("  “Describe the bread you baked today.”\n", "Describe the bread you baked today."),
        ("How did the rye turn out?", "How did the rye turn out?"),
        ("Describe the loaf of 3.5 pounds", "Describe the loaf of 3.5 pounds"),
        ("请告诉我今天的面包怎么样。", "请告诉我今天的面包怎么样。"),
        ("", ""),
        ("Bread.", ""),
        ("Tell me about the bread. And the stone.", ""),
        ("Tell me about the bread!\nIt is a request.", ""),
        ("Say that I baked the rye again today and it came out well.", ""),
        ("Say that i BAKED the rye, again today: and it came out well.", ""),
        ("Say that I baked the rye again today or not.", "Say that I baked the rye again today or not."),
        (" ".join(f"word{number}" for number in range(41)), ""),
        ("bread bread bread bread bread oven.", ""),
        (f"Tell me {'x' * 400}.", ""),
    ],
)
def test_an_instruction_is_one_sentence_that_copies_no_eight_words(said: str, taken: str) -> None:
    assert instruction(said, PLAIN) == taken


def test_a_base_is_shown_the_beginning_of_a_long_text() -> None:
    long = replace(PLAIN, messages=(PLAIN.messages[0], Message("assistant", prose(5, 900))))
    (shown,) = question(long)
    assert shown.role == "user"
    first = long.messages[1].content.split()[:100]
    assert " ".join(first) in " ".join(shown.content.split())
    assert len(shown.content.split()) < 260
    assert TEXT in question(PLAIN)[0].content


def test_what_an_instruction_is_about_stays_with_it() -> None:
    given = "They say so.\n\nAnd more."
    clip = replace(PLAIN, messages=(Message("user", f"Write a note.\n\n{given}"), PLAIN.messages[1]))
    new = asked(clip, "Say what you think of this.")
    assert new.messages == (Message("user", f"Say what you think of this.\n\n{given}"), PLAIN.messages[1])
    assert replace(new, messages=clip.messages, asked_by="template") == clip


def test_the_dataset_counts_who_wrote_what_and_its_hold_out_stays_as_it_was() -> None:
    dataset = assemble(kept([document("note", own(prose(n, 60)), key=f"n{n}") for n in range(30)]), NOTES)
    first, *_, last = open_to(dataset.train)
    written = with_instructions(dataset, {first: "Tell me of the boat.", last: "Tell me of the bread."})
    assert asked_by(written.train) == {"base": 2, "template": len(dataset.train) - 2}
    assert written.train[first].messages[0].content == "Tell me of the boat."
    assert written.holdout_digest() == dataset.holdout_digest()
    assert written.digest() != dataset.digest()
    assert Dataset.from_bytes(written.to_bytes()) == written


def test_a_dataset_of_an_earlier_version_is_read_as_it_was() -> None:
    dataset = Dataset((PLAIN,), (PLAIN,), DatasetReport({}, {}, {}, {}, {}, {}))
    old = dataset.to_bytes().replace(b'"asked_by":"template",', b"").replace(b'"asked_by":{},', b"")
    assert b"asked_by" not in old
    assert Dataset.from_bytes(old).train[0] == replace(PLAIN, asked_by="")

"""Transcripts: who speaks, where a stretch ends, and what is no speech."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.speech import MOST_TURNS
from mlxtwin.sources.transcript import Transcript

ANN = Person.of(["ann lee"])
BOLD = """# The bread show

Our guest today bakes.

**Ann Lee:** Welcome! \\[laughs\\]

\\[04:22\\] So, how did it begin?

**Bob:** With flour: and water \\[unintelligible 00:05:22.15\\] too.

**Break:** \\[08:10\\]

**Ann Lee:** Go on.

**Bob:** I did.
"""


def read(root: Path, text: str, name: str = "show.md", person: Person = ANN) -> list[Document]:
    file = root / name
    file.write_text(text, encoding="utf-8")
    return list(Transcript().read(file, root, person))


def test_bold_names_mark_the_turns(tmp_path: Path) -> None:
    (document,) = read(tmp_path, BOLD)
    assert document.title == "The bread show"
    assert [(turn.author, turn.mine, turn.role, turn.text) for turn in document.turns] == [
        ("Ann Lee", True, "own", "Welcome!\n\nSo, how did it begin?"),
        ("Bob", False, "received", "With flour: and water … too."),
        ("Ann Lee", True, "own", "Go on."),
        ("Bob", False, "received", "I did."),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "{}: {}",
        "[00:10] {}: {}",
        "00:00:10 {}: {}",
        "{} (00:10): {}",
        "**{}**: {}",
        "**[00:10] {}:** {}",
        "**{}** [00:10]: {}",
    ],
)
def test_names_are_found_in_every_usual_style(tmp_path: Path, line: str) -> None:
    talk = [
        ("Ann Lee", "Hi."),
        ("Bob", "Oh: hi."),
        ("Ann Lee", "Well?"),
        ("Bob", "No."),
        ("Ann Lee", "So."),
        ("Bob", "Bye."),
    ]
    text = "\n".join(line.format(*one) for one in talk)
    (document,) = read(tmp_path, text, "talk.txt")
    assert [(turn.author, turn.text) for turn in document.turns] == talk
    assert Transcript().recognises(tmp_path / "talk.txt") > 0.8


def test_a_colon_inside_bold_style_speech_is_speech(tmp_path: Path) -> None:
    (document,) = read(tmp_path, "**Ann Lee:** Two things.\nFlour: white.\n\n**Bob:** Yes.")
    assert document.turns[0].text == "Two things.\nFlour: white."


def test_notes_with_bold_labels_are_no_transcript(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text("I baked.\n\n**Note:** hot.\n\nAnd then.\n\n**Warning:** very hot.\n\n**Note:** again.\n")
    assert Transcript().recognises(file) == 0


def test_mail_headers_are_no_speakers(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("From: a\nTo: b\nSubject: c\nFrom: d\nTo: e\nSubject: f\nFrom: g\nTo: h\n")
    assert Transcript().recognises(file) == 0


def test_a_long_talk_is_cut_where_the_other_begins(tmp_path: Path) -> None:
    text = "\n\n".join(f"**{'Bob' if turn % 2 else 'Ann Lee'}:** Turn {turn}." for turn in range(201))
    documents = read(tmp_path, text)
    assert all(len(document.turns) <= MOST_TURNS for document in documents)
    assert all(document.turns[0].author == "Bob" for document in documents[1:])
    assert sum(len(document.turns) for document in documents) == 201
    assert len({document.id for document in documents}) == len(documents)


def test_a_talk_without_the_person_is_dropped_as_not_theirs(tmp_path: Path) -> None:
    (document,) = read(tmp_path, BOLD, person=Person.of(["Ann"]))
    assert (document.drop, document.words_by_me) == ("not by me", 0)


def test_authors_come_with_every_turn(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(BOLD)
    assert Counter(Transcript().authors(tmp_path / "a.md")) == {"Ann Lee": 2, "Bob": 2}


def test_a_file_without_speakers_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"a\.md names no speakers"):
        read(tmp_path, "Just prose.", "a.md")


@pytest.mark.parametrize("mark", ["#", "##", "###"])
def test_text_under_a_heading_after_speech_is_nobodys(tmp_path: Path, mark: str) -> None:
    text = f"**Bob:** Well?\n\n**Ann Lee:** I wait.\n\n{mark} Show notes\n\nBuy flour here.\n\n**Ann Lee:** Bye."
    (document,) = read(tmp_path, text)
    assert [(turn.author, turn.mine, turn.text) for turn in document.turns][1:] == [
        ("Ann Lee", True, "I wait."),
        ("", False, "Buy flour here."),
        ("Ann Lee", True, "Bye."),
    ]


@pytest.mark.shared
def test_fifty_real_interviews_give_the_hosts_words(shared: Path) -> None:
    folder = shared / "people/stacoviak"
    files = sorted(folder.iterdir())
    assert all(Transcript().recognises(file) > 0.8 for file in files)
    documents = [one for file in files for one in Transcript().read(file, folder, Person.of(["Adam Stacoviak"]))]
    assert 195_000 < sum(document.words_by_me for document in documents) < 215_000
    assert not any("[0" in turn.text or turn.author == "Break" for one in documents for turn in one.turns)


@pytest.mark.parametrize(
    "head", ["{0}  {1}", "[{0}] {1}", "{0} ({1}):", "{0} [{1}]", "{1} {0}", "[{1}] {0}:", "{0} {1} AM"]
)
def test_a_name_and_a_time_on_a_line_of_their_own_begin_a_turn(tmp_path: Path, head: str) -> None:
    talk = [
        ("Ann Lee", "Hi there."), ("Bob", "Oh: hi."), ("Ann Lee", "Well?"), ("Bob", "No."), ("Ann Lee", "So."),
        ("Bob", "Bye."),
    ]  # fmt: skip
    text = "\n\n".join(f"{head.format(name, f'10:0{number}')}\n{words}" for number, (name, words) in enumerate(talk))
    (document,) = read(tmp_path, text, "talk.txt")
    assert [(turn.author, turn.text) for turn in document.turns] == talk
    assert Transcript().recognises(tmp_path / "talk.txt") > 0.8


def test_what_a_speaker_says_may_hold_a_colon_and_several_paragraphs(tmp_path: Path) -> None:
    text = "Ann Lee 0:01\n\nTwo things.\nFlour: white.\n\nAnd salt.\n\nBob 0:09\nYes.\n"
    (document,) = read(tmp_path, text, "talk.txt")
    assert [(turn.author, turn.text) for turn in document.turns] == [
        ("Ann Lee", "Two things.\nFlour: white.\n\nAnd salt."), ("Bob", "Yes."),
    ]  # fmt: skip


def test_a_line_with_a_time_inside_a_transcript_with_labels_is_speech(tmp_path: Path) -> None:
    text = "Ann Lee: We met at\nBerlin 10:30\nand left.\n\nBob: Yes.\n"
    (document,) = read(tmp_path, text, "talk.txt")
    assert [turn.author for turn in document.turns] == ["Ann Lee", "Bob"]
    assert "Berlin" in document.turns[0].text


def test_a_timetable_is_no_transcript(tmp_path: Path) -> None:
    lines = [f"{place} 10:{number:02d}\nPlatform {number}" for number, place in enumerate(["Berlin", "Rome", "Oslo"])]
    (tmp_path / "trains.txt").write_text("\n\n".join(lines))
    assert Transcript().recognises(tmp_path / "trains.txt") == 0

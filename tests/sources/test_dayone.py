"""Day One: an entry a Document, with its moment, its title and the person's words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.dayone import DayOne
from mlxtwin.sources.registry import match

NOBODY = Person.of([])


def export(root: Path, *entries: Any) -> Path:
    file = root / "Journal.json"
    file.write_text(json.dumps({"metadata": {"version": "1.0"}, "entries": list(entries)}), encoding="utf-8")
    return file


def read(root: Path, *entries: Any) -> list[Document]:
    return list(DayOne().read(export(root, *entries), root, NOBODY))


def entry(text: str = "I baked.", **more: Any) -> dict[str, Any]:
    return {"uuid": "A1", "creationDate": "2024-03-02T23:30:00Z", "text": text, **more}


def rich(*contents: dict[str, Any]) -> dict[str, Any]:
    return {"uuid": "A1", "richText": json.dumps({"meta": {"version": 1}, "contents": list(contents)})}


def test_an_entry_is_found_by_its_fields_under_any_name(tmp_path: Path) -> None:
    file = export(tmp_path, entry(timeZone="Europe/Berlin", starred=False)).rename(tmp_path / "x")
    importer = match(file)
    assert importer and importer.name == "dayone"
    file.write_text(json.dumps({"entries": [{"uuid": "1", "creationDate": "2024", "text": "x"}]}))
    assert DayOne().recognises(file) == 0


def test_the_moment_is_told_on_the_clock_of_the_place(tmp_path: Path) -> None:
    (document,) = read(tmp_path, entry(timeZone="Europe/Berlin"))
    assert document.at == datetime(2024, 3, 2, 23, 30, tzinfo=UTC)
    assert document.at and f"{document.at:%Y-%m-%dT%H:%M}" == "2024-03-03T00:30"


@pytest.mark.parametrize("zone", ["Nowhere/Here", "../../etc/passwd", "/etc/localtime", "", 5, None, "a" * 400])
def test_an_unknown_zone_leaves_the_moment_as_it_is(tmp_path: Path, zone: Any) -> None:
    (document,) = read(tmp_path, entry(timeZone=zone))
    assert document.at == datetime(2024, 3, 2, 23, 30, tzinfo=UTC)


def test_escapes_media_and_marks_are_no_words_and_line_breaks_stay(tmp_path: Path) -> None:
    text = "# On rye\\!\n\n![](dayone-moment:/video/AB)\n\n"
    text += "\ufffcIt rose\\.\\.\\.\nIn 1\\. line\u2028or two\n\n- \\#one\n- two"
    (document,) = read(tmp_path, entry(text))
    assert (document.title, document.own_text) == ("On rye!", "It rose...\nIn 1. line\nor two\n\n- #one\n- two")


@pytest.mark.parametrize(
    ("text", "title", "words"),
    [
        ("I baked.\nIt rose.", "I baked.", "I baked.\nIt rose."),
        ("# I baked.", "I baked.", "I baked."),
        ("## I baked.\n\n> Bread is dead.", "I baked.", "I baked."),
        ("- rye\n- oats", "rye", "- rye\n- oats"),
        ("![](dayone-moment://AB)", "2024-03-02", ""),
    ],
)
def test_the_first_line_is_the_title(tmp_path: Path, text: str, title: str, words: str) -> None:
    (document,) = read(tmp_path, entry(text))
    assert (document.title, document.own_text) == (title, words)
    assert document.drop == ("" if words else "empty")


def test_a_long_entry_is_one_document(tmp_path: Path) -> None:
    (document,) = read(tmp_path, entry("\n\n".join(f"# Part {n}\n\n{'word ' * 500}" for n in range(4))))
    assert document.words_by_me > 2000


def test_a_quote_is_never_the_persons(tmp_path: Path) -> None:
    (document,) = read(tmp_path, entry("> Bread is dead.\n\nNo."))
    assert [(turn.role, turn.text) for turn in document.turns] == [("quoted", "Bread is dead."), ("own", "No.")]
    (quoted,) = read(tmp_path, entry("> Bread is dead."))
    assert (quoted.drop, quoted.words_by_me) == ("not by me", 0)


def test_rich_text_stands_in_for_text_that_is_missing(tmp_path: Path) -> None:
    found = rich(
        {"attributes": {"line": {"header": 1, "identifier": "x"}}, "text": "On rye"},
        {"embeddedObjects": [{"type": "photo", "identifier": "AB"}]},
        {"text": "\ufffcIt "},
        {"attributes": {"bold": True}, "text": "rose"},
        {"text": " again \\*/.\nTwice.\n"},
        {"attributes": {"line": {"listStyle": "bulleted"}}, "text": "rye\noats"},
        {"attributes": {"line": {"codeBlock": True}}, "text": "print(1)"},
        {"attributes": {"line": {"quote": True}}, "text": "Bread is dead."},
    )
    (document,) = read(tmp_path, found)
    assert document.title == "On rye"
    assert [(turn.role, turn.text) for turn in document.turns] == [
        ("own", "It rose again \\*/.\nTwice.\n\n- rye\n- oats"),
        ("quoted", "Bread is dead."),
    ]


def test_keys_are_the_ids_of_the_entries(tmp_path: Path) -> None:
    found = read(tmp_path, entry(), entry(), {"creationDate": "2024-03-02", "text": "Oats."}, {"text": "Salt."})
    assert [one.key for one in found][:2] == ["A1", "A1.2"]
    assert len({one.id for one in found}) == 4
    assert {one.thread for one in found} == {"Journal"}


@pytest.mark.parametrize("odd", [5, None, [], {}, {"text": 5, "richText": 5}, {"richText": "[" * 9000}, {"uuid": {}}])
def test_odd_values_are_no_crash(tmp_path: Path, odd: Any) -> None:
    documents = read(tmp_path, odd, entry())
    assert documents[-1].own_text == "I baked."


def test_a_file_cut_short_gives_what_came_before_and_says_so(tmp_path: Path) -> None:
    file = export(tmp_path, entry(), {**entry("I ate."), "uuid": "A2"})
    file.write_text(file.read_text()[:-30])
    documents = DayOne().read(file, tmp_path, NOBODY)
    assert next(documents).own_text == "I baked."
    with pytest.raises(SourceError, match=r"Journal\.json is"):
        list(documents)

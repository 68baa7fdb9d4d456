"""Google Keep: notes of a Takeout as JSON, the pages beside them, and what in them is not the person's."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.keep import Keep
from mlxtwin.sources.registry import match

from .cases.keep import NOTE
from .expected_words import missing_and_extra

ANN = Person.of(["ann@example.org"])
PAGE = """<?xml version="1.0" ?><!DOCTYPE html><html><head><title>Bread</title><style>.note {{}}</style></head><body>
<div class="note DEFAULT"><div class="heading"><div class="meta-icons"></div>
Mar 2, 2024, 10:15:00 AM</div>
<div class="title">Bread</div>
<div class="content">{content}</div>
<div class="chips"><span class="chip label"><span class="label-name">kitchen</span></span></div></div></body></html>
"""
TICKED = (
    '<ul class="list"><li class="listitem checked"><span class="bullet">&#9745;</span><span class="text">flour</span>'
    '</li><li class="listitem"><span class="bullet">&#9744;</span><span class="text">a stone</span></li></ul>'
)


def note(folder: Path, name: str = "Bread.json", **changes: Any) -> Path:
    """A note with some fields changed; one that is None is not there."""
    fields = {key: value for key, value in {**NOTE, **changes}.items() if value is not None}
    (folder / name).write_text(json.dumps(fields))
    return folder / name


def read(file: Path, person: Person = ANN) -> list[Document]:
    return list(Keep().read(file, file.parent, person))


def page(folder: Path, content: str, name: str = "Bread.html") -> Path:
    (folder / name).write_text(PAGE.format(content=content))
    return folder / name


def test_a_list_of_things_to_do_is_lines_to_tick(tmp_path: Path) -> None:
    items = [{"text": "flour", "isChecked": True}, {"text": "a stone", "isChecked": False}, {"text": "  "}, 7]
    (document,) = read(note(tmp_path, textContent=None, listContent=items))
    assert document.own_text == "- [x] flour\n- [ ] a stone"


def test_formatted_text_is_read_where_there_is_no_plain_text(tmp_path: Path) -> None:
    (document,) = read(note(tmp_path, textContent=None, textContentHtml="<p><b>Slow</b> bread</p><p>rises</p>"))
    assert document.own_text == "**Slow** bread\n\nrises"


def test_lines_stay_as_they_were_typed_and_capitals_are_no_heading(tmp_path: Path) -> None:
    typed = "CALL ANN\nabout  the mill\n\n#later"
    (document,) = read(note(tmp_path, textContent=typed))
    assert document.own_text == typed


def test_the_title_of_a_note_without_text_is_its_text(tmp_path: Path) -> None:
    (document,) = read(note(tmp_path, textContent="", title="Feed the sourdough"))
    assert (document.title, document.own_text) == ("Feed the sourdough", "Feed the sourdough")


def test_a_note_is_the_same_one_after_it_was_changed(tmp_path: Path) -> None:
    (before,), (after,) = read(note(tmp_path)), read(note(tmp_path, "b.json", title="Rye", textContent="Slower."))
    assert before.id == after.id
    assert after.at == datetime(2024, 3, 2, 10, tzinfo=UTC)


def test_times_that_are_text_or_nonsense_are_taken_or_left(tmp_path: Path) -> None:
    (document,) = read(note(tmp_path, createdTimestampUsec="1709373600000000"))
    assert document.at == datetime(2024, 3, 2, 10, tzinfo=UTC)
    for made in (True, "soon", -1, 10**18 - 1, 1e99, {"a": 1}):
        (document,) = read(note(tmp_path, createdTimestampUsec=made, userEditedTimestampUsec=made))
        assert document.at is None and document.own_text


def test_a_note_in_the_trash_is_kept_from_learning(tmp_path: Path) -> None:
    (document,) = read(note(tmp_path, isTrashed=True))
    assert document.drop == "in the trash"


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("https://example.org/rye", ""),
        ("https://example.org/rye", "Rye, slowly"),
        ("Rye, slowly https://example.org/rye", ""),
        ("", "Rye, slowly"),
    ],
)
def test_a_page_that_was_only_kept_is_a_web_clip(tmp_path: Path, said: str, title: str) -> None:
    pages = [{"source": "WEBLINK", "title": "Rye, slowly", "description": "", "url": "https://example.org/rye"}]
    (document,) = read(note(tmp_path, textContent=said, title=title, annotations=pages))
    assert document.drop == "a web clip"
    assert not document.words_by_me


def test_words_beside_an_address_are_the_persons(tmp_path: Path) -> None:
    pages = [{"source": "WEBLINK", "title": "Rye, slowly", "url": "https://example.org/rye"}]
    (document,) = read(note(tmp_path, textContent="Try this on Sunday: https://example.org/rye", annotations=pages))
    assert not document.drop
    assert "Rye, slowly" not in document.own_text


def test_a_shared_note_is_its_owners(tmp_path: Path) -> None:
    people = [
        {"email": "bob@example.org", "isOwner": True, "type": "WRITER"},
        {"email": "ann@example.org", "isOwner": False, "type": "WRITER"},
    ]
    file = note(tmp_path, sharees=people)
    (theirs,), (mine,) = read(file), read(file, Person.of(["Bob@example.org"]))
    assert (theirs.drop, theirs.words_by_me) == ("not by me", 0)
    assert {turn.author for turn in theirs.turns if turn.role == "received"} == {"bob@example.org"}
    assert mine.words_by_me
    assert list(Keep().authors(file)) == ["bob@example.org"]


def test_the_page_of_a_note_is_passed_over_where_its_json_is_there(tmp_path: Path) -> None:
    note(tmp_path)
    (document,) = read(page(tmp_path, "With patience."))
    assert (document.turns, document.drop) == ((), "the page of a note that is there as JSON")


def test_a_page_alone_is_read(tmp_path: Path) -> None:
    file = page(tmp_path, "With patience<br>and a hot stone.<br><br>" + TICKED)
    importer = match(file)
    assert importer and importer.name == "keep"
    (document,) = read(file)
    assert document.own_text == "With patience\nand a hot stone.\n\n- [x] flour\n- [ ] a stone"
    assert (document.title, document.at) == ("Bread", datetime(2024, 3, 2, 10, 15, tzinfo=UTC))


def test_the_list_of_labels_is_no_note(tmp_path: Path) -> None:
    (tmp_path / "Labels.txt").write_text("kitchen\nbread and other slow food\n")
    other = match(tmp_path / "Labels.txt")
    assert not other or other.name != "keep"
    note(tmp_path)
    importer = match(tmp_path / "Labels.txt")
    assert importer and importer.name == "keep"
    assert [document.drop for document in read(tmp_path / "Labels.txt")] == ["a list of labels"]


def test_other_json_is_not_taken_for_a_note(tmp_path: Path) -> None:
    for data in ({"textContent": "x", "title": "y"}, {"isPinned": True, "isArchived": True, "textContent": "x"}, []):
        (tmp_path / "a.json").write_text(json.dumps(data))
        assert Keep().recognises(tmp_path / "a.json") == 0


@pytest.mark.parametrize("data", ['{"isTrashed": false, "title": ', "[1]", "7", '{"a":' * 3000])
def test_what_is_no_note_is_refused(tmp_path: Path, data: str) -> None:
    (tmp_path / "a.json").write_text(data)
    with pytest.raises(SourceError, match=r"a\.json"):
        read(tmp_path / "a.json")


@pytest.mark.shared
def test_the_words_of_real_notes_are_those_another_program_found(shared: Path) -> None:
    folder = shared / "exports" / "notes" / "tests" / "keep"
    read_files = 0
    for file in sorted((folder / "notes").glob("*.json")):
        (expected,) = (folder / "notes" / "expected" / file.stem).glob("*.md")
        missing, extra = missing_and_extra(expected.read_text(), read(file))
        # The other program takes signs that no tag may have out of what was typed.
        assert (missing, extra) in (([], []), (["labelWithSymbols"], ["Symbols", "labelWith"])), file
        read_files += 1
    assert read_files == 13
    with pytest.raises(SourceError, match="broken-json-note"):
        read(folder / "broken-json-note.json")
    assert read(folder / "invalid-keep-json-note.json")[0].own_text

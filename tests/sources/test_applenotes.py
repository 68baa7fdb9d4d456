"""Apple's Notes: styles as Markdown, quotes apart, what is deleted, locked or shared left out with its reason."""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources import applenotes_text
from mlxtwin.sources.applenotes import AppleNotes
from mlxtwin.sources.applenotes_text import Damaged, paragraphs, parts

from .cases.applenotes import field, keep, new_database, packed, run

QUICK = settings(max_examples=60, deadline=None, database=None, derandomize=True)


def read(database: sqlite3.Connection, folder: Path) -> list[Document]:
    file = folder / "NoteStore.sqlite"
    file.write_bytes(database.serialize())
    return list(AppleNotes().read(file, folder, Person.of(())))


def markdown(*lines: tuple[str, bytes], title: str = "") -> list[tuple[bool, str]]:
    return parts(paragraphs(packed("".join(text for text, _ in lines), *(style for _, style in lines)), {}), title)


def styled(text: str, kind: int = -1, indent: int = 0, done: bool = False, quoted: bool = False) -> tuple[str, bytes]:
    return text, run(text, kind, indent=indent, done=done, quoted=quoted)


def test_headings_lists_and_checklists_become_markdown() -> None:
    lines = [
        styled("Rye\n", 1), styled("Dough\n", 2), styled("Mix it.\n"), styled("flour\n", 100), styled("dark\n", 101, 1),
        styled("wait\n", 102), styled("bake\n", 102), styled("hot\n", 102, 1), styled("eat\n", 102),
        styled("salt\n", 103, done=True), styled("water\n", 103), styled("again\n", 102),
    ]  # fmt: skip
    assert markdown(*lines) == [
        (
            False,
            "## Rye\n### Dough\nMix it.\n- flour\n  - dark\n1. wait\n2. bake\n  1. hot\n3. eat\n- [x] salt\n"
            "- [ ] water\n1. again",
        )
    ]


def test_numbers_start_anew_after_a_paragraph() -> None:
    assert markdown(styled("a\n", 102), styled("b\n"), styled("c\n", 102)) == [(False, "1. a\nb\n1. c")]


def test_quotes_and_code_are_apart() -> None:
    lines = [styled("He said:\n"), styled("Bake slowly.\n", quoted=True), styled("And:\n"), styled("sleep(3600)\n", 4)]
    told = [(False, "He said:"), (True, "Bake slowly."), (False, "And:"), (True, "sleep(3600)")]
    assert markdown(*lines) == told


def test_styles_stay_with_their_lines_after_characters_of_two_units() -> None:
    assert markdown(styled("🥖🥖 brød\n"), styled("𝒃 head\n", 1), styled("plain")) == [
        (False, "🥖🥖 brød\n## 𝒃 head\nplain")
    ]


def test_the_title_is_no_part_of_the_text_unless_it_is_all() -> None:
    assert markdown(styled("Bread\n", 0), styled("It rose."), title="Bread") == [(False, "It rose.")]
    assert markdown(styled("Bread\n", 0), styled("It rose."), title="Other") == [(False, "# Bread\nIt rose.")]
    assert markdown(styled("Bread\n", 0), title="Bread") == [(False, "# Bread")]
    assert markdown(styled("Bread rises.\n"), styled("So."), title="Bread rises.") == [(False, "Bread rises.\nSo.")]


def test_a_soft_break_is_a_break() -> None:
    assert markdown(styled("one\u2028two")) == [(False, "one\ntwo")]


def test_a_note_without_styles_is_its_text() -> None:
    assert parts(paragraphs(packed("one\ntwo"), {}), "") == [(False, "one\ntwo")]


def test_attachments_are_gone_and_tags_are_words(tmp_path: Path) -> None:
    database = new_database()
    text = "See \ufffc and \ufffc."
    runs = [run("See "), run("\ufffc", tag="picture"), run(" and "), run("\ufffc", tag="T-1"), run(".")]
    keep(database, "N-1", packed(text, *runs))
    tag = "com.apple.notes.inlinetextattachment.hashtag"
    database.execute(
        f"INSERT INTO ZICCLOUDSYNCINGOBJECT (ZIDENTIFIER, ZTYPEUTI1, ZALTTEXT) VALUES ('T-1', '{tag}', '#rye')"
    )
    database.commit()
    assert read(database, tmp_path)[0].own_text == "See  and #rye."


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ({"ZMARKEDFORDELETION": 1}, "deleted"),
        ({"ZFOLDER": 2}, "deleted"),
        ({"ZISPASSWORDPROTECTED": 1}, "locked"),
    ],
)
def test_deleted_and_locked_notes_are_left_out_with_the_reason(
    tmp_path: Path, column: dict[str, Any], reason: str
) -> None:
    database = new_database()
    keep(database, "N-1", packed("A secret"), title="A secret", **column)
    document = read(database, tmp_path)[0]
    assert (document.drop, document.title, document.turns) == (reason, "", ())


@pytest.mark.parametrize("column", [{"ZSERVERSHAREDATA": b"share"}, {"ZZONEOWNERNAME": "_bob"}])
def test_a_shared_note_is_context_for_nobody_knows_who_wrote_what(tmp_path: Path, column: dict[str, Any]) -> None:
    database = new_database()
    keep(database, "N-1", packed("Our bread"), **column)
    document = read(database, tmp_path)[0]
    assert (document.drop, document.words_by_me, document.turns[0].role) == ("shared", 0, "received")


def test_a_note_in_the_persons_own_zone_is_theirs(tmp_path: Path) -> None:
    database = new_database()
    keep(database, "N-1", packed("My bread"), ZZONEOWNERNAME="__defaultOwner__")
    assert read(database, tmp_path)[0].own_text == "My bread"


def test_a_note_in_a_shared_folder_is_shared(tmp_path: Path) -> None:
    database = new_database()
    database.execute("UPDATE ZICCLOUDSYNCINGOBJECT SET ZSERVERSHAREDATA = x'00' WHERE Z_PK = 1")
    keep(database, "N-1", packed("Our bread"), ZZONEOWNERNAME="__defaultOwner__")
    assert read(database, tmp_path)[0].drop == "shared"


def test_a_note_is_the_same_on_every_device(tmp_path: Path) -> None:
    first, second = new_database(), new_database()
    keep(first, "N-1", packed("Rye"))
    keep(second, "N-0", packed("Wheat"))
    keep(second, "N-1", packed("Rye"))
    assert read(first, tmp_path)[0].id in {document.id for document in read(second, tmp_path)}


def test_a_damaged_note_is_told_after_the_others_are_read(tmp_path: Path) -> None:
    database = new_database()
    keep(database, "N-1", b"no archive at all")
    keep(database, "N-2", packed("Rye"))
    keep(database, "N-3", packed("cut " * 100)[:-20])
    file = tmp_path / "NoteStore.sqlite"
    file.write_bytes(database.serialize())
    found = AppleNotes().read(file, tmp_path, Person.of(()))
    assert next(found).own_text == "Rye"
    with pytest.raises(SourceError, match="2 notes whose text cannot be read"):
        next(found)


def test_an_empty_note_is_dropped_as_empty(tmp_path: Path) -> None:
    database = new_database()
    keep(database, "N-1", None)
    keep(database, "N-2", packed("\n\ufffc\n"))
    assert [document.drop for document in read(database, tmp_path)] == ["empty", "empty"]


def test_a_note_that_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applenotes_text, "MOST_NOTE_BYTES", 10_000)
    with pytest.raises(Damaged):
        paragraphs(packed("rye " * 10_000), {})


def test_a_note_whose_end_is_missing_is_damaged() -> None:
    with pytest.raises(Damaged):
        paragraphs(packed("Rye")[:-4], {})


@pytest.mark.parametrize("data", [b"\x80" * 20, b"\x12\xff\xff\xff\x7f", b"\x0b\x0c", b"\x12", b"\x09\x01"])
def test_a_message_that_is_no_message_is_damaged(data: bytes) -> None:
    with pytest.raises(Damaged):
        paragraphs(gzip.compress(data), {})


@QUICK
@given(st.binary(max_size=400), st.binary(max_size=100))
def test_whatever_a_note_holds_it_is_read_or_damaged(note: bytes, style: bytes) -> None:
    for data in (note, field(2, field(3, note)), field(2, field(3, field(2, b"a\nb") + field(5, style)))):
        try:
            parts(paragraphs(gzip.compress(data), {}), "")
        except Damaged:
            continue


def test_a_long_note_of_many_runs_is_read_in_one_pass() -> None:
    line = "bread \ufffc\n"
    told = paragraphs(packed(line * 20_000, *[run(line, 100)] * 20_000), {})
    assert len(told) == 20_001 and told[19_999].style.kind == 100


def test_a_database_of_older_systems_without_some_columns_is_read(tmp_path: Path) -> None:
    database = new_database()
    keep(database, "N-1", packed("Rye"))
    for column in ("ZIDENTIFIER", "ZSERVERSHAREDATA", "ZZONEOWNERNAME", "ZTYPEUTI1", "ZFOLDERTYPE"):
        database.execute(f"ALTER TABLE ZICCLOUDSYNCINGOBJECT DROP COLUMN {column}")
    assert read(database, tmp_path)[0].own_text == "Rye"


@pytest.mark.shared
def test_a_database_of_another_project_is_read(shared: Path) -> None:
    file = shared / "exports/applenotes/tests/fixtures/NoteStore.sqlite"
    documents = {one.title: one for one in AppleNotes().read(file, file.parent, Person.of(()))}
    assert AppleNotes().recognises(file) > 0.9
    assert len(documents) == 14
    assert documents[""].drop == "locked"
    assert documents["Todo List"].own_text.startswith("- [x] Buy groceries\n- [ ] Clean house")
    assert documents["Lists Note"].own_text.endswith("  - Nested bullet\n1. First numbered\n2. Second numbered")
    assert documents["Headings Test"].own_text == "## Main Section\n### Sub Section\nBody text here."
    assert documents["Links Note"].own_text == "Visit Example for more info.\nAlso check Other Site."
    assert [turn.text for turn in documents["Quotes Note"].turns if turn.role == "quoted"] == ["To be or not to be."]
    assert documents["Large Note"].words_by_me > 5000

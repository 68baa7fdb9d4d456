"""Whose a document is: what the names in it decide, and what holds of every packed or marked-up file."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.blocks import Block
from mlxtwin.sources.document_text import AUTHOR_UNKNOWN, Part, Writing, by_program, claimed, documents, named
from mlxtwin.sources.packed import unpacked
from mlxtwin.sources.xml_stream import events

from .making import zipped

ANN = Person.of(["Ann Baker", "ann@example.org"])
TEXT = Block("text", "With patience and a hot stone.")


def made(writing: Writing, *blocks: Block, person: Person = ANN) -> list[Document]:
    return list(documents(iter(blocks or (TEXT,)), writing, source="pdf", path="a/b.pdf", person=person))


@pytest.mark.parametrize(
    "author",
    ["Ann Baker", "ann  baker", "Baker, Ann", "Ann Baker <ann@example.org>", "ann@example.org", "Ann Baker (Bakery)"],
)
def test_a_name_of_the_persons_makes_a_document_theirs(author: str) -> None:
    (document,) = made(Writing(authors=(author,)))
    assert document.own_text == TEXT.text and not document.drop


@pytest.mark.parametrize(
    "author",
    [
        "Bob Miller", "Ann Baker; Bob Miller", "Bob & Ann Baker", "Ann Baker and Bob", "Ann Baker, Bob Miller",
        "Ann Baker <ann@example.org>, Bob <bob@example.org>", "Ann Baker (Bakery), Bob (Mill)", "Bob (Ann Baker)",
    ],
)  # fmt: skip
def test_anothers_name_makes_it_received_also_beside_the_persons(author: str) -> None:
    (document,) = made(Writing(authors=(author,)))
    assert not document.own_text and document.drop == "not by me"
    assert document.turns[0].author == author and document.turns[0].role == "received"


def test_without_a_name_only_what_people_write_themselves_is_theirs() -> None:
    (found,), (written,) = made(Writing()), made(Writing(presumed=True))
    assert (found.own_text, found.drop) == ("", AUTHOR_UNKNOWN)
    assert (written.own_text, written.drop) == (TEXT.text, "")


def test_a_program_is_told_from_a_placeholder_also_with_its_version() -> None:
    assert all(map(by_program, ("python-docx", "calibre (6.0) [https://x]", "Apache POI", "pandoc 3.1", "openpyxl")))
    assert not by_program("user", "Admin", "", "Microsoft Office User", "LibreOffice", "Ann Baker", "Pandora")
    assert named("calibre (6.0.1)", "Ann Baker") == ("Ann Baker",)


def test_a_presumed_document_with_anothers_name_is_not_the_persons() -> None:
    (document,) = made(Writing(authors=("Bob",), presumed=True))
    assert document.drop == "not by me"


def test_names_that_programs_put_in_are_nobodys() -> None:
    assert named("python-docx", " Microsoft Office User ", "", "Ann  Baker", "user", "Ann Baker") == ("Ann Baker",)


def test_a_document_nobody_is_named_in_can_be_claimed() -> None:
    (document,) = made(Writing(), TEXT, Block("quote", "It rose."))
    mine = claimed(document)
    assert mine.own_text == TEXT.text and not mine.drop and mine.id == document.id
    assert [turn.role for turn in mine.turns] == ["own", "quoted"]
    (anothers,) = made(Writing(authors=("Bob",)))
    assert claimed(anothers) == anothers


def test_parts_by_others_stand_apart_in_order() -> None:
    parts = (Part("text", "Mine."), Part("text", "Why?", by="Bob"), Part("text", "Because.", by="Ann Baker"))
    (document,) = made(Writing(authors=("Ann Baker",)), *parts)
    assert [(turn.author, turn.role) for turn in document.turns] == [
        ("Ann Baker", "own"), ("Bob", "received"), ("Ann Baker", "own"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("told", "title"),
    [
        ("Bread", "Bread: The stone"),
        ("Microsoft Word - Bread.docx", "Bread: The stone"),
        ("Untitled 3", "The stone"),
        ("", "The stone"),
        ("The stone | Ann's kitchen", "The stone"),
    ],
)
def test_the_title_is_what_the_file_says_else_its_first_heading(told: str, title: str) -> None:
    (document,) = made(Writing(title=told, presumed=True), Block("heading", "The stone", 1), TEXT)
    assert document.title == title
    assert document.own_text == TEXT.text


def test_a_title_falls_back_on_the_files_name() -> None:
    assert made(Writing())[0].title == "b"


def test_a_long_document_is_cut_at_its_headings_with_keys_of_their_own() -> None:
    blocks = [
        block
        for number in range(4)
        for block in (Block("heading", "Salt" if number < 2 else f"Part {number}", 1), Block("text", "bread " * 300))
    ]
    found = made(Writing(title="Bread", presumed=True), *blocks)
    assert [document.title for document in found] == [
        "Bread: Salt", "Bread: Salt (2)", "Bread: Part 2", "Bread: Part 3",
    ]  # fmt: skip
    assert len({document.id for document in found}) == 4


def test_a_document_without_words_says_so() -> None:
    (document,) = documents(iter(()), Writing(), source="pdf", path="b.pdf", person=ANN)
    assert document.drop == "empty" and not document.turns


def test_a_member_that_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bomb.docx"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a", "w") as member:
        for _ in range(80):
            member.write(bytes(1024 * 1024))
    with unpacked(file) as archive_read, pytest.raises(SourceError, match=r"bomb\.docx unpacks to more"):
        archive_read.read("a")


def test_members_are_bounded_together(tmp_path: Path) -> None:
    file = tmp_path / "many.docx"
    file.write_bytes(zipped({f"{number}": bytes(1000) for number in range(5)}))
    with unpacked(file, 3000) as archive:
        assert [len(archive.read(name)) for name in "012"] == [1000] * 3
        with pytest.raises(SourceError):
            archive.read("3")


def test_a_missing_member_is_nothing_and_no_zip_file_is_damage(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(zipped({"a": "x"}))
    (tmp_path / "b.docx").write_bytes(b"PK\x03\x04 and no more")
    with unpacked(tmp_path / "a.docx") as archive:
        assert archive.read("b") == b""
    with pytest.raises(SourceError, match=r"b\.docx is damaged"), unpacked(tmp_path / "b.docx"):
        pass


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE a [<!ENTITY b "cc">]><a>&b;</a>',
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        b'<!DOCTYPE a [<!ATTLIST a b CDATA "c">]><a/>',
        b"<a>" * 5000,
        b"<a><b></a>",
        b"<a>&nothing;</a>",
        b"no XML",
    ],
)
def test_xml_that_declares_nests_or_breaks_is_refused(data: bytes) -> None:
    with pytest.raises(SourceError, match=r"^x\.docx "):
        list(events(data, "x.docx"))


def test_what_stands_before_damage_in_xml_is_read() -> None:
    found = []
    with pytest.raises(SourceError):
        for event in events(b"<a>bread</b>", "x.docx"):
            found.append(event)
    assert [event.kind for event in found] == ["start", "text"]


def test_xml_of_more_than_any_document_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlxtwin.sources.xml_stream.MOST_EVENTS", 1000)
    with pytest.raises(SourceError, match="more, than any document"):
        list(events(b"<a>" + b"<b/>" * 1001 + b"</a>", "x.docx"))

"""Rich text: what is text and what is not, in which letters, and whose."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.rtf import Rtf

ANN = Person.of(["Ann"])


def read(root: Path, body: str | bytes, head: str = r"{\info{\author Ann}}") -> list[Document]:
    file = root / "bread.rtf"
    data = body if isinstance(body, bytes) else body.encode("cp1252")
    file.write_bytes(rb"{\rtf1\ansi\ansicpg1252 " + head.encode() + data + b"}")
    return list(Rtf().read(file, root, ANN))


def said(document: Document) -> list[tuple[str, str, str]]:
    return [(turn.author, turn.role, turn.text) for turn in document.turns]


def own(root: Path, body: str | bytes, head: str = "") -> str:
    return "\n\n".join(document.own_text for document in read(root, body, head))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (r"caf\'e9 \u8364?5 \{x\}\~y\_z\-!", "café €5 {x} y-z!"),
        (r"\u-10179?\u-8704? \uc0\u233 t\uc2\u233 xxt", "😀 étét"),
        (r"\ldblquote So\rdblquote \emdash\rquote s", "“So”—’s"),
        (r"one\line two\tab three\par four\\five", "one\ntwo three\n\nfour\\five"),
        ("wrap\r\nped \\\nline", "wrapped\n\nline"),
        (r"{\*\unknown no}{\b yes}{\pict 00ff}{\header no}{\field{\*\fldinst LINK}{\fldrslt  too}}", "yes too"),
        (r"shown{\v hidden}{\deleted gone}\v0  again\v  gone", "shown again"),
        (r"a\bin5 {}\b}b", "ab"),
    ],
)
def test_text_comes_out_as_it_is_read(tmp_path: Path, body: str, text: str) -> None:
    assert own(tmp_path, body) == text


def test_letters_are_those_of_the_fonts_own_code(tmp_path: Path) -> None:
    fonts = r"{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset204 B;}{\f2\fcharset128 C;}}"
    body = r"{\f1 \'d5\'eb\'e5\'e1}\f0  \'e9 {\f2 \'83\'70\'83\'93}"
    assert own(tmp_path, body, fonts) == "Хлеб é パン"


def test_headings_lists_quotes_tables_and_notes_are_read(tmp_path: Path) -> None:
    head = (
        r"{\stylesheet{\s1 heading 1;}{\s5 Quote;}}"
        r"{\info{\title Bread}{\author Ann}{\creatim\yr2024\mo3\dy2\hr10\min5}}"
    )
    body = (
        r"\pard I bake{\footnote Said he.}.\par{\listtext\'b7\tab}flour\par{\listtext 2.\tab}rye\par"
        r"\pard\s5 It rose.\par\pard\intbl flour\cell 500 g\cell\row\intbl rye\cell 1\cell\row"
        r"\pard\s1 The loaf\par\pard Round."
    )
    (document,) = read(tmp_path, body, head)
    assert document.at is not None and f"{document.at:%Y-%m-%d %H:%M}" == "2024-03-02 10:05"
    assert said(document) == [
        ("Ann", "own", "I bake.\n\n- flour\n2. rye"),
        ("", "quoted", "It rose."),
        ("Ann", "own", "flour | 500 g\nrye | 1\n\n## The loaf\n\nRound.\n\nSaid he."),
    ]


def test_comments_and_tracked_insertions_are_their_authors(tmp_path: Path) -> None:
    head = r"{\info{\author Ann}}{\*\revtbl{Unknown;}{Bob;}}"
    body = (
        r"It takes two days.{\*\atnid B}{\*\atnauthor Bob}\chatn{\*\annotation Why so long?}\par"
        r"{\revised\revauth1 This I put in.}\par So be it.\par"
    )
    (document,) = read(tmp_path, body, head)
    assert said(document) == [
        ("Ann", "own", "It takes two days."),
        ("Bob", "received", "Why so long?\n\nThis I put in."),
        ("Ann", "own", "So be it."),
    ]
    assert set(Rtf().authors(tmp_path / "bread.rtf")) == {"Ann", "Bob"}


def test_anothers_text_is_received_and_one_that_names_nobody_is_the_persons(tmp_path: Path) -> None:
    assert read(tmp_path, "I bake.", r"{\info{\author Bob}}")[0].drop == "not by me"
    assert read(tmp_path, "I bake.", r"{\info{\author calibre}}")[0].drop == "author unknown"
    assert read(tmp_path, "I bake.", r"{\info{\operator Bob}}")[0].drop == "not by me"
    assert own(tmp_path, "I bake.") == "I bake."


@pytest.mark.parametrize(
    "piece", [rb"{", rb"}", rb"\bin-9 ", rb"\u-1?", rb"\'", rb"\'zz", b"\\", rb"\par", rb"{\*", rb"\uc99999 "]
)
def test_a_hundred_thousand_of_anything_are_read_in_seconds(tmp_path: Path, piece: bytes) -> None:
    started = time.process_time()
    read(tmp_path, piece * 100_000)
    assert time.process_time() - started < 10


PIECES = st.sampled_from(
    [
        rb"{", rb"}", rb"bread ", rb"\par ", rb"\cell ", rb"\row ", rb"\intbl ", rb"{\info",
        rb"{\footnote", rb"\u55357?", rb"\'e9", rb"{\stylesheet", rb"{\fonttbl", rb"\f9", rb"\s1 ", rb"{\*\revtbl",
        rb"\revauth9\revised ", rb"\bin3 ", rb"{\listtext ",
        rb"\outlinelevel99 ", rb"{\creatim\yr99999\mo99 }", rb"{\annotation", rb"{\atnauthor",
        rb"\ansicpg99999 ", rb"\uc-1 ",
    ]
)  # fmt: skip


@settings(max_examples=200, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(PIECES, max_size=30))
def test_words_in_any_order_are_read(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]) -> None:
    for document in read(tmp_path_factory.mktemp("x"), b"".join(pieces)):
        assert document.drop or document.turns
        assert all(turn.text.strip() and "\x00" not in turn.text for turn in document.turns)
        "".join(turn.text for turn in document.turns).encode()


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.rtf").write_text("bread")
    with pytest.raises(SourceError, match=r"a\.rtf is no RTF"):
        list(Rtf().read(tmp_path / "a.rtf", tmp_path, ANN))

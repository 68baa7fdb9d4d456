"""PDF files: lines that become paragraphs again, whose they are, and files made to hang their reader."""

from __future__ import annotations

import logging
import time
import zlib
from pathlib import Path

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.pdf import Pdf
from mlxtwin.sources.pdf_lines import Line, blocks
from mlxtwin.sources.registry import match

from .making import assembled, pdf, pdf_of, stream_object

ANN = Person.of(["Ann"])
BY_ANN = {"Author": "Ann"}


def read(root: Path, data: bytes) -> list[Document]:
    (root / "bread.pdf").write_bytes(data)
    return list(Pdf().read(root / "bread.pdf", root, ANN))


def own(root: Path, *pages: list[str]) -> str:
    return "\n\n".join(document.own_text for document in read(root, pdf(pages, info=BY_ANN)))


def texts(*lines: str) -> list[str]:
    placed = [Line(text, 72, 700 - 12 * number, 10) for number, text in enumerate(lines)]
    return [block.text for block in blocks([placed])]


def test_lines_of_a_paragraph_become_one_and_a_gap_parts_two(tmp_path: Path) -> None:
    lines = ["With patience and a hot stone, which", "is what the baker has, one bakes rye.", "", "It rose at last."]
    assert own(tmp_path, lines) == (
        "With patience and a hot stone, which is what the baker has, one bakes rye.\n\nIt rose at last."
    )


@pytest.mark.parametrize(
    ("author", "drop"),
    [("Ann", ""), ("Bob", "not by me"), ("", "author unknown"), ("Microsoft Office User", "author unknown")],
)
def test_the_author_a_file_names_decides_whose_it_is(tmp_path: Path, author: str, drop: str) -> None:
    (document,) = read(tmp_path, pdf([["With patience.", "And a stone."]], info={"Author": author} if author else {}))
    assert document.drop == drop
    assert document.turns[0].text == "With patience. And a stone."
    assert list(Pdf().authors(tmp_path / "bread.pdf")) == ([author] if drop in ("", "not by me") else [])


def test_title_and_time_are_those_of_the_file(tmp_path: Path) -> None:
    info = {"Title": "Bread", "CreationDate": "D:20240302110000+01'00'"}
    (document,) = read(tmp_path, pdf([["With patience."]], info=info))
    assert (document.title, str(document.at)) == ("Bread", "2024-03-02 11:00:00+01:00")


def test_a_larger_line_is_a_heading(tmp_path: Path) -> None:
    data = pdf([["Bread", "", "With patience and a hot stone."]], info=BY_ANN, sizes=[20])
    (document,) = read(tmp_path, data)
    assert (document.title, document.own_text) == ("Bread", "With patience and a hot stone.")


def test_what_repeats_on_pages_and_their_numbers_is_left_out(tmp_path: Path) -> None:
    pages = [
        [
            f"The Bread Book {day}",
            "",
            f"On day {day} the dough is left to rise and",
            f"is folded {day} times.",
            "",
            f"- {day} -",
        ]
        for day in range(1, 6)
    ]
    text = own(tmp_path, *pages)
    assert "Bread Book" not in text
    assert text.count("the dough is left to rise and is folded") == 5
    assert text.endswith("is folded 5 times.")


def test_a_paragraph_goes_on_over_the_end_of_a_page(tmp_path: Path) -> None:
    assert own(tmp_path, ["With patience and a hot stone the"], ["rye is baked in two long days."]) == (
        "With patience and a hot stone the rye is baked in two long days."
    )


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["The oppor-", "tunity came."], "The opportunity came."),
        (["A well-", "known loaf. It is well-known to me."], "A well-known loaf. It is well-known to me."),
        (["Of Anglo-", "Saxon bread."], "Of Anglo-Saxon bread."),
        (["In 1998-", "2004 it rose."], "In 1998-2004 it rose."),
        (["The ﬁrst ﬂour\u00a0is", "so\u00ad", "ft."], "The first flour is soft."),
        (["a line -", "and more"], "a line - and more"),
    ],
)
def test_words_that_a_line_cut_are_mended(lines: list[str], text: str) -> None:
    assert texts(*lines) == [text]


def test_items_stand_on_lines_of_their_own_and_contents_are_left_out() -> None:
    found = texts("Take:", "• flour that is ground and", "sifted", "• water", "2. salt", "Salt . . . . . . . . . . 12")
    assert found == ["Take:", "• flour that is ground and sifted", "• water", "2. salt"]


def test_an_indented_line_starts_a_paragraph() -> None:
    lines = [
        (72, "It is baked on the stone for an hour and then"),
        (72, "it rests."),
        (84, "The next day one more is"),
        (72, "baked."),
    ]
    placed = [Line(text, x, 700 - 12 * number, 10) for number, (x, text) in enumerate(lines)]
    assert [block.text for block in blocks([placed])] == [
        "It is baked on the stone for an hour and then it rests.", "The next day one more is baked.",
    ]  # fmt: skip


def test_a_file_of_pictures_says_so(tmp_path: Path) -> None:
    for data in (
        pdf_of([b"q 100 0 0 100 0 0 cm Q"]),
        pdf([[]]),
        assembled({1: b"<< /Pages 2 0 R >>", 2: b"<< /Kids [] >>"}),
    ):
        with pytest.raises(SourceError, match="pictures of text"):
            read(tmp_path, data)


def test_a_file_under_a_password_says_so(tmp_path: Path) -> None:
    import pypdf

    writer = pypdf.PdfWriter()
    writer.append(pypdf.PdfReader(_file(tmp_path, pdf([["With patience."]], info=BY_ANN))))
    writer.encrypt("salt", "pepper", algorithm="AES-256")
    writer.write(tmp_path / "locked.pdf")
    with pytest.raises(SourceError, match=r"locked\.pdf is locked with a password"):
        list(Pdf().read(tmp_path / "locked.pdf", tmp_path, ANN))


def test_a_file_that_anybody_may_open_is_read_though_it_is_encrypted(tmp_path: Path) -> None:
    import pypdf

    writer = pypdf.PdfWriter()
    writer.append(pypdf.PdfReader(_file(tmp_path, pdf([["With patience."]], info=BY_ANN))))
    writer.encrypt("", "pepper", algorithm="AES-128")
    writer.write(tmp_path / "open.pdf")
    (document,) = Pdf().read(tmp_path / "open.pdf", tmp_path, ANN)
    assert document.turns[0].text == "With patience."


def _file(root: Path, data: bytes) -> Path:
    (root / "plain.pdf").write_bytes(data)
    return root / "plain.pdf"


def _looped_pages() -> bytes:
    kids = b" ".join([b"2 0 R"] * 50)
    return assembled({1: b"<< /Type /Catalog /Pages 2 0 R >>", 2: b"<< /Type /Pages /Count 9 /Kids [%s] >>" % kids})


def _nested_forms() -> bytes:
    """Forms that draw the next one ten times, nine deep."""
    draws = b" ".join([b"/X Do"] * 10)
    more = {
        1000 + depth: stream_object(
            draws if depth < 8 else b"BT /F1 9 Tf (x) Tj ET",
            b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X %d 0 R >> >>" % (1001 + depth),
        )
        for depth in range(9)
    }
    return pdf_of([draws], more=more, resources=b"/XObject << /X 1000 0 R >> /Font << /F1 3 0 R >>")


def _form_of_itself() -> bytes:
    about = b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 1000 0 R >> >>"
    return pdf_of(
        [b"/X Do"], more={1000: stream_object(b"/X Do /X Do", about)}, resources=b"/XObject << /X 1000 0 R >>"
    )


def _swollen() -> bytes:
    return pdf_of([b"BT (x) Tj ET " * 6_000_000])


def _deep_array() -> bytes:
    return pdf_of([b"[" * 200_000 + b"] TJ"])


def _one_page_often() -> bytes:
    kids = b" ".join([b"10 0 R"] * 60_000)
    return pdf_of([b""], more={2: b"<< /Type /Pages /Count 60000 /Kids [%s] >>" % kids})


def _tables_in_a_ring() -> bytes:
    data = pdf([["x"]])
    start = data.rindex(b"startxref\n") + 10
    place = data[start:].split(b"\n")[0]
    return data.replace(b"/Root 1 0 R", b"/Root 1 0 R /Prev %s" % place)


def _object_that_is_itself() -> bytes:
    return pdf_of([b""], more={1: b"1 0 R", 2: b"2 0 R"})


def _letters_without_end() -> bytes:
    table = b"1 beginbfrange <0000> <FFFFFFFF> <0041> endbfrange " * 50
    font = b"<< /Type /Font /Subtype /Type0 /BaseFont /A /Encoding /Identity-H /ToUnicode 1001 0 R >>"
    return pdf_of([b"BT /F1 9 Tf (ab) Tj ET"], more={3: font, 1001: stream_object(table)})


def _swollen_filters() -> bytes:
    packed = bytes(60_000_000)
    for _ in range(3):
        packed = zlib.compress(packed, 9)
    body = b"<< /Length %d /Filter [/FlateDecode /FlateDecode /FlateDecode] >>\nstream\n%s\nendstream"
    return pdf_of([b""], more={11: body % (len(packed), packed)})


@pytest.mark.parametrize(
    "made",
    [
        _looped_pages, _nested_forms, _form_of_itself, _swollen, _deep_array, _one_page_often, _tables_in_a_ring,
        _object_that_is_itself, _letters_without_end, _swollen_filters,
    ],
)  # fmt: skip
def test_files_made_to_hang_their_reader_end_within_seconds(tmp_path: Path, made: object) -> None:
    assert callable(made)
    data = made()
    started = time.process_time()
    try:
        read(tmp_path, data)
    except SourceError as refusal:
        assert refusal.message.startswith("bread.pdf")
    assert time.process_time() - started < 30


def test_a_page_that_takes_too_long_ends_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlxtwin.sources.pdf.MOST_PAGE_SECONDS", -1.0)
    with pytest.raises(SourceError, match="takes too long"):
        read(tmp_path, pdf([["With patience."]]))


def test_a_broken_page_does_not_cost_the_others(tmp_path: Path) -> None:
    data = pdf_of([b"BT /F1 10 Tf 72 700 Td (With patience.) Tj ET", b"BT \xff\xff <zz ( Tj"], info=BY_ANN)
    assert read(tmp_path, data)[0].own_text == "With patience."


def test_pages_and_characters_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlxtwin.sources.pdf.MOST_PAGES", 2)
    text = own(tmp_path, *[[f"On day {number} it rose."] for number in range(9)])
    assert "day 2" in text and "day 3" not in text


def test_reading_says_nothing_of_the_text_in_a_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        read(tmp_path, pdf_of([b"BT /F9 10 Tf (With patience.) Tj ET /Nothing Do"], info=BY_ANN))
    assert not caplog.records


def test_a_file_is_recognised_after_some_rubbish_and_no_other_is(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"rubbish\n" + pdf([["x"]]))
    (tmp_path / "b.pdf").write_bytes(b"With patience.")
    importer = match(tmp_path / "a")
    assert importer and importer.name == "pdf"
    assert Pdf().recognises(tmp_path / "b.pdf") == 0


@pytest.mark.shared
def test_a_preface_comes_out_in_paragraphs(shared: Path) -> None:
    (file,) = (shared / "exports/pdf").rglob("*.pdf")
    (document,) = Pdf().read(file, file.parent, ANN)
    assert document.drop == "author unknown"
    text = document.turns[0].text
    assert "a rare opportunity to participate in the birth of a new discipline" in text
    assert "xiii" not in text and len(text.split("\n\n")) > 4

"""Word's documents: whose each part is, what is text and what is not, and files made to do harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.document_text import claimed
from mlxtwin.sources.docx import Docx
from mlxtwin.sources.registry import match

from .making import WORD, docx, paragraph, part, zipped

ANN = Person.of(["Ann"])
BY_ANN, BY_BOB = "<dc:creator>Ann</dc:creator>", "<dc:creator>Bob</dc:creator>"
STYLES = part(
    "styles",
    '<w:style w:styleId="Ueberschrift1"><w:name w:val="heading 1"/></w:style>'
    '<w:style w:styleId="Mein"><w:name w:val="Mine"/><w:basedOn w:val="Ueberschrift1"/></w:style>'
    '<w:style w:styleId="Zitat"><w:name w:val="Intense Quote"/></w:style>'
    '<w:style w:styleId="Verzeichnis1"><w:name w:val="toc 1"/></w:style>'
    '<w:style w:styleId="Round"><w:basedOn w:val="Round"/></w:style>',
)
NUMBERING = part(
    "numbering",
    '<w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl></w:abstractNum>'
    '<w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl>'
    '<w:lvl w:ilvl="1"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>',
)
COMMENTS = part(
    "comments",
    '<w:comment w:id="1" w:author="Bob"><w:p><w:r><w:t>Why so long?</w:t></w:r></w:p></w:comment>'
    '<w:comment w:id="2" w:author="Ann"><w:p><w:r><w:t>Because it must rise.</w:t></w:r></w:p></w:comment>',
)
NOTES = part(
    "footnotes",
    '<w:footnote w:id="-1" w:type="separator"><w:p><w:r><w:t>line</w:t></w:r></w:p></w:footnote>'
    '<w:footnote w:id="2"><w:p><w:r><w:t>Said the miller.</w:t></w:r></w:p></w:footnote>',
)


def read(root: Path, body: str, core: str = BY_ANN, person: Person = ANN, **parts: str) -> list[Document]:
    file = root / "bread.docx"
    file.write_bytes(docx(body, core=core, parts={f"word/{name}.xml": data for name, data in parts.items()}))
    return list(Docx().read(file, root, person))


def said(document: Document) -> list[tuple[str, str, str]]:
    return [(turn.author, turn.role, turn.text) for turn in document.turns]


def inserted(author: str, text: str) -> str:
    return f'<w:ins w:author="{author}"><w:r><w:t>{text}</w:t></w:r></w:ins>'


def item(text: str, numbers: int, level: int = 0) -> str:
    about = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{numbers}"/></w:numPr>'
    return paragraph(text, style="List", about=about)


def test_headings_lists_quotes_and_contents_are_told_by_their_styles_in_any_language(tmp_path: Path) -> None:
    body = (
        paragraph("Bread", style="Ueberschrift1")
        + paragraph("The stone 3", style="Verzeichnis1")
        + paragraph("I bake.")
        + item("flour", 1)
        + item("water", 1)
        + item("rye", 2)
        + item("whole", 2, 1)
        + paragraph("It rose.", style="Zitat")
        + paragraph("The loaf", style="Mein")
        + paragraph("It is round.", style="Round")
    )
    (document,) = read(tmp_path, body, styles=STYLES, numbering=NUMBERING)
    assert document.title == "Bread"
    assert said(document) == [
        ("Ann", "own", "I bake.\n\n1. flour\n2. water\n- rye\n  - whole"),
        ("", "quoted", "It rose."),
        ("Ann", "own", "## The loaf\n\nIt is round."),
    ]


def test_comments_are_their_authors_and_stand_after_what_they_are_about(tmp_path: Path) -> None:
    mark = '<w:r><w:commentReference w:id="{}"/></w:r>'
    body = paragraph("It takes two days.", mark.format(1), mark.format(2)) + paragraph("So be it.")
    (mine,) = read(tmp_path, body, comments=COMMENTS)
    assert said(mine) == [
        ("Ann", "own", "It takes two days."),
        ("Bob", "received", "Why so long?"),
        ("Ann", "own", "Because it must rise."),
        ("Ann", "own", "So be it."),
    ]
    (anothers,) = read(tmp_path, body, BY_BOB, comments=COMMENTS)
    assert anothers.own_text == "Because it must rise." and not anothers.drop


def test_tracked_deletions_are_gone_and_insertions_are_their_authors(tmp_path: Path) -> None:
    deleted = '<w:del w:author="Bob"><w:r><w:delText>never</w:delText><w:t>ever</w:t></w:r></w:del>'
    body = (
        paragraph("I bake ", deleted, inserted("Bob", "every single day"), " at home.")
        + paragraph(inserted("Bob", "All of this is mine."))
        + paragraph("Then I ", inserted("Ann", "gladly "), "rest.")
    )
    (mine,) = read(tmp_path, body)
    assert said(mine) == [
        ("Ann", "own", "I bake at home."),
        ("Bob", "received", "every single day\n\nAll of this is mine."),
        ("Ann", "own", "Then I gladly rest."),
    ]


def test_what_the_person_put_into_anothers_paragraph_is_not_theirs(tmp_path: Path) -> None:
    body = paragraph("We bake ", inserted("Ann", "on a stone"), " at home.") + paragraph(inserted("Ann", "I rest."))
    (document,) = read(tmp_path, body, BY_BOB)
    assert said(document) == [("Bob", "received", "We bake on a stone at home."), ("Ann", "own", "I rest.")]


def test_a_file_that_names_nobody_is_the_persons_and_the_last_to_save_it_counts_next(tmp_path: Path) -> None:
    assert read(tmp_path, paragraph("I bake."), core="")[0].own_text == "I bake."
    saved = "<dc:creator>python-docx</dc:creator><cp:lastModifiedBy>Bob</cp:lastModifiedBy>"
    assert read(tmp_path, paragraph("I bake."), core=saved)[0].drop == "not by me"
    assert list(Docx().authors(tmp_path / "bread.docx")) == ["Bob"]


@pytest.mark.parametrize(("creator", "drop"), [("python-docx", "author unknown"), ("user", ""), ("", "")])
def test_what_only_a_program_made_is_presumed_nobodys(tmp_path: Path, creator: str, drop: str) -> None:
    (document,) = read(tmp_path, paragraph("I bake."), core=f"<dc:creator>{creator}</dc:creator>")
    assert (document.drop, document.words_by_me) == (drop, 0 if drop else 2)
    assert claimed(document).own_text == "I bake."


def test_notes_come_at_the_end_and_their_separators_not_at_all(tmp_path: Path) -> None:
    body = paragraph("I bake.", '<w:r><w:footnoteReference w:id="2"/></w:r>') + paragraph("I rest.")
    (document,) = read(tmp_path, body, footnotes=NOTES)
    assert document.own_text == "I bake.\n\nI rest.\n\nSaid the miller."


def test_rows_of_short_cells_stand_side_by_side_and_prose_in_cells_stays_prose(tmp_path: Path) -> None:
    cell = "<w:tc>{}</w:tc>"
    long = "A sentence of more than a dozen words is prose wherever it may stand on the page."
    rows = [("flour", "500 g"), ("water", "300 g"), (long, "so")]
    body = "".join(f"<w:tr>{''.join(cell.format(paragraph(text)) for text in row)}</w:tr>" for row in rows)
    (document,) = read(tmp_path, f"{paragraph('Take this.')}<w:tbl>{body}</w:tbl>{paragraph('Bake.')}")
    assert document.own_text == f"Take this.\n\nflour | 500 g\nwater | 300 g\n\n{long}\n\nso\n\nBake."


def test_hidden_text_fields_placeholders_and_doubles_for_old_programs_are_no_text(tmp_path: Path) -> None:
    compatible = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    body = (
        paragraph(
            "<w:r><w:rPr><w:vanish/></w:rPr><w:t>secret</w:t></w:r>",
            '<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t>I</w:t><w:tab/><w:t>bake</w:t></w:r>',
            "<w:r><w:instrText>HYPERLINK x</w:instrText></w:r>",
            '<w:r><w:noBreakHyphen/><w:t>ed</w:t><w:br/><w:t>rye.</w:t><w:br w:type="page"/></w:r>',
        )
        + f'<mc:AlternateContent xmlns:mc="{compatible}"><mc:Choice>{paragraph("Once.")}</mc:Choice>'
        f"<mc:Fallback>{paragraph('Once.')}</mc:Fallback></mc:AlternateContent>"
        + "<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>"
        + paragraph("Click here")
        + "</w:sdtContent></w:sdt><w:sdt><w:sdtPr/><w:sdtContent>"
        + paragraph("Kept.")
        + "</w:sdtContent></w:sdt>"
    )
    assert read(tmp_path, body)[0].own_text == "I bake-ed\nrye.\n\nOnce.\n\nKept."


def test_text_in_a_box_within_a_paragraph_comes_once(tmp_path: Path) -> None:
    box = f"<w:r><w:txbxContent>{paragraph('In the box.')}</w:txbxContent></w:r>"
    assert read(tmp_path, paragraph("Around", box, " it."))[0].own_text == "In the box.\n\nAround it."


def test_the_text_is_found_where_the_file_says_and_in_the_strict_format(tmp_path: Path) -> None:
    strict = "http://purl.oclc.org/ooxml/wordprocessingml/main"
    kind = "http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument"
    body = paragraph("I bake.").replace("w:", "a:")
    document = f'<a:document xmlns:a="{strict}"><a:body>{body}</a:body></a:document>'
    file = tmp_path / "x"
    file.write_bytes(
        zipped(
            {
                "[Content_Types].xml": "<Types/>",
                "_rels/.rels": f'<R><Relationship Type="{kind}" Target="/word/other.xml"/></R>',
                "word/other.xml": document,
                "word/document.xml": "<x/>",
            },
            "[Content_Types].xml",
        )
    )
    importer = match(file)
    assert importer and importer.name == "docx"
    assert [one.own_text for one in importer.read(file, tmp_path, ANN)] == ["I bake."]


def test_a_file_under_a_password_says_so(tmp_path: Path) -> None:
    file = tmp_path / "locked.docx"
    file.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    importer = match(file)
    assert importer and importer.name == "docx"
    with pytest.raises(SourceError, match="password"):
        list(importer.read(file, tmp_path, ANN))


def test_other_zip_files_and_tables_are_not_taken(tmp_path: Path) -> None:
    for name, members in [
        ("a.zip", {"a.txt": "x"}),
        ("b.xlsx", {"[Content_Types].xml": "", "xl/workbook.xml": ""}),
        ("c.docx", {}),
    ]:
        (tmp_path / name).write_bytes(zipped(members) if members else b"not a zip")
        assert Docx().recognises(tmp_path / name) == 0


@pytest.mark.parametrize(
    "document",
    [
        f'<!DOCTYPE d [<!ENTITY a "bread"><!ENTITY b "&a;&a;">]><w:document xmlns:w="{WORD}">&b;</w:document>',
        f'<w:document xmlns:w="{WORD}">' + "<w:tbl><w:tr><w:tc>" * 2000,
        f'<w:document xmlns:w="{WORD}"><w:body><w:p>',
        "",
    ],
)
def test_bombs_and_damage_end_in_an_error_of_the_source(tmp_path: Path, document: str) -> None:
    file = tmp_path / "bomb.docx"
    file.write_bytes(zipped({"[Content_Types].xml": "", "word/document.xml": document}, "[Content_Types].xml"))
    with pytest.raises(SourceError, match=r"^bomb\.docx "):
        list(Docx().read(file, tmp_path, ANN))


PIECES = st.sampled_from(
    [
        "<w:p>", "</w:p>", "<w:r>", "</w:r>", "<w:t>bread", "</w:t>", "<w:tbl>", "<w:tr>", "<w:tc>", "</w:tc>",
        "</w:tr>",
        "</w:tbl>", '<w:ins w:author="Bob">', "</w:ins>", '<w:numId w:val="x"/>', '<w:ilvl w:val="99"/>', "<w:del>",
        "</w:del>", '<w:outlineLvl w:val="-1"/>', '<w:commentReference w:id="7"/>', "<w:sdtContent>", "</w:sdtContent>",
    ]
)  # fmt: skip


@settings(max_examples=150, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(PIECES, max_size=25))
def test_parts_in_any_order_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, pieces: list[str]) -> None:
    root = tmp_path_factory.mktemp("x")
    try:
        for document in read(root, "".join(pieces)):
            assert document.drop or document.turns
    except SourceError as refusal:
        assert refusal.message.startswith("bread.docx")


@pytest.mark.shared
def test_the_documents_of_anothers_test_suite_are_read(shared: Path) -> None:
    folder = shared / "exports/docx/test/test-data"
    found = {
        file.name: "\n".join(turn.text for one in Docx().read(file, folder, Person.of([])) for turn in one.turns)
        for file in sorted(folder.glob("*.docx"))
    }
    assert len(found) == 17
    assert found["single-paragraph.docx"] == "Walking on imported air"
    assert found["simple-list.docx"] == "- Apple\n- Banana"
    assert found["footnotes.docx"] == "Ouch.\n\nA tachyon walks into a bar.\n\nFin."
    assert found["comments.docx"].startswith("Ouch.\nA tachyon walks")
    assert found["text-box.docx"] == "Datum plane"
    assert found["strict-format.docx"] == "Test"
    assert {name for name, text in found.items() if not text} == {
        "empty.docx", "external-picture.docx", "tiny-picture.docx", "tiny-picture-target-base-relative.docx",
    }  # fmt: skip

"""LibreOffice's texts: whose each part is, and what is text and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.odt import Odt
from mlxtwin.sources.registry import match

from .making import odt, zipped

ANN = Person.of(["Ann"])
BY_ANN = "<meta:initial-creator>Ann</meta:initial-creator><dc:title>Bread</dc:title>"
COMMENT = (
    "<office:annotation><dc:creator>Bob</dc:creator><dc:date>2024-03-02T10:00:00</dc:date>"
    "<text:p>Why so long?</text:p></office:annotation>"
)
CHANGES = (
    "<text:tracked-changes><text:changed-region text:id='c1'><text:insertion><office:change-info>"
    "<dc:creator>Bob</dc:creator><dc:date>2024-03-02T10:00:00</dc:date></office:change-info></text:insertion>"
    "</text:changed-region><text:changed-region text:id='c2'><text:deletion><text:p>never</text:p></text:deletion>"
    "</text:changed-region></text:tracked-changes>"
)


def read(root: Path, body: str, meta: str = BY_ANN, styles: str = "") -> list[Document]:
    file = root / "bread.odt"
    file.write_bytes(odt(body, meta=meta, styles=styles))
    return list(Odt().read(file, root, ANN))


def said(document: Document) -> list[tuple[str, str, str]]:
    return [(turn.author, turn.role, turn.text) for turn in document.turns]


def test_headings_lists_quotes_and_blanks_are_read(tmp_path: Path) -> None:
    body = (
        "<text:p>I<text:s text:c='3'/>bake<text:tab/>rye<text:line-break/>slowly.</text:p>"
        "<text:list><text:list-item><text:p>flour</text:p><text:list><text:list-item><text:p>rye</text:p>"
        "</text:list-item></text:list></text:list-item><text:list-item><text:p>water</text:p></text:list-item></text:list>"
        "<text:p text:style-name='P7'>It rose.</text:p><text:h text:outline-level='2'>The loaf</text:h>"
        "<text:p>Round.</text:p>"
    )
    styles = "<style:style style:name='P7' style:parent-style-name='Quotations'/>"
    (document,) = read(tmp_path, body, styles=styles)
    assert said(document) == [
        ("Ann", "own", "I bake rye\nslowly.\n\n- flour\n  - rye\n- water"),
        ("", "quoted", "It rose."),
        ("Ann", "own", "## The loaf\n\nRound."),
    ]


def test_comments_and_tracked_insertions_are_their_authors_and_deletions_are_gone(tmp_path: Path) -> None:
    body = (
        f"{CHANGES}<text:p>It takes {COMMENT}two days.</text:p>"
        "<text:p><text:change-start text:change-id='c1'/>This I put in.<text:change-end text:change-id='c1'/></text:p>"
        "<text:p>So be <text:change text:change-id='c2'/>it.</text:p>"
    )
    (document,) = read(tmp_path, body)
    assert said(document) == [
        ("Ann", "own", "It takes two days."),
        ("Bob", "received", "Why so long?\n\nThis I put in."),
        ("Ann", "own", "So be it."),
    ]
    assert set(Odt().authors(tmp_path / "bread.odt")) == {"Ann", "Bob"}


def test_notes_stand_at_the_end_and_rows_of_tables_side_by_side(tmp_path: Path) -> None:
    body = (
        "<text:p>I bake<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>Said he.</text:p>"
        "</text:note-body></text:note>.</text:p><table:table><table:table-row><table:table-cell><text:p>flour</text:p>"
        "</table:table-cell><table:table-cell><text:p>500 g</text:p></table:table-cell></table:table-row></table:table>"
        "<text:table-of-content><text:p>The stone 3</text:p></text:table-of-content><text:p>I rest.</text:p>"
    )
    assert read(tmp_path, body)[0].own_text == "I bake.\n\nflour | 500 g\n\nI rest.\n\nSaid he."


def test_anothers_text_is_received_and_one_that_names_nobody_is_the_persons(tmp_path: Path) -> None:
    (anothers,) = read(tmp_path, "<text:p>I bake.</text:p>", "<dc:creator>Bob</dc:creator>")
    assert anothers.drop == "not by me"
    assert read(tmp_path, "<text:p>I bake.</text:p>", "")[0].own_text == "I bake."


def test_what_only_a_program_made_is_presumed_nobodys(tmp_path: Path) -> None:
    (document,) = read(tmp_path, "<text:p>I bake.</text:p>", "<meta:initial-creator>calibre</meta:initial-creator>")
    assert (document.drop, document.own_text) == ("author unknown", "")


def test_locked_broken_and_other_files_are_told(tmp_path: Path) -> None:
    locked = odt("<text:p>I bake.</text:p>", more={"META-INF/manifest.xml": "<manifest:encryption-data/>"})
    for name, data, why in [
        ("locked.odt", locked, "password"),
        ("bomb.odt", zipped({"mimetype": "", "content.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a/>'}), "entities"),
        ("empty.odt", zipped({"mimetype": ""}), "no text"),
    ]:
        (tmp_path / name).write_bytes(data)
        importer = match(tmp_path / name)
        assert importer and importer.name == "odt"
        with pytest.raises(SourceError, match=why):
            list(importer.read(tmp_path / name, tmp_path, ANN))

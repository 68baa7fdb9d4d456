"""Books: the order of chapters, whose they are, and those that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.epub import Epub
from mlxtwin.sources.registry import match

from .making import epub, zipped

ANN = Person.of(["Ann"])
BY_ANN = "<dc:title>Bread</dc:title><dc:creator>Ann</dc:creator>"
LONG = "<p>" + "bread and salt " * 300 + "</p>"


def read(root: Path, data: bytes) -> list[Document]:
    file = root / "book.epub"
    file.write_bytes(data)
    return list(Epub().read(file, root, ANN))


def test_chapters_come_in_the_order_of_reading(tmp_path: Path) -> None:
    found = read(
        tmp_path, epub({"z.xhtml": f"<h1>One</h1>{LONG}", "a b.xhtml": f"<h1>Two</h1>{LONG}"}, metadata=BY_ANN)
    )
    # The name of a chapter is an address, in which a blank may be written otherwise.
    coded = read(tmp_path, epub({"z.xhtml": f"<h1>One</h1>{LONG}"}, metadata=BY_ANN))
    assert list(dict.fromkeys(document.title.split(" (")[0] for document in found)) == ["Bread: One", "Bread: Two"]
    assert coded and all(document.own_text for document in found)


def test_a_chapter_is_found_under_its_coded_name(tmp_path: Path) -> None:
    data = epub({"a%20b.xhtml": ""}, metadata=BY_ANN, more={"OEBPS/a b.xhtml": "<p>With patience.</p>"})
    assert read(tmp_path, data)[0].own_text == "With patience."


def test_only_whoever_wrote_a_book_counts_as_its_author(tmp_path: Path) -> None:
    chapters = {"1.xhtml": "<p>With patience.</p>"}
    other = "<dc:creator opf:role='aut'>Bob</dc:creator><dc:creator opf:role='edt'>Ann</dc:creator>"
    refined = (
        "<dc:creator id='a'>Ann</dc:creator><meta refines='#a' property='role'>aut</meta>"
        "<dc:creator id='b'>Bob</dc:creator><meta refines='#b' property='role'>ill</meta>"
    )
    for metadata, drop in [(BY_ANN, ""), (other, "not by me"), (refined, ""), ("", "author unknown")]:
        assert [document.drop for document in read(tmp_path, epub(chapters, metadata=metadata))] == [drop]


def test_the_contents_and_what_is_out_of_line_are_left_out(tmp_path: Path) -> None:
    package = (
        "<package><metadata/><manifest>"
        "<item id='n' href='n.xhtml' media-type='application/xhtml+xml' properties='nav'/>"
        "<item id='a' href='a.xhtml' media-type='application/xhtml+xml'/>"
        "<item id='p' href='p.png' media-type='image/png'/>"
        "<item id='x' href='x.xhtml' media-type='application/xhtml+xml'/></manifest>"
        "<spine><itemref idref='n'/><itemref idref='p'/><itemref idref='x' linear='no'/><itemref idref='a'/></spine>"
        "</package>"
    )
    members = {
        "mimetype": "application/epub+zip", "book.opf": package, "n.xhtml": "<p>Contents</p>",
        "a.xhtml": "<p>I bake.</p>",
        "x.xhtml": "<p>An advertisement</p>",
    }  # fmt: skip
    (document,) = read(tmp_path, zipped(members, "mimetype"))
    assert [turn.text for turn in document.turns] == ["I bake."]


def test_a_book_locked_by_its_seller_says_so_and_locked_fonts_do_not_matter(tmp_path: Path) -> None:
    lock = "<encryption><EncryptedData><CipherReference URI='OEBPS/{}'/></EncryptedData></encryption>"
    chapters = {"1.xhtml": "<p>With patience.</p>"}
    fonts = epub(chapters, metadata=BY_ANN, more={"META-INF/encryption.xml": lock.format("f.otf")})
    assert read(tmp_path, fonts)[0].own_text == "With patience."
    locked = epub(chapters, metadata=BY_ANN, more={"META-INF/encryption.xml": lock.format("1.xhtml")})
    with pytest.raises(SourceError, match="locked by whoever sold it"):
        read(tmp_path, locked)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"book.opf": '<!DOCTYPE p [<!ENTITY a "b">]><package/>'},
        {"book.opf": "<package><manifest/><spine/></package>"},
        {"META-INF/container.xml": "<rootfile full-path='../../etc/passwd'/>"},
        {"META-INF/container.xml": "<rootfile"},
    ],
)
def test_books_without_chapters_are_refused(tmp_path: Path, members: dict[str, str]) -> None:
    (tmp_path / "book.epub").write_bytes(zipped({"mimetype": "application/epub+zip", **members}, "mimetype"))
    importer = match(tmp_path / "book.epub")
    assert importer and importer.name == "epub"
    with pytest.raises(SourceError, match=r"book\.epub"):
        list(importer.read(tmp_path / "book.epub", tmp_path, ANN))


def test_a_book_that_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    chapters = {f"{number}.xhtml": "<p></p>" + " " * (30 * 1024 * 1024) for number in range(3)}
    with pytest.raises(SourceError, match="more than a document"):
        read(tmp_path, epub(chapters, metadata=BY_ANN))

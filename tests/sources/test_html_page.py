"""Web pages: whose they are, which part of them is the text, and in which wrappings they come."""

from __future__ import annotations

import plistlib
import time
from pathlib import Path

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.html_page import HtmlPage
from mlxtwin.sources.html_regions import main_part
from mlxtwin.sources.registry import match

ANN = Person.of(["Ann"])
LONG = "With patience and a hot stone the rye is baked in two days. " * 5


def read(root: Path, page: str | bytes, name: str = "a.html") -> list[Document]:
    (root / name).write_bytes(page if isinstance(page, bytes) else page.encode())
    return list(HtmlPage().read(root / name, root, ANN))


def page(head: str = "", body: str = f"<p>{LONG}</p>") -> str:
    return f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>"


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        ('<meta name="author" content="Ann">', ""),
        ('<meta name="DC.creator" content="ann">', ""),
        ('<meta name="author" content="Bob">', "not by me"),
        ('<meta property="article:author" content="https://example.org/ann">', "author unknown"),
        ("", "author unknown"),
    ],
)
def test_the_author_a_page_names_decides_whose_it_is(tmp_path: Path, head: str, drop: str) -> None:
    (document,) = read(tmp_path, page(head))
    assert document.drop == drop
    assert bool(document.own_text) == (not drop)
    assert document.turns[0].text == LONG.strip()


def test_title_and_date_are_those_of_the_page(tmp_path: Path) -> None:
    head = '<title>Bread &amp; salt</title><meta itemprop="datePublished" content="2024-03-02">'
    (document,) = read(tmp_path, page(head))
    assert (document.title, str(document.at)) == ("Bread & salt", "2024-03-02 00:00:00+00:00")


@pytest.mark.parametrize(
    "body",
    [
        f"<nav>Home</nav><main><p>{LONG}</p></main><footer>Imprint</footer>",
        f"<header>Kitchen</header><article><p>{LONG}</p><aside>Buy flour</aside></article><article>Next</article>",
        f"<!-- <article> --><header>Kitchen</header><p>{LONG}</p><nav>Home",
        f"<main><article><header><p>{LONG}</p></header></article><p>Comments</p></main>",
    ],
)
def test_what_stands_around_the_text_is_left_out(tmp_path: Path, body: str) -> None:
    text = " ".join(turn.text for document in read(tmp_path, page(body=body)) for turn in document.turns)
    assert LONG.strip() in text
    assert not any(word in text for word in ("Imprint", "Kitchen", "flour", "Comments"))


def test_quotes_in_a_page_are_nobodys(tmp_path: Path) -> None:
    body = f"<p>{LONG}</p><blockquote>It rose.</blockquote>"
    (document,) = read(tmp_path, page('<meta name="author" content="Ann">', body))
    assert [turn.role for turn in document.turns] == ["own", "quoted"]


def test_the_charset_a_page_declares_is_used(tmp_path: Path) -> None:
    data = page('<meta charset="windows-1251">', "<p>Хлеб и соль</p>").encode("cp1251")
    assert read(tmp_path, data)[0].turns[0].text == "Хлеб и соль"


def test_a_page_saved_by_chrome_as_mhtml_is_a_page_and_no_mail(tmp_path: Path) -> None:
    saved = (
        "From: <Saved by Blink>\r\nSnapshot-Content-Location: https://example.org/\r\nSubject: Bread\r\n"
        "Date: Sat, 2 Mar 2024 10:00:00 -0000\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/related; type="text/html"; boundary="x"\r\n\r\n--x\r\nContent-Type: text/html\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        "<html><body><p>With patience=\r\n =E2=82=AC</p></body></html>"
        "\r\n--x--\r\n"
    )
    documents = read(tmp_path, saved, "a.mhtml")
    importer = match(tmp_path / "a.mhtml")
    assert importer and importer.name == "html"
    assert documents[0].turns[0].text == "With patience €"


def test_a_page_saved_by_safari_is_read_and_a_broken_one_refused(tmp_path: Path) -> None:
    resource = {"WebResourceData": page().encode(), "WebResourceTextEncodingName": "UTF-8"}
    data = plistlib.dumps({"WebMainResource": resource}, fmt=plistlib.FMT_BINARY)
    assert read(tmp_path, data, "a.webarchive")[0].turns[0].text == LONG.strip()
    importer = match(tmp_path / "a.webarchive")
    assert importer and importer.name == "html"
    for broken in (data[:40], plistlib.dumps({}, fmt=plistlib.FMT_BINARY)):
        with pytest.raises(SourceError, match="damaged"):
            read(tmp_path, broken, "b.webarchive")


def test_bookmarks_pictures_and_feeds_are_no_pages(tmp_path: Path) -> None:
    for name, text in [
        ("a.html", "<!DOCTYPE NETSCAPE-Bookmark-file-1>\n<DL><p><DT><A HREF='x'>x</A></DL>"),
        ("b.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("c.xml", "<?xml version='1.0'?><rss/>"),
        ("d.html", "just words"),
    ]:
        (tmp_path / name).write_text(text)
        assert HtmlPage().recognises(tmp_path / name) == 0


@pytest.mark.parametrize(
    "piece", ["<article>", "</main>", "<nav>", "<main><article>", "<!--", "<header", "<aside></aside>"]
)
def test_finding_the_main_part_takes_time_in_step_with_the_page(piece: str) -> None:
    started = time.process_time()
    assert isinstance(main_part(piece * 100_000), str)
    assert time.process_time() - started < 10

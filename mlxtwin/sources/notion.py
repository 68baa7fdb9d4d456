"""Notion's exports: pages as Markdown or as HTML, and tables as CSV, in folders or archives in archives.

Found by the 32 digits in their names together with what stands in them, HTML by its own marks. All words are the
person's but quotes, a page that was clipped from the web (it has an address as its property), and one whose property
says that somebody else made it. A row of a table is a note where it says something in words and has no page of its own.
Not covered: comments, who wrote which block, formulas in Markdown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import decode_text, read_head, relative_name, unreadable
from mlxtwin.sources.blocks import blocks
from mlxtwin.sources.files import File
from mlxtwin.sources.keyed_notes import CLIP, by, keyed, one_line
from mlxtwin.sources.notion_names import Pages, columns, letters, same_title, table_of, title_and_id
from mlxtwin.sources.notion_text import Page, of_html, of_markdown, prose_values
from mlxtwin.sources.prose import Note, stamp
from mlxtwin.sources.table import rows

INDEX = "a list of pages"
BESIDE = "part of a table that is there whole"
MOST_PAGE_BYTES = 64 * 1024 * 1024
_MARKDOWN, _TABLES = (".md",), (".csv",)
_PAGE = re.compile(r'<article[^<>]{0,300}class="page (?:sans|serif|mono)"')
_INDEX = re.compile(r'<ul id="id::[0-9a-f-]{36}(?:\.csv)?">')


class Notion:
    """See the module; ``Document.key`` is the id of the page, of a row without one the table's and the row's title."""

    name = "notion"
    kind: Kind = "note"

    def recognises(self, file: File) -> float:
        title, found, _ = title_and_id(file.stem)
        suffix = file.suffix.casefold()
        if not found and not any(mark in read_head(file) for mark in (b'class="page', b'id="id::')):
            return 0.0
        text = _head(file)
        if text[:1] == "<":
            return 0.97 if _is_page(text) or _is_index(text) else 0.0
        if not found or not text:
            return 0.0
        if suffix in _MARKDOWN:
            return 0.95 if _says_title(text, title) else 0.0
        return 0.95 if suffix in _TABLES and "," in text.split("\n", 1)[0] else 0.0

    def authors(self, file: File) -> Iterator[str]:
        kind = _kind_of(file)
        if kind == "page" and (maker := _page(file).maker):
            yield maker
        elif kind == "table":
            yield from filter(None, (_maker(row) for row in rows(file)))

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        origin = relative_name(file, root)
        kind = _kind_of(file)
        if kind == "page":
            yield from _of_page(file, origin, person)
        elif kind == "index":
            yield _passed_over(file, origin, INDEX)
        elif not title_and_id(file.stem)[2] and (file.parent / f"{file.stem}_all{file.suffix}").is_file():
            yield _passed_over(file, origin, BESIDE)
        else:
            yield from _of_table(file, origin, person)


def _head(file: File) -> str:
    return decode_text(read_head(file)).lstrip()


def _says_title(text: str, title: str) -> bool:
    first = text.split("\n", 1)[0]
    return first.startswith("#") and (same_title(first.strip("# "), title) or title in ("", "Untitled"))


def _is_page(text: str) -> bool:
    return bool(_PAGE.search(text)) and ('class="page-body"' in text or 'class="page-title"' in text)


def _is_index(text: str) -> bool:
    return "Workspace identifier:" in text and bool(_INDEX.search(text))


def _kind_of(file: File) -> str:
    if file.suffix.casefold() in _TABLES:
        return "table"
    return "index" if _is_index(_head(file)) else "page"


def _passed_over(file: File, origin: str, why: str) -> Document:
    return Document(Notion.kind, Notion.name, file.name, one_line(file.stem), (), None, "", origin, why)


def _text(file: File) -> str:
    """Raises SourceError, also for a page over MOST_PAGE_BYTES."""
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_PAGE_BYTES + 1)
    except OSError as error:
        raise unreadable(file, error) from None
    if len(data) > MOST_PAGE_BYTES:
        raise SourceError(f"{file.name} is too large for a page: over {MOST_PAGE_BYTES // 1024 // 1024} MB.")
    return decode_text(data)


def _page(file: File) -> Page:
    text = _text(file)
    if text.lstrip().startswith("<"):
        return of_html(text)
    table = table_of(file)
    return of_markdown(text.split("\n"), columns(table) if table else frozenset())


def _of_page(file: File, origin: str, person: Person) -> Iterator[Document]:
    page = _page(file)
    named, found = title_and_id(file.stem)[:2]
    title = page.title or one_line(named)
    key = found or page.id or f"{title}~{stamp(''.join(page.lines[:3]))}"
    body = blocks(page.words, markdown=True, breaks=True)
    if page.maker and not person.is_me(page.maker):
        body = by(body, page.maker)
    yield from keyed(Note(Notion.name, key, key, title, page.at, body, origin, drop=CLIP if page.clipped else ""))


def _of_table(file: File, origin: str, person: Person) -> Iterator[Document]:
    """The rows that say something and have no page."""
    pages, keys = Pages(file), Counter[str]()
    table = title_and_id(file.stem)[1] or one_line(file.stem)
    for number, row in enumerate(rows(file), 2):
        title = one_line(next(iter(row.values()), ""))
        said = prose_values(row.values())
        if not said or pages.has(title):
            continue
        key = f"{table}|{letters(title)}"
        key = f"{key}~{stamp(said[0])}" if keys[key] else key
        keys[key] += 1
        page = Page(title, row)
        if keys[key] == 1:
            yield from _of_row(page, said, key, f"{origin}#{number}", person)


def _of_row(page: Page, said: list[str], key: str, origin: str, person: Person) -> Iterator[Document]:
    body = blocks("\n\n".join(said).split("\n"), markdown=True, breaks=True)
    if page.maker and not person.is_me(page.maker):
        body = by(body, page.maker)
    drop = CLIP if page.clipped else ""
    yield from keyed(Note(Notion.name, key, key, page.title, page.at, body, origin, drop=drop))


def _maker(row: dict[str, str]) -> str:
    return Page(properties=row).maker

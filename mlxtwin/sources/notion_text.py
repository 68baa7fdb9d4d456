"""What a page of Notion's exports says: its title, its properties and its words, of Markdown and of HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mlxtwin.sources.clock_dates import spoken_moment
from mlxtwin.sources.keyed_notes import one_line
from mlxtwin.sources.markup import markdown
from mlxtwin.sources.markup_open import Treatment
from mlxtwin.sources.markup_scan import Tag, pieces
from mlxtwin.sources.notion_names import plain_id
from mlxtwin.sources.skips import looks_like_prose

PROSE_WORDS = 8
MOST_PROPERTIES = 200
_CREATED = ("created", "created time", "created at", "date created", "created on", "creation date", "date")
_EDITED = ("last edited time", "last edited", "updated", "last updated", "edited")
_MAKERS = ("created by",)
_ADDRESSES = ("url", "source url")
_KNOWN = frozenset((*_CREATED, *_EDITED, *_MAKERS, *_ADDRESSES, "tags", "status", "type", "last edited by", "due date"))
_PROPERTY = re.compile(r"([^\s:][^:\n]{0,80}):(?:\s+(.*))?$")
_ADDRESS = re.compile(r"(?i)https?://\S+")
_FENCE = re.compile(r"\s*(```|~~~)")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,4}\.)\s")
_EMPTY_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,4}\.)\s*(?:\[[ xX]?\]\s*)?$")
_BOX = re.compile(r"(?i)^(\s*)</?(?:aside|details|summary)(?:\s[^<>]{0,200})?>\s*$")
_TARGET = r"\((?:[^()\n]|\([^()\n]{0,400}\)){0,3000}\)"
_IMAGE = re.compile(rf"!\[[^\]\n]{{0,300}}\]{_TARGET}")
_LINK = re.compile(rf"\[((?:[^\[\]\n]|\[[^\[\]\n]{{0,200}}\]){{1,300}})\]{_TARGET}")
_HEADER_TITLE = re.compile(r'<h1[^<>]{0,300}class="page-title"[^<>]{0,300}>')
_ARTICLE = re.compile(r'<article[^<>]{0,300}?\bid="([0-9a-fA-F-]{32,36})"')
_ASIDE_CLASSES = frozenset(
    ("properties", "table_of_contents", "bookmark", "source", "collection-content", "page-title")
)
_ROW = re.compile(r"property-row-(\w+)")


@dataclass(slots=True)
class Page:
    """A page: ``properties`` by their names in lower case, ``lines`` of Markdown, ``id`` where the page tells it."""

    title: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    id: str = ""

    @property
    def at(self) -> datetime | None:
        told = (self.properties.get(name, "") for name in (*_CREATED, *_EDITED))
        return next((at for at in map(spoken_moment, told) if at), None) or spoken_moment(self.title)

    @property
    def maker(self) -> str:
        return next((one_line(self.properties[name]) for name in _MAKERS if self.properties.get(name)), "")

    @property
    def clipped(self) -> bool:
        return any(_ADDRESS.match(self.properties.get(name, "")) for name in _ADDRESSES)

    @property
    def words(self) -> list[str]:
        """The properties that are prose, then the text."""
        return [
            line for value in prose_values(self.properties.values()) for line in (*value.split("\n"), "")
        ] + self.lines


def prose_values(values: Iterable[str]) -> list[str]:
    """Those that say something in words: no list of options, date or address."""
    return [
        value for value in values if len(_ADDRESS.sub("", value).split()) >= PROSE_WORDS and looks_like_prose(value)
    ]


def of_markdown(lines: Iterable[str], columns: frozenset[str]) -> Page:
    """``columns``: those of the table whose row the page is, in lower case; they are told from what looks like them."""
    page = Page()
    held = list(lines)
    at = next((at for at, line in enumerate(held) if line.strip()), len(held))
    if at < len(held) and held[at].startswith("# "):
        page.title, at = one_line(held[at][2:]), at + 1
    while at < len(held) and not held[at].strip():
        at += 1
    head = _head(held[at : at + MOST_PROPERTIES])
    if properties := _properties(head, columns):
        page.properties, at = properties, at + len(head)
    page.lines = list(_plain_lines(held[at:]))
    return page


def _head(lines: list[str]) -> list[str]:
    end = next((at for at, line in enumerate(lines) if not line.strip()), len(lines))
    return lines[:end]


def _properties(head: list[str], columns: frozenset[str]) -> dict[str, str]:
    """The lines after the title as what they are called and say; none where they are the first lines of the text."""
    found: dict[str, str] = {}
    last = ""
    for line in head:
        named = _PROPERTY.match(line)
        name = named[1].strip().casefold() if named else ""
        if named and (name in columns or not columns):
            found[name] = (named[2] or "").strip()
            last = name
        elif columns and last:
            found[last] += f"\n{line}"
        else:
            return {}
    return found if columns or (len(found) == len(head) and not _KNOWN.isdisjoint(found)) else {}


def _plain_lines(lines: Iterable[str]) -> Iterator[str]:
    """Without boxes, pictures and addresses; an indented paragraph is no code here, which stands in fences."""
    fenced = False
    for line in lines:
        if _FENCE.match(line):
            fenced = not fenced
            yield line.strip()
        elif fenced:
            yield line
        elif _EMPTY_ITEM.match(line) or _BOX.match(line):
            yield ""
        else:
            plain = _LINK.sub(_link_words, _IMAGE.sub("", line))
            plain = plain.replace("**", "") if _HEADING.match(plain) else plain
            yield plain if _ITEM.match(plain) else plain.strip() if plain.startswith(("  ", "\t")) else plain


def _link_words(found: re.Match[str]) -> str:
    return "" if _ADDRESS.fullmatch(found[1]) else found[1]


def of_html(html: str) -> Page:
    title, article = _HEADER_TITLE.search(html), _ARTICLE.search(html)
    end = html.find("</h1>", title.end()) if title else -1
    return Page(
        one_line(markdown(html[title.end() : end])) if title and end >= 0 else "",
        _table(html),
        markdown(html, rule=_rule).split("\n"),
        plain_id(article[1]) if article else "",
    )


def _rule(name: str, attributes: Mapping[str, str]) -> Treatment:
    """Contents, files, previews of other pages and rows of tables are none of a page's own words."""
    classes = attributes.get("class", "").split() if attributes else ()
    return "hidden" if name == "nav" or not _ASIDE_CLASSES.isdisjoint(classes) else ""


def _table(html: str) -> dict[str, str]:
    """The properties of a page: ``created by`` and ``created time`` also where they are called otherwise."""
    found: dict[str, str] = {}
    kind, cell, parts = "", "", dict[str, list[str]]()
    for piece in pieces(html.partition('class="page-body"')[0]):
        if isinstance(piece, str):
            if cell:
                parts.setdefault(cell, []).append(piece)
        elif piece.name == "tr":
            _take_row(found, kind, parts)
            kind, cell, parts = _row_kind(piece), "", {}
        elif piece.name in ("th", "td"):
            cell = piece.name if kind and not piece.closing else ""
        elif cell and piece.name == "br":
            parts.setdefault(cell, []).append("\n")
    return found


def _row_kind(tag: Tag) -> str:
    found = _ROW.search(tag.attributes.get("class", "")) if not tag.closing else None
    return found[1] if found else ""


def _take_row(found: dict[str, str], kind: str, parts: dict[str, list[str]]) -> None:
    if not kind or len(found) > MOST_PROPERTIES:
        return
    name, value = ("".join(parts.get(cell, ())).strip() for cell in ("th", "td"))
    told = {"created_time": "created time", "created_by": "created by", "last_edited_time": "last edited time"}
    found[told.get(kind, one_line(name).casefold())] = value

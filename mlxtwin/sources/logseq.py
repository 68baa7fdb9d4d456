"""Logseq: pages and journals, in Markdown or Org, of a graph on disk.

A graph is known by its ``logseq/config.edn``; a page without one by what only Logseq writes. A page that says where on
the web it was taken from is a clip. Not covered: graphs kept in a database; whiteboards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain, islice
from urllib.parse import unquote

from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import clean_text, head_text, relative_name, text_lines
from mlxtwin.sources.blocks import blocks
from mlxtwin.sources.dates import leading_date, parse_moment
from mlxtwin.sources.files import File
from mlxtwin.sources.frontmatter import FrontMatter, split_front_matter
from mlxtwin.sources.logseq_outline import PROPERTY, bullets
from mlxtwin.sources.moments import UNIX, since
from mlxtwin.sources.outline import Bullet, markdown_lines
from mlxtwin.sources.prose import Note, documents, enclosing, opened, path_date
from mlxtwin.sources.skips import skip_reason
from mlxtwin.sources.wikitext import linked_words

CLIP = "a web clip"
BACKUP = "a backup"
LEAST_MARKS = 2
MOST_PROPERTY_LINES = 60
_MARKDOWN = frozenset({".md", ".markdown"})
_ORG = ".org"
_OUTLINE = re.compile(r"\s*-(?:\s|$)|\s+\S|[\w.-]{1,60}::\s")
_STRONG = re.compile(
    r"(?m)^\s*(?:-\s+)?(?:id:: [0-9a-f]{8}-[0-9a-f-]{27}\s*$|collapsed:: (?:true|false)|ls-type:: |:LOGBOOK:\s*$)|"
    r"\(\([0-9a-f]{8}-[0-9a-f-]{27}\)\)|\{\{(?:query|embed|renderer) "
)
_WEAK = re.compile(r"(?m)^\s*(?:-\s+)?[a-z][\w-]{0,40}:: \S|^\s*- (?:LATER|NOW|DOING|TODO|WAITING) ")
_ORG_PROPERTY = re.compile(r"\s*:([^\s:]+):[ \t]+(.*)$|(?i:\s*#\+([a-z_-]+):[ \t]*(.*)$)")
_ADDRESS = re.compile(r"(?i)\s*(?:https?://|\[[^\]\n]{0,300}\]\(https?://)")
_DATE_KEYS = ("date", "created", "created-at", "created_at")


class Logseq:
    """See the module; ``Document.key`` is the path within the graph, a stamp of the first words, and the section."""

    name = "logseq"
    kind: Kind = "note"

    def recognises(self, file: File) -> float:
        suffix = file.suffix.casefold()
        if suffix not in _MARKDOWN and suffix != _ORG:
            return 0.0
        text = head_text(file)
        # A page that begins with a link of a day looks like a list of lists.
        skipped = suffix != _ORG and skip_reason(file) and not text.lstrip().startswith("[[")
        if not text.strip() or skipped:
            return 0.0
        if graph := _graph(file):
            folder = relative_name(file, graph).partition("/")[0]
            return 0.92 if folder in ("pages", "journals", "logseq") else 0.75
        return 0.7 if suffix != _ORG and _is_outline(text) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        return iter(())

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        origin, graph = relative_name(file, root), _graph(file)
        path = relative_name(file, graph) if graph else origin
        page, lines = _page(text_lines(file), path)
        org = file.suffix.casefold() == _ORG
        outline = _without_day(bullets(lines, org=org)) if page.journal else bullets(lines, org=org)
        first, _, body = opened(blocks(markdown_lines(outline), markdown=True, breaks=True), page.title)
        note = Note(
            self.name,
            path,
            f"{path}~{first}",
            page.title,
            page.at,
            (replace(block, kind="quote", level=0) for block in body) if page.drop else body,
            origin,
            dates="nowhere" if page.journal else "anywhere",
            drop=page.drop,
        )
        yield from documents(note)


@dataclass(frozen=True, slots=True)
class _Page:
    title: str
    at: datetime | None
    journal: bool
    drop: str


@dataclass(slots=True)
class _Head:
    """What the first lines say: front matter as Logseq once wrote it, or properties."""

    front: FrontMatter
    values: dict[str, str] = field(default_factory=dict)


def _graph(file: File) -> File | None:
    return enclosing(file, lambda folder: (folder / "logseq" / "config.edn").is_file())


def _is_outline(text: str) -> bool:
    """Nearly all lines are bullets or stand under one, and some are written by Logseq alone."""
    _, body = split_front_matter(text.split("\n"))
    lines = [line for line in body if line.strip()]
    outlined = sum(bool(_OUTLINE.match(line)) for line in lines)
    dashes = sum(line.lstrip().startswith("-") for line in lines)
    marks = LEAST_MARKS * bool(_STRONG.search(text)) + len(list(islice(_WEAK.finditer(text), LEAST_MARKS)))
    return marks >= LEAST_MARKS and dashes > 0 and outlined >= 0.9 * len(lines)


def _page(lines: Iterator[str], path: str) -> tuple[_Page, Iterator[str]]:
    front, lines = split_front_matter(lines)
    held = list(islice(lines, MOST_PROPERTY_LINES))
    values = _properties(held)
    folder, _, name = path.rpartition("/")
    day = path_date(name)
    journal = bool(day) and folder.rpartition("/")[2] == "journals"
    told = values.get("title", "") or front.title
    title = " ".join(linked_words(clean_text(told)).split())[:300] or _name_title(name, day if journal else None)
    at = (day if journal else None) or front.at or _created(values) or day
    clipped = any(_ADDRESS.match(values.get(key, "")) for key in ("source", "url"))
    drop = BACKUP if path.startswith("logseq/") else CLIP if clipped else ""
    return _Page(title, at, journal, drop), chain(held, lines)


def _properties(lines: list[str]) -> dict[str, str]:
    """The properties of a page: those before its first words."""
    found: dict[str, str] = {}
    for line in lines:
        if match := PROPERTY.match(line):
            found.setdefault(match[1].casefold(), (match[2] or "").strip())
        elif match := _ORG_PROPERTY.match(line):
            found.setdefault((match[1] or match[3]).casefold(), (match[2] or match[4] or "").strip())
        elif line.strip() not in ("", "-", ":PROPERTIES:", ":END:"):
            break
    return found


def _created(values: dict[str, str]) -> datetime | None:
    for value in (values[key] for key in _DATE_KEYS if key in values):
        moment = since(UNIX, int(value) / 1000) if value.isdecimal() and len(value) == 13 else parse_moment(value)
        if moment:
            return moment
    return None


def _name_title(name: str, day: datetime | None) -> str:
    """``term___a page%3F.md`` to ``term/a page?``; a journal's day where the name is one."""
    if day:
        return f"{day:%Y-%m-%d}"
    stem = name.rpartition(".")[0] or name
    return " ".join(clean_text(unquote(stem.replace("___", "/"))).split()) or stem.strip() or name


def _without_day(outline: Iterator[Bullet]) -> Iterator[Bullet]:
    """A journal's bullets less a first one that only says the day."""
    for number, bullet in enumerate(outline):
        mark = leading_date(bullet.lines[0]) if not number and len(bullet.lines) == 1 else None
        if not mark or mark.rest.strip(" .:*_]"):
            yield bullet

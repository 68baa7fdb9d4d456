"""The parts of a docx beside its text: what it tells of itself, its styles and lists, its comments and notes."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from mlxtwin.sources.base import clean_text
from mlxtwin.sources.packed import Packed
from mlxtwin.sources.xml_stream import Event, events

BODY = "word/document.xml"
# Styles of any language have their English names inside.
_QUOTES = frozenset(("quote", "intense quote", "block text"))
_MOST_BASES = 20


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment or a note below the text."""

    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Style:
    """What a paragraph's style says: the level of a heading (0 for none), whether it is a quote or of a contents list.

    ``numbering``: the number of the list it belongs to, or empty.
    """

    heading: int = 0
    quote: bool = False
    contents: bool = False
    numbering: str = ""


@dataclass(slots=True)
class Styles:
    """Styles by their ids, and the lists whose items are numbered."""

    styles: dict[str, Style] = field(default_factory=dict)
    numbered: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, archive: Packed, name: str) -> Styles:
        return cls(_styles(_events(archive, name, "styles")), _numbered(_events(archive, name, "numbering")))

    def get(self, style: str) -> Style:
        return self.styles.get(style) or Style()


def body_part(archive: Packed, name: str) -> str:
    """Where the text is, or empty where this is no document of Word's."""
    place = _targets(archive, name, "_rels/.rels", "").get("officeDocument", BODY)
    found = place if place in archive.names else BODY
    return found if found in archive.names and not place.startswith(("xl/", "ppt/")) else ""


def properties(archive: Packed, name: str) -> dict[str, str]:
    """``title``, ``creator``, ``lastModifiedBy``, ``created``, ``modified`` as the file has them."""
    place = _targets(archive, name, "_rels/.rels", "").get("core-properties", "docProps/core.xml")
    told: dict[str, str] = {}
    inside = ""
    for event in events(archive.read(place), name) if place in archive.names else ():
        if event.kind == "start":
            inside = event.name
        elif event.kind == "end":
            inside = ""
        elif inside:
            told[inside] = told.get(inside, "") + event.text
    return told


def related(archive: Packed, name: str, kind: str) -> str:
    """The part of a kind that belongs to the text."""
    body = body_part(archive, name) or BODY
    folder, _, own = body.rpartition("/")
    targets = _targets(archive, name, f"{folder}/_rels/{own}.rels", folder)
    return targets.get(kind, f"{folder}/{kind}.xml")


def remarks(archive: Packed, name: str, kind: str) -> dict[str, Remark]:
    """``comments``, ``footnotes`` or ``endnotes`` by their ids; the lines that part notes from text are none."""
    found: dict[str, Remark] = {}
    held: list[str] | None = None
    number = author = ""
    silent = 0
    for event in _events(archive, name, kind):
        if event.kind == "start":
            silent += bool(silent or event.name in ("del", "moveFrom", "instrText"))
            if event.name == kind[:-1]:
                number, author = event.attributes.get("id", ""), event.attributes.get("author", "")
                held = [] if event.attributes.get("type", "normal") == "normal" else None
        elif event.kind == "end":
            silent -= bool(silent)
            if event.name == kind[:-1] and held is not None:
                found[number] = Remark(author, _lines("".join(held)))
                held = None
            elif held is not None and event.name in ("p", "br", "tab"):
                held.append(" " if event.name == "tab" else "\n")
        elif held is not None and not silent:
            held.append(event.text)
    return found


def _lines(text: str) -> str:
    lines = (" ".join(line.split()) for line in clean_text(text).split("\n"))
    return "\n".join(line for line in lines if line)


def _events(archive: Packed, name: str, kind: str) -> Iterable[Event]:
    data = archive.read(related(archive, name, kind))
    return events(data, name) if data else ()


def _targets(archive: Packed, name: str, place: str, folder: str) -> dict[str, str]:
    """Parts by the last word of the type of their relation; what lies outside the file is none."""
    found: dict[str, str] = {}
    data = archive.read(place)
    for event in events(data, name) if data else ():
        told = event.attributes
        if event.kind == "start" and event.name == "Relationship" and told.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, told.get("Target", "")))
            found.setdefault(told.get("Type", "").rpartition("/")[2], target.lstrip("/"))
    return found


@dataclass(slots=True)
class _Told:
    name: str = ""
    base: str = ""
    level: int | None = None
    numbering: str = ""


def _styles(stream: Iterable[Event]) -> dict[str, Style]:
    told: dict[str, _Told] = {}
    current = _Told()
    for event in stream:
        value = event.attributes.get("val", "")
        if event.kind != "start":
            continue
        if event.name == "style":
            current = told.setdefault(event.attributes.get("styleId", ""), _Told())
        elif event.name == "name":
            current.name = current.name or value.casefold()
        elif event.name == "basedOn":
            current.base = value
        elif event.name == "outlineLvl" and value.isdigit():
            current.level = int(value)
        elif event.name == "numId":
            current.numbering = value
    return {name: _style(name, told) for name in told}


def _style(name: str, told: Mapping[str, _Told]) -> Style:
    chain = list(_bases(name, told))
    names = [one.name for one in chain]
    heading = next((level for one in chain if (level := _level(one))), 0)
    return Style(
        heading,
        any(name in _QUOTES for name in names),
        names[0].startswith(("toc ", "table of figures", "index ")),
        next((one.numbering for one in chain if one.numbering), ""),
    )


def _bases(name: str, told: Mapping[str, _Told]) -> Iterator[_Told]:
    for _ in range(_MOST_BASES):
        if name not in told:
            return
        yield told[name]
        name = told[name].base


def _level(style: _Told) -> int:
    if style.name in ("title", "subtitle"):
        return 1 + (style.name == "subtitle")
    if style.name.startswith("heading ") and style.name[8:].isdecimal():
        return min(int(style.name[8:10]), 6)
    return min(style.level + 1, 6) if style.level is not None and style.level < 9 else 0


def _numbered(stream: Iterable[Event]) -> frozenset[tuple[str, str]]:
    """(list, level) of those whose items have numbers or letters."""
    formats: dict[tuple[str, str], str] = {}
    lists: dict[str, str] = {}
    abstract = level = number = ""
    for event in stream:
        told = event.attributes
        if event.kind != "start":
            continue
        if event.name == "abstractNum":
            abstract = told.get("abstractNumId", "")
        elif event.name == "lvl":
            level = told.get("ilvl", "")
        elif event.name == "numFmt":
            formats.setdefault((abstract, level), told.get("val", ""))
        elif event.name == "num":
            number = told.get("numId", "")
        elif event.name == "abstractNumId":
            lists[number] = told.get("val", "")
    counted = {key for key, value in formats.items() if value not in ("bullet", "none", "")}
    return frozenset((number, level) for number, of in lists.items() for held, level in counted if held == of)

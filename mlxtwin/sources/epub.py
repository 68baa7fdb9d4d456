"""Electronic books (epub): the chapters in the order of reading.

A book is the person's only where its creator is one of their names; one by another is context, and one that names
nobody is not taken for theirs. A book locked by its seller is told. Not covered: notes that a reading program keeps
elsewhere, fixed layouts, the older NCX as a source of titles.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import decode_text, relative_name
from mlxtwin.sources.blocks import Block, blocks
from mlxtwin.sources.dates import parse_moment
from mlxtwin.sources.document_text import Writing, documents, named
from mlxtwin.sources.files import File
from mlxtwin.sources.markup import markdown
from mlxtwin.sources.packed import Packed, looks_packed, unpacked
from mlxtwin.sources.xml_stream import Event, events

MOST_BOOK_BYTES = 64 * 1024 * 1024
MOST_CHAPTERS = 5000
_MARK = b"application/epub+zip"
_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_PAGES = frozenset(("application/xhtml+xml", "text/html", "application/x-dtbook+xml"))


class Epub:
    """See the module; ``Document.key`` is the relative path, a stamp of the first words, and the section."""

    name = "epub"
    kind: Kind = "document"

    def recognises(self, file: File) -> float:
        if looks_packed(file, b"mimetype" + _MARK):
            return 0.95
        return 0.8 if file.suffix.casefold() == ".epub" and looks_packed(file, b"") else 0.0

    def authors(self, file: File) -> Iterator[str]:
        with unpacked(file, MOST_BOOK_BYTES) as archive:
            yield from _book(archive, file.name).writing.authors

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        with unpacked(file, MOST_BOOK_BYTES) as archive:
            book = _book(archive, file.name)
            parts = _parts(archive, file.name, book)
            yield from documents(parts, book.writing, source=self.name, path=relative_name(file, root), person=person)


@dataclass(frozen=True, slots=True)
class _Book:
    writing: Writing
    chapters: tuple[str, ...]


@dataclass(slots=True)
class _Told:
    """What the package file says, as it is met."""

    told: dict[str, str] = field(default_factory=dict)
    creators: list[tuple[str, str]] = field(default_factory=list)
    roles: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    inside: str = ""
    creator: str = ""


def _book(archive: Packed, name: str) -> _Book:
    place = _package(archive, name)
    told = _Told()
    for event in events(archive.read(place), name) if place in archive.names else ():
        _take(told, event)
    folder = posixpath.dirname(place)
    chapters = [told.places[item] for item in told.order if item in told.places]
    if not chapters:
        raise SourceError(f"{name} holds no chapters.", "Copy or export it again.")
    at = parse_moment(told.told.get("date", ""))
    authors = named(*(told.names[key] for key, role in told.creators if told.roles.get(key, role) in ("", "aut")))
    paths = (posixpath.normpath(posixpath.join(folder, unquote(chapter))) for chapter in chapters[:MOST_CHAPTERS])
    return _Book(Writing(told.told.get("title", ""), authors, at), tuple(paths))


def _package(archive: Packed, name: str) -> str:
    for event in events(archive.read(_CONTAINER), name) if _CONTAINER in archive.names else ():
        if event.kind == "start" and event.name == "rootfile":
            return event.attributes.get("full-path", "")
    return next((member for member in sorted(archive.names) if member.endswith(".opf")), "")


def _take(told: _Told, event: Event) -> None:
    about = event.attributes
    if event.kind == "text":
        if told.inside == "creator":
            told.names[told.creator] += event.text
        elif told.inside.startswith("#"):
            told.roles[told.inside[1:]] = event.text.strip()
        elif told.inside:
            told.told[told.inside] = told.told.get(told.inside, "") + event.text
    elif event.kind == "end":
        told.inside = ""
    elif event.name == "creator":
        told.creator = about.get("id") or f" {len(told.creators)}"
        told.creators.append((told.creator, about.get("role", "")))
        told.names.setdefault(told.creator, "")
        told.inside = "creator"
    elif event.name == "meta" and about.get("property") == "role":
        told.inside = about.get("refines", "")
    elif event.name in ("title", "date"):
        told.inside = "" if event.name in told.told else event.name
    elif (
        event.name == "item" and about.get("media-type") in _PAGES and "nav" not in about.get("properties", "").split()
    ):
        told.places[about.get("id", "")] = about.get("href", "")
    elif event.name == "itemref" and about.get("linear") != "no":
        told.order.append(about.get("idref", ""))


def _parts(archive: Packed, name: str, book: _Book) -> Iterator[Block]:
    locked = _locked(archive, name)
    for chapter in dict.fromkeys(book.chapters):
        if chapter in locked:
            raise SourceError(f"{name} is locked by whoever sold it.", "It cannot be read outside their program.")
        page = decode_text(archive.read(chapter))
        yield from blocks(markdown(page).split("\n"), markdown=True)


def _locked(archive: Packed, name: str) -> frozenset[str]:
    """The members that are encrypted; fonts often are, in books that are open."""
    stream = events(archive.read(_ENCRYPTION), name) if _ENCRYPTION in archive.names else ()
    return frozenset(
        unquote(event.attributes.get("URI", ""))
        for event in stream
        if event.kind == "start" and event.name == "CipherReference"
    )

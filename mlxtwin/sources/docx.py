"""Word's documents (docx): the text with headings, lists, tables and notes, and whose each part is.

The creator the file names decides whose its text is, and where it names none, who saved it last; a file that names
nobody counts as written by the person who imports it. Comments are their authors' own words, as is a paragraph
somebody put in with changes tracked; tracked deletions are left out. Not covered: headers and footers, tables of
contents, formulas, charts, the old binary ``.doc``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import read_head, relative_name
from mlxtwin.sources.blocks import Block
from mlxtwin.sources.dates import parse_moment
from mlxtwin.sources.document_text import Writing, by_program, documents, is_mine, named
from mlxtwin.sources.docx_parts import Remark, Styles, body_part, properties, remarks
from mlxtwin.sources.docx_text import Scanner
from mlxtwin.sources.files import File
from mlxtwin.sources.packed import MAGIC, Packed, looks_packed, unpacked
from mlxtwin.sources.xml_stream import events

SUFFIXES = frozenset({".docx", ".docm", ".dotx"})
# An encrypted docx is a container of Microsoft's older kind.
_LOCKED = b"\xd0\xcf\x11\xe0"


class Docx:
    """See the module; ``Document.key`` is the relative path, a stamp of the first words, and the section."""

    name = "docx"
    kind: Kind = "document"

    def recognises(self, file: File) -> float:
        if file.suffix.casefold() in SUFFIXES:
            return 0.9 if read_head(file, 4) in (MAGIC, _LOCKED) else 0.0
        if not looks_packed(file, b"word/", b"[Content_Types].xml", b"_rels/"):
            return 0.0
        try:
            with unpacked(file) as archive:
                return 0.9 if body_part(archive, file.name) else 0.0
        except SourceError:
            return 0.0

    def authors(self, file: File) -> Iterator[str]:
        _refuse_locked(file)
        with unpacked(file) as archive:
            yield from _writing(archive, file.name).authors
            for remark in remarks(archive, file.name, "comments").values():
                yield from named(remark.author)

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        _refuse_locked(file)
        with unpacked(file) as archive:
            writing = _writing(archive, file.name)
            parts = _parts(archive, file.name, writing, person)
            yield from documents(parts, writing, source=self.name, path=relative_name(file, root), person=person)


def _refuse_locked(file: File) -> None:
    if read_head(file, 4) == _LOCKED:
        raise SourceError(f"{file.name} is locked with a password.", "Save it without one and import that.")


def _writing(archive: Packed, name: str) -> Writing:
    told = properties(archive, name)
    at = next((at for key in ("created", "modified") if (at := parse_moment(told.get(key, "")))), None)
    names = told.get("creator", ""), told.get("lastModifiedBy", "")
    authors = named(names[0]) or named(names[1])
    return Writing(told.get("title", ""), authors, at, presumed=not by_program(*names))


def _parts(archive: Packed, name: str, writing: Writing, person: Person) -> Iterator[Block]:
    place = body_part(archive, name)
    data = archive.read(place) if place else b""
    if not data:
        raise SourceError(f"{name} holds no text of a document.", "Save it as .docx again.")
    notes = {kind: remarks(archive, name, kind) for kind in ("footnotes", "endnotes")}
    scanner = Scanner(
        Styles.of(archive, name),
        remarks(archive, name, "comments"),
        partial(is_mine, writing=writing, person=person),
    )
    yield from scanner.blocks(events(data, name))
    for kind, note in scanner.notes:
        yield from _note(notes[kind].get(note))


def _note(remark: Remark | None) -> Iterator[Block]:
    if remark and remark.text:
        yield Block("text", remark.text)

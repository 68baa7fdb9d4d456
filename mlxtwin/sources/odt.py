"""Texts of LibreOffice and OpenOffice (odt): headings, lists, tables, notes and comments, and whose each part is.

Authors as in docx: whoever made the file, else whoever saved it last; a file that names nobody counts as written by the
person who imports it. Comments and tracked insertions are their authors'; tracked deletions are left out. Not covered:
headers and footers, contents and indexes, formulas, drawings' text.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import relative_name
from mlxtwin.sources.blocks import Block
from mlxtwin.sources.dates import parse_moment
from mlxtwin.sources.document_text import Writing, by_program, documents, is_mine, named
from mlxtwin.sources.files import File
from mlxtwin.sources.odt_text import Scanner
from mlxtwin.sources.packed import Packed, looks_packed, unpacked
from mlxtwin.sources.xml_stream import events

_MARK = b"mimetypeapplication/vnd.oasis.opendocument.text"
_TEXT, _ABOUT = "content.xml", "meta.xml"


class Odt:
    """See the module; ``Document.key`` is the relative path, a stamp of the first words, and the section."""

    name = "odt"
    kind: Kind = "document"

    def recognises(self, file: File) -> float:
        if looks_packed(file, _MARK):
            return 0.9
        return 0.8 if file.suffix.casefold() in (".odt", ".ott") and looks_packed(file, b"") else 0.0

    def authors(self, file: File) -> Iterator[str]:
        with unpacked(file) as archive:
            yield from _writing(archive, file.name).authors
            for event in events(archive.read(_TEXT), file.name):
                if event.kind == "start" and event.name == "annotation":
                    break
            else:
                return
            writing = Writing()
            for block in _parts(archive, file.name, writing, Person.of(())):
                yield from named(getattr(block, "by", None) or "")

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        with unpacked(file) as archive:
            writing = _writing(archive, file.name)
            parts = _parts(archive, file.name, writing, person)
            yield from documents(parts, writing, source=self.name, path=relative_name(file, root), person=person)


def _writing(archive: Packed, name: str) -> Writing:
    told: dict[str, str] = {}
    inside = ""
    for event in events(archive.read(_ABOUT), name) if _ABOUT in archive.names else ():
        inside = event.name if event.kind == "start" else "" if event.kind == "end" else inside
        if event.kind == "text" and inside:
            told[inside] = told.get(inside, "") + event.text
    at = next((at for key in ("creation-date", "date") if (at := parse_moment(told.get(key, "")))), None)
    names = told.get("initial-creator", ""), told.get("creator", "")
    authors = named(names[0]) or named(names[1])
    return Writing(told.get("title", ""), authors, at, presumed=not by_program(*names))


def _parts(archive: Packed, name: str, writing: Writing, person: Person) -> Iterator[Block]:
    if "META-INF/manifest.xml" in archive.names and b"encryption-data" in archive.read("META-INF/manifest.xml"):
        raise SourceError(f"{name} is locked with a password.", "Save it without one and import that.")
    data = archive.read(_TEXT)
    if not data:
        raise SourceError(f"{name} holds no text of a document.", "Save it again.")
    yield from Scanner(partial(is_mine, writing=writing, person=person)).blocks(events(data, name))

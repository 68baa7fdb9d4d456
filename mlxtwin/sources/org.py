"""Org files of Emacs: notes, journals, captures and lists of things to do.

Words are the person's but quotes, unless ``#+AUTHOR`` names somebody else. A heading with a date, in it or among its
properties, begins an entry of that day. Not covered: what sets up the file or is included from others; encrypted files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import head_text, relative_name, text_lines
from mlxtwin.sources.dates import moment, parse_moment
from mlxtwin.sources.files import File
from mlxtwin.sources.org_blocks import Head, head_of, org_blocks
from mlxtwin.sources.org_text import stamped, words
from mlxtwin.sources.prose import Note, documents, name_title, opened, path_date

SUFFIXES = frozenset({".org", ".org_archive"})
_KEYWORD = re.compile(r"(?im)^#\+(?:title|startup|todo|filetags|options|author|date|category|language|description):")
_DRAWER = re.compile(
    r"(?im)^\*+ .*(?:\n[ \t]*(?:CLOSED|SCHEDULED|DEADLINE):.*)?\n[ \t]*:(?:PROPERTIES|LOGBOOK):[ \t]*$"
)
_DATE_KEYS = ("date", "created", "date_created", "date-created")


class Org:
    """See the module; ``Document.key`` is the relative path, a stamp of the first words, and the section."""

    name = "org"
    kind: Kind = "note"

    def recognises(self, file: File) -> float:
        suffix = file.suffix.casefold()
        if suffix and suffix not in SUFFIXES:
            return 0.0
        text = head_text(file)
        if not text.strip():
            return 0.0
        if suffix:
            return 0.9
        return 0.6 if _KEYWORD.search(text[:4096]) or _DRAWER.search(text) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        head, _ = head_of(text_lines(file))
        return iter([author] if (author := _author(head)) else [])

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        head, lines = head_of(text_lines(file))
        path = relative_name(file, root)
        first, title, body = opened(org_blocks(lines, head.todo), _title(head) or name_title(path))
        author = _author(head)
        mine = not author or person.is_me(author, author.partition("<")[0], head.keywords.get("email", ""))
        note = Note(
            self.name,
            path,
            f"{path}~{first}",
            title,
            _at(head) or path_date(path),
            body,
            dates="outline",
            by="" if mine else author,
        )
        yield from documents(note)


def _title(head: Head) -> str:
    return " ".join(words(head.keywords.get("title", "")).split())[:300]


def _author(head: Head) -> str:
    return " ".join(head.keywords.get("author", "").split())[:200]


def _at(head: Head) -> datetime | None:
    """What the file's date or the properties of the file say."""
    for key in _DATE_KEYS:
        value = head.keywords.get(key, "")
        day, _ = stamped(value)
        if found := moment(day) or parse_moment(value.strip("<>[] ")):
            return found
    return None

"""Evernote's export (ENEX) to its notes, one at a time: our own scanner, which holds no attachment and expands nothing.

Attachments are most of such a file and are passed by without being kept. No entity but those of characters is known,
no DOCTYPE is read. What one note holds is bounded; a file that ends within a note is told to be cut off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from mlxtwin.errors import SourceError
from mlxtwin.sources.base import decode_text, unreadable
from mlxtwin.sources.files import File
from mlxtwin.sources.markup_scan import decoded

PIECE_BYTES = 1024 * 1024
MOST_TEXT_BYTES = 16 * 1024 * 1024
MOST_NAME_BYTES = 64 * 1024
MOST_DEPTH = 32
MOST_TASKS = 5000
_NAME = re.compile(rb"(/?)\s*([A-Za-z][\w:.-]{0,60})")
_PASSED_BY = frozenset(("resource", "data"))
_NOTE_FIELDS = frozenset(("title", "content", "created", "updated"))
_TASK_FIELDS = frozenset(("title", "taskStatus", "taskGroupNoteLevelID", "sortWeight"))


@dataclass(slots=True)
class EnexNote:
    """One note; ``fields`` by the names of their elements, those of its attributes too; ``content`` is a page."""

    fields: dict[str, str] = field(default_factory=dict)
    tasks: list[dict[str, str]] = field(default_factory=list)
    locked: bool = False

    def get(self, name: str) -> str:
        return self.fields.get(name, "").strip()


def notes(file: File, *, with_content: bool = True) -> Iterator[EnexNote]:
    """The notes in order. Raises SourceError, after those it gave, for a file that is cut off or no export."""
    try:
        with file.open("rb") as opened:
            reader = _Notes(opened, with_content)
            yield from reader.read()
    except OSError as error:
        raise unreadable(file, error) from None
    if not reader.is_export:
        raise SourceError(f"{file.name} is no export of Evernote: it holds no en-export.")
    if not reader.complete:
        raise SourceError(f"{file.name} is cut off in the middle.", "Export it again.")


class _Notes:
    """The elements that are open, and the note that grows."""

    def __init__(self, opened: IO[bytes], with_content: bool) -> None:
        self._bytes = _Bytes(opened)
        self._with_content = with_content
        self._open: list[str] = []
        self._note: EnexNote | None = None
        self._text: list[str] = []
        self._size = 0
        self.is_export = self.complete = False

    def read(self) -> Iterator[EnexNote]:
        while True:
            text, found = self._bytes.until(b"<", self._wanted())
            self._keep(decoded(decode_text(text)))
            if not found:
                return
            if self._bytes.take(b"![CDATA["):
                self._keep(decode_text(self._bytes.until(b"]]>", self._wanted())[0]))
            elif self._bytes.take(b"!--"):
                self._bytes.until(b"-->", 0)
            else:
                yield from self._tag(self._bytes.until(b">", MOST_NAME_BYTES)[0])

    def _tag(self, tag: bytes) -> Iterator[EnexNote]:
        named = _NAME.match(tag)
        if not named:
            return
        name = named[2].decode()
        if named[1]:
            yield from self._end(name)
        elif not tag.endswith(b"/"):
            self._start(name, tag)

    def _start(self, name: str, tag: bytes) -> None:
        if name in _PASSED_BY:
            self._bytes.until(f"</{name}>".encode(), 0)
            return
        self._text, self._size = [], 0
        if name == "en-export":
            self.is_export = True
        elif name == "note":
            self._open, self._note = [], EnexNote()
        elif name == "task" and self._note and len(self._note.tasks) < MOST_TASKS:
            self._note.tasks.append({})
        elif name == "content" and self._note:
            self._note.locked = b"encoding=" in tag
        if len(self._open) < MOST_DEPTH:
            self._open.append(name)

    def _end(self, name: str) -> Iterator[EnexNote]:
        if name == "en-export":
            self.complete = True
        if name not in self._open:
            return
        if self._note and self._open[-1] == name:
            self._set(self._note, name)
        while self._open.pop() != name:
            pass
        self._text, self._size = [], 0
        if name == "note" and self._note:
            note, self._note = self._note, None
            yield note

    def _set(self, note: EnexNote, name: str) -> None:
        around = self._open[-2] if len(self._open) > 1 else ""
        if around == "task" and name in _TASK_FIELDS and note.tasks:
            note.tasks[-1].setdefault(name, "".join(self._text))
        elif around == "note-attributes" or (around == "note" and name in _NOTE_FIELDS):
            note.fields.setdefault(name, "".join(self._text))

    def _keep(self, text: str) -> None:
        if text and self._open and self._size < MOST_TEXT_BYTES:
            self._text.append(text)
            self._size += len(text)

    def _wanted(self) -> int:
        """How much of the text that comes is kept."""
        inside = self._open[-1] if self._note and self._open else ""
        if inside == "content":
            return MOST_TEXT_BYTES if self._with_content else 0
        return MOST_NAME_BYTES if inside else 0


class _Bytes:
    """A stream read up to marks, in memory of one piece and what is asked to be kept."""

    def __init__(self, opened: IO[bytes]) -> None:
        self._opened = opened
        self._held, self._at = b"", 0

    def until(self, mark: bytes, keep: int) -> tuple[bytes, bool]:
        """The first ``keep`` bytes of what stands before a mark, and whether there is one; all that is passed."""
        kept: list[bytes] = []
        while True:
            end = self._held.find(mark, self._at)
            stop = end if end >= 0 else max(self._at, len(self._held) - len(mark) + 1)
            if keep > 0 and stop > self._at:
                kept.append(self._held[self._at : min(stop, self._at + keep)])
                keep -= len(kept[-1])
            if end >= 0:
                self._at = end + len(mark)
                return b"".join(kept), True
            piece = self._opened.read(PIECE_BYTES)
            if not piece:
                kept.append(self._held[stop:][: max(keep, 0)])
                self._held, self._at = b"", 0
                return b"".join(kept), False
            self._held, self._at = self._held[stop:] + piece, 0

    def take(self, start: bytes) -> bool:
        """Passes ``start`` where it comes next."""
        while len(self._held) - self._at < len(start) and (piece := self._opened.read(PIECE_BYTES)):
            self._held, self._at = self._held[self._at :] + piece, 0
        if not self._held.startswith(start, self._at):
            return False
        self._at += len(start)
        return True

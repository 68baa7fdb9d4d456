"""The messages of a mailbox file, one after another, in memory bounded by the largest one.

A file is an mbox when it begins with a ``From `` line, else it holds a single message. A message begins at a ``From ``
line that has a sender and a date, stands after an empty line and before a header, so that a sentence which begins
with "From" does not cut one. ``>From`` is read as mboxrd has it: one ``>`` less.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

from mlxtwin.sources.base import LINE_BYTES, unreadable
from mlxtwin.sources.files import File

# Words stand before attachments, so that what is cut off is the end of a file nobody reads here.
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
_FROM_LINE = re.compile(rb"From (?:\S+|\"[^\"\r\n]{1,200}\"\S*) .{0,60}\d{1,2}:\d\d.{0,40}\d{4}|From - .{0,60}\d{4}")
_ESCAPED = re.compile(rb">+From ")
_HEADER = re.compile(rb"[!-9;-~]{1,80}[ \t]*:|>?From ")


def messages(file: File) -> Iterator[bytes]:
    """The bytes of each message, without its From_ line and cut at MAX_MESSAGE_BYTES. Raises SourceError."""
    try:
        with file.open("rb") as opened:
            head = opened.read(4096).lstrip(b"\xef\xbb\xbf\r\n\t ")
            opened.seek(0)
            if head.startswith(b"From "):
                yield from _split(opened)
            else:
                yield opened.read(MAX_MESSAGE_BYTES)
    except OSError as error:
        raise unreadable(file, error) from None


def _split(opened: IO[bytes]) -> Iterator[bytes]:
    message = _Message()
    after_blank, begins_line, waiting = True, True, b""
    started = False
    while piece := opened.readline(LINE_BYTES):
        if waiting:
            if not started or _HEADER.match(piece):
                if started:
                    yield message.take()
                started = True
            else:
                message.add(waiting)
            waiting, after_blank = b"", False
        if begins_line and after_blank and (_FROM_LINE.match(piece) or (not started and b"From " in piece[:8])):
            waiting = piece
        else:
            message.add(piece[1:] if begins_line and _ESCAPED.match(piece) else piece)
        begins_line = piece.endswith(b"\n")
        after_blank = begins_line and not piece.strip()
    if waiting:
        message.add(waiting)
    yield message.take()


class _Message:
    """The pieces of one message so far, no more of them than a message may have."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes) -> None:
        if self._size < MAX_MESSAGE_BYTES:
            self._pieces.append(piece)
            self._size += len(piece)

    def take(self) -> bytes:
        whole = b"".join(self._pieces)
        self._pieces, self._size = [], 0
        return whole

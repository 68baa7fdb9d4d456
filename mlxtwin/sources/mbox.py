"""The messages of a mailbox file, one after another, in memory bounded by the largest one.

A file is an mbox when it begins with a ``From `` line, else it holds a single message. A message begins at a ``From ``
line that has a sender and a date, stands after an empty line and before a header, so that a sentence which begins
with "From" does not cut one. ``>From`` is read as mboxrd has it: one ``>`` less.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

from mlxtwin.sources.base import unreadable
from mlxtwin.sources.files import File

# Words stand before attachments, so that what is cut off is the end of a file nobody reads here.
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024
_FROM = b"\nFrom "
_BLANKS = b" \t\r\f\v"
_BEFORE_FIRST = b"\xef\xbb\xbf\r\n\t "
# How far around a place one must see to know whether a message begins there.
_BEHIND = 256
_AHEAD = 1024
_FROM_LINE = re.compile(
    rb"From (?:\S{1,300}|\"[^\"\r\n]{1,200}\"\S{0,100}) .{0,60}\d{1,2}:\d\d.{0,40}\d{4}|From - .{0,60}\d{4}"
)
_HEADER = re.compile(rb"[!-9;-~]{1,80}[ \t]{0,8}:|>?From ")
_ESCAPED = re.compile(rb"^>(?=>*From )", re.MULTILINE)


def messages(file: File) -> Iterator[bytes]:
    """The bytes of each message, without its From_ line and cut at MAX_MESSAGE_BYTES. Raises SourceError."""
    try:
        with file.open("rb") as opened:
            head = opened.read(CHUNK_BYTES)
            if head[:4096].lstrip(_BEFORE_FIRST).startswith(b"From "):
                yield from _split(opened, head)
            else:
                yield head + opened.read(MAX_MESSAGE_BYTES - CHUNK_BYTES)
    except OSError as error:
        raise unreadable(file, error) from None


def _split(opened: IO[bytes], window: bytes) -> Iterator[bytes]:
    """``window`` holds the first bytes; the file is read on to its end."""
    message = _Message()
    at = window.find(b"\n", window.find(b"From ")) + 1 or len(window)
    looked, last = at, not window
    while not last:
        more = opened.read(CHUNK_BYTES)
        last = not more
        window += more
        end = len(window) if last else max(0, len(window) - _AHEAD)
        for begin, after in _beginnings(window, looked, end):
            message.add(window[at:begin])
            yield message.take()
            at = after
        kept = len(window) if last else max(at, end - _BEHIND)
        message.add(window[at:kept])
        window, looked, at = window[kept:], max(0, end - kept), 0
    yield message.take()


def _beginnings(window: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where From_ lines begin and end, from ``start`` on and before ``end``."""
    at = max(0, start - len(_FROM))
    while (at := window.find(_FROM, at, end)) >= 0:
        at += 1
        if after := _line_end(window, at):
            yield at, after
            at = after - 1


def _line_end(window: bytes, at: int) -> int:
    """The end of the From_ line at ``at``; 0 when it is none, or begins no message."""
    if not _after_blank(window, at) or not _FROM_LINE.match(window, at):
        return 0
    end = window.find(b"\n", at, at + _AHEAD - 128) + 1
    return end if end and _HEADER.match(window, end) else 0


def _after_blank(window: bytes, at: int) -> bool:
    """Whether the line before the one at ``at`` is blank."""
    before = window[max(0, at - _BEHIND) : at - 1].rstrip(_BLANKS)
    return not before or before.endswith(b"\n")


class _Message:
    """The pieces of one message so far, no more of them than a message may have."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes) -> None:
        piece = piece[: MAX_MESSAGE_BYTES - self._size]
        if piece:
            self._pieces.append(piece)
            self._size += len(piece)

    def take(self) -> bytes:
        whole = b"".join(self._pieces)
        self._pieces, self._size = [], 0
        return _ESCAPED.sub(b"", whole) if b">From " in whole else whole

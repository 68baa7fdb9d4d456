"""JSON read as it streams by, so that an export of gigabytes needs no more memory than its largest item."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO, Any

import ijson

from mlxtwin.errors import SourceError
from mlxtwin.sources.base import clean_text, decode_text, unreadable
from mlxtwin.sources.files import File
from mlxtwin.sources.json_depth import PIECE_BYTES, Shallow

SMALL_BYTES = 64 * 1024 * 1024


def items(file: File, prefix: str, *, skip: int = 0, several: bool = False) -> Iterator[Any]:
    """The values at an ijson ``prefix`` (``item`` for the elements of a list at the top), one after the other.

    ``skip`` bytes at the start are no JSON. ``several``: values may follow each other, as those of JSON Lines do. What
    stands before a cut comes, then SourceError is raised, as for a file that cannot be opened. Numbers with a point are
    floats; text is as it is written: give it to `clean_text`.
    """
    try:
        with file.open("rb") as opened:
            opened.read(skip)
            source = io.BufferedReader(Shallow(_without_mark(opened)), PIECE_BYTES)
            yield from ijson.items(source, prefix, use_float=True, multiple_values=several)
    except OSError as error:
        raise unreadable(file, error) from None
    except (ijson.JSONError, UnicodeDecodeError, ValueError, RecursionError, OverflowError) as error:
        cut = isinstance(error, ijson.IncompleteJSONError)
        why = "is cut off in the middle" if cut else "is no valid JSON"
        raise SourceError(f"{file.name} {why}.", "Export it again.") from None


def whole(file: File, limit_bytes: int = SMALL_BYTES, *, skip: int = 0) -> Any:
    """A JSON file at once; for small ones, such as a list of users. Raises SourceError, also over the limit."""
    found = list(items(_limited(file, limit_bytes), "", skip=skip))
    return found[0] if found else None


def text(value: Any) -> str:
    """A value that should be text, cleaned; empty for anything else."""
    return clean_text(value) if isinstance(value, str) else ""


def _limited(file: File, limit_bytes: int) -> File:
    try:
        with file.open("rb") as opened:
            if len(opened.read(limit_bytes + 1)) > limit_bytes:
                raise SourceError(f"{file.name} is too large: over {limit_bytes // 1024 // 1024} MB.")
    except OSError as error:
        raise unreadable(file, error) from None
    return file


def _without_mark(opened: IO[bytes]) -> IO[bytes]:
    """From after a byte order mark; a file in UTF-16 is decoded, which such exports never are beyond some megabytes."""
    head = opened.read(4)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return io.BytesIO(decode_text(head + opened.read(SMALL_BYTES)).encode())
    return io.BufferedReader(_Joined(head.removeprefix(b"\xef\xbb\xbf"), opened))


class _Joined(io.RawIOBase):
    """Some bytes already read, then the rest."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = self._head[: len(buffer)] or self._rest.read(len(buffer))
        self._head = self._head[len(buffer) :]
        buffer[: len(found)] = found
        return len(found)

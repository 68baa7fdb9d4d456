"""Documents that are zip files inside (docx, odt, epub): their members, each read under a limit.

A zip file of a few kilobytes may hold members of many gigabytes, or the same one a thousand times; what is read of one
document is bounded together. Nothing is unpacked to disk.
"""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mlxtwin.errors import SourceError
from mlxtwin.sources.base import read_head, unreadable
from mlxtwin.sources.files import File

MAGIC = b"PK\x03\x04"
MOST_FILE_BYTES = 512 * 1024 * 1024
MOST_MEMBER_BYTES = 64 * 1024 * 1024
MOST_READ_BYTES = 256 * 1024 * 1024
MOST_MEMBERS = 20_000
_DAMAGE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError,
    ValueError, struct.error, OverflowError, KeyError, IndexError, OSError, MemoryError,
)  # fmt: skip


class Packed:
    """An open zip file; a name is as its directory has it, with forward slashes."""

    def __init__(self, file: File, archive: zipfile.ZipFile, most_bytes: int) -> None:
        self._file, self._archive = file, archive
        self._left = most_bytes
        self.names = frozenset(archive.namelist()[:MOST_MEMBERS])

    def read(self, name: str, limit: int = MOST_MEMBER_BYTES) -> bytes:
        """A member, nothing for one that is missing. Raises SourceError, also over the limit."""
        if name not in self.names:
            return b""
        limit = min(limit, self._left)
        try:
            with self._archive.open(name) as member:
                data = member.read(limit + 1)
        except _DAMAGE as error:
            raise _damaged(self._file, error) from None
        if len(data) > limit:
            raise SourceError(f"{self._file.name} unpacks to more than a document can hold.", "Export it again.")
        self._left -= len(data)
        return data


@contextmanager
def unpacked(file: File, most_bytes: int = MOST_READ_BYTES) -> Iterator[Packed]:
    """The members of a document, of which ``most_bytes`` may be read together.

    Raises SourceError for a file that cannot be opened or is no zip file.
    """
    try:
        opened = file.open("rb")
    except OSError as error:
        raise unreadable(file, error) from None
    with opened:
        yield Packed(file, _archive(file, opened), most_bytes)


def looks_packed(file: File, *marks: bytes) -> bool:
    """Whether the head is that of a zip file and names one of these members or types."""
    head = read_head(file)
    return head.startswith(MAGIC) and any(mark in head for mark in marks)


def _archive(file: File, opened: IO[bytes]) -> zipfile.ZipFile:
    try:
        # A member of an archive is read back and forth at a price; it is small enough for memory.
        stream = opened if isinstance(file, Path) else io.BytesIO(opened.read(MOST_FILE_BYTES))
        return zipfile.ZipFile(stream)
    except _DAMAGE as error:
        raise _damaged(file, error) from None


def _damaged(file: File, error: Exception) -> SourceError:
    if isinstance(error, RuntimeError) and "password" in str(error):
        return SourceError(f"{file.name} is locked with a password.", "Save it without one and import that.")
    return SourceError(f"{file.name} is damaged or cut off.", "Copy or export it again.")

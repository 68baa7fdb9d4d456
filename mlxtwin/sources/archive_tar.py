"""Tar files, plain or packed with gzip, bzip2 or xz.

A packed one can only be read from front to back. So it is indexed in one pass that also remembers how each member
begins, and members are best read in their order; reading one that lies further back starts a second reader.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO

from mlxtwin.sources.archive_parts import NOT_PLAIN, BadMember, Caps, Entry, clean_name, too_large
from mlxtwin.sources.base import HEAD_BYTES
from mlxtwin.sources.files import File

BLOCK_BYTES = 512
MOST_HEAD_BYTES = 64 * 1024 * 1024
MOST_READERS = 3
PIECE_BYTES = 256 * 1024
LINK = "a link"
_PACKED_HEAD_BYTES = 4 * 1024
_CUT = "It is cut off, or damaged in the middle: what lies behind that was not read."
_NAMED = re.compile(r"(?i)\.(tgz|tbz2?|txz|tar\.(gz|bz2|xz))$")
_DAMAGE = (EOFError, OSError, zlib.error, lzma.LZMAError, ValueError)
_UNPACK: dict[bytes, Callable[[IO[bytes]], IO[bytes]]] = {
    b"\x1f\x8b": lambda raw: gzip.GzipFile(fileobj=raw, mode="rb"),  # type: ignore[dict-item,return-value]
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}


def is_tar(file: File, head: bytes) -> bool:
    """Whether a file that begins so is a tar, plain or packed."""
    opener = _unpacker(head)
    if opener is None:
        return _is_header(head)
    try:
        with file.open("rb") as raw:
            return _is_header(opener(raw).read(BLOCK_BYTES))
    except _DAMAGE:
        return bool(_NAMED.search(file.name))  # by its name it is one, and its damage is to be told


def _unpacker(head: bytes) -> Callable[[IO[bytes]], IO[bytes]] | None:
    return next((opener for magic, opener in _UNPACK.items() if head.startswith(magic)), None)


def _is_header(block: bytes) -> bool:
    """By the sum over the block that its header states; an empty tar is nothing but zeros and not told as one."""
    try:
        stated = int(block[148:156].split(b"\0")[0].strip() or b"x", 8)
    except ValueError:
        return False
    return len(block) >= BLOCK_BYTES and stated == sum(block[:148]) + 8 * 32 + sum(block[156:BLOCK_BYTES])


class _Reader:
    """The unpacked bytes from front to back; going back begins anew. Its errors are BadMember."""

    def __init__(self, open_raw: Callable[[], IO[bytes]], caps: Caps) -> None:
        self._open_raw, self._caps = open_raw, caps
        self._raw: IO[bytes] | None = None
        self._start()

    def _start(self) -> None:
        self.close()
        self._raw = self._open_raw()
        opener = _unpacker(self._raw.read(6))
        self._raw.seek(0)
        self._opened = self._raw if opener is None else opener(self._raw)
        self._packed = opener is not None
        self._place = 0

    def tell(self) -> int:
        return self._place

    def seek(self, place: int) -> int:
        if not self._packed:
            self._place = self._opened.seek(place)
            return self._place
        if place < self._place:
            self._start()
        while self._place < place and self.read(min(place - self._place, PIECE_BYTES)):
            pass
        return self._place

    def read(self, size: int) -> bytes:
        try:
            found = self._opened.read(size)
        except _DAMAGE as error:
            why = "the archive is cut off" if isinstance(error, EOFError) else "the archive is damaged there"
            raise BadMember(why) from None
        self._place += len(found)
        if self._packed and self._raw and self._caps.is_bomb(self._place, self._raw.tell()):
            raise BadMember(f"the archive unpacks to more than {self._caps.ratio} times its size, as only a trap does")
        return found

    def close(self) -> None:
        if self._raw is not None:
            self._raw.close()


class TarContents:
    """See the module; ``open_raw`` opens the archive once more."""

    def __init__(self, open_raw: Callable[[], IO[bytes]], caps: Caps) -> None:
        self.problem = ""
        self._open_raw, self._caps = open_raw, caps
        first = _Reader(open_raw, caps)
        self._readers = [first]
        self.in_order = first._packed
        self.kept_bytes = 32 * 1024 * 1024 if self.in_order else 0
        self._heads: dict[int, bytes] = {}
        self._head_bytes = 0

    def entries(self) -> Iterator[Entry]:
        reader = self._readers[0]
        try:
            tar = tarfile.TarFile(fileobj=reader, encoding="utf-8", errors="surrogateescape")  # type: ignore[arg-type]
        except (tarfile.TarError, BadMember, ValueError, OverflowError):
            raise BadMember("it is damaged at its beginning") from None
        while (info := self._next(tar)) is not None:
            tar.members = []  # type: ignore[attr-defined]  # it would keep them all
            if info.size < 0:  # which would lead back to where it was before
                self.problem = _CUT
                return
            entry = self._entry(info)
            if not (entry.is_folder or entry.skipped or entry.refused):
                self._remember_head(reader, entry)
            yield entry

    def _next(self, tar: tarfile.TarFile) -> tarfile.TarInfo | None:
        try:
            found = tar.next()
            if found is None and self._readers[0].seek(tar.offset) == tar.offset:
                block = self._readers[0].read(BLOCK_BYTES)
                if len(block) < BLOCK_BYTES or any(block):
                    self.problem = _CUT
            return found
        except BadMember as error:
            self.problem = f"Not all of it was read: {error.strerror}."
        except (tarfile.TarError, ValueError, OverflowError, RecursionError):
            self.problem = _CUT
        return None

    def _entry(self, info: tarfile.TarInfo) -> Entry:
        name, skipped = clean_name(info.name, self._caps)
        if info.issym() or info.islnk():
            skipped = LINK
        elif not info.isdir() and (not info.isreg() or info.issparse()):
            skipped = NOT_PLAIN
        refused = "" if skipped else too_large(info.size, info.size, self._caps)
        return Entry(name, info.size, info.offset_data, info.isdir(), skipped, refused)

    def _remember_head(self, reader: _Reader, entry: Entry) -> None:
        """While the reader is there anyway."""
        if not self.in_order or self._head_bytes >= MOST_HEAD_BYTES:
            return
        try:
            reader.seek(entry.place)
            head = reader.read(min(entry.size, HEAD_BYTES))
        except BadMember:
            return  # it is told of when the next member is looked for, or this one read
        packed = b"z" + zlib.compress(head, 1) if len(head) > _PACKED_HEAD_BYTES else b"p" + head
        self._heads[entry.place] = packed
        self._head_bytes += len(packed)

    def head(self, entry: Entry) -> bytes:
        packed = self._heads.get(entry.place, b"")
        return zlib.decompress(packed[1:]) if packed.startswith(b"z") else packed[1:]

    def forget_heads(self) -> None:
        self._heads, self._head_bytes = {}, 0

    def reading(self, entry: Entry) -> Callable[[int, int], bytes]:
        start = int(entry.place)
        return lambda place, size: self._read(start + place, size)

    def _read(self, place: int, size: int) -> bytes:
        reader = self._reader_for(place)
        if reader.tell() != place and reader.seek(place) != place:
            return b""
        return reader.read(size)

    def _reader_for(self, place: int) -> _Reader:
        """The one that has the least way to go; the one in use last comes last in the list."""
        before = [reader for reader in self._readers if reader.tell() <= place or not self.in_order]
        if before:
            chosen = max(before, key=_Reader.tell)
            self._readers.remove(chosen)
        elif len(self._readers) < MOST_READERS:
            chosen = _Reader(self._open_raw, self._caps)
        else:
            chosen = self._readers.pop(0)
        self._readers.append(chosen)
        return chosen

    def close(self) -> None:
        for reader in self._readers:
            reader.close()

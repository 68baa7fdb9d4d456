"""A zip whose table of contents is gone, as after a download that broke off: a new table from the members' own headers.

Each member is preceded by a header of its own. Where that does not tell its size (it was written before the size was
known), the packed data tells where it ends. The fields are those of PKWARE's APPNOTE, 4.3.7 and 4.3.12.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from mlxtwin.sources.archive_parts import Caps

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_STORED, _DEFLATED = 0, 8
_SIZES_FOLLOW = 0x8
_UNKNOWN = 0xFFFFFFFF
_PIECE = 256 * 1024
# More would need the fields of 64 bits, in a file that is damaged anyway.
_MOST_BYTES = 0xFFFFFFFE


@dataclass(frozen=True, slots=True)
class _Found:
    place: int
    flags: int
    method: int
    stamp: tuple[int, int]
    crc: int
    packed: int
    size: int
    name: bytes


def salvaged(raw: IO[bytes], caps: Caps) -> IO[bytes]:
    """The same file with a new table of contents behind its last whole member. ValueError where there is none."""
    found = []
    end = 0
    for one, end in _members(raw):
        found.append(one)
        if len(found) >= min(caps.members, 0xFFFF) or end > _MOST_BYTES:
            break
    if not found:
        raise ValueError("no member is whole")
    table = b"".join(_central(one) for one in found)
    tail = table + _END.pack(END, 0, 0, len(found), len(found), len(table), end, 0)
    return io.BufferedReader(_Tailed(raw, end, tail))


def _members(raw: IO[bytes]) -> Iterator[tuple[_Found, int]]:
    """Each member that is whole, and where it ends."""
    place = 0
    while True:
        raw.seek(place)
        head = raw.read(_LOCAL.size)
        if len(head) < _LOCAL.size or not head.startswith(LOCAL):
            return
        _, _, flags, method, clock, day, crc, packed, size, name_size, extra_size = _LOCAL.unpack(head)
        name = raw.read(name_size)
        start = place + _LOCAL.size + name_size + extra_size
        if flags & _SIZES_FOLLOW or _UNKNOWN in (packed, size):
            measured = _measured(raw, start) if method == _DEFLATED else None
            if measured is None:
                return
            packed, size, crc = measured
        place_after = start + packed
        raw.seek(place_after - 1 if packed else start)
        if packed and not raw.read(1):
            return
        end = place_after + (_descriptor_size(raw, place_after, crc) if flags & _SIZES_FOLLOW else 0)
        yield _Found(place, flags & ~_SIZES_FOLLOW, method, (clock, day), crc, packed, size, name), end
        place = end


def _measured(raw: IO[bytes], start: int) -> tuple[int, int, int] | None:
    """Packed size, size and checksum of a deflated member; None where it does not end."""
    raw.seek(start)
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    packed = size = crc = 0
    while not inflate.eof:
        waiting = inflate.unconsumed_tail
        piece = waiting or raw.read(_PIECE)
        packed += 0 if waiting else len(piece)
        if not piece:
            return None
        try:
            plain = inflate.decompress(piece, 4 * _PIECE)
        except zlib.error:
            return None
        size, crc = size + len(plain), zlib.crc32(plain, crc)
        if size > _MOST_BYTES:
            return None
    return packed - len(inflate.unused_data), size, crc


def _descriptor_size(raw: IO[bytes], place: int, crc: int) -> int:
    """Checksum and sizes behind a member, with a mark before them or without, in 32 or in 64 bits."""
    raw.seek(place)
    after = raw.read(28)
    mark = 4 if after.startswith(b"PK\x07\x08") else 0
    if after[mark : mark + 4] != struct.pack("<I", crc):
        return 0
    wide = after[mark + 20 : mark + 24] in (LOCAL, CENTRAL) and after[mark + 12 : mark + 16] not in (LOCAL, CENTRAL)
    return mark + (20 if wide else 12)


def _central(one: _Found) -> bytes:
    fields = (one.flags, one.method, *one.stamp, one.crc, one.packed, one.size, len(one.name))
    return _CENTRAL.pack(CENTRAL, 20, 20, *fields, 0, 0, 0, 0, 0, one.place) + one.name


class _Tailed(io.RawIOBase):
    """The first ``cut`` bytes of a file, and others behind them."""

    def __init__(self, raw: IO[bytes], cut: int, tail: bytes) -> None:
        self._raw, self._cut, self._tail = raw, cut, tail
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._cut + len(self._tail)}[whence]
        self._place = max(start + offset, 0)
        return self._place

    def readinto(self, buffer: Any) -> int:
        if self._place < self._cut:
            self._raw.seek(self._place)
            found = self._raw.read(min(len(buffer), self._cut - self._place))
        else:
            behind = self._place - self._cut
            found = self._tail[behind : behind + len(buffer)]
        buffer[: len(found)] = found
        self._place += len(found)
        return len(found)

"""A guard for JSON that nests without end, which would take a parser time and memory in the square of its depth."""

from __future__ import annotations

import io
from itertools import accumulate
from typing import IO, Any

MOST_DEPTH = 200
PIECE_BYTES = 64 * 1024
_SIGNS = b'[]{}"'
_OTHERS = bytes(set(range(256)) - set(_SIGNS))
_OPENING = frozenset(b"[{")


class Shallow(io.RawIOBase):
    """The bytes of a JSON file as they are. Reading raises ValueError where lists and objects nest over MOST_DEPTH."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._depth = 0
        self._in_text = False
        self._escape = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = self._source.read(len(buffer))
        self._follow(found)
        buffer[: len(found)] = found
        return len(found)

    def _follow(self, piece: bytes) -> None:
        piece = (self._escape + piece).replace(b"\\\\", b"")
        self._escape = b"\\" if piece.endswith(b"\\") else b""
        # Every second part between quotation marks is text.
        parts = piece.replace(b'\\"', b"").split(b'"')
        outside = b"".join(parts[1 if self._in_text else 0 :: 2]).translate(None, _OTHERS)
        self._in_text ^= len(parts) % 2 == 0
        depths = list(accumulate((1 if sign in _OPENING else -1 for sign in outside), initial=self._depth))
        self._depth = max(0, depths[-1])
        if max(depths) > MOST_DEPTH:
            raise ValueError("nested too deeply")

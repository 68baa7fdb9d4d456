r"""What Telegram Desktop writes into its JSON that is none: ``\x01`` in text, a file's name without quotation marks.

The second came with some versions of 2022, as the picture of an emoji. Both stand within a line of their own.
"""

from __future__ import annotations

import io
import re
from typing import IO, Any

PIECE_BYTES = 64 * 1024
MOST_LINE_BYTES = 256 * 1024
_ESCAPE = re.compile(rb"(?<!\\)((?:\\\\)*)\\x[0-9A-Fa-f]{2}")
_BARE = re.compile(rb'("document_id": )[^"\s\d{\[][^\r\n]*?(,?[ \t\r]*)$', re.MULTILINE)


class Mended(io.RawIOBase):
    """The bytes of an export as JSON that a parser takes."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._ready, self._rest = b"", b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready and (piece := self._source.read(PIECE_BYTES)):
            self._take(self._rest + piece)
        if not self._ready:
            self._ready, self._rest = _mended(self._rest), b""
        found, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(found)] = found
        return len(found)

    def _take(self, text: bytes) -> None:
        """Whole lines are ready; the last may not be whole yet."""
        end = text.rfind(b"\n") + 1 if len(text) < MOST_LINE_BYTES else len(text)
        self._ready, self._rest = _mended(text[:end]), text[end:]


def _mended(text: bytes) -> bytes:
    if b"\\x" in text:
        text = _ESCAPE.sub(rb"\1", text)
    return _BARE.sub(rb"\1null\2", text) if b'"document_id": ' in text else text

"""The contract every importer keeps, and what they share: reading text of unknown encoding, names, times.

An importer is a class without state. It is found by content, streams, and raises SourceError for a file it cannot
read; the files beside it go on. What it yields must hold to these points (tests/sources/test_conformance.py):

- ``Document.key`` depends on the item and its place under ``root``, never on where ``root`` lies;
- every ``at`` is aware (a local time without a zone counts as UTC), so that times of all sources compare;
- text is free of NUL and lone surrogates, with ``\\n`` line ends;
- nothing is yielded twice with the same key from one file.
"""

from __future__ import annotations

import codecs
import io
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Protocol

from mlxtwin.errors import SourceError
from mlxtwin.paths import reason
from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.files import File

HEAD_BYTES = 64 * 1024
LINE_BYTES = 1024 * 1024
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNWANTED = re.compile(r"[\x00\ufeff\ud800-\udfff]")


class Importer(Protocol):
    """One kind of export; the registry makes it without arguments."""

    name: str
    kind: Kind

    def recognises(self, file: File) -> float:
        """How sure the importer is that it can read the file, 0 to 1, from its first HEAD_BYTES; raises nothing."""
        ...

    def authors(self, file: File) -> Iterator[str]:
        """Every author of every item, with repeats; none where everything is the person's. Raises SourceError."""
        ...

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        """The documents of one file under the imported folder ``root``. Raises SourceError, also half-way."""
        ...


def read_head(file: File, size: int = HEAD_BYTES) -> bytes:
    """The first bytes of a file; nothing for one that cannot be opened."""
    try:
        with file.open("rb") as opened:
            return opened.read(size)
    except OSError:
        return b""


def head_text(file: File) -> str:
    """The first HEAD_BYTES decoded, less the last line if it may be cut; empty for a binary file."""
    head = read_head(file)
    if is_binary(head):
        return ""
    whole = head if len(head) < HEAD_BYTES else head[: head.rfind(b"\n") + 1] or head
    return decode_text(whole)


def is_binary(head: bytes) -> bool:
    """Whether bytes are no text in any encoding told by a BOM, UTF-8 or a single-byte code."""
    if not head or bom_encoding(head):
        return False
    controls = sum(byte < 32 and byte not in b"\t\n\f\r\x1b" for byte in head[:8192])
    return b"\0" in head[:8192] or controls > len(head[:8192]) // 50


def bom_encoding(data: bytes) -> str:
    """The encoding a byte order mark tells, or empty."""
    return next((name for mark, name in _BOMS if data.startswith(mark)), "")


def decode_text(data: bytes, declared: str = "") -> str:
    """Bytes to clean text: a BOM, else the declared charset, else UTF-8, else Windows-1252. Never fails."""
    marked = bom_encoding(data)
    for encoding in (marked, declared, "utf-8"):
        try:
            if encoding:
                return clean_text(data.decode(encoding))
        except (LookupError, UnicodeError, ValueError):
            continue
    return clean_text(data.decode(marked or "cp1252", errors="replace"))


def clean_text(text: str) -> str:
    """Line ends as ``\\n``; NUL, lone surrogates and byte order marks gone."""
    return _UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def text_lines(file: File) -> Iterator[str]:
    """The lines of a text file without their ends, streamed; a line over LINE_BYTES comes in pieces.

    Each line that is not UTF-8 is read as Windows-1252. Raises SourceError for a file that cannot be opened.
    """
    try:
        encoding = bom_encoding(read_head(file, 4))
        if encoding.startswith(("utf-16", "utf-32")):
            yield from _wide_lines(file, encoding)
        else:
            yield from _byte_lines(file)
    except OSError as error:
        raise unreadable(file, error) from None


def _wide_lines(file: File, encoding: str) -> Iterator[str]:
    with file.open("rb") as raw, io.TextIOWrapper(raw, encoding, "replace") as opened:
        while piece := opened.readline(LINE_BYTES):
            yield clean_text(piece.removesuffix("\n"))


def _byte_lines(file: File) -> Iterator[str]:
    kept = b""
    with file.open("rb") as opened:
        while piece := opened.readline(LINE_BYTES):
            piece, kept = _whole_characters(kept + piece)
            if piece:
                yield from decode_text(piece).removesuffix("\n").split("\n")
    if kept:
        yield decode_text(kept)


def _whole_characters(piece: bytes) -> tuple[bytes, bytes]:
    """A piece of a long line and the first bytes of a character that its end cuts."""
    if piece.endswith(b"\n"):
        return piece, b""
    for cut in range(1, min(4, len(piece) + 1)):
        lead = piece[-cut]
        if lead >= 0xC0:
            needed = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
            return (piece[:-cut], piece[-cut:]) if needed > cut else (piece, b"")
        if lead < 0x80:
            break
    return piece, b""


def unreadable(file: File, error: OSError) -> SourceError:
    """A file the system refuses, as the error of an importer."""
    return SourceError(f"{file.name} cannot be opened: {error.strerror or type(error).__name__}.")


def why_refused(file: File) -> str:
    """A sentence for a file that the system does not open, empty for one that it does."""
    try:
        file.open("rb").close()
    except OSError as error:
        return f"It cannot be read: {reason(error)}."
    return ""


def relative_name(file: File, root: File) -> str:
    """The file's place under the imported folder, with forward slashes: the same on every machine.

    ``root`` may be the file itself; its name then. Bytes that are no UTF-8 are written as ``\\xNN``.
    """
    above = len(root.parts)
    under = file.parts[:above] == root.parts and len(file.parts) > above
    inside = "/".join(file.parts[above:]) if under else file.name
    plain = inside.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return unicodedata.normalize("NFC", clean_text(plain))


def aware(moment: datetime) -> datetime:
    """A moment with a zone; one without counts as UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

"""The contract every importer keeps, and what they share: reading text of unknown encoding, names, times.

An importer is a class without state. It is found by content, streams, and raises SourceError for a file it cannot
read; the files beside it go on. What it yields must hold to these points (tests/sources/test_conformance.py):

- ``Document.key`` depends on the item and its place under ``root``, never on where ``root`` lies;
- every ``at`` is aware (a local time without a zone counts as UTC), so that times of all sources compare;
- text is free of NUL and lone surrogates, with ``\\n`` line ends;
- nothing is yielded twice with the same key from one file;
- it gets on: a file of which nothing is read, yielded or told (`getting_on`) for 10 seconds is given up.
"""

from __future__ import annotations

import codecs
import errno
import io
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Protocol, TypeVar

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
_BOM_STARTS = frozenset(mark[:1] for mark, _ in _BOMS)
_UNWANTED = re.compile(r"[\x00\ufeff\ud800-\udfff]")
_CONTROLS = bytes(byte for byte in range(32) if byte not in b"\t\n\f\r\x1b")
Known = TypeVar("Known")


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


class _Looked:
    """The file that is being recognised, and what is known of it: thirty importers ask for the same."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.known: dict[str, object] = {}


_LOOKED: ContextVar[_Looked | None] = ContextVar("_LOOKED", default=None)


@contextmanager
def looking_at(file: File) -> Iterator[None]:
    """While this lasts, the head of ``file`` is read and decoded once, however many ask for it."""
    held = _LOOKED.get()
    if held is not None and held.file is file:
        yield
        return
    token = _LOOKED.set(_Looked(file))
    try:
        yield
    finally:
        _LOOKED.reset(token)


def known_of(file: File, name: str, find: Callable[[], Known]) -> Known:
    """What ``find`` answers, kept under ``name`` while the file is being looked at."""
    held = _LOOKED.get()
    if held is None or held.file is not file:
        return find()
    if name not in held.known:
        held.known[name] = find()
    found: Known = held.known[name]  # type: ignore[assignment]
    return found


_GETTING_ON: ContextVar[Callable[[], object] | None] = ContextVar("_GETTING_ON", default=None)


def getting_on() -> None:
    """Tell, now and then, that the work goes on: for an importer that neither reads nor yields for seconds at a time,
    as on the pages of one long document. A file that gets on with nothing for 10 seconds is given up.
    """
    told = _GETTING_ON.get()
    if told is not None:
        told()


@contextmanager
def heard_getting_on(told: Callable[[], object]) -> Iterator[None]:
    """While this lasts, ``told`` hears of it."""
    token = _GETTING_ON.set(told)
    try:
        yield
    finally:
        _GETTING_ON.reset(token)


def read_head(file: File, size: int = HEAD_BYTES) -> bytes:
    """The first bytes of a file; nothing for one that cannot be opened."""
    held = _LOOKED.get()
    if held is not None and held.file is file and size <= HEAD_BYTES:
        return known_of(file, "head", lambda: _read_head(file, HEAD_BYTES))[:size]
    return _read_head(file, size)


def _read_head(file: File, size: int) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(size)
    except OSError:
        return b""


def head_text(file: File) -> str:
    """The first HEAD_BYTES decoded, less the last line if it may be cut; empty for a binary file."""
    return known_of(file, "text", lambda: _head_text(read_head(file)))


def _head_text(head: bytes) -> str:
    if is_binary(head):
        return ""
    whole = head if len(head) < HEAD_BYTES else head[: head.rfind(b"\n") + 1] or head
    return decode_text(whole)


def is_binary(head: bytes) -> bool:
    """Whether bytes are no text in any encoding told by a BOM, UTF-8 or a single-byte code."""
    if not head or bom_encoding(head):
        return False
    start = head[:8192]
    controls = len(start) - len(start.translate(None, _CONTROLS))
    return b"\0" in start or controls > len(start) // 50


def bom_encoding(data: bytes) -> str:
    """The encoding a byte order mark tells, or empty."""
    if data[:1] not in _BOM_STARTS:
        return ""
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
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii():
        return text.replace("\x00", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return _UNWANTED.sub("", text)
    return text.replace("\x00", "").replace("\ufeff", "")


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
    """What to say of a file that the system does not open, empty for one that it does."""
    try:
        file.open("rb").close()
    except OSError as error:
        # The error by which macOS keeps the files of its own programs from others.
        hint = f" {_full_disk_access()}" if error.errno == errno.EPERM else ""
        return f"It cannot be read: {reason(error)}.{hint}"
    return ""


def _full_disk_access() -> str:
    from mlxtwin.sources.database import FULL_DISK_ACCESS

    return FULL_DISK_ACCESS


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

"""Zip files, also of more than 4 GB, with names in UTF-8 or in the old code page, or without a table of contents."""

from __future__ import annotations

import io
import lzma
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO

from mlxtwin.sources.archive_parts import LOCKED, NOT_PLAIN, BadMember, Caps, Entry, clean_name, too_large
from mlxtwin.sources.archive_salvage import salvaged

MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
LINK = "a link"
_UTF8_FLAG, _LOCKED_FLAG = 0x800, 0x1
_UNIX = 3
_DAMAGE = (zipfile.BadZipFile, EOFError, OSError, zlib.error, lzma.LZMAError, ValueError, IndexError, KeyError)
_CUT = "Its table of contents is missing, so it was cut off: what could be found was read. Download it again."


def is_zip(head: bytes) -> bool:
    return head.startswith(MAGIC)


class ZipContents:
    """See the module. Raises BadMember for what is no zip, or has nothing left to read."""

    in_order = False
    kept_bytes = 1024 * 1024

    def __init__(self, open_raw: Callable[[], IO[bytes]], caps: Caps) -> None:
        self.problem = ""
        self._caps = caps
        self._raw = open_raw()
        try:
            self._zip = zipfile.ZipFile(self._raw)
        except (*_DAMAGE, NotImplementedError):
            self._zip = self._mended()

    def _mended(self) -> zipfile.ZipFile:
        try:
            whole = salvaged(self._raw, self._caps)
            found = zipfile.ZipFile(whole)
        except (*_DAMAGE, NotImplementedError):
            self._raw.close()
            raise BadMember("it is damaged, or one part of several") from None
        self.problem = _CUT
        return found

    def entries(self) -> Iterator[Entry]:
        """A table of contents whose members together are a trap is refused as a whole."""
        members = self._zip.infolist()
        files = sum(not _is_folder(info) for info in members)
        locked = sum(bool(info.flag_bits & _LOCKED_FLAG) for info in members)
        if locked:
            some = f", for {locked:,} of its files" if locked < files else ""
            self.problem = f"It has a password{some}: unpack it, and import the folder."
        entries = [self._entry(info) for info in members]
        size = sum(entry.size for entry in entries if not entry.refused)
        if self._caps.is_bomb(size, self._raw.seek(0, io.SEEK_END)):
            raise BadMember(f"it would unpack to more than {self._caps.ratio} times its size, as only a trap does")
        yield from entries

    def _entry(self, info: zipfile.ZipInfo) -> Entry:
        name, skipped = clean_name(_name(info), self._caps)
        mode = info.external_attr >> 16 if info.create_system == _UNIX else 0
        if stat.S_ISLNK(mode):
            skipped = LINK
        elif stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            skipped = NOT_PLAIN
        elif not skipped and info.flag_bits & _LOCKED_FLAG:
            skipped = LOCKED
        refused = "" if skipped else too_large(info.file_size, info.compress_size, self._caps)
        return Entry(name, info.file_size, info, _is_folder(info), skipped, refused)

    def head(self, entry: Entry) -> bytes:
        return b""

    def forget_heads(self) -> None:
        pass

    def reading(self, entry: Entry) -> Callable[[int, int], bytes]:
        return _Reading(self._zip, entry.place)

    def close(self) -> None:
        self._zip.close()
        self._raw.close()


def _is_folder(info: zipfile.ZipInfo) -> bool:
    return info.filename.endswith("/")


def _name(info: zipfile.ZipInfo) -> str:
    """Some programs write UTF-8 and do not say so; what is UTF-8 by chance is hardly ever in the old code page."""
    if info.flag_bits & _UTF8_FLAG or info.orig_filename.isascii():
        return info.orig_filename
    try:
        return info.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.orig_filename


class _Reading:
    """One member, unpacked as it is read. Its errors are BadMember."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        try:
            self._opened = archive.open(info)
        except NotImplementedError:
            raise BadMember("it is packed in a way that is not read here: unpack the archive first") from None
        except RuntimeError:
            raise BadMember("it has a password") from None
        except _DAMAGE:
            raise BadMember("the archive is damaged there") from None

    def __call__(self, place: int, size: int) -> bytes:
        try:
            if self._opened.tell() != place:
                self._opened.seek(place)
            return self._opened.read(size)
        except _DAMAGE:
            raise BadMember("it is damaged in the archive") from None

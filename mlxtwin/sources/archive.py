"""Archives read where they are, without being unpacked: a zip or tar as a folder whose members are Files.

An archive is a root of its own, named as the folder that it would be unpacked to. So a file has the same name under
its root whether it comes from the archive or from the folder; also where all of the archive lies in one folder of
the archive's name, which then is the root. Nothing is written to disk; an archive in an archive is held in memory.
"""

from __future__ import annotations

import errno
import io
import os
import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import IO, Literal

from mlxtwin.sources.archive_parts import TWICE, UNSAFE_NAME, BadMember, Caps, Contents, Entry, Flow, Kept
from mlxtwin.sources.archive_tar import TarContents, is_tar
from mlxtwin.sources.archive_zip import ZipContents, is_zip
from mlxtwin.sources.base import HEAD_BYTES, read_head
from mlxtwin.sources.files import File

MOST_KEPT_BYTES = 64 * 1024 * 1024
BUFFER_BYTES = 256 * 1024
_OTHERS = {b"7z\xbc\xaf\x27\x1c": "7z", b"Rar!\x1a\x07": "RAR"}
_ENDING = re.compile(r"(?i)\.(zip|tar|tgz|tbz2?|txz|tar\.(gz|bz2|xz))$")
_COPY = re.compile(r" ?\(\d{1,3}\)$")

# Hears which member, its size, the place reached in it and the number of bytes of each read.
Told = Callable[[str, int, int, int], object]


def _untold(_name: str, _size: int, _place: int, _count: int) -> None:
    pass


def is_archive(file: File) -> bool:
    """Whether it is one that can be opened, by its first bytes."""
    head = read_head(file)
    return is_zip(head) or is_tar(file, head)


def why_closed(file: File) -> str:
    """A sentence for an archive of a kind that is not read, or empty."""
    head = read_head(file, 8)
    kind = next((name for magic, name in _OTHERS.items() if head.startswith(magic)), "")
    return f"It is a {kind} archive, which is not read: unpack it first, and import the folder." if kind else ""


def open_archive(file: File, *, caps: Caps | None = None, told: Told = _untold) -> Archive:
    """An archive with its members listed. Raises BadMember for one of which nothing can be."""
    caps = caps or Caps()
    contents = _contents(lambda: file.open("rb"), read_head(file), caps)
    return Archive(file.name, contents, caps, told)


def open_inner(member: Member, *, caps: Caps | None = None, told: Told = _untold) -> Archive:
    """An archive that is a member of another, held in memory. Raises BadMember."""
    caps = caps or Caps()
    with member.open("rb") as opened:
        data = opened.read(caps.inner_bytes + 1)
    if len(data) > caps.inner_bytes:
        most = caps.inner_bytes // 1024 // 1024
        raise BadMember(f"an archive in an archive may have {most} MB: unpack the outer one, and import the folder")
    contents = _contents(lambda: io.BytesIO(data), data[:512], caps)
    return Archive(member.name, contents, caps, told)


def _contents(open_raw: Callable[[], IO[bytes]], head: bytes, caps: Caps) -> Contents:
    return ZipContents(open_raw, caps) if is_zip(head) else TarContents(open_raw, caps)


class Archive:
    """The members of an archive by their names, made by ``open_archive`` or ``open_inner``.

    ``entries`` holds what is read of it and, with the reason, what is not; ``problem`` is a sentence about the rest.
    """

    def __init__(self, name: str, contents: Contents, caps: Caps, told: Told = _untold) -> None:
        self.name, self.told, self._contents, self._caps = name, told, contents, caps
        self.entries: list[Entry] = []
        self._files: dict[str, Entry] = {}
        self._folders: dict[str, list[str]] = {"": []}
        self._kept = Kept(MOST_KEPT_BYTES)
        self.looking = True
        self.problem = ""
        try:
            self._list()
        except BaseException:
            contents.close()
            raise
        self.problem = contents.problem or self.problem
        self.top = self._top()

    @property
    def in_order(self) -> bool:
        """Whether members are best read as ``entries`` lists them."""
        return self._contents.in_order

    def _list(self) -> None:
        size = 0
        for entry in self._contents.entries():
            size += 0 if entry.skipped or entry.refused else entry.size
            if len(self.entries) >= self._caps.members or len(self._folders) > self._caps.members:
                self.problem = f"It holds more than {self._caps.members:,} files: those behind that were not read."
                return
            if size > self._caps.all_bytes:
                self.problem = "It unpacks to more than can be read at once: what lies behind that was not read."
                return
            self._take(entry)

    def _take(self, entry: Entry) -> None:
        """Folders need no entry of their own: the names of files tell of them."""
        if not (entry.name or entry.is_folder or entry.skipped):
            entry.skipped = UNSAFE_NAME
        if not entry.is_folder or entry.skipped:
            self.entries.append(entry)
        if entry.skipped or entry.refused or not entry.name:
            return
        if entry.is_folder:
            self._add_folder(entry.name)
            return
        before = self._files.get(entry.name)
        self._files[entry.name] = entry
        if before is None:
            folder, _, name = entry.name.rpartition("/")
            self._add_folder(folder).append(name)
        else:
            before.skipped = TWICE  # the later one is what an unpacked archive would show

    def _add_folder(self, path: str) -> list[str]:
        known = self._folders.get(path)
        if known is not None:
            return known
        missing = [path]
        while (above := missing[-1].rpartition("/")[0]) not in self._folders:
            missing.append(above)
        for folder in reversed(missing):
            above, _, name = folder.rpartition("/")
            self._folders[above].append(name)
            self._folders[folder] = []
        return self._folders[path]

    def _top(self) -> Member:
        """The member that is the root: see the module."""
        plain = _ENDING.sub("", self.name) or self.name
        shown = [name for name in self._folders[""] if not name.startswith(".") and name != "__MACOSX"]
        if len(shown) == 1 and shown[0] in self._folders and shown[0] in (plain, _COPY.sub("", plain)):
            return Member(self, shown[0], plain)
        return Member(self, "", plain)

    def member(self, name: str) -> Member:
        return Member(self, name, self.top.parts[0])

    def entry(self, name: str) -> Entry | None:
        return self._files.get(name)

    def names(self, folder: str) -> list[str] | None:
        """What lies in a folder; None where there is no such folder."""
        return self._folders.get(folder)

    def opened(self, entry: Entry) -> IO[bytes]:
        """A small member whole, so that it is read and unpacked once; a large one as it is read. Raises BadMember."""
        if entry.refused:
            raise BadMember(entry.refused[0].lower() + entry.refused[1:].rstrip("."))
        kept = self._kept.get(entry.name)
        head = self._contents.head(entry) if kept is None else b""
        if kept is None and entry.size == len(head):
            kept = head
        most = min(self._contents.kept_bytes, HEAD_BYTES if self.looking else self._contents.kept_bytes)
        if kept is None and entry.size <= most and not head:
            kept = _whole(self._contents.reading(entry), entry.size)
            self._kept.put(entry.name, kept)
        if kept is not None:
            self.told(entry.name, entry.size, len(kept), len(kept))
            return io.BytesIO(kept)
        read = self._contents.reading(entry)
        told = self.told
        flow = Flow(entry.size, read, head, lambda place, count: told(entry.name, entry.size, place, count))
        return io.BufferedReader(flow, BUFFER_BYTES)

    def looked_at(self) -> None:
        """Its members are recognised, and are read from now on: what was remembered of them for that is let go."""
        self.looking = False
        self._contents.forget_heads()
        self.release()

    def release(self) -> None:
        """Let go the members that were read lately."""
        self._kept = Kept(MOST_KEPT_BYTES)

    def close(self) -> None:
        self._contents.close()


def _whole(read: Callable[[int, int], bytes], size: int) -> bytes:
    pieces, place = [], 0
    while place < size:
        piece = read(place, size - place)
        if not piece:
            raise BadMember("it is cut short in the archive")
        pieces.append(piece)
        place += len(piece)
    if not size:
        read(0, 1)  # an empty one has a checksum too
    return b"".join(pieces)


class Member:
    """A file or folder in an archive; answers as `sources.files.File` asks."""

    __slots__ = ("_archive", "_path", "_root")

    def __init__(self, archive: Archive, path: str, root: str) -> None:
        """``path``: from the archive's own top, empty for that; ``root``: how the top is called."""
        self._archive, self._path, self._root = archive, path, root

    @property
    def archive(self) -> Archive:
        return self._archive

    @property
    def path(self) -> str:
        return self._path

    @property
    def name(self) -> str:
        return self._path.rpartition("/")[2] or self._root

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix

    @property
    def parts(self) -> tuple[str, ...]:
        return (self._root, *self._path.split("/")) if self._path else (self._root,)

    @property
    def parent(self) -> Member:
        return Member(self._archive, self._path.rpartition("/")[0], self._root)

    @property
    def size(self) -> int:
        entry = self._archive.entry(self._path)
        return entry.size if entry else 0

    def __truediv__(self, name: str, /) -> Member:
        parts = [part for part in name.split("/") if part not in ("", ".")]
        return Member(self._archive, "/".join([*([self._path] if self._path else []), *parts]), self._root)

    def open(self, mode: Literal["rb"] = "rb") -> IO[bytes]:
        if mode != "rb":
            raise ValueError("a member of an archive is only read, as bytes")
        entry = self._archive.entry(self._path)
        if entry is not None:
            return self._archive.opened(entry)
        number = errno.EISDIR if self.is_dir() else errno.ENOENT
        raise OSError(number, os.strerror(number), self.name)

    def is_file(self) -> bool:
        return self._archive.entry(self._path) is not None

    def is_dir(self) -> bool:
        return self._archive.names(self._path) is not None

    def iterdir(self) -> Iterator[Member]:
        names = self._archive.names(self._path)
        if names is None:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), self.name)
        return (self / name for name in names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Member) and (self._archive, self._path) == (other._archive, other._path)

    def __hash__(self) -> int:
        return hash((id(self._archive), self._path))

    def __repr__(self) -> str:
        return f"Member({self._archive.name!r}, {self._path!r})"

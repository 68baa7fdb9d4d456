"""What zips and tars have in common: their members, what a member may be, and reading one as a file that seeks."""

from __future__ import annotations

import errno
import io
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

UNSAFE_NAME = "an unsafe name"
LONG_NAME = "a name that is too long"
TWICE = "twice in the archive"
LOCKED = "behind a password"
NOT_PLAIN = "not a file"
_DRIVE = re.compile(r"[A-Za-z]:")
_MB = 1024 * 1024
MOST_FOLDERS_DEEP = 200


@dataclass(frozen=True, slots=True)
class Caps:
    """What an archive may ask of us: more of it is a trap, or better unpacked by another program.

    ``ratio``: how many times its packed size a member, or all, may unpack to, once that is over ``ratio_from_bytes``.
    ``depth``: archives in archives, the outermost counted; an inner one is held in memory, up to ``inner_bytes``.
    """

    members: int = 200_000
    member_bytes: int = 64 * 1024 * _MB
    all_bytes: int = 512 * 1024 * _MB
    ratio: int = 200
    ratio_from_bytes: int = 100 * _MB
    depth: int = 3
    inner_bytes: int = 256 * _MB
    name_characters: int = 1024

    def is_bomb(self, size: int, packed: int) -> bool:
        return size > self.ratio_from_bytes and size > self.ratio * max(packed, 1)


class BadMember(OSError):
    """A member, or the rest of an archive, that cannot be read; ``strerror`` is the end of a sentence that says why."""

    def __init__(self, why: str) -> None:
        super().__init__(errno.EIO, why)


@dataclass(slots=True)
class Entry:
    """A member as the archive lists it: a clean name with forward slashes, and where its bytes are.

    ``skipped`` or ``refused`` tell why it is not read: the first is a short reason to count, the second a sentence.
    """

    name: str
    size: int
    place: Any
    is_folder: bool = False
    skipped: str = ""
    refused: str = ""


class Contents(Protocol):
    """What is in an archive of one kind.

    ``problem``: a sentence, once the entries were listed, about what of it could not be. ``in_order``: whether
    members are best read in the order they are listed. ``kept_bytes``: up to which size one is best read at once.
    """

    problem: str
    in_order: bool
    kept_bytes: int

    def entries(self) -> Iterator[Entry]:
        """Every member, once. Raises BadMember where nothing can be listed."""
        ...

    def reading(self, entry: Entry) -> Callable[[int, int], bytes]:
        """A function of place and number of bytes, which raises BadMember."""
        ...

    def head(self, entry: Entry) -> bytes:
        """The first bytes as far as they were remembered."""
        ...

    def forget_heads(self) -> None: ...
    def close(self) -> None: ...


def clean_name(name: str, caps: Caps) -> tuple[str, str]:
    """The name of a member without empty parts, and why it is not taken, or empty; a name of the top itself is empty.

    Whatever would lead out of the archive, or mean another place on another system, is refused.
    """
    parts = [part for part in name[: 4 * caps.name_characters].split("/") if part not in ("", ".")]
    plain = "/".join(parts)
    if len(name) > caps.name_characters or len(parts) > MOST_FOLDERS_DEEP:
        return plain[: caps.name_characters], LONG_NAME
    if name.startswith("/") or ".." in parts or "\\" in name or "\0" in name or _DRIVE.match(name):
        return plain, UNSAFE_NAME
    return plain, ""


def too_large(size: int, packed: int, caps: Caps) -> str:
    """A sentence for a member that is a trap, or more than can be read here; empty for any other."""
    if size > caps.member_bytes:
        return f"It is larger than {caps.member_bytes // (1024 * _MB)} GB: unpack the archive, and import the folder."
    if caps.is_bomb(size, packed):
        return f"It would unpack to more than {caps.ratio} times its size, as only a trap does."
    return ""


Told = Callable[[int, int], object]


class Flow(io.RawIOBase):
    """The bytes of a member; going back is allowed, and costs what the archive makes of it."""

    def __init__(self, size: int, read_at: Callable[[int, int], bytes], head: bytes, told: Told) -> None:
        """``told`` hears the place and the number of bytes of each read."""
        self._size, self._read_at, self._head, self._told = size, read_at, head, told
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(start + offset, 0)
        return self._place

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._size - self._place)
        if wanted <= 0:
            return 0
        found = self._head[self._place : self._place + wanted] or self._read_at(self._place, wanted)
        if not found:
            raise BadMember("it is cut short in the archive")
        buffer[: len(found)] = found
        self._place += len(found)
        self._told(self._place, len(found))
        return len(found)


class Kept:
    """The bytes of members that were read lately, up to ``most_bytes`` of them."""

    def __init__(self, most_bytes: int) -> None:
        self._most, self._size = most_bytes, 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def get(self, name: str) -> bytes | None:
        found = self._kept.get(name)
        if found is not None:
            self._kept.move_to_end(name)
        return found

    def put(self, name: str, data: bytes) -> None:
        self._kept[name] = data
        self._size += len(data)
        while self._size > self._most and len(self._kept) > 1:
            self._size -= len(self._kept.popitem(last=False)[1])

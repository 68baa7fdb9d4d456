"""The commits of a repository, read as data from its objects and references alone."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlxtwin.errors import SourceError
from mlxtwin.sources.base import decode_text, getting_on
from mlxtwin.sources.files import File

MOST_COMMITS = 50_000
MOST_REFERENCES = 5000
MOST_OBJECT_BYTES = 16 * 1024 * 1024
MOST_MESSAGE_CHARACTERS = 64 * 1024
_NUMBER = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_PACKED = re.compile(rb"(?m)^([0-9a-f]{40}(?:[0-9a-f]{24})?) refs/(?:heads|remotes)/")
_POINTER = re.compile(rb"ref:\s*(refs/[\w./+@-]{1,200})\s*$")
_PERSON = re.compile(r"\s*(.*?)\s*<([^<>]{0,320})>")


@dataclass(frozen=True, slots=True)
class Commit:
    """``name`` and ``address`` are the author's; ``parents`` are numbers in hexadecimal.

    ``cut``: what came before was not copied along, so that what it brought may be of anybody.
    """

    number: str
    name: str
    address: str
    at: datetime
    message: str
    parents: tuple[str, ...]
    tree: bytes
    cut: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """``commits`` by time; ``head``: the number of the commit that is checked out; ``damage``: objects were missing."""

    folder: Path
    commits: tuple[Commit, ...]
    head: str
    store: Any
    damage: bool

    @property
    def bare(self) -> bool:
        """Whether no files stand beside it that are read as notes."""
        return self.folder.name != ".git"


def is_repository(folder: File) -> bool:
    """Whether a folder holds what a repository does; raises nothing."""
    try:
        return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()
    except OSError:
        return False


def tips(folder: Path) -> tuple[str, ...]:
    """Where the head and the branches stand. Raises SourceError."""
    try:
        head, found = _references(folder)
    except OSError as error:
        raise SourceError(f"{folder.name} cannot be read: {error.strerror or type(error).__name__}.") from None
    return head, *found


def history(folder: Path) -> History:
    """All commits that branches lead to, the newest MOST_COMMITS. Raises SourceError."""
    try:
        head, tips = _references(folder)
        if not tips:
            raise SourceError(f"{folder.name} holds no commits that can be read.")
        store = _store(folder, max(len(tip) for tip in tips))
        damage: list[str] = []
        cut = frozenset(_bytes(folder / "shallow").decode("ascii", "replace").split())
        commits = sorted(_commits(store, tips, cut, damage), key=lambda commit: (commit.at, commit.number))
    except OSError as error:
        raise SourceError(f"{folder.name} cannot be read: {error.strerror or type(error).__name__}.") from None
    if not commits:
        raise SourceError(f"{folder.name} holds no commits that can be read.", "Fetch it whole again.")
    return History(folder, tuple(commits), head, store, bool(damage))


def _store(folder: Path, digits: int) -> Any:
    """The objects of the folder itself: none that it refers to elsewhere, and no setting is read."""
    from dulwich.object_format import SHA1, SHA256
    from dulwich.object_store import DiskObjectStore

    class OwnObjects(DiskObjectStore):
        def _read_alternate_paths(self) -> Iterator[str]:
            return iter(())

    return OwnObjects(
        str(folder / "objects"),
        object_format=SHA256 if digits == 64 else SHA1,
        loose_object_size_limit=MOST_OBJECT_BYTES,
    )


def _references(folder: Path) -> tuple[str, list[str]]:
    """The commit that is checked out, or empty, and the tips of all branches."""
    for place in ("objects", "objects/pack", "refs", "HEAD", "packed-refs"):
        if (folder / place).is_symlink():
            raise SourceError(f"{folder.name} keeps its parts elsewhere, which is not followed.")
    found: dict[str, str] = {}
    packed = _bytes(folder / "packed-refs")
    for line in _PACKED.finditer(packed):
        found.setdefault(line[0].decode("ascii", "replace"), line[1].decode())
    for file in _loose(folder):
        if number := _NUMBER.match(_bytes(file)):
            found[str(file)] = number[0].decode()
    head = _head(folder, packed)
    tips = dict.fromkeys([*([head] if head else []), *list(found.values())[:MOST_REFERENCES]])
    return head, list(tips)


def _head(folder: Path, packed: bytes) -> str:
    told = _bytes(folder / "HEAD").strip()
    pointer = _POINTER.match(told)
    if not pointer:
        number = _NUMBER.fullmatch(told)
        return number[0].decode() if number else ""
    name = pointer[1].decode("ascii", "replace")
    place = folder / name
    if ".." not in name.split("/") and not place.is_symlink() and (found := _NUMBER.match(_bytes(place))):
        return found[0].decode()
    line = re.search(rb"(?m)^([0-9a-f]{40,64}) " + re.escape(pointer[1]) + rb"$", packed)
    return line[1].decode() if line else ""


def _loose(folder: Path) -> Iterator[Path]:
    """The files of references to branches; a link among them is not followed."""
    waiting = [folder / "refs" / "heads", folder / "refs" / "remotes"]
    seen = 0
    while waiting:
        place = waiting.pop()
        if place.is_symlink() or not place.is_dir():
            continue
        for entry in sorted(place.iterdir()):
            seen += 1
            if seen > MOST_REFERENCES:
                return
            if entry.is_dir():
                waiting.append(entry)
            elif entry.is_file() and not entry.is_symlink():
                yield entry


def _bytes(file: Path) -> bytes:
    """A small file; nothing where there is none."""
    try:
        with file.open("rb") as opened:
            return opened.read(MOST_OBJECT_BYTES)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return b""


def _commits(store: Any, tips: list[str], cut: frozenset[str], damage: list[str]) -> Iterator[Commit]:
    """Commits from the tips on, the newest first, each once; numbers that cannot be read go to ``damage``."""
    seen: set[str] = set()
    waiting: list[tuple[float, str, Commit]] = []

    def take(number: str) -> None:
        if number not in seen:
            seen.add(number)
            commit = _commit(store, number)
            if commit:
                heapq.heappush(waiting, (-commit.at.timestamp(), number, commit))
            else:
                damage.append(number)

    for tip in tips:
        take(tip)
    for _ in range(MOST_COMMITS):
        if not waiting:
            return
        getting_on()
        commit = heapq.heappop(waiting)[2]
        if commit.number in cut:
            yield replace(commit, cut=True)
            continue
        yield commit
        for parent in commit.parents:
            take(parent)


def _commit(store: Any, number: str) -> Commit | None:
    from dulwich.objects import Commit as Stored

    try:
        stored = store[number.encode()]
        if not isinstance(stored, Stored):
            return None
        author = _PERSON.match(decode_text(stored.author))
        encoding = decode_text(stored.encoding or b"")
        return Commit(
            number,
            author[1] if author else "",
            author[2] if author else "",
            datetime.fromtimestamp(stored.author_time, UTC),
            decode_text(stored.message, encoding)[:MOST_MESSAGE_CHARACTERS],
            tuple(parent.decode("ascii") for parent in stored.parents),
            bytes(stored.tree),
        )
    # A damaged object breaks its reader in more ways than it names; its history ends there.
    except Exception:
        return None

"""Whether a file is the one that was imported before: by what the system says of it, else by its bytes."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Protocol

from mlxtwin.records import Document, Person
from mlxtwin.sources.run_report import Outcome
from mlxtwin.vault.imported import ids_of

# A larger file is only known by what the system says of it.
MOST_DIGESTED_BYTES = 1024**3
# A file that was written to this short ago might be written to again without looking any different.
SETTLED_SECONDS = 2.0
MOST_BESIDE = 1000
# Of a repository whose branches and tags are looked at.
MOST_REFERENCES = 20_000
MOST_REFERENCE_BYTES = 8 * 1024 * 1024
_PIECE_BYTES = 1024 * 1024


class Kept(Protocol):
    """What the vault remembers of a file; see `vault.imported.ImportedFile`."""

    @property
    def reader(self) -> bytes: ...
    @property
    def files(self) -> str: ...
    @property
    def result(self) -> str: ...
    @property
    def documents(self) -> bytes: ...


class Apart(Protocol):
    """Tells another item of a key from a changed version of the one that is stored; see `vault.apart.Apart`."""

    def placed(self, document: Document, clashes: bool) -> Document: ...


class Memory(Protocol):
    """Where it is remembered which files were imported whole."""

    def recall(self, place: bytes) -> Kept | None: ...
    def unchanged(self, documents: bytes) -> int | None:
        """How many of a file's documents are stored as they were; None where the file has to be read again."""
        ...

    def apart(self, gave: Callable[[], Sequence[str]]) -> Apart:
        """For the documents of a file that gave, when it was imported before, those of the ids."""
        ...

    def refresh(self, place: bytes, files: str) -> object: ...
    def keep(self, found: list[Imported]) -> object:
        """After the documents were stored."""
        ...


@dataclass(frozen=True, slots=True)
class Imported:
    """A file that was imported whole, as `vault.imported` keeps it, with the ids of its documents."""

    place: bytes
    reader: bytes
    files: str
    result: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What a file gave when it was imported before. ``unchanged``: how many documents of it are stored as they were."""

    outcome: Outcome
    documents: bytes
    unchanged: int


class Files:
    """Tells files of one import apart from those of earlier ones."""

    def __init__(
        self, memory: Memory, person: Person, as_source: str | None, now: Callable[[], float] = time.time
    ) -> None:
        self._memory, self._as_source = memory, as_source or ""
        self._reader = _digest([code_digest().hex(), *sorted(person.names)])
        self._now = now
        self._stamps: dict[str, str] = {}
        self._digests: dict[str, str] = {}

    def known(self, file: Path, root: Path) -> Known | None:
        """What it gave before, if nothing about it changed."""
        kept = self._memory.recall(self._place(file, root))
        if kept is None or kept.reader != self._reader:
            return None
        files = json.loads(kept.files)
        if not all(self._is_same(*one) for one in files):
            return None
        unchanged = self._memory.unchanged(kept.documents)
        if unchanged is None:
            return None
        if any(stamp != self.stamp(path) for path, stamp, _ in files):
            self._memory.refresh(self._place(file, root), json.dumps([self._identity(*one) for one in files]))
        return Known(Outcome.of_json(json.loads(kept.result)), kept.documents, unchanged)

    def apart(self, file: Path, root: Path) -> Apart:
        """Places the documents of a file that is read now."""
        return self._memory.apart(lambda: self._gave(file, root))

    def _gave(self, file: Path, root: Path) -> list[str]:
        kept = self._memory.recall(self._place(file, root))
        return ids_of(kept.documents) if kept else []

    def imported(
        self, file: Path, root: Path, stamp: str, beside: Iterable[str] | None, outcome: Outcome, ids: Sequence[str]
    ) -> Imported | None:
        """To be kept, once its documents are stored; None for a file that is not to be known again.

        ``stamp``: what the system said of it before it was read; it must say the same now.
        """
        names = None if beside is None else [str(file), *sorted(set(beside) - {str(file)})]
        self._stamps.pop(str(file), None)
        if names is None or len(names) > MOST_BESIDE or not stamp or self.stamp(str(file)) != stamp:
            return None
        nobodys = not outcome.documents and not outcome.errors
        files = [[name, *self._told_by(name, by_stamp=nobodys and name == str(file))] for name in names]
        if not all(stamp or digest for _, stamp, digest in files):
            return None
        result = json.dumps(outcome.as_json())
        return Imported(self._place(file, root), self._reader, json.dumps(files), result, tuple(ids))

    def stamp(self, path: str) -> str:
        """What the system says of a file or folder; the same for as long as nobody wrote to it."""
        if path not in self._stamps:
            self._stamps[path] = _stamp(path)
        return self._stamps[path]

    def _is_same(self, path: str, stamp: str, digest: str) -> bool:
        return (bool(stamp) and stamp == self.stamp(path)) or (bool(digest) and digest == self._digest(path))

    def _identity(self, path: str, _stamp: str, digest: str) -> list[str]:
        stamp, _ = self._told_by(path, by_stamp=True)
        return [path, stamp, digest]

    def _told_by(self, path: str, *, by_stamp: bool) -> tuple[str, str]:
        """Its stamp, if that can be trusted, and its digest unless the stamp is enough."""
        stamp = self.stamp(path)
        settled = not stamp.startswith(("file", "folder")) or self._is_settled(stamp)
        return stamp if settled else "", "" if by_stamp else self._digest(path)

    def _is_settled(self, stamp: str) -> bool:
        latest = max(int(part) for part in stamp.split(":")[2:4]) / 1e9
        return self._now() - latest > SETTLED_SECONDS

    def _digest(self, path: str) -> str:
        if path not in self._digests:
            with suppress(OSError):
                self._digests[path] = _content_digest(Path(path))
        return self._digests.get(path, "")

    def _place(self, file: Path, root: Path) -> bytes:
        return _digest([str(root), str(file), self._as_source])


@cache
def code_digest() -> bytes:
    """Of all that importers are made of, so that what a newer program would read otherwise is read again."""
    found = hashlib.blake2b(digest_size=16)
    for file in sorted(Path(__file__).parent.glob("*.py")):
        found.update(file.name.encode() + b"\0" + file.read_bytes())
    return found.digest()


def _digest(texts: list[str]) -> bytes:
    whole = "\0".join(texts).encode("utf-8", "surrogateescape")
    return hashlib.blake2b(whole, digest_size=16).digest()


def _stamp(path: str) -> str:
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return "nothing"
    if stat.S_ISDIR(found.st_mode):
        kind = "folder"
    elif stat.S_ISREG(found.st_mode):
        kind = "file"
    else:
        return "other"
    return f"{kind}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}:{found.st_ino}"


def _content_digest(path: Path) -> str:
    """Empty for what is too large, or no file and no folder."""
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        return _folder_digest(path)
    if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_DIGESTED_BYTES:
        return ""
    whole = hashlib.blake2b(digest_size=16)
    _update(whole, path, found.st_size)
    return whole.hexdigest()


def _update(whole: hashlib.blake2b, path: Path, size: int) -> None:
    """With so many bytes of a file, some at a time."""
    with path.open("rb") as opened:
        while size > 0 and (piece := opened.read(min(size, _PIECE_BYTES))):
            whole.update(piece)
            size -= len(piece)


def _folder_digest(folder: Path) -> str:
    """Of the names in it; of a repository, of what its branches and tags point at, on which all else follows.

    Empty for a repository with too much of that.
    """
    names = sorted(entry.name for entry in folder.iterdir())
    whole = hashlib.blake2b("\0".join(names).encode("utf-8", "surrogateescape"), digest_size=16)
    if {"HEAD", "objects", "refs"} <= set(names):
        heads = [folder / "HEAD", folder / "packed-refs", *islice(_below(folder / "refs"), MOST_REFERENCES)]
        left = MOST_REFERENCE_BYTES
        for file in sorted(heads):
            found = file.lstat() if os.path.lexists(file) else None
            if found is None or not stat.S_ISREG(found.st_mode):
                continue
            left -= found.st_size
            if left < 0 or len(heads) >= MOST_REFERENCES:
                return ""
            whole.update(f"{file.relative_to(folder)}\0{found.st_size}\0".encode("utf-8", "surrogateescape"))
            _update(whole, file, found.st_size)
    return whole.hexdigest()


def _below(folder: Path) -> Iterator[Path]:
    """All files below a folder, no link followed."""
    for path, _, names in os.walk(folder):
        yield from (Path(path, name) for name in names)

"""What is asked of a reader of exports and what it answers; and the reading itself, in whichever process it is done.

A job looks at one file on disk (an archive gives an item for each member), or asks one item for its authors, or reads
it. Its answers end with Done.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from mlxtwin.errors import SourceError
from mlxtwin.paths import reason
from mlxtwin.records import Document, Person
from mlxtwin.sources.archive import Archive, Member, is_archive, open_archive, open_inner, why_closed
from mlxtwin.sources.archive_parts import BadMember, Caps, Entry
from mlxtwin.sources.archive_walk import walk_archive
from mlxtwin.sources.base import Importer, looking_at, relative_name, why_refused
from mlxtwin.sources.files import File
from mlxtwin.sources.reader_files import Tally, watched
from mlxtwin.sources.registry import load, match, why_not
from mlxtwin.sources.skips import EMPTY

# Of the archives held open, together.
MOST_ENTRIES = 300_000
Task = Literal["look", "authors", "read"]
LOOK: Task = "look"
AUTHORS: Task = "authors"
READ: Task = "read"


@dataclass(frozen=True, slots=True)
class Job:
    """``file``: on disk, or the archive that ``members`` lead into: its member, or the inner archive and its member.

    ``importer``: who reads it; of a look, the one asked for or empty. ``known``: how many members of an archive a look
    before this one came to; the next is refused as ``why`` says, for that look did not survive it.
    """

    task: Task
    file: Path
    root: Path
    members: tuple[str, ...] = ()
    importer: str = ""
    known: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """An item that a look found: the importer that reads it, or why none does (``skipped``) or could (``refused``).

    One that has none of these is an archive whose members follow. ``number``: which of all members of an archive the
    look had come to, from 1. ``counts``: whether it is a file of the import, and not one more word about an archive.
    ``lasting``: whether the same bytes would be refused again.
    """

    members: tuple[str, ...] = ()
    importer: str = ""
    skipped: str = ""
    refused: str = ""
    size: int = 0
    number: int = 0
    counts: bool = True
    lasting: bool = True


@dataclass(frozen=True, slots=True)
class Author:
    name: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class At:
    """How far the file of a job was read, in bytes; None only says that it is still waited for."""

    place: int | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """``lasting``: whether reading the same bytes again would end the same; ``died``: whether the reader did of it."""

    why: str
    lasting: bool = False
    died: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """``beside``: the files and folders that the answers depend on too; None where that is not known."""

    beside: tuple[str, ...] | None = None


Answer = Found | Author | Document | At | Failed | Done


class Reader(Protocol):
    """Where the reading is done."""

    def run(self, jobs: Iterable[Job]) -> Iterator[Answer]:
        """The answers to each job in turn, each turn ended by Done; jobs are taken ahead. Raises no SourceError."""
        ...

    def close(self) -> None: ...


class Here:
    """Reads in this process: for tests, and for files one trusts."""

    def __init__(self, person: Person, caps: Caps | None = None) -> None:
        self._work = Work(person, caps=caps)

    def run(self, jobs: Iterable[Job]) -> Iterator[Answer]:
        for job in jobs:
            yield from self._work.answers(job)

    def close(self) -> None:
        self._work.close()


class Work:
    """Does jobs, one at a time. ``fatal`` exceptions pass; all others become Failed."""

    def __init__(
        self,
        person: Person,
        tally: Tally | None = None,
        caps: Caps | None = None,
        fatal: tuple[type[BaseException], ...] = (),
    ) -> None:
        self._person, self._caps, self._fatal = person, caps or Caps(), fatal
        self._tally = tally or Tally(lambda _place: None)
        self._watched, self._watches = (watched(tally), True) if tally else (Path, False)
        self._archives: OrderedDict[tuple[Path, tuple[str, ...]], Archive] = OrderedDict()

    def answers(self, job: Job) -> Iterator[Answer]:
        self._tally.begin(_name_of(job))
        try:
            yield from self._done(job)
        except self._fatal:
            raise
        except Exception as error:
            yield _failed(error, job.members[-1] if job.members else job.file.name)
        yield Done(self._tally.beside() if self._watches else None)

    def close(self) -> None:
        while self._archives:
            self._archives.popitem()[1].close()

    def _done(self, job: Job) -> Iterator[Answer]:
        if job.task == LOOK:
            yield from self._look(job)
            return
        file, root = self._place(job)
        importer = load(job.importer)
        if job.task == AUTHORS:
            yield from (Author(name) for name in importer.authors(file))
        else:
            yield from self._read(job, importer, file, root)

    def _read(self, job: Job, importer: Importer, file: File, root: File) -> Iterator[Document]:
        documents = importer.read(file, root, self._person)
        if not job.members:
            yield from documents
            return
        # An archive is a root of its own, and where it lies belongs to what its documents came from.
        place = "/".join([relative_name(job.file, job.root), *job.members[:-1]])
        for document in documents:
            yield replace(document, origin=f"{place}/{document.origin}")

    def _place(self, job: Job) -> tuple[File, File]:
        if not job.members:
            return self._watched(job.file), self._watched(job.root)
        archive = self._archive(job.file, job.members[:-1])
        return archive.member(job.members[-1]), archive.top

    def _archive(self, file: Path, inner: tuple[str, ...]) -> Archive:
        """One that was opened before, if it still is."""
        key = (file, inner)
        archive = self._archives.get(key)
        if archive is None:
            archive = self._opened(file, inner)
            archive.looked_at()
            self._keep(key, archive)
        self._archives.move_to_end(key)
        for (other, _), held in self._archives.items():
            if other != file:
                held.release()
        return archive

    def _keep(self, key: tuple[Path, tuple[str, ...]], archive: Archive) -> None:
        """No inner archive but those that lead to this one, for they are all in memory; else not too many members."""
        for held in [held for held in self._archives if held[1] and held[1] != key[1][: len(held[1])]]:
            self._archives.pop(held).close()
        self._archives[key] = archive
        while sum(len(held.entries) for held in self._archives.values()) > MOST_ENTRIES:
            oldest = next((held for held in self._archives if held[0] != key[0]), None)
            if oldest is None:
                return
            self._archives.pop(oldest).close()

    def _opened(self, file: Path, inner: tuple[str, ...]) -> Archive:
        told = self._told(file, inner)
        if inner:
            return open_inner(self._archive(file, inner[:-1]).member(inner[-1]), caps=self._caps, told=told)
        return open_archive(self._watched(file), caps=self._caps, told=told)

    def _told(self, file: Path, inner: tuple[str, ...]) -> Callable[[str, int, int, int], None]:
        before = "\0".join([str(file), *inner])
        return lambda name, size, place, count: self._tally.read(f"{before}\0{name}", size, place, count)

    def _look(self, job: Job) -> Iterator[Found]:
        file = self._watched(job.file)
        with looking_at(file):
            found = self._recognised(file, job.importer)
        if found is not None:
            yield replace(found, size=_size_on_disk(file))
            return
        yield from self._look_inside(_Look(job), (), _size_on_disk(file))

    def _recognised(self, file: File, as_source: str) -> Found | None:
        """What it is, or None for an archive that is to be opened."""
        refused = "" if file.is_dir() else why_refused(file)
        if refused:
            return Found(refused=refused, lasting=isinstance(file, Member))
        importer = match(file, as_source or None)
        if importer:
            return Found(importer=importer.name)
        if is_archive(file):
            return None
        closed = why_closed(file)
        return Found(refused=closed) if closed else Found(skipped=why_not(file))

    def _look_inside(self, look: _Look, inner: tuple[str, ...], size: int) -> Iterator[Found]:
        """The items of an archive: ``inner`` leads to one in the archive on disk."""
        try:
            archive = self._opened(look.job.file, inner)
        except BadMember as error:
            yield Found(inner, refused=f"It cannot be read: {reason(error)}.")
            return
        self._keep((look.job.file, inner), archive)
        before = look.count
        for member, entry in walk_archive(archive):
            if look.count >= self._caps.members:
                look.full = True
                break
            yield from self._look_at(look, inner, member, entry)
        if look.full:
            if not inner:
                yield Found(refused=_too_many(self._caps.members), counts=False)
        elif archive.problem:
            yield Found(inner, refused=archive.problem, counts=look.count == before)
        elif look.count == before:
            yield Found(inner, skipped=EMPTY, size=size)
        archive.looked_at()

    def _look_at(self, look: _Look, inner: tuple[str, ...], member: Member, entry: Entry) -> Iterator[Found]:
        members = (*inner, entry.name)
        look.count += 1
        if look.count == look.job.known + 1 and look.job.why:
            yield Found(members, refused=look.job.why, number=look.count, lasting=False)
            return
        told = look.count <= look.job.known
        with looking_at(member):
            # Of what was told before, only archives are gone into again, for the members that were not.
            if told and (entry.skipped or entry.refused or not is_archive(member)):
                return
            found = self._member(members, member, entry, look.job.importer)
        is_archive_too = not (found.importer or found.skipped or found.refused)
        if not told:
            yield replace(found, number=look.count, counts=not is_archive_too)
        if is_archive_too:
            yield from self._look_inside(look, members, member.size)

    def _member(self, members: tuple[str, ...], member: Member, entry: Entry, as_source: str) -> Found:
        if entry.skipped or entry.refused:
            return Found(members, skipped=entry.skipped, refused=entry.refused)
        found = self._recognised(member, as_source)
        if found is not None:
            return replace(found, members=members, size=member.size)
        if len(members) < self._caps.depth:
            return Found(members)
        return Found(members, refused=f"It lies in {len(members)} archives: unpack the outer one first.")


@dataclass(slots=True)
class _Look:
    """How many members a look came to, those of inner archives with them; ``full``: there were more than may be."""

    job: Job
    count: int = 0
    full: bool = False


def _too_many(most: int) -> str:
    return f"It holds more than {most:,} files with those of the archives in it: those behind that were not read."


def _name_of(job: Job) -> str:
    return "\0".join([str(job.file), *job.members])


def _size_on_disk(file: Path) -> int:
    """Of a folder nothing is known without reading it."""
    with suppress(OSError):
        return file.stat().st_size if file.is_file() else 0
    return 0


def _failed(error: Exception, name: str) -> Failed:
    """Another error's message may quote the text that broke it; its type cannot."""
    if isinstance(error, BadMember):
        return Failed(f"It cannot be read: {reason(error)}.", lasting=True)
    if not isinstance(error, SourceError):
        return Failed(f"It cannot be read ({type(error).__name__}).", lasting=not isinstance(error, OSError))
    why = error.sentence()
    name = name.rpartition("/")[2]
    if why.startswith(f"{name} "):  # its path stands before it
        why = f"It{why.removeprefix(name)}"
    return Failed(why, _is_lasting(error))


def _is_lasting(error: SourceError) -> bool:
    """What the system refused may go another time; a damaged archive, or export, stays so."""
    cause = error.__context__
    refused = isinstance(cause, OSError) or type(cause).__module__.startswith("sqlite3")
    return not refused or isinstance(cause, BadMember)

"""One import: files to documents to the vault, in batches; every file is accounted for, one bad file stops no other.

What is on disk is looked at first, then asked for who wrote it where that is not known, then read; by whichever
reader is given, so that a hostile file can be left to another process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from mlxtwin.errors import UsageError, WhoIsMe
from mlxtwin.records import Person
from mlxtwin.sources.applenotes import AppleNotes
from mlxtwin.sources.applenotes_script import DOOR
from mlxtwin.sources.database import FULL_DISK_ACCESS
from mlxtwin.sources.reader_work import AUTHORS, READ, Author, Done, Here, Job, Reader, Task
from mlxtwin.sources.registry import CLOSED_FOLDER, SOURCES, require
from mlxtwin.sources.run_look import Planned, look, require_readable
from mlxtwin.sources.run_memory import Files, Memory
from mlxtwin.sources.run_report import MOST_CANDIDATES, NOT_BY_ME, ImportReport
from mlxtwin.sources.run_store import Put, SetTier, Store, Taking
from mlxtwin.wording import plural

__all__ = ["NOT_BY_ME", "ImportReport", "candidates", "import_paths"]

Remember = Callable[[frozenset[str]], object]
Progress = Callable[[int, int, int], object]
BytesRead = Callable[[int, int], object]
MakeReader = Callable[[Person], Reader]

BATCH_DOCUMENTS = 256


def import_paths(
    paths: Iterable[Path],
    *,
    person: Person,
    as_source: str | None = None,
    tier: int | None = None,
    put: Put | None = None,
    set_tier: SetTier | None = None,
    remember: Remember | None = None,
    progress: Progress | None = None,
    bytes_read: BytesRead | None = None,
    memory: Memory | None = None,
    reader: MakeReader = Here,
) -> ImportReport:
    """Read files and folders and hand their documents to ``put``; without one it is a dry run.

    ``progress`` gets (files done, files, documents) after each file, and within it after each document, so very often;
    while it is looked for who wrote, it gets the items with an author for documents. ``bytes_read`` gets how many
    bytes were read of how many there are. What ``memory`` knows to be unchanged is not read again. Raises UsageError
    for a path that is missing or holds nothing to import, WhoIsMe (with candidates) when the export has authors and
    ``person`` is empty. What ``put`` raises passes.

    Who reads something ``as_source`` says with it that a text in which nobody is named is their own. ``apple-notes:``
    in place of a path asks the program Notes of a Mac.
    """
    paths, programs = _told_apart(paths)
    files = Files(memory, person, as_source) if memory else None
    tell = progress or _silent
    opened = reader(person)
    try:
        plan = _planned(paths, as_source, files, opened, lambda: tell(0, 0, 0))
        if not person:
            _ask_who(paths, plan, opened, tell)
        store = Store(put, set_tier if tier else None, tier or 0, memory, BATCH_DOCUMENTS)
        taking = Taking(store, files, tell, bytes_read or _silent_bytes, theirs=as_source or "")
        taking.take(plan, opened.run(_jobs(plan, READ)))
        for program in programs:
            taking.take_from_program(str(program), AppleNotes().from_program())
    finally:
        opened.close()
    report = taking.report()
    if not report.documents and not report.errors:
        raise _nothing(paths, report)
    if remember and person and report.words_by_me:
        remember(person.names)
    return report


def _told_apart(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """What is on disk, and what stands in place of a path to have a program asked (`applenotes_script`)."""
    paths = list(paths)
    return [path for path in paths if str(path) != DOOR], [path for path in paths if str(path) == DOOR]


def _silent(_done: int, _files: int, _documents: int) -> None:
    pass


def _silent_bytes(_read: int, _all: int) -> None:
    pass


def candidates(paths: Iterable[Path], as_source: str | None = None, reader: MakeReader = Here) -> Counter[str]:
    """Every author in an export with the number of items; raises nothing, a bad file counts for what it gave."""
    opened = reader(Person.of(()))
    try:
        return _authors(_planned(list(paths), as_source, None, opened, lambda: None), opened, _silent)
    except UsageError:
        return Counter()
    finally:
        opened.close()


def _planned(
    paths: list[Path], as_source: str | None, files: Files | None, reader: Reader, waiting: Callable[[], object]
) -> list[Planned]:
    if as_source:
        require(as_source)
    for path in paths:
        require_readable(path)
    return look(paths, as_source or "", files, reader, waiting)


def _jobs(plan: list[Planned], task: Task) -> Iterator[Job]:
    """For every item that somebody reads, in the order of the plan."""
    for planned in plan:
        for item in planned.items:
            if item.importer:
                yield Job(task, planned.file, planned.root, item.members, item.importer)


def _ask_who(paths: list[Path], plan: list[Planned], reader: Reader, tell: Progress) -> None:
    found = _authors(plan, reader, tell)
    if found:
        names = ", ".join(path.name or str(path) for path in paths)
        has, does = ("have", "do") if len(paths) > 1 else ("has", "does")
        message = f"{names} {has} {plural(len(found), 'author')} and {does} not tell which of them is you."
        hint = "Name yourself with --me NAME_OR_ADDRESS."
        raise WhoIsMe(message, hint, tuple(found.most_common(MOST_CANDIDATES)))


def _authors(plan: list[Planned], reader: Reader, tell: Progress) -> Counter[str]:
    """Asking who wrote is no place to stop: the import itself reports what is wrong with a file."""
    found: Counter[str] = Counter()
    answers = reader.run(_jobs(plan, AUTHORS))
    files = sum(planned.files for planned in plan)
    done = 0
    for planned in plan:
        for item in planned.items:
            for answer in answers if item.importer else ():
                if isinstance(answer, Author):
                    found[answer.name] += answer.count
                if isinstance(answer, Done):
                    break
                tell(done, files, found.total())
            done += item.counts
    return found


def _nothing(paths: list[Path], report: ImportReport) -> UsageError:
    names = ", ".join(str(path) for path in paths) or "An import without a path"
    if not report.files:
        return UsageError(f"{names} holds no files.", "Name the file or folder of your export.")
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(report.skipped.items()))
    hint = f"Name the kind with --as if you know it: {', '.join(SOURCES)}."
    if CLOSED_FOLDER in report.skipped:
        hint = FULL_DISK_ACCESS
    return UsageError(f"{names} holds nothing to import ({reasons}).", hint)

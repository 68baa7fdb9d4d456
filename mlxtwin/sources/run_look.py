"""What there is to import: every file at the paths named, who reads it, or why nobody does."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mlxtwin.errors import UsageError
from mlxtwin.sources.archive_parts import Caps
from mlxtwin.sources.reader_work import LOOK, At, Done, Failed, Found, Job, Reader
from mlxtwin.sources.registry import walk
from mlxtwin.sources.run_memory import Files, Known

# Of one archive, files that the reader did not survive looking at; then the rest of it is left alone.
MOST_DEATHS = 20
LOOKS_BETWEEN = 500
# Of one file on disk: every member, and a problem for each, which is more than a reader of ours tells.
MOST_ITEMS = 2 * Caps().members


@dataclass(slots=True)
class Planned:
    """One file on disk, or a folder taken as a whole, and what was found in it.

    ``stamp``: what the system said of it before it was looked at; ``beside``: what the findings depend on too, None
    where that is not known. ``known``: what it gave before, in place of items.
    """

    file: Path
    root: Path
    stamp: str = ""
    known: Known | None = None
    items: list[Found] = field(default_factory=list)
    beside: set[str] | None = field(default_factory=set)

    @property
    def files(self) -> int:
        """How many files it counts as: an archive as many as it has members, and none for itself."""
        return self.known.outcome.files if self.known else sum(item.counts for item in self.items)


def require_readable(path: Path) -> None:
    """Reading a pipe or a device might wait for ever. Raises UsageError."""
    try:
        mode = path.stat().st_mode
    except PermissionError:
        raise UsageError(f"{path} cannot be read: permission denied.", "Check its permissions.") from None
    except (OSError, ValueError):
        hint = "Check the path, and put it in quotes if it holds blanks."
        raise UsageError(f"{path} does not exist.", hint) from None
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise UsageError(f"{path} is neither a regular file nor a folder.", "Save it as a file and import that.")


def look(
    paths: Iterable[Path], as_source: str, files: Files | None, reader: Reader, waiting: Callable[[], object]
) -> list[Planned]:
    """Everything at the paths in the order of the walk, once. ``waiting`` is called now and then meanwhile."""
    plan: list[Planned] = []
    unknown: list[Planned] = []
    for file, root, skipped in _walked(paths):
        planned = Planned(file, root)
        plan.append(planned)
        if skipped:
            planned.items.append(Found(skipped=skipped))
            planned.beside = None
            continue
        if files is not None:
            planned.stamp, planned.known = files.stamp(str(file)), files.known(file, root)
        if len(plan) % LOOKS_BETWEEN == 0:
            waiting()
        if planned.known is None:
            unknown.append(planned)
    _look_at(unknown, as_source, reader, waiting)
    return plan


def _walked(paths: Iterable[Path]) -> Iterator[tuple[Path, Path, str]]:
    seen: set[Path] = set()
    for path in paths:
        place = path.resolve()
        root = place if place.is_dir() else place.parent
        for file, skipped in walk(place):
            if file not in seen:
                seen.add(file)
                yield file, root, skipped


def _look_at(plan: list[Planned], as_source: str, reader: Reader, waiting: Callable[[], object]) -> None:
    """An archive of which one file ended the reader is looked at again from behind that."""
    jobs = [(planned, Job(LOOK, planned.file, planned.root, importer=as_source)) for planned in plan]
    for _ in range(MOST_DEATHS + 1):
        again = []
        answers = reader.run(job for _, job in jobs)
        for planned, job in jobs:
            failed = _found(planned, answers, waiting)
            if failed is None:
                continue
            reached = max((item.number for item in planned.items), default=0)
            if failed.died and reached and len(planned.items) < MOST_ITEMS:
                again.append((planned, Job(LOOK, job.file, job.root, (), as_source, reached, failed.why)))
            else:
                planned.items.append(Found(refused=failed.why, counts=not planned.items, lasting=failed.lasting))
        jobs = again
    for planned, job in jobs:
        planned.items.append(Found(refused=job.why, counts=False, lasting=False))


def _found(planned: Planned, answers: Iterator[object], waiting: Callable[[], object]) -> Failed | None:
    """Take what one look found; what it ended with, if it failed."""
    failed = None
    for answer in answers:
        if isinstance(answer, Done):
            _depends(planned, answer.beside)
            break
        if isinstance(answer, Failed):
            failed = answer
        elif isinstance(answer, Found) and len(planned.items) < MOST_ITEMS:
            planned.items.append(answer)
        elif isinstance(answer, Found):
            failed = Failed("It holds too many files: those behind were not read.", lasting=True)
        if isinstance(answer, At) or len(planned.items) % LOOKS_BETWEEN == 0:
            waiting()
    return failed


def _depends(planned: Planned, beside: tuple[str, ...] | None) -> None:
    if beside is None or planned.beside is None:
        planned.beside = None
    else:
        planned.beside.update(beside)

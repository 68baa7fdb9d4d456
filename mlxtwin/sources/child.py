"""The process that reads exports, seen from the one that stores them: started, fed, watched, and started again.

A file that the process does not survive, or does not get on with, is answered with Failed; the others go on.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from mlxtwin.errors import TwinError
from mlxtwin.records import Document, Person
from mlxtwin.security.airplane import sandbox_command
from mlxtwin.sources.child_process import Ended, Process, Silent
from mlxtwin.sources.reader_limits import EXIT_MEMORY, MEMORY_BYTES
from mlxtwin.sources.reader_wire import Garbage, TooMuch, answer_of, job_line
from mlxtwin.sources.reader_work import AUTHORS, LOOK, READ, Answer, At, Author, Done, Failed, Found, Job
from mlxtwin.sources.registry import SOURCES, source_of

# Less than any system's pipe holds: handing out jobs never waits for a process that waits for us.
AHEAD_BYTES = 7 * 1024
MOST_JOB_BYTES = 8 * 1024
# Of one file: documents, authors or members; and how often it may say where it is, and nothing else.
MOST_ANSWERS = 5_000_000
MOST_IDLE = 100_000
MOST_STARTS = 3
_ANSWERS: dict[str, type] = {LOOK: Found, AUTHORS: Author, READ: Document}
_MISSING = "The process that reads exports does not start."


@dataclass(frozen=True, slots=True)
class Limits:
    """``patience_seconds``: how long a file may take without getting on."""

    memory_bytes: int = MEMORY_BYTES
    patience_seconds: float = 10.0
    start_seconds: float = 60.0


Command = Callable[[Limits], list[str]]


def reader_command(limits: Limits) -> list[str]:
    """-P keeps the folder it runs in from being searched for modules."""
    module = [sys.executable, "-P", "-m", "mlxtwin.sources.reader"]
    return [*sandbox_command(), *module, "--memory", str(limits.memory_bytes), "--parent", str(os.getpid())]


class Child:
    """Reads in a process of its own, started with the first job; answers as `reader_work.Reader` says.

    Raises TwinError where no such process can be started.
    """

    def __init__(self, person: Person, limits: Limits | None = None, command: Command = reader_command) -> None:
        self._person, self._limits, self._command = person, limits or Limits(), command
        self._process: Process | None = None
        self._given: deque[tuple[Job, bytes]] = deque()
        self._starts = 0

    def run(self, jobs: Iterable[Job]) -> Iterator[Answer]:
        waiting = iter(jobs)
        while True:
            self._hand_out(waiting)
            if not self._given:
                return
            job, line = self._given[0]
            if line:
                yield from self._answers(job)
            else:
                self._given.popleft()
                yield Failed("It cannot be read: its path is too long.", lasting=True)
                yield Done()

    def _hand_out(self, waiting: Iterator[Job]) -> None:
        """Take as many jobs as may be under way at once, and give them to the process there is."""
        ahead = sum(len(line) for _, line in self._given)
        fresh = []
        while ahead < AHEAD_BYTES and (job := next(waiting, None)) is not None:
            line = job_line(job)
            if len(line) > MOST_JOB_BYTES:
                line = b""  # it is answered without being asked
            self._given.append((job, line))
            fresh.append(line)
            ahead += len(line)
        if self._process is not None:
            self._process.give(fresh)
        elif any(line for _, line in self._given):
            self._process = self._started()
            self._process.give([line for _, line in self._given])

    def _started(self) -> Process:
        if self._starts >= MOST_STARTS:
            raise TwinError(_MISSING, "Run `mlxtwin doctor`.")
        self._starts += 1
        try:
            return Process(self._command(self._limits), sorted(self._person.names))
        except OSError as error:
            raise TwinError(_MISSING, f"The system says: {error.strerror}.") from None

    def _answers(self, job: Job) -> Iterator[Answer]:
        """Those to one job; where the process ends before it began with it, none, and it is given out again."""
        process = self._process
        assert process is not None
        counted = _Counted()
        try:
            for line in process.lines(self._limits.patience_seconds, self._limits.start_seconds):
                answer = At() if line is None else counted.checked(answer_of(line), job)
                if isinstance(answer, Done):
                    self._given.popleft()
                    self._starts = 0
                    process.begun = False
                yield answer
                if isinstance(answer, Done):
                    return
        except (Garbage, Silent, Ended) as end:
            self.close()
            if process.begun:
                self._given.popleft()
                self._starts = 0
                yield Failed(self._why(end), died=True)
                yield Done()

    def _why(self, end: Exception) -> str:
        if isinstance(end, TooMuch):
            return str(end)
        if isinstance(end, Silent):
            return f"It cannot be read: it took longer than {self._limits.patience_seconds:g} s without getting on."
        if isinstance(end, Ended) and end.code == EXIT_MEMORY:
            return f"It cannot be read: it needed more than {self._limits.memory_bytes / 1024**3:.2g} GB of memory."
        return "It cannot be read: the reader ended."

    def close(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None


class _Counted:
    """The answers to one job."""

    def __init__(self) -> None:
        self._answers = self._idle = 0

    def checked(self, answer: Answer, job: Job) -> Answer:
        """Raises Garbage for an answer to another question, TooMuch for one too many."""
        self._idle = self._idle + 1 if isinstance(answer, At) else 0
        self._answers += not isinstance(answer, (At, Done))
        if self._idle > MOST_IDLE:
            raise TooMuch("It cannot be read: the reader does not get on with it.")
        if self._answers > MOST_ANSWERS:
            raise TooMuch(f"It holds more than {MOST_ANSWERS:,} items: those behind that were not read.")
        return _checked(answer, job)


def _checked(answer: Answer, job: Job) -> Answer:
    """Raises Garbage for an answer to another question."""
    if isinstance(answer, (Found, Author, Document)) and not isinstance(answer, _ANSWERS[job.task]):
        raise Garbage("not what was asked")
    if isinstance(answer, Found) and answer.importer and answer.importer not in SOURCES:
        raise Garbage("an importer there is not")
    if isinstance(answer, Document) and answer.source != source_of(job.importer):
        raise Garbage("a document of another source")
    return answer

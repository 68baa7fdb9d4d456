"""Reads exports in a process of its own: ``python -P -m mlxtwin.sources.reader --memory BYTES --parent PID``.

The person's names come as the first line on stdin, then a job a line; the answers go to stdout. It has no network,
writes no file, starts no program and has only so much memory, so that a hostile file can cost no more than itself.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from typing import IO

from mlxtwin.records import Document, Person
from mlxtwin.security import airplane
from mlxtwin.sources.base import clean_text, heard_getting_on
from mlxtwin.sources.reader_files import MOST_NAME, Tally
from mlxtwin.sources.reader_limits import EXIT_MEMORY, confine, held_bytes
from mlxtwin.sources.reader_wire import answer_line, job_of
from mlxtwin.sources.reader_work import Answer, At, Author, Done, Failed, Found, Job, Work
from mlxtwin.sources.registry import SOURCES, load

READY, STARTED = b"ready", b"started"
BUFFER_BYTES = 48 * 1024
SECONDS_BETWEEN = 0.2
AUTHORS_BETWEEN = 2000
# A process that has grown this near to its limit ends between two files, and another goes on.
FULL = 0.6


class Answers:
    """Lines to whoever started this process, some at a time, but none held back for long: a timer sends what waits."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._lines: list[bytes] = []
        self._size = 0
        self._busy = False

    def put(self, line: bytes, *, now: bool = False) -> None:
        self._busy = True
        self._lines.append(line)
        self._size += len(line)
        if now or self._size > BUFFER_BYTES:
            self.send()
        self._busy = False

    def send(self) -> None:
        lines, self._lines, self._size = self._lines, [], 0
        self._out.write(b"".join(lines))
        self._out.flush()

    def send_now_and_then(self) -> None:
        signal.signal(signal.SIGALRM, lambda *_: None if self._busy or not self._lines else self.send())
        signal.setitimer(signal.ITIMER_REAL, SECONDS_BETWEEN, SECONDS_BETWEEN)

    def end(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main(arguments: list[str]) -> int:
    parser = ArgumentParser(prog="mlxtwin.sources.reader")
    parser.add_argument("--memory", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    given = parser.parse_args(arguments)
    lines, answers = sys.stdin.buffer, Answers(_take_stdout())
    airplane.deny_network()  # while there is one thread
    airplane.engage()
    for name in SOURCES:  # our own code, some of which may look for libraries in ways that the limits forbid
        load(name)
    confine(given.memory, given.parent)
    answers.put(READY + b"\n", now=True)
    answers.send_now_and_then()
    try:
        return _serve(lines, answers, given.memory)
    except BrokenPipeError:
        return 0
    except MemoryError:
        os._exit(EXIT_MEMORY)
    finally:
        answers.end()


def _take_stdout() -> IO[bytes]:
    """Our answers alone go there: what a library prints goes nowhere."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    return out


def _serve(lines: IO[bytes], answers: Answers, memory_bytes: int) -> int:
    person = Person.of(json.loads(lines.readline()))
    tally = Tally(lambda place: answers.put(answer_line(At(place)), now=True))
    work = Work(person, tally, fatal=(MemoryError, BrokenPipeError))
    while line := lines.readline():
        answers.put(STARTED + b"\n", now=True)
        with heard_getting_on(tally.step):
            _answer(job_of(line), work, tally, answers)
        if held_bytes() > FULL * memory_bytes:
            break
    return 0


def _answer(job: Job, work: Work, tally: Tally, answers: Answers) -> None:
    """What is not to be lost where a file ends this process goes out at once: which files came before it, and the
    first document."""
    place, first = 0, True
    for answer in _gathered(work.answers(job)):
        try:
            line = answer_line(answer)
        except ValueError:
            line = answer_line(Failed("One of its documents is too long to be taken in.", lasting=True))
        answers.put(line, now=first or isinstance(answer, Done | Found))
        first = False
        if isinstance(answer, Document) and tally.place > place:
            place = tally.place
            answers.put(answer_line(At(place)))


def _gathered(found: Iterator[Answer]) -> Iterator[Answer]:
    """The same with the authors counted, for they come once for each message."""
    authors: Counter[str] = Counter()
    seen = 0
    last = time.monotonic()
    for answer in found:
        if isinstance(answer, Author):
            authors[clean_text(answer.name)[:MOST_NAME]] += answer.count
            seen += 1
        due = seen % AUTHORS_BETWEEN == 0 or time.monotonic() - last > SECONDS_BETWEEN
        if authors and (due or not isinstance(answer, Author)):
            yield from (Author(name, count) for name, count in authors.items())
            authors.clear()
            last = time.monotonic()
        if not isinstance(answer, Author):
            yield answer


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

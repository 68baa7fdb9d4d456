"""Runs as folders: make one, see what it does, ask it to stop. Nothing here loads a model.

``lock`` is held by the worker for its life: that is what "alive" means. In the runs folder ``train.lock`` lets one
worker of this home train at a time, and ``start.lock`` is held by whoever starts one until its worker is alive.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from mlxtwin.errors import RunFailed, UsageError
from mlxtwin.jobs.events import EventLog
from mlxtwin.paths import Home, make_folder, read_json, write_json
from mlxtwin.records import RunEvent
from mlxtwin.security.crypto import SealedFiles

SPEC, DATASET, CHECKPOINT, STOP = "spec.json", "dataset.sealed", "checkpoint", "stop"
LOCK, FAILURE, LOG = "lock", "failure.json", "worker.log"
STARTING, TRAINING = "start.lock", "train.lock"
State = Literal["waiting", "running", "stopped", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Run:
    """One run folder."""

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def events(self) -> EventLog:
        return EventLog(self.folder)

    @property
    def spec(self) -> dict[str, Any]:
        """What the run was begun with; raises RunFailed when the file is damaged."""
        try:
            loaded = read_json(self.folder / SPEC)
            if {"recipe", "base", "dataset"} <= set(loaded) and {"name", "slot"} <= set(loaded["recipe"]):
                return dict(loaded)
        except (ValueError, TypeError, OSError):
            pass
        raise RunFailed(f"The {SPEC} of run {self.id} cannot be read.", "Start a new run with: mlxtwin retrain")

    def processes(self) -> int:
        """How many processes on this machine it was begun with; a damaged spec is told of elsewhere."""
        try:
            return int(self.spec.get("processes", 1))
        except (RunFailed, ValueError, TypeError):
            return 1

    def alive(self) -> bool:
        """Whether a worker holds the lock."""
        return _is_held(self.folder / LOCK)

    def state(self) -> State:
        """A killed worker shows as stopped: its checkpoint can go on. So does one that never came to its start."""
        if self.alive():
            return "running"
        ending = self.ending()
        if ending is None:
            return "waiting" if _is_held(self.folder.parent / STARTING) else "stopped"
        return _ENDINGS[ending]

    def ending(self) -> str | None:
        """The last of the events done, stopped, failed and start; "start" is that of a worker that was killed."""
        return next((event.event for event in reversed(self.events.read()[0]) if event.event in _ENDINGS), None)

    def ask_to_stop(self) -> None:
        (self.folder / STOP).touch(mode=0o600)

    def result(self) -> dict[str, Any] | None:
        """The numbers of a finished run, as in ``retrain --json``."""
        done = self.events.last("done")
        return done.data if done else None

    def failure(self) -> dict[str, Any] | None:
        """What the last worker failed with; None when it did not, or when that cannot be read."""
        try:
            loaded = read_json(self.folder / FAILURE)
            message, hint, exit_code = str(loaded["message"]), str(loaded["hint"]), int(loaded["exit_code"])
        except (ValueError, TypeError, KeyError, OSError):
            return None
        return {"message": message, "hint": hint, "exit_code": exit_code}


_ENDINGS: dict[str, State] = {"done": "done", "stopped": "stopped", "failed": "failed", "start": "stopped"}


def create(home: Home, spec: dict[str, Any], dataset: bytes, sealed: SealedFiles) -> Run:
    """A new run folder with its frozen spec and sealed dataset; the spec is written last and makes it a run."""
    name = time.strftime("%Y%m%d-%H%M%S", time.gmtime()) + "-" + secrets.token_hex(2)
    folder = make_folder(home.runs / name)
    try:
        sealed.write(folder / DATASET, dataset)
        write_json(folder / SPEC, {"run": name, **spec})
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Run(folder)


def every(home: Home) -> list[Run]:
    """All runs, the newest first."""
    if not home.runs.is_dir():
        return []
    return [Run(path) for path in sorted(home.runs.iterdir(), reverse=True) if (path / SPEC).is_file()]


def find(home: Home, name: str | None) -> Run:
    """A run by its name or an unambiguous beginning of it, the newest for None or ``last``; raises UsageError."""
    known = every(home)
    if not known:
        raise UsageError("There are no runs yet.", "Start one with: mlxtwin retrain voice")
    if name in (None, "last"):
        return known[0]
    found = [run for run in known if run.id.startswith(str(name))]
    if len(found) != 1:
        problem = f"There is no run {name}." if not found else f"Several runs begin with {name}."
        raise UsageError(problem, "List them with: mlxtwin runs ls")
    return found[0]


def running(home: Home) -> Run | None:
    return next((run for run in every(home) if run.alive()), None)


@contextmanager
def held(path: Path, patience_seconds: float = 1.0) -> Iterator[IO[str] | None]:
    """Hold a lock file while inside; yields None when another process holds it for longer than a look takes."""
    with _opened(path) as lock:
        deadline = time.monotonic() + patience_seconds
        while not _take(lock, fcntl.LOCK_EX):
            if time.monotonic() >= deadline:
                yield None
                return
            time.sleep(0.01)
        yield lock


@contextmanager
def starting(home: Home) -> Iterator[None]:
    """One starter at a time: another one waits until the first one's worker is alive."""
    with _opened(home.runs / STARTING) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_held(path: Path) -> bool:
    """Looks with a shared lock, so that two who look do not take each other for the holder."""
    if not path.exists():
        return False
    with path.open("rb") as lock:
        return not _take(lock, fcntl.LOCK_SH)


def _take(lock: IO[Any], kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _opened(path: Path) -> IO[str]:
    make_folder(path.parent)
    return open(path, "a", opener=lambda name, flags: os.open(name, flags, 0o600))


def watch(run: Run, alive: Callable[[], bool] | None = None, poll_seconds: float = 0.1) -> Iterator[RunEvent | None]:
    """Every event from the first, then new ones until the worker is gone; None while there is nothing new."""
    is_alive = alive or run.alive
    offset = 0
    while True:
        living = is_alive()
        events, offset = run.events.read(offset)
        yield from events
        if not living and not events:
            return
        if not events:
            yield None
            time.sleep(poll_seconds)

"""Runs as folders: make one, see what it does, ask it to stop. Nothing here loads a model.

``lock`` is held by the worker for its life: that is what "alive" means. ``train.lock`` in the runs folder lets one
worker of this home train at a time.
"""

from __future__ import annotations

import fcntl
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from mlxtwin.errors import UsageError
from mlxtwin.jobs.events import EventLog
from mlxtwin.paths import Home, make_folder, read_json, write_json
from mlxtwin.security.crypto import SealedFiles

SPEC, DATASET, CHECKPOINT, STOP = "spec.json", "dataset.sealed", "checkpoint", "stop"
LOCK, FAILURE, LOG = "lock", "failure.json", "worker.log"
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
        loaded: dict[str, Any] = read_json(self.folder / SPEC)
        return loaded

    def alive(self) -> bool:
        """Whether a worker holds the lock."""
        path = self.folder / LOCK
        if not path.exists():
            return False
        with path.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def state(self) -> State:
        """A killed worker shows as stopped: its checkpoint can go on."""
        if self.alive():
            return "running"
        last = next((event for event in reversed(self.events.read()[0]) if event.event in _ENDINGS), None)
        if last is None:
            return "stopped" if self.events.last("start") else "waiting"
        return _ENDINGS[last.event]

    def ask_to_stop(self) -> None:
        (self.folder / STOP).touch(mode=0o600)

    def result(self) -> dict[str, Any] | None:
        """The numbers of a finished run, as in ``retrain --json``."""
        done = self.events.last("done")
        return done.data if done else None

    def failure(self) -> dict[str, Any] | None:
        path = self.folder / FAILURE
        return read_json(path) if path.is_file() else None


_ENDINGS: dict[str, State] = {"done": "done", "stopped": "stopped", "failed": "failed", "start": "stopped"}


def create(home: Home, spec: dict[str, Any], dataset: bytes, sealed: SealedFiles) -> Run:
    """A new run folder with its frozen spec and sealed dataset; the spec is written last and makes it a run."""
    name = time.strftime("%Y%m%d-%H%M%S", time.gmtime()) + "-" + secrets.token_hex(2)
    folder = make_folder(home.runs / name)
    sealed.write(folder / DATASET, dataset)
    write_json(folder / SPEC, {"run": name, **spec})
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
def held(path: Path) -> Iterator[IO[str] | None]:
    """Hold a lock file while inside; yields None when another process holds it."""
    make_folder(path.parent)
    with path.open("a") as lock:
        path.chmod(0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield lock


def watch(run: Run, alive: Any = None, poll_seconds: float = 0.1) -> Iterator[Any]:
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

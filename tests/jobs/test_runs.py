"""Run folders: what state they show, also when damaged, and who may start one."""

from __future__ import annotations

import fcntl
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.client import runs as client
from mlxtwin.errors import Busy, RunFailed, StorageFull, UsageError
from mlxtwin.jobs import runs, supervisor, worker
from mlxtwin.jobs.runs import FAILURE, LOCK, STARTING, STOP, Run, held
from mlxtwin.paths import Home, write_json
from mlxtwin.security.crypto import SealedFiles, new_key

SPEC = {"recipe": {"name": "voice", "slot": "voice"}, "base": {"name": "starter"}, "dataset": "d", "seed": 0}


@pytest.fixture
def run(home: Home) -> Run:
    return runs.create(home, SPEC, b"examples", SealedFiles(home, new_key()))


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([], "stopped"),
        (["start"], "stopped"),
        (["start", "step"], "stopped"),
        (["start", "stopped"], "stopped"),
        (["start", "stopped", "start"], "stopped"),
        (["start", "failed"], "failed"),
        (["start", "done"], "done"),
    ],
)
def test_a_run_without_a_worker_shows_how_it_ended(run: Run, events: list[str], state: str) -> None:
    for event in events:
        run.events.emit(event)
    assert run.state() == state


def test_a_run_waits_only_while_somebody_starts_it(run: Run, home: Home) -> None:
    assert run.state() == "stopped"
    with runs.starting(home):
        assert run.state() == "waiting"
    with held(run.folder / LOCK):
        assert run.state() == "running"
    assert run.state() == "stopped"


def test_looking_at_a_run_is_never_taken_for_its_worker(run: Run) -> None:
    """Two who look at once hold the lock at once, for a moment."""
    (run.folder / LOCK).touch()
    with (run.folder / LOCK).open("rb") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        assert not run.alive()


def test_a_worker_gets_its_lock_although_somebody_looks(run: Run) -> None:
    (run.folder / LOCK).touch()
    with (run.folder / LOCK).open("rb") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        later = threading.Timer(0.1, fcntl.flock, (looking, fcntl.LOCK_UN))
        later.start()
        with held(run.folder / LOCK, 30) as lock:
            assert lock is not None
        later.join()
    with held(run.folder / LOCK), held(run.folder / LOCK, 0) as second:
        assert second is None


def test_a_run_that_could_not_be_made_leaves_no_folder(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise StorageFull("No room left.")

    monkeypatch.setattr(runs, "write_json", full)
    with pytest.raises(StorageFull):
        runs.create(home, SPEC, b"examples", SealedFiles(home, new_key()))
    assert not any(home.runs.iterdir())


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'"x"', b"{}", b"\xff", b'{"recipe": 1, "base": 2, "dataset": 3}']
)
def test_a_damaged_spec_is_listed_and_named(run: Run, home: Home, content: bytes) -> None:
    (run.folder / "spec.json").write_bytes(content)
    assert [row["state"] for row in client.every(home)] == ["damaged"]
    with pytest.raises(RunFailed, match=run.id):
        _ = run.spec


@pytest.mark.parametrize("line", [b"[1]", b"7", b"{}", b'"x"', b"\xff\xfe", b"{", b'{"event": "step", "at": 1}'])
def test_a_damaged_line_of_events_is_passed_over(run: Run, home: Home, line: bytes) -> None:
    run.events.emit("start")
    with (run.folder / "events.jsonl").open("ab") as file:
        file.write(line + b"\n")
    run.events.emit("stopped", step=3, steps=9)
    row = client.every(home)[0]
    assert (row["state"], row["step"]) == ("stopped", 0)
    assert client.outcome(home, run)["verdict"] == "stopped"
    assert [event.event for event in client.watch(run) if event][-1] == "stopped"


def test_a_done_event_that_lost_its_numbers_is_a_sentence(run: Run, home: Home) -> None:
    run.events.emit("done")
    with pytest.raises(RunFailed, match="cannot be read"):
        client.outcome(home, run)


def test_the_result_of_a_removed_slot_still_has_its_numbers(run: Run, home: Home) -> None:
    run.events.emit("done", slot="gone", version=1, verdict="promoted", checks={"gain": [0.1, 0.02, True]})
    result = client.outcome(home, run)
    assert (result["verdict"], result["reasons"]) == ("promoted", [])


def test_a_worker_that_was_killed_is_no_stop_of_the_persons(run: Run, home: Home) -> None:
    run.events.emit("start")
    with pytest.raises(RunFailed, match="before its first step") as at_once:
        client.outcome(home, run)
    assert "worker.log" in at_once.value.hint
    run.events.emit("step", step=4, steps=9)
    with pytest.raises(RunFailed, match="killed at step 4") as caught:
        client.outcome(home, run)
    assert f"mlxtwin retrain --resume {run.id}" in caught.value.hint


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"message": "m", "hint": "h", "exit_code": "x"}'])
def test_a_damaged_failure_is_none(run: Run, home: Home, content: bytes) -> None:
    run.events.emit("failed")
    (run.folder / FAILURE).write_bytes(content)
    with pytest.raises(RunFailed):
        client.outcome(home, run)


def test_a_failure_is_told_with_its_exit_code(run: Run, home: Home) -> None:
    run.events.emit("failed")
    write_json(run.folder / FAILURE, {"message": "No room.", "hint": "Make some.", "exit_code": 3})
    with pytest.raises(Exception, match=r"No room\.") as caught:
        client.outcome(home, run)
    assert getattr(caught.value, "exit_code", 0) == 3


def test_a_finished_run_is_not_started_again(run: Run, home: Home) -> None:
    run.events.emit("done")
    with pytest.raises(UsageError, match="is finished"):
        supervisor.start(home, lambda: run, new_key())


def test_nothing_is_made_while_another_run_is_alive(run: Run, home: Home) -> None:
    def make() -> Run:
        raise AssertionError("made")

    with held(run.folder / LOCK), pytest.raises(Busy, match=run.id):
        supervisor.start(home, make, new_key())


def test_a_start_that_is_interrupted_leaves_no_worker(run: Run, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[supervisor.Started] = []

    def interrupted(one: supervisor.Started) -> None:
        started.append(one)
        raise KeyboardInterrupt

    monkeypatch.setattr(supervisor, "_wait_until_held", interrupted)
    with pytest.raises(KeyboardInterrupt):
        supervisor.start(home, lambda: run, new_key())
    assert started[0].process.returncode is not None
    assert not run.alive()


def test_a_worker_that_dies_at_once_is_no_hang(run: Run, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "child_command", lambda *_: [sys.executable, "-c", "raise SystemExit(7)"])
    started = supervisor.start(home, lambda: run, new_key())
    assert [event for event in client.watch(run, started) if event] == []
    assert started.process.returncode == 7
    with pytest.raises(RunFailed, match="before its first step"):
        client.outcome(home, run)


def test_a_worker_is_told_nothing_but_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLXTWIN_PASSPHRASE", "secret")
    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    environment = supervisor.child_environment()
    assert "secret" not in environment.values()
    assert "PYTHONPATH" not in environment
    assert environment["HF_HUB_OFFLINE"] == "1"


def test_a_child_runs_in_the_sandbox_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "sandbox_command", lambda: ["sandbox-exec", "-p", "profile"])
    command = supervisor.child_command("mlxtwin.jobs.worker", "/run")
    assert command == ["sandbox-exec", "-p", "profile", sys.executable, "-P", "-m", "mlxtwin.jobs.worker", "/run"]


class _Session:
    """Measures in two stages; somebody may ask to stop in between."""

    def __init__(self, run: Run, stop_at: int) -> None:
        self.run, self.stop_at = run, stop_at

    def measure(self, emit: Any) -> str:
        for stage in range(2):
            if stage == self.stop_at:
                self.run.ask_to_stop()
            emit("evaluate", stage=str(stage))
        if self.stop_at == 2:
            self.run.ask_to_stop()
        return "card"


@pytest.mark.parametrize(("stop_at", "card"), [(0, None), (1, None), (2, None), (9, "card")])
def test_a_stop_is_heard_while_measuring_too(run: Run, stop_at: int, card: str | None) -> None:
    session: Any = _Session(run, stop_at)
    measured: Any = worker._measure(run, session)
    assert measured == card


def test_lock_and_stop_files_are_the_owners_alone(run: Run, home: Home) -> None:
    before = os.umask(0)
    try:
        with held(run.folder / LOCK), runs.starting(home):
            run.ask_to_stop()
    finally:
        os.umask(before)
    for path in (run.folder / LOCK, run.folder / STOP, home.runs / STARTING):
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_run_is_found_by_its_beginning_or_as_the_newest(home: Home) -> None:
    with pytest.raises(UsageError, match="no runs"):
        runs.find(home, None)
    made = [runs.create(home, SPEC, b"", SealedFiles(home, new_key())) for _ in range(2)]
    newest = max(made, key=lambda run: run.id)
    assert runs.find(home, "last") == runs.find(home, None) == newest
    assert runs.find(home, made[0].id) == made[0]
    with pytest.raises(UsageError, match="Several runs"):
        runs.find(home, made[0].id[:4])
    assert isinstance(newest.folder, Path)

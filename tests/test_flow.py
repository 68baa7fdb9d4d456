"""The picture, through the commands a person types: import -> vault -> curate -> train -> gate -> slot -> chat."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.jobs.runs import Run
from mlxtwin.paths import Home
from mlxtwin.sample import PERSON_NAMES

EXPORTS = Path(__file__).parents[1] / "mlxtwin" / "sample" / "exports"
# Little enough for seconds, enough for some dozens of steps.
SMALL = ("--set", "effort=quick", "--set", "data.max_words=3000", "--set", "epochs=2", "--set", "batch_tokens=256")
PIECE = 20


@dataclass(frozen=True)
class Program:
    """The program as a person runs it, with a home and a temporary folder of its own."""

    environment: dict[str, str]
    home: Home

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "mlxtwin", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        process = self.start(*arguments, "--json")
        out, err = process.communicate(timeout=300)
        assert process.returncode == code, err
        answer: dict[str, Any] = json.loads(out.splitlines()[-1])
        return answer


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    root = tmp_path_factory.mktemp("flow")
    for name in ("home", "user", "tmp"):
        (root / name).mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(root / "user"),
        "TMPDIR": str(root / "tmp"),
        "MLXTWIN_HOME": str(root / "home"),
        "MLXTWIN_PASSPHRASE": "correct horse",
    }
    made = Program(environment, Home(root / "home"))
    made.run("init", "--passphrase")
    names = [argument for name in PERSON_NAMES for argument in ("--me", name)]
    made.run("import", str(EXPORTS), *names)
    yield made


@pytest.fixture(scope="module")
def trained(program: Program) -> dict[str, Any]:
    """The result of a first, whole run; the gate is set so low that it must pass or fail on what was measured."""
    return program.run("retrain", "voice", *SMALL, "--set", "gate.max_forgetting=1")


def test_a_run_tells_what_it_did_and_its_version_is_current(program: Program, trained: dict[str, Any]) -> None:
    assert trained["verdict"] == "promoted", trained
    assert trained["holdout"]["gain_ci"][0] > 0
    assert trained["holdout"]["twin_nll"] < trained["holdout"]["base_nll"]
    assert trained["steps"] > 10
    assert trained["supervised_tokens"] > 1000
    shown = program.run("slots", "show", "voice")
    assert shown["current"] == trained["version"]
    assert program.run("runs", "ls")["runs"][-1]["state"] == "done"


def test_the_twin_and_the_bare_base_answer_and_the_turn_is_kept(program: Program, trained: dict[str, Any]) -> None:
    answer = program.run("chat", "--once", "How was your week?")
    assert answer["answer"].strip()
    assert answer["version"] == trained["version"]


def test_importing_twice_adds_nothing(program: Program) -> None:
    again = program.run("import", str(EXPORTS))
    assert again["added"] == again["updated"] == 0
    assert again["unchanged"] > 100


def test_nothing_personal_is_in_any_file_outside_the_vault(program: Program, trained: dict[str, Any]) -> None:
    pieces = {piece for path in EXPORTS.rglob("*") if path.is_file() for piece in _pieces(path)}
    assert len(pieces) > 1000
    looked_at = 0
    roots = [program.home.root, Path(program.environment["TMPDIR"]), Path(program.environment["HOME"])]
    for path in (found for root in roots for found in root.rglob("*") if found.is_file()):
        data = path.read_bytes()
        looked_at += 1
        windows = {data[at : at + PIECE] for at in range(len(data) - PIECE + 1)}
        assert not windows & pieces, path
    assert looked_at > 8


def _pieces(path: Path) -> Iterator[bytes]:
    """Every tenth 20-byte piece of prose of a file."""
    data = path.read_bytes()
    for at in range(0, len(data) - PIECE, 10):
        piece = data[at : at + PIECE]
        if sum(97 <= byte <= 122 for byte in piece) > 12:
            yield piece


def test_events_and_spec_of_a_run_hold_numbers_and_ids(program: Program, trained: dict[str, Any]) -> None:
    run = Run(program.home.runs / trained["run"])
    assert {event.event for event in run.events} >= {"start", "train", "step", "evaluate", "done"}
    assert (run.folder / "worker.log").read_bytes() == b""


@pytest.mark.parametrize(
    "share", [pytest.param(0.0, marks=pytest.mark.long), 0.4, pytest.param(1.0, marks=pytest.mark.long)]
)
def test_a_worker_killed_at_any_moment_resumes_to_the_same_adapter(
    program: Program, trained: dict[str, Any], share: float
) -> None:
    """Just after its first step, in the middle, and when training is done and measuring has begun."""
    whole = program.run("slots", "show", "voice")["versions"][0]
    detached = program.run("retrain", "voice", *SMALL, "--set", "gate.max_forgetting=1", "--detach")
    run = Run(program.home.runs / detached["run"])
    _kill_at(run, share)
    assert run.state() == "stopped"
    result = program.run("retrain", "--resume", run.id)
    versions = {version["version"]: version for version in program.run("slots", "show", "voice")["versions"]}
    assert versions[result["version"]]["adapter_sha256"] == whole["adapter_sha256"]


def _kill_at(run: Run, share: float) -> None:
    """Kill the worker once it has done this share of its steps."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        start, step = run.events.last("start"), run.events.last("step")
        if start and step and step.data["step"] >= share * step.data["steps"]:
            os.kill(start.data["pid"], signal.SIGKILL)
            break
        time.sleep(0.02)
    while run.alive() and time.monotonic() < deadline:
        time.sleep(0.02)


def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(program: Program, trained: dict[str, Any]) -> None:
    process = program.start("retrain", "voice", *SMALL)
    _wait_for_step(program)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "mlxtwin retrain --resume" in err


def test_a_second_run_is_refused_while_one_is_alive_and_stop_ends_it(program: Program, trained: dict[str, Any]) -> None:
    detached = program.run("retrain", "voice", *SMALL, "--set", "epochs=50", "--detach")
    refused = program.run("retrain", "voice", *SMALL, code=3)
    assert detached["run"] in refused["error"]["message"]
    program.run("runs", "stop")
    ended = program.run("runs", "watch", code=130)
    assert ended["verdict"] == "stopped"
    assert program.run("runs", "ls")["runs"][0]["state"] == "stopped"


def _wait_for_step(program: Program) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        runs = sorted(program.home.runs.glob("2*"))
        if runs and Run(runs[-1]).alive() and Run(runs[-1]).events.last("step"):
            return
        time.sleep(0.02)
    raise AssertionError("no run came to its first step")


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (("retrain", "voice", "--set", "learning_rat=1"), 2, "learning_rat"),
        (("retrain", "nothing"), 2, "nothing"),
        (("retrain", "voice", "--base", "no-such-base"), 2, "no-such-base"),
        (("retrain", "--resume", "19990101"), 2, "19990101"),
        (("retrain", "voice", "--set", "max_seq_length=100000"), 2, "max_seq_length"),
        (("import", "/no/such/file"), 2, "/no/such/file"),
        (("slots", "show", "never"), 2, "never"),
        (("chat", "--slot", "never", "--once", "Hello"), 2, "never"),
        (("chat", "--once", " "), 2, "prompt"),
        (("eval", "never"), 2, "never"),
        (("models", "add", "/no/such/folder"), 2, "/no/such/folder"),
    ],
)
def test_wrong_input_gets_one_sentence_that_names_it(
    program: Program, trained: dict[str, Any], arguments: tuple[str, ...], code: int, named: str
) -> None:
    error = program.run(*arguments, code=code)["error"]
    assert named in error["message"] + error["hint"]
    assert error["exit_code"] == code


def test_an_empty_export_is_named(program: Program) -> None:
    with tempfile.TemporaryDirectory() as folder:
        error = program.run("import", folder, code=2)["error"]
    assert folder in error["message"]

"""One run in two processes on loopback: the results of one process, one writer, and an end that is told."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from jobs.ranked import trained

from mlxtwin.jobs.ranks import _free_ports
from mlxtwin.jobs.runs import Run
from mlxtwin.paths import Home, make_folder
from mlxtwin.train import pace
from mlxtwin.train.distributed import Peers

PROGRAM = Path(__file__).with_name("ranked.py")
# Far above what a few steps of a tiny model take, so that only a hang comes to it.
SECONDS = 60


@dataclass(frozen=True)
class Ended:
    code: int
    out: bytes
    err: str


def together(
    home: Home,
    name: str,
    at: int = -1,
    how: int = signal.SIGKILL,
    seeds: tuple[int, ...] = (5, 5),
    patience: float = SECONDS,
) -> list[Ended]:
    """Two processes of one run, to their ends."""
    hosts = make_folder(home.runs) / "hosts.json"
    hosts.write_text(json.dumps([[f"127.0.0.1:{port}"] for port in _free_ports(2)]))
    with ExitStack() as stack:
        started = []
        for rank, seed in enumerate(seeds):
            environment = {**os.environ, "MLX_RANK": str(rank), "MLX_HOSTFILE": str(hosts)}
            arguments = [home.root, name, at, int(how), seed, patience]
            command = [sys.executable, str(PROGRAM), *map(str, arguments)]
            process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            stack.enter_context(process)
            stack.callback(process.kill)
            started.append(process)
        outputs = [started[0].communicate(timeout=SECONDS)]
        if how == signal.SIGSTOP:
            started[1].kill()
        outputs.append(started[1].communicate(timeout=SECONDS))
    return [Ended(p.returncode, out, err.decode()) for p, (out, err) in zip(started, outputs, strict=True)]


def adapter(ended: Ended) -> bytes:
    assert ended.code == 0, ended.err
    return bytes.fromhex(ended.out.decode())


def arrays(data: bytes) -> dict[str, Any]:
    return {key: np.array(value) for key, value in mx.load(io.BytesIO(data), format="safetensors").items()}


def losses(home: Home, name: str) -> list[float]:
    return [event.data["loss"] for event in Run(home.runs / name).events if event.event == "step"]


@dataclass(frozen=True)
class Group:
    number: int

    def rank(self) -> int:
        return self.number

    def size(self) -> int:
        return 3


def test_every_pass_falls_to_one_process() -> None:
    """Equal means would hide that each did all of the work."""
    shares = [Peers(Group(number)).share(range(7)) for number in range(3)]
    assert sorted(item for share in shares for item in share) == list(range(7))
    assert max(map(len, shares)) == 3


def test_two_processes_take_the_steps_of_one(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """With dropout, a kept prefix, and steps of one pass, in which one of the two has nothing to do."""
    monkeypatch.setattr(pace, "REPORT_SECONDS", 0.0)
    alone = arrays(trained(home, "alone"))
    both = [adapter(one) for one in together(home, "both")]
    assert both[0] == both[1]
    for key, value in arrays(both[0]).items():
        np.testing.assert_allclose(value, alone[key], atol=1e-5)
    np.testing.assert_allclose(losses(home, "both"), losses(home, "alone"), atol=2e-5)
    assert len(losses(home, "both")) > 4


def test_one_process_alone_writes(home: Home) -> None:
    together(home, "both")
    told = list(Run(home.runs / "both").events)
    steps = [event.data["step"] for event in told if event.event == "step"]
    assert [event.event for event in told].count("train") == 1
    assert steps == sorted(set(steps))


@pytest.mark.long
def test_a_process_that_stands_still_is_not_waited_for_without_end(home: Home) -> None:
    first, _ = together(home, "stopped", at=2, how=signal.SIGSTOP, patience=10.0)
    assert first.code == 1
    assert losses(home, "stopped")


@pytest.mark.long
def test_a_lost_process_ends_the_run_with_a_sentence_and_it_goes_on_to_the_same_bytes(home: Home) -> None:
    first, second = together(home, "killed", at=3)
    assert second.code == -9
    assert first.code == 1
    assert "Another process of this run was lost." in first.err
    assert "Traceback" not in first.err
    whole = [adapter(one) for one in together(home, "never")]
    again = [adapter(one) for one in together(home, "killed")]
    assert [event.data["step"] for event in Run(home.runs / "killed").events if event.event == "train"] == [0, 3]
    assert again == whole


def test_processes_that_hold_different_things_do_not_train(home: Home) -> None:
    for ended in together(home, "both", seeds=(5, 6)):
        assert ended.code == 1
        assert "do not hold the same" in ended.err
    assert not losses(home, "both")

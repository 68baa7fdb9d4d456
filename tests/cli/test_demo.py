"""The demo leaves nothing behind, also when it is ended half-way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlxtwin.jobs.runs import Run

SECONDS = 120


@pytest.mark.parametrize("number", [pytest.param(signal.SIGTERM, marks=pytest.mark.long), signal.SIGINT])
def test_a_demo_that_is_ended_half_way_leaves_no_file_and_no_worker(
    environment: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "tmp").mkdir()
    demo = subprocess.Popen(
        [sys.executable, "-m", "mlxtwin", "demo"],
        env=environment | {"TMPDIR": str(tmp_path / "tmp")},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    worker = _worker_at_its_first_step(demo, tmp_path / "tmp")
    demo.send_signal(number)
    out, err = demo.communicate(timeout=SECONDS)
    assert demo.returncode == {signal.SIGTERM: 143, signal.SIGINT: 130}[number], err
    assert "Traceback" not in err
    assert out == ""
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
    assert not list((tmp_path / "tmp").rglob("mlxtwin*"))
    assert not (tmp_path / "home").exists()


def _worker_at_its_first_step(demo: subprocess.Popen[str], folder: Path) -> int:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and demo.poll() is None:
        for found in folder.glob("mlxtwin-demo-*/home/runs/2*"):
            start, step = Run(found).events.last("start"), Run(found).events.last("step")
            if start and step:
                return int(start.data["pid"])
        time.sleep(0.02)
    raise AssertionError("the demo came to no step")

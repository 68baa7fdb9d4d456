"""A run gives way to whoever uses the machine."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mlxtwin.jobs.worker import AUTOGROUP, NICENESS


def told_by_a_session(code: str) -> str:
    command = [sys.executable, "-c", f"import os\nfrom mlxtwin.jobs import worker\nworker.make_way()\n{code}"]
    return subprocess.run(command, start_new_session=True, capture_output=True, text=True, check=True).stdout.strip()


def test_a_worker_is_nicer_than_what_started_it() -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    assert int(told_by_a_session("print(os.getpriority(os.PRIO_PROCESS, 0))")) == min(19, before + NICENESS)


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="this system does not share the cores out by session")
def test_so_is_its_session() -> None:
    assert told_by_a_session("print(worker.AUTOGROUP.read_text())").endswith(f"nice {NICENESS}")

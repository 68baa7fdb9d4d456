"""Start workers: in a session of their own, with the key on stdin and an environment without secrets."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from mlxtwin.errors import Busy, UsageError
from mlxtwin.jobs.runs import FAILURE, LOG, STOP, Run, running, starting
from mlxtwin.paths import Home
from mlxtwin.security.airplane import sandbox_command

# From the start of a worker to its lock: an interpreter and two imports. Slow machines get plenty.
START_SECONDS = 60

# What a child process may see of our environment; everything else stays out.
_PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "MLXTWIN_HOME", "HF_HOME", "HF_HUB_CACHE")
_PASSED_PREFIXES = ("OPENBLAS_", "MKL_", "OMP_", "CUDA_", "MLX_", "XDG_CACHE")


@dataclass(frozen=True, slots=True)
class Started:
    run: Run
    process: subprocess.Popen[bytes]

    def alive(self) -> bool:
        return self.process.poll() is None

    def leave(self) -> None:
        """Let it outlive this process, which Popen would warn of."""
        self.process.returncode = self.process.poll() or 0

    def end(self) -> None:
        """Kill it at once; what it trained since its last checkpoint is lost."""
        self.process.kill()
        self.process.wait()


def child_environment() -> dict[str, str]:
    """Our environment less everything a worker has no need of, with the network switches of airplane mode."""
    kept = {name: value for name, value in os.environ.items() if name in _PASSED or name.startswith(_PASSED_PREFIXES)}
    return kept | {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1"}


def require_free(home: Home) -> None:
    """Raise Busy while any run of this home is alive."""
    busy = running(home)
    if busy:
        raise Busy(f"Run {busy.id} is training.", "Watch it with: mlxtwin runs watch; stop it with: mlxtwin runs stop")


def start(home: Home, make: Callable[[], Run], key: bytes) -> Started:
    """Start, or go on with, the run that ``make`` gives once no other can start.

    Raises Busy while any run of this home is alive, UsageError for a finished one. The worker is alive on return, or
    has ended already.
    """
    with starting(home):
        require_free(home)
        run = make()
        if run.ending() == "done":
            raise UsageError(f"Run {run.id} is finished.", "Start a new one with: mlxtwin retrain")
        (run.folder / STOP).unlink(missing_ok=True)
        (run.folder / FAILURE).unlink(missing_ok=True)
        started = Started(run, _spawn(home, run))
        try:
            hand_over(started.process, key)
            _wait_until_held(started)
        except BaseException:
            started.end()
            raise
    return started


def child_command(module: str, *arguments: str, loopback: bool = False) -> list[str]:
    """One of our own modules as a process; -P keeps the folder it runs in from being searched for modules.

    ``loopback``: it may reach the processes that it starts itself.
    """
    sandbox = sandbox_command(loopback=True) if loopback else sandbox_command()
    return [*sandbox, sys.executable, "-P", "-m", module, *arguments]


def rank_command(home: Home) -> list[str]:
    """A process that computes beside the worker; it keeps the network, or the lack of it, of whoever starts it."""
    return [sys.executable, "-P", "-m", "mlxtwin.jobs.rank", str(home.root)]


def start_rank(home: Home, key: bytes) -> int:
    """Compute beside a worker that is elsewhere, in the place that the environment gives, to its end; the exit code."""
    process = subprocess.Popen(
        rank_command(home), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=child_environment(), cwd=home.root
    )
    hand_over(process, key)
    return process.wait()


def _spawn(home: Home, run: Run) -> subprocess.Popen[bytes]:
    command = ["mlxtwin.jobs.worker", str(run.folder)]
    several = run.processes() > 1
    with open(run.folder / LOG, "ab", opener=private) as log:
        return subprocess.Popen(
            child_command(*command, loopback=True) if several else child_command(*command),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=child_environment(),
            cwd=home.root,
        )


def hand_over(process: subprocess.Popen[bytes], key: bytes) -> None:
    """A worker that has ended already takes no key; its end is told by whoever watches it."""
    assert process.stdin is not None
    with suppress(BrokenPipeError), process.stdin as stdin:
        stdin.write(key.hex().encode() + b"\n")


def _wait_until_held(started: Started) -> None:
    deadline = time.monotonic() + START_SECONDS
    while started.alive() and not started.run.alive() and time.monotonic() < deadline:
        time.sleep(0.01)


def private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

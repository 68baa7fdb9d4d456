"""Start workers: in a session of their own, with the key on stdin and an environment without secrets."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

from mlxtwin.errors import Busy, UsageError
from mlxtwin.jobs.runs import FAILURE, LOG, STOP, Run, running
from mlxtwin.paths import Home

# What a child process may see of our environment; everything else stays out.
_PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "MLXTWIN_HOME", "HF_HOME", "HF_HUB_CACHE")
_PASSED_PREFIXES = ("OPENBLAS_", "MKL_", "OMP_", "CUDA_", "MLX_", "XDG_CACHE")


@dataclass(frozen=True, slots=True)
class Started:
    run: Run
    process: subprocess.Popen[bytes]

    def alive(self) -> bool:
        return self.process.poll() is None


def child_environment() -> dict[str, str]:
    """Our environment less everything a worker has no need of, with the network switches of airplane mode."""
    kept = {name: value for name, value in os.environ.items() if name in _PASSED or name.startswith(_PASSED_PREFIXES)}
    return kept | {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1"}


def require_free(home: Home) -> None:
    """Raise Busy while any run of this home is alive."""
    busy = running(home)
    if busy:
        raise Busy(f"Run {busy.id} is training.", "Watch it with: mlxtwin runs watch; stop it with: mlxtwin runs stop")


def start(home: Home, run: Run, key: bytes) -> Started:
    """Start, or go on with, a run. Raises Busy while any run of this home is alive, UsageError for a finished one."""
    require_free(home)
    if run.state() == "done":
        raise UsageError(f"Run {run.id} is finished.", "Start a new one with: mlxtwin retrain")
    (run.folder / STOP).unlink(missing_ok=True)
    (run.folder / FAILURE).unlink(missing_ok=True)
    with open(run.folder / LOG, "ab", opener=_private) as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlxtwin.jobs.worker", str(run.folder)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=child_environment(),
            cwd=home.root,
        )
    assert process.stdin is not None
    try:
        process.stdin.write(key.hex().encode() + b"\n")
        process.stdin.close()
    except BrokenPipeError:
        pass
    return Started(run, process)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

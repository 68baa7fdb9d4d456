"""What every training loop keeps of time and failures: when to report and to save, and steps that were not finite."""

from __future__ import annotations

import time
from typing import Any, Protocol

import mlx.core as mx

from mlxtwin.errors import RunFailed
from mlxtwin.train.checkpoint import Progress

CHECKPOINT_SECONDS = 15.0
REPORT_SECONDS = 1.0
MOST_SKIPPED = 5


class Emit(Protocol):
    def __call__(self, event: str, /, **data: Any) -> None: ...


class Clock:
    """The clocks of one sitting, which begins when this is made."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.started = self.reported = self.saved = self.settled = time.monotonic()
        self.first_step = progress.step
        mx.reset_peak_memory()

    def settle(self) -> None:
        """Add the time since the last call to the run's own clock."""
        now = time.monotonic()
        self.progress.seconds += now - self.settled
        self.progress.peak_memory_bytes = max(self.progress.peak_memory_bytes, mx.get_peak_memory())
        self.settled = now

    def report_due(self) -> bool:
        return time.monotonic() - self.reported >= REPORT_SECONDS

    def checkpoint_due(self) -> bool:
        due = time.monotonic() - self.saved >= CHECKPOINT_SECONDS
        if due:
            self.settle()
            self.saved = time.monotonic()
        return due


def guard(finite: bool, progress: Progress, emit: Emit) -> None:
    """A step that is not finite was skipped: halve the rate, and give up after several in a row with RunFailed."""
    if finite:
        progress.skipped = 0
        return
    progress.skipped += 1
    progress.rate_scale /= 2
    emit("skipped", step=progress.step, rate_scale=progress.rate_scale)
    if progress.skipped >= MOST_SKIPPED:
        raise RunFailed(
            f"The loss was not finite for {MOST_SKIPPED} steps in a row.", "Try a lower learning_rate in the recipe."
        )

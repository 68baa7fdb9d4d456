"""How many threads to compute with on a machine that is shared.

Threads of one matrix product work in lockstep: while another program holds one of two cores, two threads wait for the
slower one and are slower than a single thread. So the count drops to one when the others are starved, and goes back up
when cores lie idle. Linux only; elsewhere the count stays.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import torch

STAT = Path("/proc/stat")


class Threads:
    """Call `adjust` between steps; it decides over windows of some seconds."""

    def __init__(self, most: int, window_seconds: float = 6.0) -> None:
        self.most = most
        self.window_seconds = window_seconds
        self._use(1 if os.getloadavg()[0] > most / 2 else most)

    def adjust(self) -> None:
        """Look at the last window, if it is over, and change the count if that would be faster."""
        wall = time.monotonic() - self.wall
        if wall < self.window_seconds or not STAT.exists():
            return
        busy, idle = (time.process_time() - self.cpu) / wall, (idle_core_seconds() - self.idle) / wall
        starved = self.count > 1 and busy < 0.8 * self.count
        free = self.count < self.most and idle > 0.7 * (self.most - self.count)
        self._use(1 if starved else self.most if free else self.count)

    def _use(self, count: int) -> None:
        self.count = count
        torch.set_num_threads(count)
        self.wall, self.cpu, self.idle = time.monotonic(), time.process_time(), idle_core_seconds()


def idle_core_seconds() -> float:
    """Seconds all cores together have been idle since the machine started; 0 where that is not known."""
    if not STAT.exists():
        return 0.0
    return int(STAT.read_text(encoding="ascii").split(None, 5)[4]) / os.sysconf("SC_CLK_TCK")

"""The screens with a probe of their event loop: ``tools/lag.py OUT.jsonl`` in place of ``mlxtwin``.

When they are left, a line is added to OUT: for each screen the longest time in milliseconds that the loop did not turn,
how much of it the loop's thread was computing itself (``busy``; the rest it waited for a core), and how often it was
over 50 ms; and the share of a core that the process used. Drawing to the terminal is in it, as it is in use.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import mlxtwin_tui
from mlxtwin.client.house import House
from mlxtwin.paths import find_home
from mlxtwin_tui.app import TwinApp, collect_rarely

STEP_SECONDS = 0.005
LONG_SECONDS = 0.05


class Probe:
    """Looks how late the loop is, as long as the app is open."""

    def __init__(self) -> None:
        self.worst: dict[str, dict[str, float]] = defaultdict(lambda: {"lag_ms": 0.0, "busy_ms": 0.0, "over_50_ms": 0})
        self._since = time.monotonic(), time.process_time()

    async def watch(self, app: TwinApp) -> None:
        while True:
            wall, busy = time.monotonic(), time.thread_time()
            await asyncio.sleep(STEP_SECONDS)
            late = time.monotonic() - wall - STEP_SECONDS
            row = self.worst[str(app.current_mode)]
            row["over_50_ms"] += late > LONG_SECONDS
            if late * 1000 > row["lag_ms"]:
                row["lag_ms"], row["busy_ms"] = round(late * 1000, 1), round((time.thread_time() - busy) * 1000, 1)

    def told(self) -> dict[str, Any]:
        wall, used = time.monotonic() - self._since[0], time.process_time() - self._since[1]
        return {"seconds": round(wall, 1), "share_of_a_core": round(used / wall, 4), "screens": dict(self.worst)}


class ProbedApp(TwinApp):
    """As it is, with the probe running beside it."""

    CSS_PATH = Path(mlxtwin_tui.__file__).with_name("app.tcss")  # else looked for beside this file

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.probe = Probe()

    def on_ready(self) -> None:
        self.run_worker(self.probe.watch(self), group="probe")


def main() -> None:
    collect_rarely()
    app = ProbedApp(House(find_home()))
    app.run()
    with Path(sys.argv[1]).open("a", encoding="utf-8") as out:
        out.write(json.dumps(app.probe.told()) + "\n")


if __name__ == "__main__":
    main()

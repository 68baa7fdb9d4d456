"""The engine without a model: all of ``mlxtwin.serve.engine`` but what answers, which says what its plan file holds.

``HOME/plan.json`` is a list of answers, each a list of pieces; ``{"wait": NAME}`` waits for that file in the home or a
cancel, ``{"touch": NAME}`` makes one, ``{"die": true}`` is a kill -9. What is asked is added to ``HOME/asked.jsonl``.
``HOME/patience.json`` holds seconds to replace those of the engine, by the names of its constants.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlxtwin.paths import Home
from mlxtwin.serve import engine
from mlxtwin.serve.turns import Asked, Said


class Planned(Iterator[str]):
    def __init__(self, home: Path, steps: list[Any], stop: Callable[[], bool]) -> None:
        self.home, self.stop, self.ended = home, stop, "end"
        self.pieces = self._pieces(steps)

    def __next__(self) -> str:
        return next(self.pieces)

    def _pieces(self, steps: list[Any]) -> Iterator[str]:
        for step in steps:
            if not self.stop() and isinstance(step, str):
                yield step
            elif not self.stop():
                self._do(step)
        self.ended = "stopped" if self.stop() else "end"

    def _do(self, step: dict[str, Any]) -> None:
        if "wait" in step:
            deadline = time.monotonic() + 60
            while not (self.home / step["wait"]).exists() and not self.stop() and time.monotonic() < deadline:
                time.sleep(0.01)
        elif "touch" in step:
            (self.home / step["touch"]).touch()
        elif "die" in step:
            time.sleep(0.5)  # what was said is with another thread, which sends it
            os.kill(os.getpid(), signal.SIGKILL)

    def numbers(self) -> Said:
        return {"ended": self.ended, "tokens": 1, "prompt_seconds": 0.0, "tokens_per_second": 1.0}


class Planner:
    """A `Mind` of prepared answers, in the order of the questions."""

    def __init__(self, home: Home, _key: bytes) -> None:
        self.home, self.kind, self.loads, self.base = home.root, None, 0, ""
        (self.home / "engine.pid").write_text(str(os.getpid()))

    def holds(self, base: dict[str, Any]) -> bool:
        return bool(self.base == base["fingerprint"])

    def open(self, base: dict[str, Any]) -> Said:
        if not self.holds(base):
            self.base, self.kind, self.loads = base["fingerprint"], "cpu", self.loads + 1
        return {"device": "none", "context": 512, "loads": self.loads}

    def answer(self, asked: Asked, stop: Callable[[], bool]) -> Planned:
        self.open(asked.base)
        with (self.home / "asked.jsonl").open("a") as log:
            log.write(json.dumps(asdict(asked)) + "\n")
        count = len((self.home / "asked.jsonl").read_text().splitlines())
        plan = json.loads((self.home / "plan.json").read_text())
        return Planned(self.home, plan[(count - 1) % len(plan)], stop)

    def forget(self, conversation: str) -> None:
        with (self.home / "forgotten").open("a") as log:
            log.write(conversation + "\n")


def main(arguments: list[str]) -> int:
    patience = Path(arguments[-1]) / "patience.json"
    for name, seconds in (json.loads(patience.read_text()) if patience.exists() else {}).items():
        setattr(engine, name, seconds)
    return engine.main(arguments[-1:], Planner)


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))

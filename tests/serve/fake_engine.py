"""An engine without a model: it keeps the contract of ``mlxtwin.serve.engine`` and says what its plan file holds.

``HOME/plan.json`` is a list of answers, each a list of pieces; ``{"wait": NAME}`` waits for that file in the home or a
cancel, ``{"touch": NAME}`` makes one, ``{"die": true}`` is a kill -9. What is asked is added to ``HOME/asked.jsonl``.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

home = Path(sys.argv[-1])
cancelled = threading.Event()
requests: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()


def say(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def listen() -> None:
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if request["op"] == "cancel":
            cancelled.set()
            continue
        if request["op"] == "ask":
            cancelled.clear()
        requests.put(request)
    cancelled.set()
    requests.put(None)


def do(step: Any) -> None:
    if isinstance(step, str):
        say({"piece": step})
    elif "wait" in step:
        deadline = time.monotonic() + 60
        while not (home / step["wait"]).exists() and not cancelled.is_set() and time.monotonic() < deadline:
            cancelled.wait(0.01)
    elif "touch" in step:
        (home / step["touch"]).touch()
    elif "die" in step:
        os.kill(os.getpid(), signal.SIGKILL)


def answer(request: dict[str, Any]) -> None:
    with (home / "asked.jsonl").open("a") as log:
        log.write(json.dumps(request) + "\n")
    count = len((home / "asked.jsonl").read_text().splitlines())
    plan = json.loads((home / "plan.json").read_text())
    for step in plan[(count - 1) % len(plan)]:
        if cancelled.is_set():
            break
        do(step)
    ended = "stopped" if cancelled.is_set() else "end"
    say({"end": {"ended": ended, "tokens": 1, "prompt_seconds": 0.0, "tokens_per_second": 1.0}})


def main() -> None:
    sys.stdin.buffer.readline()
    (home / "engine.pid").write_text(str(os.getpid()))
    threading.Thread(target=listen, daemon=True).start()
    while (request := requests.get()) is not None:
        if request["op"] == "open":
            say({"opened": {"device": "none", "context": 512}})
        else:
            answer(request)


if __name__ == "__main__":
    main()

"""The engine: ``python -m mlxtwin.serve.engine HOME``, JSON Lines over stdin and stdout.

The first line on stdin is the vault key. Then one object a line:
``{"op": "open", "base": {...}}`` loads a base; ``{"op": "ask", "messages": [...], "slot", "version", ...}`` streams
``{"piece": text}`` lines and one ``{"end": {...}}``; ``{"op": "cancel"}`` ends the answer under way. End of input ends
the process. It opens no socket; network is denied to it by the operating system where possible.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlxtwin.errors import TwinError, UsageError
from mlxtwin.paths import Home
from mlxtwin.records import Message
from mlxtwin.security import airplane
from mlxtwin.security.crypto import SealedFiles

if TYPE_CHECKING:
    from mlxtwin.backend.engine import Loaded, PromptCache


def main(arguments: list[str]) -> int:
    os.umask(0o077)
    key = bytes.fromhex(sys.stdin.buffer.readline().decode().strip())
    airplane.deny_network()
    airplane.engage()
    from mlxtwin.backend.device import prepare

    prepare()  # before anything imports MLX
    Engine(Home(Path(arguments[0])), key).serve()
    return 0


@dataclass
class Engine:
    """One base in memory, at most one adapter on it, one answer at a time."""

    home: Home
    key: bytes
    loaded: Loaded | None = None
    attached: tuple[str, int] | None = None
    cache: PromptCache | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    requests: queue.SimpleQueue[dict[str, Any] | None] = field(default_factory=queue.SimpleQueue)

    def serve(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()
        while (request := self.requests.get()) is not None:
            try:
                self._answer(request)
            except TwinError as error:
                _complain(error.message, error.hint, error.exit_code)
            except Exception as error:  # the engine outlives one bad request; its text stays in here
                _say(
                    {
                        "error": {
                            "message": f"The engine failed with {type(error).__name__}.",
                            "hint": "",
                            "exit_code": 1,
                        }
                    }
                )

    def _listen(self) -> None:
        """A cancel must be heard in mid-answer, so stdin has a thread of its own."""
        for line in sys.stdin.buffer:
            request = json.loads(line)
            if request["op"] == "cancel":
                self.cancelled.set()
            else:
                self.requests.put(request)
        self.cancelled.set()
        self.requests.put(None)

    def _answer(self, request: dict[str, Any]) -> None:
        if request["op"] == "open":
            self._open(request["base"])
        elif request["op"] == "ask":
            self._ask(request)
        else:
            raise UsageError(f"The engine knows no {request['op']}.")

    def _open(self, base: dict[str, Any]) -> None:
        from mlxtwin.backend.device import prepare
        from mlxtwin.backend.engine import PromptCache, load_base
        from mlxtwin.backend.models import BaseModel

        device = prepare()
        self.loaded = load_base(BaseModel.of(base), device)
        self.attached, self.cache = None, PromptCache()
        _say({"opened": {"device": device.kind, "context": self.loaded.context}})

    def _ask(self, request: dict[str, Any]) -> None:
        from mlxtwin.backend.engine import generate

        if self.loaded is None:
            raise UsageError("The engine has no base yet.")
        self.cancelled.clear()
        self._wear(request.get("slot"), request.get("version"))
        answer = generate(
            self.loaded,
            [Message(one["role"], one["content"]) for one in request["messages"]],
            max_tokens=request["max_tokens"],
            temperature=request["temperature"],
            seed=request["seed"],
            stop=self.cancelled.is_set,
            cache=self.cache,
        )
        for piece in answer:
            _say({"piece": piece})
        _say(
            {
                "end": {
                    "ended": answer.ended,
                    "tokens": answer.tokens,
                    "prompt_seconds": answer.prompt_seconds,
                    "tokens_per_second": answer.tokens_per_second,
                }
            }
        )

    def _wear(self, slot: str | None, version: int | None) -> None:
        """Swap adapters on the base in memory; no slot means the bare base."""
        from mlxtwin.backend.adapters import LoraSpec, attach, detach, load_adapter
        from mlxtwin.backend.engine import PromptCache
        from mlxtwin.slots.registry import Slots

        wanted = None if slot is None else (slot, int(version or 0))
        if wanted == self.attached or self.loaded is None:
            return
        detach(self.loaded.model)
        self.attached, self.cache = None, PromptCache()
        if wanted is None:
            return
        slots = Slots(self.home, SealedFiles(self.home, self.key))
        found = slots.version(*wanted)
        if found.meta["base"]["fingerprint"] != self.loaded.base.fingerprint:
            raise UsageError(f"Version {found.number} of slot {slot} was trained on another base.")
        attach(self.loaded.model, LoraSpec.of(found.meta["adapter"]))
        load_adapter(self.loaded.model, slots.adapter(found))
        self.loaded.model.eval()
        self.attached = wanted


def _complain(message: str, hint: str, exit_code: int) -> None:
    _say({"error": {"message": message, "hint": hint, "exit_code": exit_code}})


def _say(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The engine: ``python -m mlxtwin.serve.engine HOME``, JSON Lines over stdin and stdout.

The first line on stdin is the vault key. Then one object a line:
``{"op": "open", "base": {...}}`` loads a base; ``{"op": "ask", "messages": [...], "slot", "version", ...}`` streams
``{"piece": text}`` lines and one ``{"end": {...}}``; ``{"op": "cancel"}`` ends the answer under way, or the one asked
for last if it has not begun. What fails is one ``{"error": {...}}``. End of input ends the process. It opens no socket;
network is denied to it by the operating system where possible.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

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
    channel = _own_channel()
    try:
        _serve(Engine(Home(Path(arguments[0])), key, channel))
    except TwinError as error:
        return _complain(channel, error)
    return 0


def _own_channel() -> IO[str]:
    """Our stdout, for us alone: whatever a library prints goes to stderr and cannot break a line of JSON."""
    channel = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    return channel


def _serve(engine: Engine) -> None:
    from mlxtwin.backend.device import prepare

    prepare()  # before anything imports MLX
    engine.serve()


@dataclass
class Engine:
    """One base in memory, at most one adapter on it, one answer at a time."""

    home: Home
    key: bytes = field(repr=False)
    channel: IO[str]
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
            except BrokenPipeError:  # whoever asked has gone
                return
            except TwinError as error:
                _complain(self.channel, error)
            except Exception as error:  # the engine outlives one bad request; its text stays in here
                hint = "Ask again; if it fails again, see: mlxtwin doctor"
                _complain(self.channel, TwinError(f"The engine failed with {type(error).__name__}.", hint))

    def _listen(self) -> None:
        """A cancel must be heard in mid-answer, so stdin has a thread of its own.

        What is asked and what is cancelled come in one order, and only here is either taken back: a cancel that
        comes before its answer has begun is not lost.
        """
        try:
            for line in sys.stdin.buffer:
                request = _parse(line)
                if request["op"] == "cancel":
                    self.cancelled.set()
                    continue
                if request["op"] == "ask":
                    self.cancelled.clear()
                self.requests.put(request)
        finally:
            self.cancelled.set()
            self.requests.put(None)

    def _answer(self, request: dict[str, Any]) -> None:
        if request["op"] == "open":
            self._open(request["base"])
        elif request["op"] == "ask":
            self._ask(request)
        else:
            raise UsageError("The engine was asked for something it does not know.")

    def _open(self, base: dict[str, Any]) -> None:
        from mlxtwin.backend.device import prepare
        from mlxtwin.backend.engine import PromptCache, load_base
        from mlxtwin.backend.models import BaseModel

        device = prepare()
        self.loaded, self.attached, self.cache = None, None, PromptCache()  # two bases may not fit at once
        self.loaded = load_base(BaseModel.of(base), device)
        _say(self.channel, {"opened": {"device": device.kind, "context": self.loaded.context}})

    def _ask(self, request: dict[str, Any]) -> None:
        from mlxtwin.backend.engine import generate

        if self.loaded is None:
            raise UsageError("The engine has no base yet.")
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
            _say(self.channel, {"piece": piece})
        end = {name: getattr(answer, name) for name in ("ended", "tokens", "prompt_seconds", "tokens_per_second")}
        _say(self.channel, {"end": end})

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


def _parse(line: bytes) -> dict[str, Any]:
    """A line that is no request becomes one that is answered with an error."""
    try:
        request = json.loads(line)
    except ValueError:
        request = None
    return request if isinstance(request, dict) and "op" in request else {"op": ""}


def _complain(channel: IO[str], error: TwinError) -> int:
    _say(channel, {"error": {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}})
    return error.exit_code


def _say(channel: IO[str], value: dict[str, Any]) -> None:
    channel.write(json.dumps(value) + "\n")
    channel.flush()


if __name__ == "__main__":
    # Not sys.exit: the listener may still wait on stdin, and Python aborts when it finds that lock held at its end.
    os._exit(main(sys.argv[1:]))

"""Talking with a twin: the engine process, and the conversation kept in the vault."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from mlxtwin.errors import RunFailed, TwinError
from mlxtwin.jobs.supervisor import child_environment
from mlxtwin.paths import Home
from mlxtwin.records import Message
from mlxtwin.slots.registry import Slots, Version

if TYPE_CHECKING:
    from mlxtwin.vault.store import Vault

MAX_TOKENS = 200
TEMPERATURE = 0.7


class Engine:
    """The engine process of one conversation; ends with its context."""

    def __init__(self, home: Home, key: bytes) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlxtwin.serve.engine", str(home.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=child_environment(),
            cwd=home.root,
        )
        self._send(key.hex())
        self.base = ""
        self.last: dict[str, Any] = {}

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def open(self, base: dict[str, Any]) -> None:
        """Load a base unless it is the one in memory."""
        if base["fingerprint"] != self.base:
            self._send(json.dumps({"op": "open", "base": base}))
            self._hear()
            self.base = base["fingerprint"]

    def ask(
        self, messages: list[Message], slot: str | None, version: int | None, seed: int
    ) -> Generator[str, None, None]:
        """Stream the pieces of an answer; ``last`` then holds the engine's numbers about it."""
        request = {
            "op": "ask",
            "messages": [asdict(message) for message in messages],
            "slot": slot,
            "version": version,
            "max_tokens": MAX_TOKENS,
            "temperature": TEMPERATURE,
            "seed": seed,
        }
        self._send(json.dumps(request))
        said: dict[str, Any] = {}
        try:
            while "end" not in (said := self._hear()):
                yield str(said["piece"])
        except GeneratorExit:
            self.cancel()
            while "end" not in (said := self._hear()):
                pass
            raise
        finally:
            self.last = said.get("end", {})

    def cancel(self) -> None:
        """Ask for the end of the answer under way; what was said before still comes."""
        self._send(json.dumps({"op": "cancel"}))

    def _send(self, line: str) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise _gone() from None

    def _hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise _gone()
        said: dict[str, Any] = json.loads(line)
        if "error" in said:
            error = TwinError(said["error"]["message"], said["error"]["hint"])
            error.exit_code = said["error"]["exit_code"]
            raise error
        return said


def _gone() -> RunFailed:
    return RunFailed("The engine process ended.", "Ask again; if it ends again, see: mlxtwin doctor")


@dataclass
class Chat:
    """A conversation with one slot. Every turn is in the vault before the next one is asked for."""

    engine: Engine
    vault: Vault
    home: Home
    slot: str
    version: Version = field(init=False)
    conversation: int | None = None
    messages: list[Message] = field(default_factory=list)
    cancelled: bool = False

    def __post_init__(self) -> None:
        self.switch(self.slot)

    def switch(self, slot: str) -> None:
        """Go on with another slot; the conversation stays. Raises UsageError for one that has no current version."""
        version = Slots(self.home).version(slot)
        self.engine.open(version.meta["base"])
        self.slot, self.version = slot, version

    def say(self, prompt: str) -> Generator[str, None, None]:
        """The twin's answer, piece by piece. Cut short by ``cancel`` or an error, it is kept as far as it went."""
        self._keep(Message("user", prompt), complete=True)
        said: list[str] = []
        whole = False
        try:
            for piece in self.engine.ask(self.messages, self.slot, self.version.number, self._seed()):
                said.append(piece)
                yield piece
            whole = not self.cancelled
        finally:
            self._keep(Message("assistant", "".join(said)), complete=whole)
            self.cancelled = False

    def base(self) -> Generator[str, None, None]:
        """What the bare base says to the last prompt; for comparison, not kept."""
        prompts = [at for at, message in enumerate(self.messages) if message.role == "user"]
        if prompts:
            yield from self.engine.ask(self.messages[: prompts[-1] + 1], None, None, self._seed(-1))

    def cancel(self) -> None:
        self.cancelled = True
        self.engine.cancel()

    def _seed(self, offset: int = 0) -> int:
        return len(self.messages) + offset

    def _keep(self, message: Message, *, complete: bool) -> None:
        if self.conversation is None:
            self.conversation = self.vault.new_conversation(self.slot, self.version.meta["base"]["name"])
        self.messages.append(message)
        self.vault.add_message(
            self.conversation,
            message.role,
            message.content,
            slot=self.slot,
            version=self.version.number,
            complete=complete,
        )

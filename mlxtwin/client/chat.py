"""Talking with a twin: the engine process, and the conversation kept in the vault."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from mlxtwin.errors import RunFailed, TwinError, UsageError
from mlxtwin.jobs.supervisor import child_command, child_environment
from mlxtwin.paths import Home
from mlxtwin.records import Message
from mlxtwin.slots.registry import Slots, Version

if TYPE_CHECKING:
    from mlxtwin.vault.store import Vault

MAX_TOKENS = 200
TEMPERATURE = 0.7
TRAIN = "Train one with: mlxtwin retrain voice"
MODULE = "mlxtwin.serve.engine"
SAY_BETTER = "Type how you would have said it: /better TEXT"


class SlotGone(UsageError):
    """The version a conversation is held with was removed: nobody is there to answer, so the conversation ends."""


class Engine:
    """The engine process of one conversation: started when it is needed, again after it ended; gone with its context.

    ``last``: the engine's numbers about the last answer, empty when it did not come to its end.
    """

    def __init__(self, home: Home, key: bytes) -> None:
        self.home, self._key = home, key
        self.process: subprocess.Popen[bytes] | None = None
        self.base = ""
        self.last: dict[str, Any] = {}
        self.cancelled = False
        self._sending = self._asking = False

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def open(self, base: dict[str, Any]) -> None:
        """Load a base unless it is the one in memory."""
        if self.process is None or self.process.poll() is not None:
            self._start()
        if base["fingerprint"] == self.base:
            return
        self.base = ""
        try:
            self._send({"op": "open", "base": base})
            self._hear()
        except KeyboardInterrupt:  # its reply would be taken for that to the next request
            self._end()
            raise
        self.base = base["fingerprint"]

    def ask(
        self, messages: tuple[Message, ...], slot: str | None, version: int | None, seed: int
    ) -> Generator[str, None, None]:
        """Stream the pieces of an answer. Left before its end, it is cancelled."""
        self.last = {}
        request = {
            "op": "ask",
            "messages": [asdict(message) for message in messages],
            "slot": slot,
            "version": version,
            "max_tokens": MAX_TOKENS,
            "temperature": TEMPERATURE,
            "seed": seed,
        }
        self._asking = True
        try:
            self._send(request)
            if self.cancelled:
                self._send({"op": "cancel"})
            while "end" not in (said := self._hear()):
                yield str(said["piece"])
            self.last = said["end"]
        except GeneratorExit:
            self.cancel()
            self._hear_the_end()
            raise
        except TwinError:
            raise
        except BaseException:  # what it still says would be taken for the next answer
            self._end()
            raise
        finally:
            self._asking = False

    def end(self) -> None:
        """End the process; the next ``open`` starts another, with no adapter in its memory."""
        self._end()

    def cancel(self) -> None:
        """Ask for the end of the answer under way, or the next; what was said before still comes.

        Safe in a signal handler: a line that is being sent is not broken, the cancel then follows it.
        """
        self.cancelled = True
        if self._asking and not self._sending:
            with suppress(TwinError):
                self._send({"op": "cancel"})

    def _start(self) -> None:
        self._end()
        self.process = subprocess.Popen(
            child_command(MODULE, str(self.home.root)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=child_environment(),
            cwd=self.home.root,
        )
        self._write(self._key.hex())

    def _end(self) -> int | None:
        """Kill the process, if there is one; its exit code."""
        process, self.process, self.base = self.process, None, ""
        if process is None:
            return None
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        return process.wait()

    def _send(self, request: dict[str, Any]) -> None:
        self._write(json.dumps(request))

    def _write(self, line: str) -> None:
        if self.process is None or self.process.stdin is None:
            raise self._gone()
        self._sending = True
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self._gone() from None
        finally:
            self._sending = False

    def _hear(self) -> dict[str, Any]:
        line = b"" if self.process is None or self.process.stdout is None else self.process.stdout.readline()
        if not line.endswith(b"\n"):
            raise self._gone()
        said: dict[str, Any] = json.loads(line)
        if "error" in said:
            error = TwinError(said["error"]["message"], said["error"]["hint"])
            error.exit_code = said["error"]["exit_code"]
            raise error
        return said

    def _hear_the_end(self) -> None:
        try:
            while "end" not in (said := self._hear()):
                pass
            self.last = said["end"]
        except TwinError:
            pass
        except BaseException:
            self._end()
            raise

    def _gone(self) -> RunFailed:
        self._end()
        return RunFailed("The engine process ended.", "Ask again; if it ends again, see: mlxtwin doctor")


@dataclass(frozen=True, slots=True)
class Answered:
    """The last answer, and to what; ``version`` of ``slot`` gave it, None for the bare base."""

    slot: str
    version: int | None
    prompt: tuple[Message, ...]
    answer: str


@dataclass
class Chat:
    """A conversation with one slot. Every turn is in the vault before the next one is asked for.

    ``messages`` is what the twin is shown: a prompt that was never answered is in the vault, not here. ``worn`` is
    the version asked last, which the engine may hold in memory. ``rate`` and ``correct`` are about ``answered``.
    """

    engine: Engine
    vault: Vault
    home: Home
    slot: str
    version: Version = field(init=False)
    conversation: int | None = None
    messages: list[Message] = field(default_factory=list)
    asked: tuple[Message, ...] = ()
    worn: Version | None = None
    answered: Answered | None = None
    seed: int = field(default_factory=lambda: secrets.randbelow(2**31))

    def __post_init__(self) -> None:
        self.switch(self.slot)

    def switch(self, slot: str) -> None:
        """Go on with another slot; the conversation stays. Raises UsageError for one that has no current version."""
        version = Slots(self.home).version(slot)
        if self.worn and self.worn != version and (self.worn.slot, self.worn.number) == (slot, version.number):
            self.engine.end()  # the slot was removed and trained anew: the engine would take the old one for this
        self.engine.open(version.meta["base"])
        self.slot, self.version = slot, version

    def say(self, prompt: str) -> Generator[str, None, None]:
        """The twin's answer, piece by piece. Cut short by ``cancel`` or an error, it is kept as far as it went.

        Raises SlotGone, before anything is kept, where the slot was removed since.
        """
        self.engine.cancelled = False
        self._require_version()
        return self._say(prompt.encode("utf-8", "replace").decode())

    def _require_version(self) -> None:
        """The engine would answer from its memory with an adapter that was removed from the disk."""
        slots = Slots(self.home)
        with suppress(UsageError):
            if slots.version(self.slot, self.version.number) == self.version:
                return
        usable = [name for name in slots.names() if slots.state(name).current]
        hint = f"Go on with another one: mlxtwin chat --slot {usable[0]}" if usable else TRAIN
        raise SlotGone(f"Slot {self.slot} was removed meanwhile, so this conversation ends here; it is kept.", hint)

    def _say(self, prompt: str) -> Generator[str, None, None]:
        self.asked = (*self.messages, Message("user", prompt))
        self._keep(self.asked[-1], complete=True)
        said: list[str] = []
        self.engine.last = {}
        try:
            self.engine.open(self.version.meta["base"])
            self.worn = self.version
            with closing(self.engine.ask(self.asked, self.slot, self.version.number, self._seed())) as pieces:
                for piece in pieces:
                    said.append(piece)
                    yield piece
        finally:
            answer = Message("assistant", "".join(said))
            self._keep(answer, complete=self.engine.last.get("ended") in ("end", "length"))
            if answer.content:
                self.messages = [*self.asked, answer]
                self.answered = Answered(self.slot, self.version.number, self.asked, answer.content)

    def base(self) -> Generator[str, None, None]:
        """What the bare base says to the last prompt; for comparison, not kept."""
        self.engine.cancelled = False
        return self._base()

    def _base(self) -> Generator[str, None, None]:
        if self.asked:
            self.engine.open(self.version.meta["base"])
            said: list[str] = []
            try:
                with closing(self.engine.ask(self.asked, None, None, self._seed())) as pieces:
                    for piece in pieces:
                        said.append(piece)
                        yield piece
            finally:
                if said:
                    self.answered = Answered(self.slot, None, self.asked, "".join(said))

    def rate(self, good: bool) -> int:
        """Keep that the last answer was good or bad; how many ratings of its slot there are now."""
        last = self.last()
        self.vault.put_rating(last.slot, last.version, last.prompt, answer=last.answer, good=good)
        return len(self.vault.ratings(last.slot))

    def correct(self, text: str) -> int:
        """Keep how the person would have said the last answer; how many corrections of its slot there are now."""
        last = self.last()
        chosen = text.strip()
        if not chosen or chosen == last.answer.strip():
            raise UsageError("That is what was said already." if chosen else "Nothing was stored.", SAY_BETTER)
        self.vault.put_pair(last.slot, last.version, last.prompt, chosen=chosen, rejected=last.answer)
        return len(self.vault.pairs(last.slot))

    def last(self) -> Answered:
        """The answer that can be rated or corrected; raises UsageError before there is one."""
        if self.answered is None:
            raise UsageError(
                "There is no answer yet.", "Ask something first; /good, /bad and /better then speak of it."
            )
        return self.answered

    def cancel(self) -> None:
        self.engine.cancel()

    def _seed(self) -> int:
        return self.seed + len(self.asked)

    def _keep(self, message: Message, *, complete: bool) -> None:
        if self.conversation is None:
            self.conversation = self.vault.new_conversation(self.slot, self.version.meta["base"]["name"])
        self.vault.add_message(
            self.conversation,
            message.role,
            message.content,
            slot=self.slot,
            version=self.version.number,
            complete=complete,
        )

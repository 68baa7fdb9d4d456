"""Talking with a twin: every turn is asked of the engine and kept in the vault."""

from __future__ import annotations

import secrets
from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlxtwin.client.engine import Engine
from mlxtwin.errors import UsageError
from mlxtwin.paths import Home
from mlxtwin.records import Message
from mlxtwin.slots.registry import Slots, Version

if TYPE_CHECKING:
    from mlxtwin.vault.store import Vault

__all__ = ["Answered", "Chat", "Engine", "SlotGone"]

TRAIN = "Train one with: mlxtwin retrain voice"
SAY_BETTER = "Type how you would have said it: /better TEXT"


class SlotGone(UsageError):
    """The version a conversation is held with was removed: nobody is there to answer, so the conversation ends."""


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

    ``messages`` is what the twin is shown: a prompt that was never answered is in the vault, not here. ``rate`` and
    ``correct`` are about ``answered``.
    """

    engine: Engine
    vault: Vault
    home: Home
    slot: str
    version: Version = field(init=False)
    conversation: int | None = None
    messages: list[Message] = field(default_factory=list)
    asked: tuple[Message, ...] = ()
    answered: Answered | None = None
    seed: int = field(default_factory=lambda: secrets.randbelow(2**31))

    def __post_init__(self) -> None:
        self.switch(self.slot)

    def switch(self, slot: str) -> None:
        """Go on with another slot; the conversation stays. Raises UsageError for one that has no current version."""
        version = Slots(self.home).version(slot)
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
        """The same adapter, not one that was trained anew under its name since: that would be another voice."""
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

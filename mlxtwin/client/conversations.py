"""Talking on a screen: the slots there are, past conversations page by page, and one conversation that goes on.

The engine is started by the first prompt and not before: looking at what was said needs no model.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mlxtwin.client.chat import Answered, Chat, Engine
from mlxtwin.errors import Busy, UsageError
from mlxtwin.paths import Home
from mlxtwin.records import Message
from mlxtwin.slots.registry import Slots
from mlxtwin.vault.rows import ConversationRow, StoredMessage
from mlxtwin.vault.talks import Told

if TYPE_CHECKING:
    from mlxtwin.client.house import House
    from mlxtwin.vault.store import Vault

__all__ = ["Answered", "Choice", "ConversationRow", "StoredMessage", "Talks", "Told"]

PAGE = 50
# What a reopened conversation hands to the engine, which takes of it what fits its context.
CONTEXT_MESSAGES = 100
FAVOURITE = "voice"
CLOSE_SECONDS = 5.0

EngineOf = Callable[[Home, bytes], Engine]


@dataclass(frozen=True, slots=True)
class Choice:
    """A slot that can answer, its current version, and the base below it."""

    slot: str
    version: int
    base: str


@dataclass(frozen=True, slots=True)
class _Thread:
    """Where the conversation stands: what `Chat` needs to go on with it. ``base``: the bare base's last answer."""

    conversation: int | None = None
    messages: tuple[Message, ...] = ()
    asked: tuple[Message, ...] = ()
    answered: Answered | None = None
    base: Answered | None = None


@dataclass
class _Open:
    """What the first prompt opened."""

    vault: Vault
    engine: Engine
    chat: Chat
    seed: int = field(default=0)


class Talks:
    """Every method may block and is called from a thread. One answer at a time: a second asked for raises Busy.

    ``last``: the engine's numbers about the last answer, empty where it did not come to its end. ``engine_of``: what
    makes the engine.
    """

    def __init__(self, house: House, engine_of: EngineOf = Engine) -> None:
        self.house = house
        self.slot = ""
        self.last: dict[str, Any] = {}
        self._engine_of = engine_of
        self._thread = _Thread()
        self._open: _Open | None = None
        self._turn = threading.Lock()
        self._cancelled = False

    # What there is

    def slots(self) -> list[Choice]:
        """The slots with a current version, by name."""
        found = Slots(self.house.home)
        current = [found.version(name) for name in found.names() if found.state(name).current]
        return [Choice(one.slot, one.number, str(one.meta["base"]["name"])) for one in current]

    def conversations(self, query: str = "", limit: int = PAGE) -> list[ConversationRow]:
        """The newest first: all, or those in which all the words were said; ``opening`` is then where."""
        with self.house.vault() as vault:
            return vault.search_conversations(query, limit) if query.strip() else vault.conversations(limit)

    def messages(
        self, conversation: int, *, before: int | None = None, after: int | None = None, limit: int = PAGE
    ) -> list[Told]:
        """A page, the oldest first: beside a message's id, or the last one."""
        with self.house.vault() as vault:
            return vault.page(conversation, before=before, after=after, limit=limit)

    @property
    def conversation(self) -> int | None:
        """The one that goes on; None before the first prompt of a new one."""
        return self._thread.conversation

    # Which one goes on

    def begin(self) -> None:
        """A new conversation, which is kept from its first prompt on."""
        self._thread = _Thread()
        self.last = {}

    def reopen(self, conversation: int) -> str:
        """Go on with a past one; a sentence where another slot must answer now, for its own is gone.

        Raises UsageError for one that is not there, or where no slot can answer.
        """
        told = self.messages(conversation, limit=CONTEXT_MESSAGES)
        if not told:
            raise UsageError("That conversation is not there any more.", "Begin a new one.")
        self._thread = _resumed(conversation, [one.message for one in told])
        self.last = {}
        held_with, usable = told[-1].message.slot, [one.slot for one in self.slots()]
        if held_with in usable:
            self.slot = held_with
            return ""
        if self.slot not in usable:
            self.slot = _favourite(usable)
        return f"Slot {held_with} cannot answer any more: {self.slot} goes on with it." if self.slot else ""

    def forget(self, conversation: int) -> None:
        """Remove a conversation for good; corrections and ratings stay."""
        with self.house.vault() as vault:
            vault.forget_conversation(conversation)
        if conversation == self.conversation:
            self.begin()

    def choose(self, slot: str = "") -> str:
        """Let a slot answer from now on: the one named, else the one there was, else the likeliest. Its name, empty
        where none can answer. Raises UsageError for one that has no current version."""
        usable = [one.slot for one in self.slots()]
        if slot and slot not in usable:
            Slots(self.house.home).version(slot)  # says why not
        self.slot = slot or (self.slot if self.slot in usable else _favourite(usable))
        return self.slot

    # Asking

    def say(self, prompt: str) -> Generator[str, None, None]:
        """The twin's answer, piece by piece, kept as far as it went. Raises SlotGone before anything is kept."""
        with self._speaking() as chat:
            if chat is not None:
                yield from chat.say(prompt)

    def again(self) -> Generator[str, None, None]:
        """Another answer in the place of the last one, which stays if nothing comes. Raises UsageError where nothing
        was asked."""
        before = self._thread
        if not before.asked:
            raise UsageError("Nothing was asked yet.", "Ask something first; then it can be answered anew.")
        with self._speaking() as chat:
            if chat is None:
                return
            mark = self._last_id()
            chat.messages = list(before.asked[:-1])
            chat.seed = secrets.randbelow(2**31)
            try:
                yield from chat.say(before.asked[-1].content)
            finally:
                self._replace(before, chat, mark)

    def base(self) -> Generator[str, None, None]:
        """What the bare base says to the last prompt; not kept. Raises UsageError where nothing was asked."""
        before = self._thread
        if not before.asked:
            raise UsageError("Nothing was asked yet.", "Ask something first; the bare base then answers the same.")
        with self._speaking() as chat:
            if chat is None:
                return
            try:
                yield from chat.base()
            finally:
                found = chat.answered if chat.answered is not before.answered else None
                chat.answered, self._thread = before.answered, replace(before, base=found)

    def cancel(self) -> None:
        """End the answer under way; what was said is kept."""
        self._cancelled = True
        if self._open is not None:
            self._open.chat.cancel()

    # What the person thinks of it

    def answered(self, *, of_base: bool = False) -> Answered:
        """The answer that can be rated or corrected: the twin's last, or the bare base's to the same prompt. Raises
        UsageError before there is one."""
        found = self._thread.base if of_base else self._thread.answered
        if found is None:
            raise UsageError("There is no answer yet.", "Ask something first; then rate it or say it better.")
        return found

    def rate(self, good: bool, *, of_base: bool = False) -> int:
        """Keep that the answer was good or bad; how many ratings of its slot there are now."""
        last = self.answered(of_base=of_base)
        with self.house.vault() as vault:
            vault.put_rating(last.slot, last.version, last.prompt, answer=last.answer, good=good)
            return len(vault.ratings(last.slot))

    def correct(self, text: str, *, of_base: bool = False) -> int:
        """Keep how the person would have said it; how many corrections of its slot there are now."""
        last, chosen = self.answered(of_base=of_base), text.strip()
        if not chosen or chosen == last.answer.strip():
            raise UsageError("That is what was said already." if chosen else "Nothing was stored.", "Say it your way.")
        with self.house.vault() as vault:
            vault.put_pair(last.slot, last.version, last.prompt, chosen=chosen, rejected=last.answer)
            return len(vault.pairs(last.slot))

    def close(self) -> None:
        """End the answer under way and the engine. The conversation stays, and the next prompt opens it again."""
        self.cancel()
        quiet = self._turn.acquire(timeout=CLOSE_SECONDS)
        opened, self._open = self._open, None
        try:
            if opened is not None:
                opened.engine.__exit__(None, None, None)
                if not quiet:
                    quiet = self._turn.acquire(timeout=CLOSE_SECONDS)
                opened.vault.close()
        finally:
            if quiet:
                self._turn.release()

    # Inside

    @contextmanager
    def _speaking(self) -> Iterator[Chat | None]:
        """The chat at the place where the conversation stands; None where it was cancelled while the base loaded."""
        if not self._turn.acquire(blocking=False):
            raise Busy("An answer is being given.", "Wait for its end, or cancel it.")
        self._cancelled, self.last = False, {}
        try:
            chat = self._ready()
            if self._cancelled:
                yield None
                return
            chat.seed = self._opened().seed
            try:
                yield chat
            finally:
                self.last = dict(chat.engine.last)
                self._thread = _Thread(
                    chat.conversation, tuple(chat.messages), chat.asked, chat.answered, self._kept_base(chat)
                )
        finally:
            self._turn.release()

    def _kept_base(self, chat: Chat) -> Answered | None:
        return self._thread.base if chat.asked == self._thread.asked else None

    def _ready(self) -> Chat:
        slot = self._usable_slot()
        if self._open is None:
            self._open = self._opening(slot)
        chat, thread = self._open.chat, self._thread
        if (chat.slot, chat.version.number) != (slot, Slots(self.house.home).version(slot).number):
            chat.switch(slot)
        chat.conversation, chat.messages = thread.conversation, list(thread.messages)
        chat.asked, chat.answered = thread.asked, thread.answered
        return chat

    def _usable_slot(self) -> str:
        """The chosen slot; another one answers only if the person says so."""
        usable = [one.slot for one in self.slots()]
        if self.slot in usable:
            return self.slot
        if not usable:
            raise UsageError("There is no slot that can answer.", "Train one on the Train screen.")
        if self.slot:
            raise UsageError(f"Slot {self.slot} cannot answer any more.", f"Choose another one: {', '.join(usable)}.")
        return self.choose()

    def _opening(self, slot: str) -> _Open:
        from mlxtwin.vault.store import Vault

        home, key = self.house.home, self.house.key
        vault = Vault.open(home, key)
        engine = self._engine_of(home, key)
        try:
            engine.__enter__()
            chat = Chat(engine, vault, home, slot)
        except BaseException:
            engine.__exit__(None, None, None)
            vault.close()
            raise
        return _Open(vault, engine, chat, chat.seed)

    def _opened(self) -> _Open:
        if self._open is None:
            raise UsageError("The conversation was closed.", "Ask again.")
        return self._open

    def _last_id(self) -> int:
        """Of the last message that is kept, 0 where none is."""
        told = self.messages(self._thread.conversation, limit=1) if self._thread.conversation is not None else []
        return told[-1].message.id if told else 0

    def _replace(self, before: _Thread, chat: Chat, mark: int) -> None:
        """Prompt and answer stand twice in the vault now: the new pair stays if something was answered."""
        conversation = chat.conversation
        if conversation is None:
            return
        with self.house.vault() as vault:
            fresh = [one.message for one in vault.page(conversation, after=mark, limit=2)]
            if any(one.role == "assistant" and one.content for one in fresh):
                vault.forget_messages(_last_turn(vault.page(conversation, before=mark + 1, limit=2)))
                return
            vault.forget_messages(one.id for one in fresh)
        chat.messages, chat.asked, chat.answered = list(before.messages), before.asked, before.answered


def _last_turn(told: list[Told]) -> list[int]:
    """The ids of the last prompt and of what was answered to it, if anything was."""
    if told and told[-1].message.role == "user":
        return [told[-1].message.id]
    return [one.message.id for one in told]


def _favourite(usable: list[str]) -> str:
    return FAVOURITE if FAVOURITE in usable else next(iter(usable), "")


def _resumed(conversation: int, kept: list[StoredMessage]) -> _Thread:
    """As `Chat` would have left it: a prompt that was never answered is kept, but not shown to the twin again."""
    thread = _Thread(conversation)
    for message in kept:
        if message.role == "user":
            thread = replace(thread, asked=(*thread.messages, Message("user", message.content)))
        elif message.content and thread.asked:
            said = Message("assistant", message.content)
            answered = Answered(message.slot, message.version, thread.asked, message.content)
            thread = replace(thread, messages=(*thread.asked, said), answered=answered)
    return thread

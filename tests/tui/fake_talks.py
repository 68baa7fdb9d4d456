"""Conversations without a vault or a model. `test_talks_contract.py` puts it and `Talks` through the same."""

from __future__ import annotations

import threading
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime

from mlxtwin.client.chat import SlotGone
from mlxtwin.client.conversations import PAGE, Answered, Choice, ConversationRow, StoredMessage, Talks, Told
from mlxtwin.client.house import House
from mlxtwin.errors import TwinError, UsageError
from mlxtwin.records import Message

NOON = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)


class FakeTalks(Talks):
    """``answers`` are given one after the other, a list of pieces each; an error among the pieces is raised in its
    place. ``gate``: pieces after the first wait for it. All else is what a test may look at or set."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.choices = [Choice("voice", 1, "starter")]
        self.kept: dict[int, list[Told]] = {}
        self.slot_of: dict[int, str] = {}
        self.answers: list[list[str | TwinError]] = [["Well, ", "that was a **fine** week."]]
        self.gate = threading.Event()
        self.gate.set()
        self.given = 0
        self.ratings: list[tuple[int | None, str, bool]] = []
        self.corrections: list[tuple[int | None, str, str]] = []
        self.closed = 0
        self._here: int | None = None
        self._asked: tuple[Message, ...] = ()
        self._twin: Answered | None = None
        self._bare: Answered | None = None
        self._stop = threading.Event()

    def slots(self) -> list[Choice]:
        return list(self.choices)

    def choose(self, slot: str = "") -> str:
        usable = [one.slot for one in self.choices]
        if slot and slot not in usable:
            raise UsageError(f"There is no slot {slot}.", "")
        kept = self.slot if self.slot in usable else ("voice" if "voice" in usable else next(iter(usable), ""))
        self.slot = slot or kept
        return self.slot

    @property
    def conversation(self) -> int | None:
        return self._here

    def conversations(self, query: str = "", limit: int = PAGE) -> list[ConversationRow]:
        rows = []
        for id, told in sorted(self.kept.items(), reverse=True):
            words = query.casefold().split()
            found = [one for one in told if all(word in one.message.content.casefold() for word in words)]
            if found:
                opening = found[-1 if words else 0].message.content[:80]
                rows.append(ConversationRow(id, self.slot_of[id], "starter", NOON, len(told), opening))
        return rows[:limit]

    def messages(
        self, conversation: int, *, before: int | None = None, after: int | None = None, limit: int = PAGE
    ) -> list[Told]:
        told = [self._thought(one) for one in self.kept.get(conversation, [])]
        if after is not None:
            return [one for one in told if one.message.id > after][:limit]
        return [one for one in told if before is None or one.message.id < before][-limit:]

    def _thought(self, told: Told) -> Told:
        answer = told.message.content
        good = next((good for _, said, good in reversed(self.ratings) if said == answer), None)
        better = next((chosen for _, said, chosen in reversed(self.corrections) if said == answer), "")
        return replace(told, good=good, better=better)

    def begin(self) -> None:
        self._here, self._asked, self._twin, self._bare, self.last = None, (), None, None, {}

    def reopen(self, conversation: int) -> str:
        if conversation not in self.kept:
            raise UsageError("That conversation is not there any more.", "Begin a new one.")
        self.begin()
        self._here = conversation
        messages: list[Message] = []
        for one in self.kept[conversation]:
            if one.message.role == "user":
                self._asked = (*messages, Message("user", one.message.content))
            elif one.message.content:
                messages = [*self._asked, Message("assistant", one.message.content)]
                self._twin = Answered(one.message.slot, one.message.version, self._asked, one.message.content)
        held_with = self.kept[conversation][-1].message.slot
        if held_with in [one.slot for one in self.choices]:
            self.slot = held_with
            return ""
        return f"Slot {held_with} cannot answer any more: {self.choose()} goes on with it."

    def forget(self, conversation: int) -> None:
        del self.kept[conversation]
        if conversation == self._here:
            self.begin()

    def say(self, prompt: str) -> Generator[str, None, None]:
        version = self._version()
        if self._here is None:
            self._here = max(self.kept, default=0) + 1
            self.kept[self._here], self.slot_of[self._here] = [], self.slot
        self._asked = (*self._context(), Message("user", prompt))
        self._bare = None
        self._add("user", prompt)
        yield from self._answer(version)

    def _context(self) -> tuple[Message, ...]:
        return () if self._twin is None else (*self._twin.prompt, Message("assistant", self._twin.answer))

    def _answer(self, version: int) -> Generator[str, None, None]:
        said: list[str] = []
        self._turn.acquire()
        try:
            for piece in self._pieces():
                said.append(piece)
                yield piece
        finally:
            answer = "".join(said)
            self._add("assistant", answer, complete=self.last.get("ended") == "end")
            if answer:
                self._twin = Answered(self.slot, version, self._asked, answer)
            self._turn.release()

    def _pieces(self) -> Generator[str, None, None]:
        self._stop.clear()
        self.last = {}
        pieces = self.answers[self.given % len(self.answers)]
        self.given += 1
        for place, piece in enumerate(pieces):
            while place and not self._stop.is_set() and not self.gate.wait(0.01):
                pass
            if self._stop.is_set():
                break
            if isinstance(piece, TwinError):
                raise piece
            yield piece
        ended = "stopped" if self._stop.is_set() else "end"
        self.last = {"ended": ended, "tokens": len(pieces), "tokens_per_second": 40.0}

    def _add(self, role: str, content: str, complete: bool = True) -> None:
        assert self._here is not None
        id = 1 + max((one.message.id for told in self.kept.values() for one in told), default=0)
        message = StoredMessage(id, role, content, self.slot, self._version(), complete, NOON)
        self.kept[self._here].append(Told(message))

    def _version(self) -> int:
        if not self.slot:
            self.choose()
        found = next((one.version for one in self.choices if one.slot == self.slot), None)
        if found is None:
            raise SlotGone(f"Slot {self.slot} cannot answer any more.", "Choose another one.")
        return found

    def again(self) -> Generator[str, None, None]:
        if not self._asked:
            raise UsageError("Nothing was asked yet.", "")
        assert self._here is not None
        told, twin = self.kept[self._here], self._twin
        cut = max(place for place, one in enumerate(told) if one.message.role == "user")
        prompt = told[cut].message.content
        old, bare = told[cut:], self._bare
        self._add("user", prompt)
        try:
            yield from self._answer(self._version())
        finally:
            fresh = told[cut + len(old) :]
            answered = bool(fresh[-1].message.content)
            told[cut:] = fresh if answered else old
            self._twin, self._bare = self._twin if answered else twin, bare

    def base(self) -> Generator[str, None, None]:
        if not self._asked:
            raise UsageError("Nothing was asked yet.", "")
        self._bare = None
        said: list[str] = []
        for piece in self._pieces():
            said.append(piece)
            yield piece
        self._bare = Answered(self.slot, None, self._asked, "".join(said))

    def cancel(self) -> None:
        self._stop.set()

    def answered(self, *, of_base: bool = False) -> Answered:
        found = self._bare if of_base else self._twin
        if found is None:
            raise UsageError("There is no answer yet.", "Ask something first.")
        return found

    def rate(self, good: bool, *, of_base: bool = False) -> int:
        last = self.answered(of_base=of_base)
        self.ratings = [one for one in self.ratings if one[:2] != (last.version, last.answer)]
        self.ratings.append((last.version, last.answer, good))
        return len(self.ratings)

    def correct(self, text: str, *, of_base: bool = False) -> int:
        last = self.answered(of_base=of_base)
        if not text.strip() or text.strip() == last.answer.strip():
            raise UsageError("That is what was said already.", "")
        self.corrections.append((last.version, last.answer, text.strip()))
        return len(self.corrections)

    def close(self) -> None:
        self.cancel()
        with self._turn:
            self.closed += 1

    def remember(self, turns: int, slot: str = "voice") -> int:
        """For tests: a past conversation of so many prompts and answers; its id."""
        before, self.slot = (self._here, self.slot), slot
        self._here = max(self.kept, default=0) + 1
        self.kept[self._here], self.slot_of[self._here] = [], slot
        for number in range(turns):
            for role, text in (("user", f"question {number}"), ("assistant", f"answer {number}")):
                id = 1 + max((one.message.id for told in self.kept.values() for one in told), default=0)
                self.kept[self._here].append(Told(StoredMessage(id, role, text, slot, 1, True, NOON)))
        made, (self._here, self.slot) = self._here, before
        return made

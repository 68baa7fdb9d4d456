"""Who is answered when: one request at a time of a conversation, several conversations in slices of time.

A base is changed only between answers. Whoever waits for another base than the one in memory is not overtaken by those
who came later, so nobody waits for ever.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from mlxtwin.errors import Busy, TwinError, UsageError
from mlxtwin.records import Message

# Long enough that a change of adapter between two slices costs next to nothing, short enough to read along.
SLICE_SECONDS = 0.2
MOST_AT_ONCE = 4
MOST_WAITING = 64

Said = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an answer is made from; ``slot`` None is the bare base. ``base`` is a `BaseModel` as a dictionary."""

    conversation: str
    base: dict[str, Any]
    messages: tuple[Message, ...]
    slot: str | None
    version: int | None
    max_tokens: int
    temperature: float
    seed: int

    @classmethod
    def of(cls, value: Any) -> Asked:
        """From JSON; raises UsageError for anything else than what a client of ours sends."""
        try:
            slot, version = value["slot"], value["version"]
            return cls(
                str(value["conversation"]),
                base_of(value),
                tuple(Message(str(one["role"]), str(one["content"])) for one in value["messages"]),  # type: ignore[arg-type]
                None if slot is None else str(slot),
                None if version is None else int(version),
                int(value["max_tokens"]),
                float(value["temperature"]),
                int(value["seed"]),
            )
        except (KeyError, TypeError, ValueError):
            raise not_understood() from None


def base_of(value: Any) -> dict[str, Any]:
    """The base that a request names; raises UsageError."""
    try:
        return dict(value["base"]) | {"fingerprint": str(value["base"]["fingerprint"])}
    except (KeyError, TypeError, ValueError):
        raise not_understood() from None


def not_understood() -> UsageError:
    return UsageError("The engine was asked for something it does not know.")


class Answer(Iterator[str], Protocol):
    """Pieces of text; ``numbers`` are complete once they are exhausted."""

    def numbers(self) -> Said: ...


class Mind(Protocol):
    """What answers. Only the thread of `Turns.run` asks anything of it but ``kind`` and ``loads``.

    ``kind``: the device that it holds memory of, None while it holds none; ``loads``: how many bases it loaded so far.
    """

    kind: str | None
    loads: int

    def holds(self, base: dict[str, Any]) -> bool:
        """Whether that base is in memory."""
        ...

    def open(self, base: dict[str, Any]) -> Said:
        """Load a base unless it is in memory; what a client is told of it."""
        ...

    def answer(self, asked: Asked, stop: Callable[[], bool]) -> Answer: ...

    def forget(self, conversation: str) -> None: ...


@dataclass(eq=False, slots=True)
class Job:
    """One request; ``say`` gets every line of the reply, the last one being ``opened``, ``end`` or ``error``."""

    conversation: str
    base: dict[str, Any]
    say: Callable[[Said], None]
    asked: Asked | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    answer: Answer | None = None


class Turns:
    """The requests under way and those that wait; ``run`` is the one thread that answers them."""

    def __init__(self, mind: Mind) -> None:
        self.mind = mind
        self._changed = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._active: deque[Job] = deque()
        self._running: Job | None = None
        self._gone: list[str] = []
        self._touched = time.monotonic()

    def put(self, job: Job) -> None:
        with self._changed:
            self._touched = time.monotonic()
            if len(self._waiting) >= MOST_WAITING:
                job.say(complaint(Busy("Too many questions are waiting for an answer.", "Ask again in a moment.")))
                return
            self._waiting.append(job)
            self._changed.notify()

    def forget(self, conversation: str) -> None:
        """Drop what is kept in memory of a conversation, once it is nobody's turn."""
        with self._changed:
            self._gone.append(conversation)
            self._changed.notify()

    def wake(self) -> None:
        """Look again at those who wait: one of them was cancelled."""
        with self._changed:
            self._changed.notify()

    def idle_seconds(self) -> float:
        """How long nobody has asked or been answered."""
        with self._changed:
            busy = self._waiting or self._active or self._running
            return 0.0 if busy else time.monotonic() - self._touched

    def cancel_all(self) -> None:
        with self._changed:
            for job in (*self._waiting, *self._active, *([self._running] if self._running else [])):
                job.cancelled.set()
            self._changed.notify()

    def run(self) -> None:
        while True:
            job = self._next()
            finished = self._turn(job)
            with self._changed:
                self._touched = time.monotonic()
                if not finished:
                    self._admit()  # whoever came meanwhile is before it
                    self._active.append(job)
                self._running = None

    def _next(self) -> Job:
        with self._changed:
            while True:
                self._forget_the_gone()
                self._admit()
                if self._active:
                    self._running = self._active.popleft()
                    return self._running
                self._changed.wait()

    def _forget_the_gone(self) -> None:
        for conversation in self._gone:
            self.mind.forget(conversation)
        self._gone.clear()

    def _admit(self) -> None:
        """Let in who may be answered together with those under way, in the order of coming."""
        for job in list(self._waiting):
            if job.cancelled.is_set():
                self._waiting.remove(job)
                job.say({"end": NOTHING_SAID})
                continue
            under_way = [*self._active, *([self._running] if self._running else [])]
            if any(one.conversation == job.conversation for one in under_way):
                continue
            other_base = not self.mind.holds(job.base)
            if len(under_way) >= MOST_AT_ONCE or (other_base and under_way):
                return
            self._waiting.remove(job)
            self._active.append(job)
            if other_base:
                return

    def _turn(self, job: Job) -> bool:
        """Go on with a request until its slice is over, or for as long as nobody else waits; whether it is finished."""
        try:
            return self._go_on(job)
        except TwinError as error:
            job.say(complaint(error))
        except Exception as error:  # the engine outlives one bad request; its text stays in here
            hint = "Ask again; if it fails again, see: mlxtwin doctor"
            job.say(complaint(TwinError(f"The engine failed with {type(error).__name__}.", hint)))
        return True

    def _go_on(self, job: Job) -> bool:
        until = time.monotonic() + SLICE_SECONDS
        if job.asked is None:
            job.say({"opened": self.mind.open(job.base)})
            return True
        if job.answer is None:
            job.answer = self.mind.answer(job.asked, job.cancelled.is_set)
        for piece in job.answer:
            job.say({"piece": piece})
            if (self._active or self._waiting) and time.monotonic() >= until:
                return False
        job.say({"end": job.answer.numbers()})
        return True


NOTHING_SAID: Said = {"ended": "stopped", "tokens": 0, "prompt_seconds": 0.0, "tokens_per_second": 0.0}


def complaint(error: TwinError) -> Said:
    return {"error": {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}}

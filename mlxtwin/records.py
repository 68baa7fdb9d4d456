"""The frozen dataclasses that cross from one stage to the next."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Kind = Literal["mail", "note", "chat", "transcript", "document", "post", "event"]
KINDS: tuple[Kind, ...] = ("mail", "note", "chat", "transcript", "document", "post", "event")
# An event (of a calendar, of a browser's history) says what the person did, not how they write: it is for memory only.
TrainingKind = Literal["mail", "note", "chat", "transcript", "document", "post"]
TRAINING_KINDS: tuple[TrainingKind, ...] = ("mail", "note", "chat", "transcript", "document", "post")
TurnRole = Literal["own", "received", "quoted", "forwarded", "signature"]
# How an example came about: an answer to what others said; a text for a title; one for an instruction, perhaps about a
# text that is given; the rest of a text; talk of several turns, or the beginning of it.
Form = Literal["reply", "write", "instruct", "continue", "chat"]
# Who wrote the request that the person's words answer; nobody did where they answer what others said.
AskedBy = Literal["", "template", "base"]
Split = Literal["train", "holdout"]


@dataclass(frozen=True, slots=True)
class Person:
    """The names, addresses and handles that mean "me", compared without regard to case or outer blanks."""

    names: frozenset[str]

    @classmethod
    def of(cls, names: Iterable[str]) -> Person:
        return cls(frozenset(_folded(name) for name in names if name.strip()))

    def is_me(self, *names: str) -> bool:
        return any(_folded(name) in self.names for name in names if name)

    def __bool__(self) -> bool:
        return bool(self.names)


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


@dataclass(frozen=True, slots=True)
class Turn:
    """One stretch of text by one author. Only a turn with ``mine`` and role ``own`` may train the twin."""

    author: str
    mine: bool
    text: str
    role: TurnRole
    at: datetime | None = None

    @property
    def trainable(self) -> bool:
        return self.mine and self.role == "own"


@dataclass(frozen=True, slots=True)
class Document:
    """One mail, note, stretch of chat or transcript, with its turns in reading order.

    ``key`` is stable for the same item of the same source, so that a second import finds it again; ``origin`` is the
    file within the import and the position in it; ``drop`` is the reason an importer saw not to use it, or empty.
    In a mail the quoted text of others stands before the person's reply to it.
    """

    kind: Kind
    source: str
    key: str
    title: str
    turns: tuple[Turn, ...]
    at: datetime | None = None
    thread: str = ""
    origin: str = ""
    drop: str = ""

    @property
    def id(self) -> str:
        """32 hexadecimal digits, from source and key."""
        return hashlib.blake2b(f"{self.source}\0{self.key}".encode(), digest_size=16).hexdigest()

    @property
    def own_text(self) -> str:
        return "\n\n".join(turn.text for turn in self.turns if turn.trainable)

    @property
    def words_by_me(self) -> int:
        return sum(len(turn.text.split()) for turn in self.turns if turn.trainable)


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Example:
    """A conversation to train on. The words of every assistant message are the person's and are supervised.

    ``asked_by``: who wrote its first message, where that is a request made up for the person's words.
    """

    document: str
    form: Form
    messages: tuple[Message, ...]
    tier: int
    split: Split
    weight: float = 1.0
    asked_by: AskedBy = ""

    @property
    def words(self) -> int:
        return sum(len(message.content.split()) for message in self.messages if message.role == "assistant")


@dataclass(frozen=True, slots=True)
class TokenExample:
    """``tokens`` (L,) and ``supervised`` (L,): whether the token at that place is a target of the loss."""

    document: str
    tokens: tuple[int, ...]
    supervised: tuple[bool, ...]
    weight: float = 1.0

    @property
    def targets(self) -> int:
        return sum(self.supervised[1:])


@dataclass(frozen=True, slots=True)
class Holdout:
    """Negative log-likelihood in nats per held-out token; the gain is base less twin, its interval 95 %."""

    base_nll: float
    twin_nll: float
    gain_ci: tuple[float, float]
    tokens: int
    documents: int

    @property
    def gain(self) -> float:
        return self.base_nll - self.twin_nll


@dataclass(frozen=True, slots=True)
class Check:
    """One number of the gate against its threshold, with the sentence that says so."""

    name: str
    value: float
    threshold: float
    passed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Literal["promoted", "rejected", "stopped"]
    checks: tuple[Check, ...] = ()

    @property
    def reasons(self) -> list[str]:
        return [check.reason for check in self.checks]


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One line of ``events.jsonl``: numbers and ids only, never personal text."""

    event: str
    at: float
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PreferencePair:
    """Of two answers to ``prompt`` (its last message is the user's), the one the person wants.

    ``version``: the version of the slot's adapter that gave the rejected answer, None for the bare base.
    ``document``: the id of the stored record it comes from.
    """

    document: str
    prompt: tuple[Message, ...]
    chosen: str
    rejected: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Rating:
    """An answer to ``prompt`` that the person called good or bad; ``version`` gave it, as in a `PreferencePair`."""

    document: str
    prompt: tuple[Message, ...]
    answer: str
    good: bool
    version: int | None = None

"""Made-up documents for these tests."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from mlxtwin.records import Document, Kind, Turn
from mlxtwin.vault.store import StoredDocument

START = datetime(2024, 1, 1, 12, tzinfo=UTC)
_LETTERS = "abdeghiklmnoprstuv"


def prose(seed: int, words: int) -> str:
    """Sentences of eight words in paragraphs of three; no word is likely to come twice."""
    random_ = random.Random(seed)
    made = ["".join(random_.choices(_LETTERS, k=7)) for _ in range(words)]
    sentences = [" ".join(made[start : start + 8]).capitalize() + "." for start in range(0, words, 8)]
    return "\n\n".join(" ".join(sentences[start : start + 3]) for start in range(0, len(sentences), 3))


def own(text: str) -> Turn:
    return Turn("me", True, text, "own")


def theirs(text: str, author: str = "Bo") -> Turn:
    return Turn(author, False, text, "received")


def quoted(text: str) -> Turn:
    return Turn("Bo", False, text, "quoted")


def document(
    kind: Kind, *turns: Turn, key: str = "key", title: str = "", day: int | None = None, thread: str = ""
) -> Document:
    at = None if day is None else START + timedelta(days=day)
    return Document(kind, f"{kind} test", key, title, turns, at=at, thread=thread)


def kept(documents: Iterable[Document], tier: int = 1) -> list[StoredDocument]:
    return [StoredDocument(one, tier, None, "", True) for one in documents]


def squeezed(text: str) -> str:
    return "".join(text.split())

"""Made-up documents: mails, notes and talk of Ann, who bakes, and words that come twice nowhere."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from mlxtwin.curate.decide import curate
from mlxtwin.records import Document, Kind, Turn
from mlxtwin.vault.store import StoredDocument, Vault

START = datetime(2024, 1, 1, tzinfo=UTC)
_SYLLABLES = ["ba", "de", "fi", "go", "lu", "ma", "ne", "pi", "ro", "su", "ta", "vi", "wo", "ka", "le", "mo"]


def prose(seed: int, words: int) -> str:
    """Sentences of nine words; no run of a few words is likely to come twice."""
    source = random.Random(seed)
    made = ["".join(source.choices(_SYLLABLES, k=source.randint(2, 4))) for _ in range(words)]
    return " ".join(" ".join(made[start : start + 9]).capitalize() + "." for start in range(0, words, 9))


def own(text: str) -> Turn:
    return Turn("Ann", True, text, "own")


def theirs(text: str, role: str = "received") -> Turn:
    return Turn("Bob", False, text, role)  # type: ignore[arg-type]


def written(key: str, *turns: Turn | str, kind: Kind = "mail", day: float | None = 0, drop: str = "") -> Document:
    """Turns, or texts of Ann's own, on a day."""
    at = None if day is None else START + timedelta(days=day)
    made = tuple(own(turn) if isinstance(turn, str) else turn for turn in turns)
    return Document(kind, f"{kind}s", key, "", made, at, drop=drop)


def curated(vault: Vault, *imports: Iterable[Document]) -> dict[str, StoredDocument]:
    """What is said of every document after each of the imports was curated, by key."""
    for documents in imports:
        vault.put(documents)
        curate(vault)
    return {stored.document.key: stored for stored in vault.documents()}


def learned(found: dict[str, StoredDocument]) -> dict[str, str]:
    """The own words of what is kept."""
    return {key: stored.curated.own_text for key, stored in found.items() if stored.kept}


def reasons(found: dict[str, StoredDocument]) -> dict[str, str]:
    return {key: stored.reason for key, stored in found.items()}

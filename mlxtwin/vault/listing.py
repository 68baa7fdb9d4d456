"""Lists of documents for a screen: which are wanted, and what is shown of the few that are in view.

A list is the numbers of its documents; what they say is read only for those in view. So a list of 100,000 documents
costs one scan of an index, and the same at its end as at its beginning.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from mlxtwin.records import Kind
from mlxtwin.vault.connection import Database
from mlxtwin.vault.rows import EFFECTIVE_TIER, KEPT, REASON, moment
from mlxtwin.vault.search import terms_of

State = Literal["kept", "dropped", "undecided", "by hand"]
STATES: tuple[State, ...] = ("kept", "dropped", "undecided", "by hand")
# A shorter beginning is the beginning of nearly everything: it must be the whole word.
SHORTEST_BEGINNING = 3
BATCH = 500

_STATES: dict[State, str] = {
    "kept": KEPT,
    "dropped": f"decided AND NOT {KEPT}",
    "undecided": "NOT decided",
    "by hand": "(forced_keep IS NOT NULL OR forced_tier IS NOT NULL)",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which documents: all ``words`` are in title or text, the last may be unfinished. ``tier``: of what is kept;
    ``language``: as a code, empty for what cannot be told."""

    words: str = ""
    kind: Kind | None = None
    state: State | None = None
    source: str | None = None
    tier: int | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class ListedDocument:
    """What a list shows of a document: as in a `StoredDocument`, with its ``number`` in the vault."""

    number: int
    id: str
    kind: Kind
    source: str
    title: str
    at: datetime | None
    words_by_me: int
    decided: bool
    reason: str
    tier: int | None
    forced_tier: int | None
    forced_keep: bool | None
    language: str = ""
    quality: float | None = None

    @property
    def kept(self) -> bool:
        return self.decided and not self.reason

    @property
    def effective_tier(self) -> int | None:
        return self.tier if self.forced_tier is None else self.forced_tier


def numbers(database: Database, wanted: Wanted, limit: int | None = None) -> array[int]:
    """The newest first, undated last, in the order of import. Words without a letter or digit ask nothing."""
    where, values = _where(wanted)
    rows = database.rows(
        f"SELECT number FROM documents INDEXED BY documents_listed {where} ORDER BY at DESC, number LIMIT ?",
        (*values, -1 if limit is None else limit),
    )
    return array("q", (row[0] for row in rows))


def _where(wanted: Wanted) -> tuple[str, list[Any]]:
    found = list(_conditions(wanted))
    return "WHERE " + " AND ".join(sql for sql, _ in found) if found else "", [v for _, vs in found for v in vs]


def _conditions(wanted: Wanted) -> Iterator[tuple[str, tuple[Any, ...]]]:
    if wanted.kind is not None:
        yield "kind = ?", (wanted.kind,)
    if wanted.source is not None:
        yield "source = ?", (wanted.source,)
    if wanted.state is not None:
        yield _STATES[wanted.state], ()
    if wanted.tier is not None:
        yield f"{KEPT} AND {EFFECTIVE_TIER} = ?", (wanted.tier,)
    if wanted.language is not None:
        yield "language = ?", (wanted.language,)
    if match := match_of(wanted.words):
        yield "number IN (SELECT rowid FROM search WHERE search MATCH ?)", (match,)


def match_of(words: str) -> str:
    """The question to the full-text index, empty for no question."""
    terms = terms_of(words)
    if not terms:
        return ""
    unfinished = len(terms[-1]) >= SHORTEST_BEGINNING + len('""') and words[-1:].isalnum()
    return " AND ".join(terms) + (" *" if unfinished else "")


def rows(database: Database, numbers: Sequence[int]) -> list[ListedDocument]:
    """In the order asked for; those that are gone are left out."""
    found: dict[int, ListedDocument] = {}
    for start in range(0, len(numbers), BATCH):
        some = numbers[start : start + BATCH]
        read = database.rows(
            f"SELECT number, id, kind, source, title, at, words_by_me, decided, {REASON}, tier, forced_tier,"
            f" forced_keep, language, quality FROM documents WHERE number IN ({', '.join('?' * len(some))})",
            tuple(some),
        )
        found.update((row[0], _row(row)) for row in read)
    return [found[number] for number in numbers if number in found]


def _row(row: tuple[Any, ...]) -> ListedDocument:
    number, id, kind, source, title, at, words, decided, reason, tier, forced_tier, keep, *more = row
    forced = None if keep is None else bool(keep)
    return ListedDocument(
        number, id, kind, source, title, moment(at), words, bool(decided), reason, tier, forced_tier, forced, *more
    )


def sources(database: Database) -> dict[str, int]:
    return dict(database.rows("SELECT source, count(*) FROM documents GROUP BY source ORDER BY source"))

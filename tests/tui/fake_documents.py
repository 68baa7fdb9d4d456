"""Documents without a vault. `test_documents_contract.py` puts it and `Documents` through the same."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mlxtwin.client.documents import Documents, ListedDocument, StoredDocument, Wanted
from mlxtwin.client.house import House
from mlxtwin.errors import UsageError
from mlxtwin.records import Document, Turn
from mlxtwin.vault.listing import SHORTEST_BEGINNING
from mlxtwin.vault.rows import BY_HAND

START = datetime(2020, 1, 1, 9, 0, tzinfo=UTC)


def letter(number: int, text: str = "", *, kind: str = "mail", mine: bool = True, day: int | None = 0) -> Document:
    """A mail with a quoted question, what the person answered, and a signature."""
    said = text or f"Answer {number} about the harbour."
    turns = (
        Turn("Ann Other", False, f"Question {number}?", "quoted"),
        Turn("Me" if mine else "Bo", mine, said, "own" if mine else "received"),
        Turn("Me", True, "-- \nMe", "signature"),
    )
    at = None if day is None else START + timedelta(days=day or number)
    return Document(kind, kind, f"key-{number}", f"Letter {number}", turns, at, "", f"box:{number}")  # type: ignore[arg-type]


class FakeDocuments(Documents):
    """``stored`` by number. What curation says is what a test put there; the person's own word is kept beside it."""

    def __init__(self, house: House, documents: Iterable[StoredDocument] = ()) -> None:
        super().__init__(house)
        self.stored = dict(enumerate(documents, start=1))
        self.kept: dict[str, bool] = {}
        self.reads: list[int] = []

    def _now(self, number: int) -> StoredDocument:
        stored = self.stored[number]
        keep = self.kept.get(stored.document.id)
        reason = stored.reason if keep is None else "" if keep else BY_HAND
        return replace(stored, reason=reason, forced_keep=keep)

    def numbers(self, wanted: Wanted, limit: int | None = None) -> Sequence[int]:
        def when(number: int) -> str:
            at = self.stored[number].document.at
            return at.isoformat() if at else ""

        found = [number for number in sorted(self.stored) if _fits(self._now(number), wanted)]
        return sorted(found, key=when, reverse=True)[:limit]

    def rows(self, numbers: Sequence[int]) -> list[ListedDocument]:
        self.reads.append(len(numbers))
        return [_row(number, self._now(number)) for number in numbers if number in self.stored]

    def sources(self) -> dict[str, int]:
        return dict(sorted(Counter(one.document.source for one in self.stored.values()).items()))

    def document(self, id: str) -> StoredDocument:
        return self._now(self._number(id))

    def _number(self, id: str) -> int:
        found = next((number for number, one in self.stored.items() if one.document.id == id), None)
        if found is None:
            raise UsageError("That document is not there any more.", "It was forgotten meanwhile.")
        return found

    def set_tier(self, ids: Iterable[str], tier: int | None) -> None:
        for number in map(self._number, ids):
            self.stored[number] = replace(self.stored[number], forced_tier=tier)

    def set_keep(self, ids: Iterable[str], keep: bool | None) -> None:
        for id in ids:
            self.kept.pop(id, None)
            if keep is not None:
                self.kept[id] = keep

    def forget(self, ids: Iterable[str]) -> int:
        numbers = list(map(self._number, ids))
        for number in numbers:
            del self.stored[number]
        return len(numbers)


def _row(number: int, stored: StoredDocument) -> ListedDocument:
    one = stored.document
    return ListedDocument(
        number, one.id, one.kind, one.source, one.title, one.at, one.words_by_me, stored.decided, stored.reason,
        stored.tier, stored.forced_tier, stored.forced_keep,
    )  # fmt: skip


def _fits(stored: StoredDocument, wanted: Wanted) -> bool:
    document = stored.document
    states = {
        None: True,
        "kept": stored.kept,
        "dropped": stored.decided and not stored.kept,
        "undecided": not stored.decided,
        "by hand": stored.forced_keep is not None or stored.forced_tier is not None,
    }
    return (
        states[wanted.state]
        and wanted.kind in (None, document.kind)
        and wanted.source in (None, document.source)
        and (wanted.tier is None or (stored.kept and stored.effective_tier == wanted.tier))
        and _says(document, wanted.words)
    )


def _says(document: Document, words: str) -> bool:
    """All the words; the last one may be the beginning of one."""
    text = " ".join([document.title, *(turn.text for turn in document.turns)])
    there = re.findall(r"\w+", text.casefold())
    asked = re.findall(r"\w+", words.casefold())
    if not asked:
        return True
    last = asked.pop()
    unfinished = len(last) >= SHORTEST_BEGINNING and words[-1:].isalnum()
    return set(asked) <= set(there) and any(word.startswith(last) if unfinished else word == last for word in there)

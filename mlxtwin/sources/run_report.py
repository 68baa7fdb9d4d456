"""What an import tells of itself when it is done, and what came of each file of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from mlxtwin.records import Document

NOT_BY_ME = "not by me"
MOST_CANDIDATES = 20
MOST_AUTHORS = 5000


@dataclass(slots=True)
class ImportReport:
    """What an import did. ``files`` counts every file met, so ``files`` less the sum of ``skipped`` were read.

    ``kind`` is the kind most documents have; ``words_by_me`` counts documents that were kept; ``authors`` is filled
    only when no document was by the person, with the most frequent (name, turns): a hint that the name was another.
    """

    kind: str = ""
    files: int = 0
    documents: int = 0
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    words_by_me: int = 0
    errors: list[dict[str, str]] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    authors: list[tuple[str, int]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class Outcome:
    """What came of one file on disk, all members of an archive together, or of several. ``authors`` of what others
    wrote are counted until something is the person's."""

    files: int = 0
    documents: int = 0
    kept: int = 0
    words_by_me: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    authors: Counter[str] = field(default_factory=Counter)
    errors: list[dict[str, str]] = field(default_factory=list)

    def count(self, document: Document) -> None:
        self.documents += 1
        self.kinds[document.kind] += 1
        words = document.words_by_me
        # What others wrote may be stored as context, but nothing of it is kept to learn from.
        if document.drop or not words:
            self.dropped[document.drop or NOT_BY_ME] += 1
        else:
            self.kept += 1
            self.words_by_me += words
        if not self.words_by_me and len(self.authors) < MOST_AUTHORS:
            self.authors.update(turn.author for turn in document.turns if turn.author and turn.role == "received")

    def add(self, other: Outcome) -> None:
        self.files += other.files
        self.documents += other.documents
        self.kept += other.kept
        self.words_by_me += other.words_by_me
        for ours, theirs in ((self.dropped, other.dropped), (self.skipped, other.skipped), (self.kinds, other.kinds)):
            ours.update(theirs)
        self.errors += other.errors
        if self.words_by_me:
            self.authors.clear()
        elif len(self.authors) < MOST_AUTHORS:
            self.authors.update(other.authors)

    def as_json(self) -> dict[str, Any]:
        """Whole, but for authors where none is asked for and all but the most frequent."""
        counts = {name: getattr(self, name) for name in ("files", "documents", "kept", "words_by_me", "errors")}
        told = [] if self.words_by_me else self.authors.most_common(MOST_CANDIDATES)
        counted = {name: dict(getattr(self, name)) for name in ("dropped", "skipped", "kinds")}
        return {**counts, **counted, "authors": dict(told)}

    @classmethod
    def of_json(cls, found: dict[str, Any]) -> Outcome:
        counters = {name: Counter(found[name]) for name in ("dropped", "skipped", "kinds", "authors")}
        return cls(**(found | counters))

    def report(self, added: int, updated: int, unchanged: int) -> ImportReport:
        kind = self.kinds.most_common(1)[0][0] if self.kinds else ""
        authors = [] if self.words_by_me else self.authors.most_common(MOST_CANDIDATES)
        return ImportReport(
            kind, self.files, self.documents, self.kept, dict(self.dropped), self.words_by_me, self.errors,
            dict(self.skipped), added, updated, unchanged, dict(self.kinds), authors,
        )  # fmt: skip

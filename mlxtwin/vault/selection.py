"""Documents by whom they are of and where they are from, as ids: for what is done to many at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from mlxtwin.records import Document
from mlxtwin.vault.connection import Database
from mlxtwin.vault.rows import STORED_COLUMNS, StoredDocument, stored_document

BATCH = 500


class Amount(NamedTuple):
    """How many documents of a source and kind, the person's words in them, and the days of the first and last, empty
    where none is dated."""

    source: str
    kind: str
    documents: int
    words: int
    first: str
    last: str


class Selection:
    """The documents of an open vault, by id in the order of import."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def of_sources(self, sources: Iterable[str]) -> list[str]:
        wanted = sorted(set(sources))
        marks = ", ".join("?" * len(wanted))
        rows = self._db.rows(f"SELECT id FROM documents WHERE source IN ({marks}) ORDER BY number", wanted)
        return [id for (id,) in rows]

    def of_people(self, is_meant: Callable[[str], bool]) -> list[str]:
        """Those in which somebody who is meant wrote something, also where it is quoted; and chats of that title."""
        turns = "documents, json_each(documents.turns) AS turn"
        authors = self._db.rows(f"SELECT DISTINCT turn.value ->> '$.author' FROM {turns}")
        titles = self._db.rows("SELECT DISTINCT title FROM documents WHERE kind = 'chat'")
        wrote = [author for (author,) in authors if author and is_meant(author)]
        named = [title for (title,) in titles if is_meant(title)]
        found = set(self._of(f"SELECT number, documents.id FROM {turns} WHERE turn.value ->> '$.author'", wrote))
        found |= set(self._of("SELECT number, id FROM documents WHERE kind = 'chat' AND title", named))
        return [id for _, id in sorted(found)]

    def writers(self, ids: Iterable[str]) -> Counter[str]:
        """Everybody but the person who wrote something in these, by the number of documents."""
        select = (
            "SELECT DISTINCT documents.id, turn.value ->> '$.author' FROM documents, json_each(documents.turns) AS turn"
            " WHERE NOT turn.value ->> '$.mine' AND turn.value ->> '$.author' != '' AND documents.id"
        )
        return Counter(author for _, author in self._of(select, ids))

    def threads(self, ids: Iterable[str]) -> dict[str, set[str]]:
        """Each document with the mails of its thread, which may be shown with one another in training."""
        wanted = list(ids)
        of: dict[str, str] = dict(self._of("SELECT id, thread FROM documents WHERE kind = 'mail' AND id", wanted))
        mates: dict[str, set[str]] = defaultdict(set)
        named = sorted({thread for thread in of.values() if thread})
        for thread, id in self._of("SELECT thread, id FROM documents WHERE kind = 'mail' AND thread", named):
            mates[thread].add(id)
        return {id: {id} | mates.get(of.get(id, ""), set()) for id in wanted}

    def amounts(self, ids: Iterable[str]) -> list[Amount]:
        """By source and kind."""
        found: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
        columns = "source, kind, words_by_me, coalesce(substr(at, 1, 10), '')"
        rows = self._of(f"SELECT {columns} FROM documents WHERE id", ids)
        for source, kind, words, day in rows:
            found[source, kind].append((words, day))
        return [_amount(*name, some) for name, some in sorted(found.items())]

    def copies(self, ids: Sequence[str]) -> list[str]:
        """Other documents that hold all the person's words of one of these, and no others of theirs."""
        wanted = frozenset(ids)
        texts = {_words(stored.document) for stored in self._stored("id", ids)} - {()}
        lengths = sorted({row[0] for row in self._of("SELECT words_by_me FROM documents WHERE id", ids)} - {0})
        others = (stored.document for stored in self._stored("words_by_me", lengths))
        return [one.id for one in others if one.id not in wanted and _words(one) in texts]

    def _stored(self, column: str, values: Iterable[Any]) -> Iterator[StoredDocument]:
        return map(stored_document, self._of(f"SELECT {STORED_COLUMNS} FROM documents WHERE {column}", values))

    def _of(self, select: str, values: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
        """The rows where the column that ``select`` ends with is among the values."""
        wanted = list(values)
        for start in range(0, len(wanted), BATCH):
            some = wanted[start : start + BATCH]
            yield from self._db.rows(f"{select} IN ({', '.join('?' * len(some))})", some)


def _words(document: Document) -> tuple[str, ...]:
    return tuple(document.own_text.casefold().split())


def _amount(source: str, kind: str, rows: Sequence[tuple[int, str]]) -> Amount:
    days = sorted(day for _, day in rows if day)
    first, last = (days[0], days[-1]) if days else ("", "")
    return Amount(source, kind, len(rows), sum(words for words, _ in rows), first, last)

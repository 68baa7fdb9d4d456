"""Full-text search that takes any text as a query: the operators of FTS5 never reach it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlxtwin.records import Kind
from mlxtwin.vault.connection import Database
from mlxtwin.vault.rows import Found, clean, moment
from mlxtwin.vault.search_own import BEGIN, END, own_snippet

MOST_TERMS = 24
TITLE_WEIGHT = 4.0
SNIPPET_WORDS = 24
BATCH = 50


@dataclass(frozen=True, slots=True)
class Among:
    """Which documents are searched: of a kind, of a source, from ``since`` to ``until``, each a day, month or year as
    in ISO 8601 and included; undated ones are on no day. ``mine``: the words must be the person's own."""

    kind: Kind | None = None
    source: str | None = None
    since: str = ""
    until: str = ""
    mine: bool = False

    def conditions(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """SQL on the documents ``d``, and its values."""
        if self.kind is not None:
            yield "d.kind = ?", (self.kind,)
        if self.source is not None:
            yield "d.source = ?", (self.source,)
        if self.since:
            yield "substr(d.at, 1, 10) >= ?", (self.since,)
        if self.until:
            yield "substr(d.at, 1, length(?)) <= ?", (self.until, self.until)


ALL = Among()


def find(database: Database, query: str, limit: int, marks: tuple[str, str], among: Among = ALL) -> list[Found]:
    """All the words, the last one as the beginning of a word; if that finds nothing, any of them."""
    terms = terms_of(query)
    if not terms or limit < 1:
        return []
    look = _own if among.mine else _anywhere
    return look(database, terms, " AND ".join(terms) + " *", limit, marks, among) or (
        look(database, terms, " OR ".join(terms), limit, marks, among) if len(terms) > 1 else []
    )


def terms_of(query: str) -> list[str]:
    """Each word in double quotes, where FTS5 splits it as it split the text; words without a letter or digit go."""
    words = clean(query).replace("\0", " ").replace('"', " ").split()
    return [f'"{word}"' for word in words if any(letter.isalnum() for letter in word)][:MOST_TERMS]


def _anywhere(
    database: Database, _: list[str], match: str, limit: int, marks: tuple[str, str], among: Among
) -> list[Found]:
    snippet, values = "snippet(search, -1, ?, ?, '…', ?)", (*marks, SNIPPET_WORDS)
    rows = _rows(database, snippet, values, match, among, limit, 0)
    return [Found(id, kind, title, moment(at), " ".join(said.split())) for id, kind, title, at, said in rows]


def _own(
    database: Database, terms: list[str], match: str, limit: int, marks: tuple[str, str], among: Among
) -> list[Found]:
    """What the person says of it, one batch after the other until there are enough."""
    found: list[Found] = []
    every = match.endswith("*")
    for place in range(0, 1 << 62, BATCH):
        rows = _rows(database, "highlight(search, 1, ?, ?), d.turns", (BEGIN, END), match, among, BATCH, place)
        for id, kind, title, at, text, turns in rows:
            if said := own_snippet(text, turns, terms, every, marks):
                found.append(Found(id, kind, title, moment(at), said))
            if len(found) == limit:
                return found
        if len(rows) < BATCH:
            break
    return found


def _rows(
    database: Database, shown: str, values: tuple[Any, ...], match: str, among: Among, limit: int, start: int
) -> list[tuple[Any, ...]]:
    conditions = list(among.conditions())
    where = "".join(f" AND {sql}" for sql, _ in conditions)
    wanted = (value for _, some in conditions for value in some)
    return database.rows(
        f"SELECT d.id, d.kind, d.title, d.at, {shown} FROM search JOIN documents d ON d.number = search.rowid"
        f" WHERE search MATCH ?{where} ORDER BY bm25(search, ?, 1.0), d.number LIMIT ? OFFSET ?",
        (*values, match, *wanted, TITLE_WEIGHT, limit, start),
    )

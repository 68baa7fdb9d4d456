"""Full-text search that takes any text as a query: the operators of FTS5 never reach it."""

from __future__ import annotations

from mlxtwin.vault.connection import Database
from mlxtwin.vault.rows import Found, clean, moment

MOST_TERMS = 24
TITLE_WEIGHT = 4.0
SNIPPET_WORDS = 24


def find(database: Database, query: str, limit: int, marks: tuple[str, str]) -> list[Found]:
    """All the words, the last one as the beginning of a word; if that finds nothing, any of them."""
    terms = terms_of(query)
    if not terms or limit < 1:
        return []
    return _matches(database, " AND ".join(terms) + " *", limit, marks) or (
        _matches(database, " OR ".join(terms), limit, marks) if len(terms) > 1 else []
    )


def terms_of(query: str) -> list[str]:
    """Each word in double quotes, where FTS5 splits it as it split the text; words without a letter or digit go."""
    words = clean(query).replace("\0", " ").replace('"', " ").split()
    return [f'"{word}"' for word in words if any(letter.isalnum() for letter in word)][:MOST_TERMS]


def _matches(database: Database, match: str, limit: int, marks: tuple[str, str]) -> list[Found]:
    rows = database.rows(
        "SELECT d.id, d.kind, d.title, d.at, snippet(search, -1, ?, ?, '…', ?) FROM search"
        " JOIN documents d ON d.number = search.rowid WHERE search MATCH ? ORDER BY bm25(search, ?, 1.0) LIMIT ?",
        (*marks, SNIPPET_WORDS, match, TITLE_WEIGHT, limit),
    )
    return [Found(id, kind, title, moment(at), " ".join(snippet.split())) for id, kind, title, at, snippet in rows]

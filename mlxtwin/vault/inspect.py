"""Looking at the vault as a whole: is it sound, and what is in it."""

from __future__ import annotations

from typing import Any

from mlxtwin.errors import TwinError
from mlxtwin.vault.connection import Database
from mlxtwin.vault.preferences import counts
from mlxtwin.vault.rows import EFFECTIVE_TIER, KEPT, REASON, STORED_COLUMNS, VaultStats, stored_document

MOST_PROBLEMS = 20


def problems(database: Database) -> list[str]:
    """Sentences of ours and row numbers only; what the checks print is cut at 20 lines each."""
    checks = (_broken_seals, _broken_pages, _broken_index, _broken_rows)
    return [problem for check in checks for problem in check(database)[:MOST_PROBLEMS]]


def _broken_seals(database: Database) -> list[str]:
    return [f"The seal of a page does not hold: {line}." for line in _lines(database, "PRAGMA cipher_integrity_check")]


def _broken_pages(database: Database) -> list[str]:
    lines = _lines(database, f"PRAGMA integrity_check({MOST_PROBLEMS})")
    return [f"The database is not sound: {line}." for line in lines if line != "ok"]


def _broken_index(database: Database) -> list[str]:
    checked = {"search": "documents", "message_search": "conversations"}
    return [
        f"The full-text index does not match the {of}." for table, of in checked.items() if not _holds(database, table)
    ]


def _holds(database: Database, table: str) -> bool:
    try:
        with database.write() as connection:
            connection.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 1)")
    except TwinError:
        return False
    return True


def _broken_rows(database: Database) -> list[str]:
    sql = f"SELECT number, {STORED_COLUMNS} FROM documents WHERE number > ? ORDER BY number LIMIT 500"
    found: list[str] = []
    last = 0
    try:
        while len(found) < MOST_PROBLEMS and (rows := database.rows(sql, (last,))):
            found += [f"Document number {row[0]} cannot be read." for row in rows if not _readable(row[1:])]
            last = rows[-1][0]
    except TwinError as error:
        found.append(error.message)
    return found


def _readable(row: tuple[Any, ...]) -> bool:
    try:
        return stored_document(row).document.id == str(row[0])
    except (ValueError, KeyError, TypeError):
        return False


def _lines(database: Database, sql: str) -> list[str]:
    try:
        return [str(line) for (line,) in database.rows(sql)]
    except TwinError as error:
        return [error.message.removesuffix(".")]


def vault_stats(database: Database) -> VaultStats:
    kinds = database.rows(f"SELECT kind, count(*), sum({KEPT}), sum(words_by_me) FROM documents GROUP BY kind")
    tiers = database.rows(
        f"SELECT {EFFECTIVE_TIER} AS effective, count(*), sum(words_by_me) FROM documents"
        f" WHERE {KEPT} AND effective IS NOT NULL GROUP BY effective"
    )
    languages = database.rows(
        f"SELECT language, count(*), sum(words_by_me) FROM documents WHERE {KEPT} GROUP BY language"
        " ORDER BY count(*) DESC, language"
    )
    dropped = database.rows(
        f"SELECT CASE WHEN decided THEN {REASON} ELSE importer_drop END AS why, count(*) FROM documents"
        " WHERE why != '' GROUP BY why ORDER BY count(*) DESC, why"
    )
    corrections, ratings = counts(database)
    return VaultStats(
        by_kind={kind: {"documents": n, "kept": kept, "words_by_me": words} for kind, n, kept, words in kinds},
        by_tier={tier: {"documents": n, "words": words} for tier, n, words in tiers},
        dropped=dict(dropped),
        corrections=corrections,
        ratings=ratings,
        by_language={language: {"documents": n, "words": words} for language, n, words in languages},
    )

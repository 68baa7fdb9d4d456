"""What the person thought of the twin's answers: corrections, kept as preference pairs, and ratings.

The id of a record is ``correction-N`` or ``rating-N``; a number is never given twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from mlxtwin.records import Message, PreferencePair, Rating
from mlxtwin.vault.connection import Database
from mlxtwin.vault.rows import clean

_TABLES = {"correction": "pairs", "rating": "ratings"}


def put_pair(
    database: Database, slot: str, version: int | None, prompt: Sequence[Message], chosen: str, rejected: str
) -> str:
    """The id. The same correction of the same answer is kept once."""
    values = (clean(slot), version, _prompt_json(prompt), clean(chosen), clean(rejected))
    with database.write() as connection:
        connection.execute(
            "DELETE FROM pairs WHERE slot = ? AND version IS ? AND prompt = ? AND chosen = ? AND rejected = ?", values
        )
        row = connection.execute(
            "INSERT INTO pairs (slot, version, prompt, chosen, rejected, created) VALUES (?, ?, ?, ?, ?, ?)",
            (*values, _now()),
        )
        return f"correction-{row.lastrowid}"


def put_rating(
    database: Database, slot: str, version: int | None, prompt: Sequence[Message], answer: str, good: bool
) -> str:
    """The id. A second rating of the same answer takes the place of the first."""
    values = (clean(slot), version, _prompt_json(prompt), clean(answer))
    with database.write() as connection:
        connection.execute("DELETE FROM ratings WHERE slot = ? AND version IS ? AND prompt = ? AND answer = ?", values)
        row = connection.execute(
            "INSERT INTO ratings (slot, version, prompt, answer, good, created) VALUES (?, ?, ?, ?, ?, ?)",
            (*values, good, _now()),
        )
        return f"rating-{row.lastrowid}"


def pairs(database: Database, slot: str) -> list[PreferencePair]:
    rows = database.rows("SELECT id, prompt, chosen, rejected, version FROM pairs WHERE slot = ? ORDER BY id", (slot,))
    return [
        PreferencePair(f"correction-{id}", _prompt(prompt), chosen, rejected, version)
        for id, prompt, chosen, rejected, version in rows
    ]


def ratings(database: Database, slot: str) -> list[Rating]:
    rows = database.rows("SELECT id, prompt, answer, good, version FROM ratings WHERE slot = ? ORDER BY id", (slot,))
    return [
        Rating(f"rating-{id}", _prompt(prompt), answer, bool(good), version)
        for id, prompt, answer, good, version in rows
    ]


def forget(database: Database, id: str) -> bool:
    """Remove a correction or a rating, also from the write-ahead log; False if there was none."""
    found = re.fullmatch(r"(correction|rating)-(\d{1,18})", id)
    if not found:
        return False
    with database.write() as connection:
        sql = f"DELETE FROM {_TABLES[found[1]]} WHERE id = ?"
        gone = connection.execute(sql, (int(found[2]),)).rowcount > 0
    database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    return bool(gone)


def counts(database: Database) -> tuple[int, int]:
    """Corrections and ratings, of all slots."""
    pairs, ratings = database.rows("SELECT (SELECT count(*) FROM pairs), (SELECT count(*) FROM ratings)")[0]
    return int(pairs), int(ratings)


def _prompt_json(prompt: Sequence[Message]) -> str:
    return json.dumps([[message.role, clean(message.content)] for message in prompt], ensure_ascii=False)


def _prompt(text: str) -> tuple[Message, ...]:
    return tuple(Message(role, content) for role, content in json.loads(text))


def _now() -> str:
    return datetime.now(UTC).isoformat()

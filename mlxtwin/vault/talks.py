"""Conversations: their pages, what was thought of each answer, and finding one again by its words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mlxtwin.vault.connection import Database
from mlxtwin.vault.rows import ConversationRow, StoredMessage, conversation_row, stored_message
from mlxtwin.vault.search import terms_of

OPENING_CHARACTERS = 80
SNIPPET_WORDS = 16
_MESSAGE = "id, role, content, slot, version, complete, at"
_COUNT = "(SELECT count(*) FROM messages WHERE conversation = c.id)"
# An answer is known again by what it said, to what, and who gave it.
_PROMPT = (
    "(SELECT content FROM messages p WHERE p.conversation = m.conversation AND p.id < m.id AND p.role = 'user'"
    " ORDER BY p.id DESC LIMIT 1)"
)
_SAME = "o.slot = m.slot AND o.version = m.version AND json_extract(o.prompt, '$[#-1][1]') = " + _PROMPT
_GOOD = f"(SELECT good FROM ratings o WHERE o.answer = m.content AND {_SAME} ORDER BY o.id DESC LIMIT 1)"
_BETTER = f"(SELECT chosen FROM pairs o WHERE o.rejected = m.content AND {_SAME} ORDER BY o.id DESC LIMIT 1)"


@dataclass(frozen=True, slots=True)
class Told:
    """A message and, of an answer, what the person thought of it: ``good`` or not, and how they would have said it."""

    message: StoredMessage
    good: bool | None = None
    better: str = ""


def messages(database: Database, conversation: int) -> list[StoredMessage]:
    rows = database.rows(f"SELECT {_MESSAGE} FROM messages WHERE conversation = ? ORDER BY id", (conversation,))
    return [stored_message(row) for row in rows]


def page(database: Database, conversation: int, before: int | None, after: int | None, limit: int) -> list[Told]:
    """The messages next to an id, the oldest first."""
    backwards = after is None
    beside = "m.id > ?" if after is not None else "m.id < ?"
    rows = database.rows(
        f"SELECT {_MESSAGE}, CASE role WHEN 'assistant' THEN {_GOOD} END,"
        f" CASE role WHEN 'assistant' THEN {_BETTER} END"
        f" FROM messages m WHERE conversation = ? AND {beside} ORDER BY id {'DESC' if backwards else ''} LIMIT ?",
        (conversation, after if after is not None else (2**62 if before is None else before), limit),
    )
    return [_told(row) for row in (reversed(rows) if backwards else rows)]


def _told(row: tuple[Any, ...]) -> Told:
    return Told(stored_message(row[:7]), None if row[7] is None else bool(row[7]), row[8] or "")


def conversations(database: Database, limit: int) -> list[ConversationRow]:
    rows = database.rows(
        f"SELECT id, slot, base, started, {_COUNT},"
        f" coalesce((SELECT substr(content, 1, {OPENING_CHARACTERS}) FROM messages WHERE conversation = c.id"
        " AND role = 'user' ORDER BY id LIMIT 1), '') FROM conversations c ORDER BY id DESC LIMIT ?",
        (limit,),
    )
    return [conversation_row(row) for row in rows]


def search(database: Database, query: str, limit: int) -> list[ConversationRow]:
    """Words of three letters and more also as the beginning of a longer one, for the person is still typing."""
    terms = terms_of(query)
    if not terms or limit < 1:
        return []
    rows = database.rows(
        f"SELECT c.id, c.slot, c.base, c.started, {_COUNT}, snippet(message_search, 0, '', '', '…', {SNIPPET_WORDS})"
        " FROM message_search JOIN messages m ON m.id = message_search.rowid JOIN conversations c"
        " ON c.id = m.conversation WHERE message_search MATCH ? AND message_search.rowid IN ("
        "  SELECT max(n.id) FROM message_search s JOIN messages n ON n.id = s.rowid WHERE message_search MATCH ?"
        "  GROUP BY n.conversation ORDER BY max(n.id) DESC LIMIT ?) ORDER BY m.id DESC",
        (match := " AND ".join(terms) + " *", match, limit),
    )
    return [conversation_row(row) for row in rows]


def forget_messages(database: Database, ids: Iterable[int]) -> None:
    with database.write() as connection:
        connection.executemany("DELETE FROM messages WHERE id = ?", [(id,) for id in ids])
    database.rows("PRAGMA wal_checkpoint(TRUNCATE)")


def forget(database: Database, conversation: int) -> bool:
    with database.write() as connection:
        gone = connection.execute("DELETE FROM conversations WHERE id = ?", (conversation,)).rowcount > 0
    database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    return bool(gone)

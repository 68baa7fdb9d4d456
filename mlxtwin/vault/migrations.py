"""The schema, as a list of steps: each is applied once, in a transaction; the schema version is their number.

A step that was ever released is never edited: a change is a new step at the end.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

# sqlcipher3 has no type information; this stands for its Connection.
Connection = Any


def _documents(connection: Connection) -> None:
    """``text`` holds the words of all turns, a line feed between; ``turns`` the rest of each as JSON, with the length
    of its part in characters. ``digest`` is over all that a second import could change.
    """
    connection.execute("""
        CREATE TABLE documents (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            kind TEXT NOT NULL,
            source TEXT NOT NULL,
            key TEXT NOT NULL,
            title TEXT NOT NULL,
            at TEXT,
            thread TEXT NOT NULL,
            origin TEXT NOT NULL,
            importer_drop TEXT NOT NULL,
            text TEXT NOT NULL,
            turns TEXT NOT NULL,
            words_by_me INTEGER NOT NULL,
            digest BLOB NOT NULL,
            decided INTEGER NOT NULL DEFAULT 0,
            tier INTEGER,
            forced_tier INTEGER,
            reason TEXT NOT NULL DEFAULT '',
            signature BLOB NOT NULL DEFAULT x''
        )""")
    connection.execute("CREATE INDEX documents_undecided ON documents (number) WHERE NOT decided")


def _search(connection: Connection) -> None:
    """The index reads its text from the documents, so the words are stored once."""
    connection.execute("""
        CREATE VIRTUAL TABLE search USING fts5 (
            title, text, content='documents', content_rowid='number', tokenize='unicode61 remove_diacritics 2'
        )""")
    # So that a forgotten document's words leave the index at once, not at some later merge.
    connection.execute("INSERT INTO search (search, rank) VALUES ('secure-delete', 1)")


def _names(connection: Connection) -> None:
    connection.execute("CREATE TABLE names (name TEXT PRIMARY KEY) WITHOUT ROWID")


def _conversations(connection: Connection) -> None:
    connection.execute("""
        CREATE TABLE conversations (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            slot TEXT NOT NULL,
            base TEXT NOT NULL,
            started TEXT NOT NULL
        )""")
    connection.execute("""
        CREATE TABLE messages (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            conversation INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
            role TEXT NOT NULL,
            content TEXT NOT NULL,
            slot TEXT NOT NULL,
            version INTEGER NOT NULL,
            complete INTEGER NOT NULL,
            at TEXT NOT NULL
        )""")
    connection.execute("CREATE INDEX messages_by_conversation ON messages (conversation, id)")


def _forgotten(connection: Connection) -> None:
    """Ids alone: enough to know a document again, and nothing of what it said."""
    connection.execute("CREATE TABLE forgotten (id TEXT PRIMARY KEY) WITHOUT ROWID")


def _preferences(connection: Connection) -> None:
    """``prompt``: the messages before the answer as JSON, [role, content] each; ``version`` gave the answer that was
    rejected or rated, NULL for the bare base."""
    connection.execute("""
        CREATE TABLE pairs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            slot TEXT NOT NULL,
            version INTEGER,
            prompt TEXT NOT NULL,
            chosen TEXT NOT NULL,
            rejected TEXT NOT NULL,
            created TEXT NOT NULL
        )""")
    connection.execute("""
        CREATE TABLE ratings (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            slot TEXT NOT NULL,
            version INTEGER,
            prompt TEXT NOT NULL,
            answer TEXT NOT NULL,
            good INTEGER NOT NULL,
            created TEXT NOT NULL
        )""")


def _by_hand(connection: Connection) -> None:
    """``forced_keep``: 1 kept and 0 dropped by the person's own hand, NULL as curation says. The index holds all that a
    list is filtered and ordered by, so that a scan of it reads no document."""
    connection.execute("ALTER TABLE documents ADD COLUMN forced_keep INTEGER")
    connection.execute("""
        CREATE INDEX documents_listed ON documents (
            at, kind, source, decided, reason, forced_keep, tier, forced_tier
        )""")


def _message_search(connection: Connection) -> None:
    """The words of conversations; triggers keep it, so that it also holds when a conversation goes as a whole."""
    connection.execute("""
        CREATE VIRTUAL TABLE message_search USING fts5 (
            content, content='messages', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
        )""")
    connection.execute("INSERT INTO message_search (message_search, rank) VALUES ('secure-delete', 1)")
    connection.execute("""
        CREATE TRIGGER message_added AFTER INSERT ON messages BEGIN
            INSERT INTO message_search (rowid, content) VALUES (new.id, new.content);
        END""")
    connection.execute("""
        CREATE TRIGGER message_removed AFTER DELETE ON messages BEGIN
            INSERT INTO message_search (message_search, rowid, content) VALUES ('delete', old.id, old.content);
        END""")
    connection.execute("INSERT INTO message_search (message_search) VALUES ('rebuild')")


def _curation(connection: Connection) -> None:
    """``cuts`` as `vault.cuts` writes them; ``rules``: the number of the rules a document was decided by. ``marks``:
    hashes of what the person and others wrote, and when, in minutes since 1970, NULL where that is not known.

    ``keys`` hold random bytes of this vault: the same value gets the same placeholder in every dataset made of it.
    """
    added = ("language TEXT NOT NULL DEFAULT ''", "quality REAL", "cuts TEXT NOT NULL DEFAULT ''")
    for column in (*added, "rules INTEGER NOT NULL DEFAULT 0"):
        connection.execute(f"ALTER TABLE documents ADD COLUMN {column}")
    connection.execute("""
        CREATE TABLE marks (
            number INTEGER PRIMARY KEY REFERENCES documents (number) ON DELETE CASCADE,
            minute INTEGER,
            own BLOB NOT NULL,
            other BLOB NOT NULL
        )""")
    connection.execute("CREATE TABLE keys (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID")
    connection.execute("INSERT INTO keys VALUES ('placeholders', ?)", (secrets.token_bytes(32),))
    connection.execute("DROP INDEX documents_listed")
    connection.execute("""
        CREATE INDEX documents_listed ON documents (
            at, kind, source, decided, reason, forced_keep, tier, forced_tier, language, rules
        )""")


def _imported(connection: Connection) -> None:
    """``files``, ``result`` and ``documents`` as `vault.imported` tells."""
    connection.execute("""
        CREATE TABLE imported (
            place BLOB PRIMARY KEY,
            reader BLOB NOT NULL,
            files TEXT NOT NULL,
            result TEXT NOT NULL,
            documents BLOB NOT NULL
        )""")


def _mark_times(connection: Connection) -> None:
    """Of each mark its own minute, where they are not all the document's; see `curate.marks`."""
    for column in ("own_minutes", "other_minutes"):
        connection.execute(f"ALTER TABLE marks ADD COLUMN {column} BLOB NOT NULL DEFAULT x''")


MIGRATIONS: list[Callable[[Connection], None]] = [
    _documents,
    _search,
    _names,
    _conversations,
    _forgotten,
    _preferences,
    _by_hand,
    _message_search,
    _curation,
    _imported,
    _mark_times,
]

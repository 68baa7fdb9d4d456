from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import Any

from . import Case

# 2 March 2024, 10:00, in seconds since 2001.
START = 731066400
NANOSECONDS = 10**9
TABLES = """
    CREATE TABLE handle (ROWID INTEGER PRIMARY KEY, id TEXT, service TEXT, UNIQUE (id, service));
    CREATE TABLE chat (ROWID INTEGER PRIMARY KEY, guid TEXT UNIQUE, chat_identifier TEXT, display_name TEXT);
    CREATE TABLE chat_handle_join (chat_id INTEGER, handle_id INTEGER, UNIQUE (chat_id, handle_id));
    CREATE TABLE chat_message_join (chat_id INTEGER, message_id INTEGER, PRIMARY KEY (chat_id, message_id));
    CREATE TABLE message (
        ROWID INTEGER PRIMARY KEY, guid TEXT UNIQUE, text TEXT, attributedBody BLOB, subject TEXT, handle_id INTEGER,
        date INTEGER, is_from_me INTEGER DEFAULT 0, item_type INTEGER DEFAULT 0, group_action_type INTEGER DEFAULT 0,
        associated_message_type INTEGER DEFAULT 0, balloon_bundle_id TEXT, thread_originator_guid TEXT,
        date_edited INTEGER DEFAULT 0, message_summary_info BLOB, is_forward INTEGER DEFAULT 0
    );
"""


def archived(text: str) -> bytes:
    """An attributed string as newer systems store it."""
    data = text.encode()
    size = len(data)
    length = bytes([size]) if size < 128 else b"\x81" + size.to_bytes(2, "little")
    if size >= 2**15:
        length = b"\x82" + size.to_bytes(4, "little")
    classes = b"\x84\x84\x84\x12NSAttributedString\x00\x84\x84\x08NSObject\x00\x85\x92\x84\x84\x84\x08NSString\x01\x94"
    return b"\x04\x0bstreamtyped\x81\xe8\x03\x84\x01@" + classes + b"\x84\x01+" + length + data + b"\x86\x84\x02iI\x01"


def new_database(place: str = ":memory:") -> sqlite3.Connection:
    """The tables of Messages, with Bob as handle 1 and a chat with him as chat 1."""
    database = sqlite3.connect(place)
    database.executescript(TABLES)
    database.execute("INSERT INTO handle VALUES (1, 'bob@example.org', 'iMessage')")
    database.execute("INSERT INTO chat VALUES (1, 'iMessage;-;bob@example.org', 'bob@example.org', NULL)")
    return database


def say(database: sqlite3.Connection, text: str | None, minute: int, mine: bool = False, **more: Any) -> int:
    """A message in chat 1, or in ``chat``; returns its number, and its guid is that with an m before it."""
    chat = more.pop("chat", 1)
    number = int(database.execute("SELECT coalesce(max(ROWID), 0) + 1 FROM message").fetchone()[0])
    row = {
        "ROWID": number,
        "guid": f"m{number}",
        "text": text,
        "handle_id": 0 if mine else 1,
        "date": (START + 60 * minute) * NANOSECONDS,
        "is_from_me": int(mine),
        **more,
    }
    marks = ", ".join("?" * len(row))
    database.execute(f"INSERT INTO message ({', '.join(row)}) VALUES ({marks})", list(row.values()))
    database.execute("INSERT INTO chat_message_join (chat_id, message_id) VALUES (?, ?)", (chat, number))
    return number


def _export() -> bytes:
    database = new_database()
    say(database, "How do you bake the rye?", 1)
    say(database, None, 2, mine=True, attributedBody=archived("With patience and a hot stone."))
    say(database, "Loved “With patience and a hot stone.”", 3, associated_message_type=2000)
    say(database, "It rose at last.", 4)
    database.commit()
    return database.serialize()


CASE = Case(
    "imessage", "chat.db", _export(), (), ("With patience",), ("How do you bake", "rose"),
    datetime(2024, 3, 2, 10, 1, tzinfo=UTC), lines=False,
)  # fmt: skip

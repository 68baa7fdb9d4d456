from __future__ import annotations

import gzip
import sqlite3
from datetime import UTC, datetime
from typing import Any

from . import Case

START = 731066400  # 2 March 2024, 10:00, in seconds since 2001
TABLES = """
    CREATE TABLE ZICNOTEDATA (Z_PK INTEGER PRIMARY KEY, ZNOTE INTEGER, ZDATA BLOB);
    CREATE TABLE ZICCLOUDSYNCINGOBJECT (
        Z_PK INTEGER PRIMARY KEY, ZIDENTIFIER VARCHAR, ZTITLE1 VARCHAR, ZTITLE2 VARCHAR, ZFOLDER INTEGER,
        ZFOLDERTYPE INTEGER, ZCREATIONDATE1 TIMESTAMP, ZMARKEDFORDELETION INTEGER, ZISPASSWORDPROTECTED INTEGER,
        ZSERVERSHAREDATA BLOB, ZZONEOWNERNAME VARCHAR, ZTYPEUTI1 VARCHAR, ZALTTEXT VARCHAR
    );
    INSERT INTO ZICCLOUDSYNCINGOBJECT (Z_PK, ZTITLE2, ZFOLDERTYPE) VALUES (1, 'Notes', 0), (2, 'Gone', 1);
"""


def number(value: int) -> bytes:
    """A number in as many bytes as it needs, seven bits each."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(place: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return number(place << 3) + number(value)
    return number(place << 3 | 2) + number(len(value)) + value


def run(
    text: str, kind: int = -1, *, indent: int = 0, done: bool = False, quoted: bool = False, tag: str = ""
) -> bytes:
    """The run that says how ``text`` is set."""
    style = field(1, kind) if kind >= 0 else b""
    style += field(4, indent) if indent else b""
    style += field(5, field(2, 1)) if done else b""
    style += field(8, 1) if quoted else b""
    units = len(text.encode("utf-16-le")) // 2
    attached = field(12, field(1, tag.encode()) + field(2, b"x")) if tag else b""
    return field(5, field(1, units) + (field(2, style) if style else b"") + attached)


def packed(text: str, *runs: bytes) -> bytes:
    note = field(2, text.encode()) + b"".join(runs)
    return gzip.compress(field(2, field(2, 1) + field(3, note)), mtime=0)


def new_database() -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    database.executescript(TABLES)
    return database


def keep(database: sqlite3.Connection, name: str, data: bytes | None, title: str = "Bread", **more: Any) -> None:
    """A note in the folder that is no trash."""
    row = {"ZIDENTIFIER": name, "ZTITLE1": title, "ZFOLDER": 1, "ZCREATIONDATE1": START, **more}
    marks = ", ".join("?" * len(row))
    into = f"INSERT INTO ZICCLOUDSYNCINGOBJECT ({', '.join(row)}) VALUES ({marks})"
    place = database.execute(into, list(row.values())).lastrowid
    database.execute("INSERT INTO ZICNOTEDATA (ZNOTE, ZDATA) VALUES (?, ?)", (place, data))
    database.commit()


def _export() -> bytes:
    database = new_database()
    title, asked, answer = "Bread\n", "How do you bake the rye?\n", "With patience and a hot stone."
    keep(database, "N-1", packed(title + asked + answer, run(title, 0), run(asked, quoted=True), run(answer)))
    return database.serialize()


CASE = Case(
    "applenotes", "NoteStore.sqlite", _export(), (), ("With patience",), ("How do you bake",),
    datetime(2024, 3, 2, 10, tzinfo=UTC), lines=False,
)  # fmt: skip

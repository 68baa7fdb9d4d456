"""Notes of Apple's: ``NoteStore.sqlite``, where it lies or a copy, and on a Mac the program itself.

The database lies in ``~/Library/Group Containers/group.com.apple.notes``; to read it there, the terminal needs Full
Disk Access. `AppleNotes.from_program` asks Notes itself, which needs no more than its consent. Text is the person's
but for quotes and code; deleted and locked notes are left out, and a note shared with others is context, since it does
not tell who wrote what. Not covered: tables, drawings, attachments, notes of before 2015.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator
from datetime import datetime

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person, Turn
from mlxtwin.sources.apple_database import columns_of, database_of, one_line
from mlxtwin.sources.applenotes_script import export_with_applescript
from mlxtwin.sources.applenotes_text import Damaged, paragraphs, parts
from mlxtwin.sources.base import relative_name
from mlxtwin.sources.database import has_tables
from mlxtwin.sources.files import File
from mlxtwin.sources.moments import APPLE, since
from mlxtwin.wording import plural

ME = "me"
_OBJECTS, _DATA = "ZICCLOUDSYNCINGOBJECT", "ZICNOTEDATA"
_USUAL_PLACE = "~/Library/Group Containers/group.com.apple.notes/NoteStore.sqlite"
# Columns of a note by our names, the newest system's first; not every system has each.
_COLUMNS = {
    "identifier": ("ZIDENTIFIER",),
    "title": ("ZTITLE1",),
    "made": ("ZCREATIONDATE3", "ZCREATIONDATE2", "ZCREATIONDATE1"),
    "deleted": ("ZMARKEDFORDELETION",),
    "locked": ("ZISPASSWORDPROTECTED",),
    "folder": ("ZFOLDER",),
    "share": ("ZSERVERSHAREDATA",),
    "owner": ("ZZONEOWNERNAME",),
}
_FOLDER_COLUMNS = {
    "identifier": ("ZIDENTIFIER",),
    "kind": ("ZFOLDERTYPE",),
    "deleted": ("ZMARKEDFORDELETION",),
    "share": ("ZSERVERSHAREDATA",),
    "owner": ("ZZONEOWNERNAME",),
}
_OWN_ZONE = "__defaultOwner__"
_TRASH = 1
_TAG = "com.apple.notes.inlinetextattachment"


class AppleNotes:
    """See the module; ``Document.key`` is the note's own identifier, the same on all devices of the account."""

    name = "applenotes"
    kind: Kind = "note"

    def recognises(self, file: File) -> float:
        return 0.95 if has_tables(file, _OBJECTS, _DATA) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        return iter(())

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        origin = relative_name(file, root)
        damaged = 0
        with database_of(file, "Notes", _USUAL_PLACE, (_OBJECTS, _DATA)) as database:
            store = _Store(database)
            for row in store.notes():
                try:
                    yield store.document(row, origin)
                except Damaged:
                    damaged += 1
        if damaged:
            raise SourceError(f"{file.name} holds {plural(damaged, 'note')} whose text cannot be read.")

    def from_program(self) -> Generator[Document, None, None]:
        """The notes as the program Notes tells them. Raises SourceError, also where there is no such program."""
        return export_with_applescript()


class _Store:
    """The database while its notes are read one after the other."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._columns = columns_of(database, _OBJECTS)
        self._tags = self._words_of_tags()
        self._seen: set[str] = set()

    def notes(self) -> Iterator[sqlite3.Row]:
        """The notes in the order in which they were made."""
        chosen = ", ".join(self._named("n", name, columns) for name, columns in _COLUMNS.items())
        query = (
            f"SELECT n.Z_PK AS number, d.ZDATA AS data, {chosen} FROM {_DATA} d JOIN {_OBJECTS} n ON n.Z_PK = d.ZNOTE"
        )
        return iter(self._database.execute(query))

    def document(self, row: sqlite3.Row, origin: str) -> Document:
        """One note. Raises Damaged."""
        key = self._key(row)
        at = since(APPLE, row["made"])
        folder = self._folder(row["folder"])
        drop = _why_left_out(row, folder)
        title = "" if drop else one_line(row["title"])
        turns = () if drop else self._turns(row, title, at)
        shared = not drop and (_is_shared(row) or (folder is not None and _is_shared(folder)))
        if shared:
            turns = tuple(Turn("", False, turn.text, "received", at) for turn in turns)
        if not drop and not any(turn.trainable for turn in turns):
            drop = "shared" if shared else "not by me" if turns else "empty"
        return Document("note", AppleNotes.name, key, title, turns, at, key, f"{origin}#{row['number']}", drop)

    def _key(self, row: sqlite3.Row) -> str:
        key = one_line(row["identifier"]) or f"note {row['number']}"
        key = key if key not in self._seen else f"{key} {row['number']}"
        self._seen.add(key)
        return key

    def _turns(self, row: sqlite3.Row, title: str, at: datetime | None) -> tuple[Turn, ...]:
        data = row["data"]
        told = paragraphs(data, self._tags) if isinstance(data, bytes) and data else []
        return tuple(
            Turn("", False, words, "quoted", at) if quoted else Turn(ME, True, words, "own", at)
            for quoted, words in parts(told, title)
        )

    def _folder(self, number: object) -> sqlite3.Row | None:
        chosen = ", ".join(self._named("f", name, columns) for name, columns in _FOLDER_COLUMNS.items())
        query = f"SELECT {chosen} FROM {_OBJECTS} f WHERE f.Z_PK = ?"
        found: sqlite3.Row | None = self._database.execute(query, (number,)).fetchone()
        return found

    def _named(self, table: str, name: str, columns: tuple[str, ...]) -> str:
        """The first of some columns that has a value, under our name for it."""
        there = [f"{table}.{column}" for column in columns if column in self._columns]
        return f"coalesce({', '.join([*there, 'NULL', 'NULL'])}) AS {name}"

    def _words_of_tags(self) -> dict[str, str]:
        """The words of tags and mentions, which stand in a note as attachments."""
        if not {"ZIDENTIFIER", "ZTYPEUTI1", "ZALTTEXT"} <= self._columns:
            return {}
        query = f"SELECT ZIDENTIFIER, ZALTTEXT FROM {_OBJECTS} WHERE ZTYPEUTI1 LIKE '{_TAG}%'"
        return {str(name): one_line(words) for name, words in self._database.execute(query)}


def _why_left_out(row: sqlite3.Row, folder: sqlite3.Row | None) -> str:
    trashed = folder is not None and (
        folder["deleted"] == 1 or folder["kind"] == _TRASH or str(folder["identifier"]).startswith("TrashFolder")
    )
    if row["deleted"] == 1 or trashed:
        return "deleted"
    return "locked" if row["locked"] == 1 else ""


def _is_shared(row: sqlite3.Row) -> bool:
    return bool(row["share"]) or row["owner"] not in (None, "", _OWN_ZONE)

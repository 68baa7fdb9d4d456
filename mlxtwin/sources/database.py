"""SQLite databases of other programs, opened for reading only."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from mlxtwin.errors import SourceError
from mlxtwin.sources.base import read_head, unreadable
from mlxtwin.sources.files import File
from mlxtwin.sources.reader_limits import room_for_an_index

MAGIC = b"SQLite format 3\x00"
# A member of an archive is read into memory, for nothing personal is unpacked to disk.
MOST_ARCHIVED_BYTES = 256 * 1024 * 1024
_HEADER_BYTES = 100
_LOGGED, _UNLOGGED = slice(18, 20), b"\1\1"
FULL_DISK_ACCESS = (
    "On a Mac, allow it in System Settings, Privacy & Security, Full Disk Access, for your terminal; then run it again."
)


def is_database(file: File) -> bool:
    return read_head(file, len(MAGIC)) == MAGIC


def has_tables(file: File, *names: str) -> bool:
    """Whether it is a database with these tables; raises nothing."""
    if not is_database(file):
        return False
    try:
        with opened(file) as database:
            found = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except (SourceError, sqlite3.Error):
        return False
    return set(names) <= found


@contextmanager
def opened(file: File) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write, with rows by name. Raises SourceError, also for what is wrong while it is read.

    A file on disk is read where it is: a copy would be personal data in the clear, and a write-ahead log beside it,
    where the newest rows may be, is read along.
    """
    try:
        with room_for_an_index(), closing(_connect(file)) as database:
            database.row_factory = sqlite3.Row
            database.execute("PRAGMA trusted_schema = OFF")
            database.execute("PRAGMA query_only = ON")
            database.execute("PRAGMA temp_store = MEMORY")  # what is sorted is personal too
            yield database
    except PermissionError as error:
        raise SourceError(unreadable(file, error).message, FULL_DISK_ACCESS) from None
    except OSError as error:
        raise unreadable(file, error) from None
    except (sqlite3.Error, UnicodeDecodeError) as error:  # what is damaged may be said in damaged words
        denied = "unable to open" in str(error) or "authorization denied" in str(error)
        why = "cannot be opened" if denied else "is damaged, or another program holds it"
        raise SourceError(f"{file.name} {why}.", FULL_DISK_ACCESS if denied else "Close that program.") from None


def _connect(file: File) -> sqlite3.Connection:
    if isinstance(file, Path):
        with file.open("rb") as source:  # the system's own refusal says more than SQLite's
            logged = _is_logged(source.read(_HEADER_BYTES))
        place = file.resolve()
        # SQLite leaves files beside a database that has no write-ahead log at the moment, unless told that it rests.
        resting = logged and not place.with_name(f"{place.name}-wal").exists()
        mode = "mode=ro&immutable=1" if resting else "mode=ro"
        return sqlite3.connect(f"file:{quote(os.fsencode(place))}?{mode}", uri=True, timeout=5)
    with file.open("rb") as source:
        data = source.read(MOST_ARCHIVED_BYTES + 1)
    if len(data) > MOST_ARCHIVED_BYTES:
        raise SourceError(f"{file.name} is too large to be read inside an archive.", "Unpack it and import it alone.")
    if _is_logged(data):  # in memory there is no log, and SQLite would look for one
        data = b"".join((data[: _LOGGED.start], _UNLOGGED, data[_LOGGED.stop :]))
    database = sqlite3.connect(":memory:")
    database.deserialize(data)
    return database


def _is_logged(data: bytes) -> bool:
    """Whether a database's header says that it has a write-ahead log."""
    return data.startswith(MAGIC) and data[_LOGGED] == b"\2\2"

"""SQLite databases of other programs, opened for reading only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from mlxtwin.errors import SourceError
from mlxtwin.sources.base import read_head, unreadable
from mlxtwin.sources.files import File

MAGIC = b"SQLite format 3\x00"
# A member of an archive is read into memory, for nothing personal is unpacked to disk.
MOST_ARCHIVED_BYTES = 256 * 1024 * 1024
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
        with closing(_connect(file)) as database:
            database.row_factory = sqlite3.Row
            database.execute("PRAGMA trusted_schema = OFF")
            database.execute("PRAGMA query_only = ON")
            yield database
    except OSError as error:
        raise unreadable(file, error) from None
    except sqlite3.Error as error:
        denied = "unable to open" in str(error) or "authorization denied" in str(error)
        why = "cannot be opened" if denied else "is damaged, or another program holds it"
        raise SourceError(f"{file.name} {why}.", FULL_DISK_ACCESS if denied else "Close that program.") from None


def _connect(file: File) -> sqlite3.Connection:
    if isinstance(file, Path):
        with file.open("rb"):  # the system's own refusal says more than SQLite's
            pass
        return sqlite3.connect(f"file:{quote(str(file.resolve()))}?mode=ro", uri=True, timeout=5)
    with file.open("rb") as source:
        data = source.read(MOST_ARCHIVED_BYTES + 1)
    if len(data) > MOST_ARCHIVED_BYTES:
        raise SourceError(f"{file.name} is too large to be read inside an archive.", "Unpack it and import it alone.")
    database = sqlite3.connect(":memory:")
    database.deserialize(data)
    return database

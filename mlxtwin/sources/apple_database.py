"""Opening a database of one of Apple's programs: checked for its tables, tolerant of text that is no UTF-8."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from mlxtwin.errors import SourceError
from mlxtwin.sources.base import clean_text, why_refused
from mlxtwin.sources.database import is_database, opened
from mlxtwin.sources.files import File

# Of one text or object in a row: many times the longest note.
MOST_VALUE_BYTES = 256 * 1024 * 1024


@contextmanager
def database_of(file: File, program: str, usual_place: str, tables: tuple[str, ...]) -> Iterator[sqlite3.Connection]:
    """A connection as `opened` gives it. Raises SourceError, also for a file that is not the ``program``'s."""
    other = SourceError(f"{file.name} is no database of {program}.", f"Import {usual_place}.")
    if not why_refused(file) and not is_database(file):
        raise other
    with opened(file) as database:
        database.text_factory = lambda data: data.decode("utf-8", "replace")
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_VALUE_BYTES)
        if not all(columns_of(database, table) for table in tables):
            raise other
        yield database


def columns_of(database: sqlite3.Connection, table: str) -> set[str]:
    """The names of a table's columns, which differ between systems; none for what is no table: a view may never end."""
    there = "SELECT name FROM sqlite_master WHERE type = 'table'"
    query = f"SELECT name FROM pragma_table_info(?1) WHERE ?1 IN ({there})"
    return {row["name"] for row in database.execute(query, (table,))}


def one_line(value: object) -> str:
    """A name or title of the database on one line; empty for what is no text."""
    return " ".join(clean_text(value).split()) if isinstance(value, str) else ""

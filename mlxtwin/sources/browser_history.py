"""Where browsers keep their visits: one query per kind of database, else the JSON of an export."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlxtwin.errors import SourceError
from mlxtwin.sources import browser_json
from mlxtwin.sources.browser_days import Visit
from mlxtwin.sources.database import has_tables, is_database, opened
from mlxtwin.sources.files import File

_SINCE_1601 = 11_644_473_600
_SINCE_2001 = 978_307_200


@dataclass(frozen=True, slots=True)
class _Kind:
    """``query`` gives time, address and title; a time counts ``unit`` a second from ``start`` after 1970."""

    tables: tuple[str, ...]
    query: str
    unit: float
    start: int = 0
    plain: str = ""


# In each, frames within a page, downloads and pages that did not load are left out; ``plain`` is for older databases,
# which do not tell them.
_KINDS = (
    _Kind(
        ("urls", "visits"),
        "SELECT visits.visit_time, urls.url, urls.title FROM visits JOIN urls ON urls.id = visits.url "
        "WHERE urls.hidden = 0 AND (visits.transition & 255) NOT IN (3, 4)",
        1e6,
        -_SINCE_1601,
        "SELECT visits.visit_time, urls.url, urls.title FROM visits JOIN urls ON urls.id = visits.url",
    ),
    _Kind(
        ("moz_places", "moz_historyvisits"),
        "SELECT visit_date, url, title FROM moz_historyvisits JOIN moz_places ON moz_places.id = place_id "
        "WHERE visit_type NOT IN (4, 7, 8) AND moz_places.hidden = 0",
        1e6,
        0,
        "SELECT visit_date, url, title FROM moz_historyvisits JOIN moz_places ON moz_places.id = place_id",
    ),
    _Kind(
        ("history_items", "history_visits"),
        "SELECT visit_time, url, title FROM history_visits JOIN history_items ON history_items.id = history_item "
        "WHERE load_successful = 1",
        1,
        _SINCE_2001,
        "SELECT visit_time, url, title FROM history_visits JOIN history_items ON history_items.id = history_item",
    ),
    _Kind(
        ("history", "visits", "bookmarks"),
        "SELECT visits.date, url, title FROM visits JOIN history ON history.guid = visits.history_guid "
        "WHERE visit_type NOT IN (4, 7, 8)",
        1e6,
    ),
    _Kind(
        ("History", "CompletionHistory"),
        "SELECT atime, url, title FROM History WHERE redirect = 0",
        1,
    ),
)


def database_of(file: File) -> _Kind | None:
    """Which browser's database a file is, or None."""
    if not is_database(file):
        return None
    return next((kind for kind in _KINDS if has_tables(file, *kind.tables)), None)


def visits(file: File) -> Iterator[Visit]:
    """Every visit in a file, in its own order. Raises SourceError, also half-way."""
    kind = database_of(file)
    if not kind and not is_database(file):
        yield from browser_json.visits(file)
        return
    with opened(file) as database:
        if not kind:
            raise SourceError(f"{file.name} is no browser's history.")
        for at, address, title in _rows(database, kind):
            if isinstance(at, int | float) and isinstance(address, str):
                yield Visit(at / kind.unit + kind.start, address, title if isinstance(title, str) else "")


def _rows(database: sqlite3.Connection, kind: _Kind) -> Iterator[Any]:
    database.text_factory = lambda data: data.decode("utf-8", "replace")
    try:
        cursor = database.execute(kind.query)
    except sqlite3.OperationalError:
        cursor = database.execute(kind.plain or kind.query)
    return iter(cursor)

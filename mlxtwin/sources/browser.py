"""The history of a browser: which pages were open on which day, for memory only.

The databases of Chrome and its kin (Chromium, Brave, Edge, Vivaldi, Opera), Firefox, Safari and qutebrowser, and the
JSON of Google Takeout and of browserexport. One Document per day with the titles of pages and the hosts they are on;
addresses are left out, since what stands in them may be a secret. Not covered: bookmarks, searches, downloads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person, Turn
from mlxtwin.sources.base import relative_name
from mlxtwin.sources.browser_days import Day, days
from mlxtwin.sources.browser_history import database_of, visits
from mlxtwin.sources.browser_json import shape_of
from mlxtwin.sources.files import File

CONTEXT_ONLY = "context only"


class Browser:
    """See the module; ``Document.key`` is the day and the moment of its first visit, which no other browser shares."""

    name = "browser"
    kind: Kind = "event"

    def recognises(self, file: File) -> float:
        with suppress(SourceError):
            return 0.95 if database_of(file) or shape_of(file) else 0.0
        return 0.0

    def authors(self, file: File) -> Iterator[str]:
        return iter(())

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        path = relative_name(file, root)
        for day in days(visits(file)):
            yield _document(day, path)


def _document(day: Day, path: str) -> Document:
    at = datetime.fromtimestamp(day.first, UTC)
    name = f"{at:%Y-%m-%d}"
    title = f"Pages of {at.day} {at:%B %Y}"
    turn = Turn("", False, day.text(), "received", at)
    key = f"{name}|{round(day.first * 1000):x}"
    return Document("event", Browser.name, key, title, (turn,), at, path, f"{path}#{name}", CONTEXT_ONLY)

"""Visits to days: what was open when, each page once, in bounded memory however large the history."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from mlxtwin.errors import SourceError
from mlxtwin.sources.base import clean_text

MOST_PAGES = 300
MOST_TITLE_CHARACTERS = 200
MOST_DAYS = 40_000
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC).timestamp()
_LATEST = datetime(2200, 1, 1, tzinfo=UTC).timestamp()
_ADDRESS = re.compile(r"(?i)\S*(?:://|^www\.)\S*|\S*[?&#;][\w.\[\]%-]{1,60}=\S*")


class Visit(NamedTuple):
    """``at`` in seconds since 1970."""

    at: float
    address: str
    title: str


@dataclass(slots=True)
class Day:
    """``pages``: host and title, with when they were first open that day."""

    first: float
    pages: dict[tuple[str, str], float] = field(default_factory=dict)

    def add(self, at: float, host: str, title: str) -> None:
        self.first = min(self.first, at)
        page = host, title
        if page in self.pages or len(self.pages) < MOST_PAGES:
            self.pages[page] = min(at, self.pages.get(page, at))

    def text(self) -> str:
        told = {host for host, title in self.pages if title}
        lines = []
        for (host, title), at in sorted(self.pages.items(), key=lambda page: (page[1], page[0])):
            if title or host not in told:
                lines.append(f"{datetime.fromtimestamp(at, UTC):%H:%M} {host}" + (f": {title}" if title else ""))
        return "\n".join(lines)


def days(visits: Iterator[Visit]) -> Iterator[Day]:
    """In order; gathered first, since some exports run backwards. Raises SourceError after what it could gather."""
    found: dict[int, Day] = {}
    failure: SourceError | None = None
    try:
        for visit in visits:
            _add(found, visit)
    except SourceError as error:
        failure = error
    for _, day in sorted(found.items()):
        yield day
    if failure:
        raise failure


def _add(found: dict[int, Day], visit: Visit) -> None:
    host = _host(visit.address)
    if not host or not _EARLIEST < visit.at < _LATEST:
        return
    number = int(visit.at // 86_400)
    if number not in found:
        if len(found) >= MOST_DAYS:
            return
        found[number] = Day(visit.at)
    found[number].add(visit.at, host, _title(visit.title))


def _host(address: str) -> str:
    """The host of a page of the web, without a name or password before it; empty for any other address."""
    try:
        parts = urlsplit(address)
        host = parts.hostname if parts.scheme in ("http", "https") else ""
    except ValueError:
        return ""
    return clean_text(host or "").strip().removeprefix("www.")[:200]


def _title(title: str) -> str:
    """A title; browsers put the address where a page has none."""
    return " ".join(_ADDRESS.sub("", " ".join(clean_text(title).split())[:1000]).split())[:MOST_TITLE_CHARACTERS]

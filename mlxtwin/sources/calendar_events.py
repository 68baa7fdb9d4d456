"""Calendars (ics): what happened when, where and with whom, for memory only.

Nothing here is taken for how the person writes: a summary is a few words and often an invitation's. A repeated event is
kept once, with its rule in words; a single date of it that was changed is kept by itself. Not covered: alarms, busy
times, zones that only the file itself defines (their times count as UTC), and the older vCalendar.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person, Turn
from mlxtwin.sources.base import aware, clean_text, head_text, relative_name, text_lines
from mlxtwin.sources.calendar_words import rule_words, when_words
from mlxtwin.sources.dates import moment
from mlxtwin.sources.files import File
from mlxtwin.sources.markup import markdown
from mlxtwin.wording import plural

CONTEXT_ONLY = "context only"
MOST_ENTRY_CHARACTERS = 1024 * 1024
MOST_TEXT_CHARACTERS = 8000
MOST_PEOPLE = 30
_ENTRIES = frozenset(("VEVENT", "VTODO", "VJOURNAL"))
_EDGE = re.compile(r"(?i)(BEGIN|END):([A-Z0-9-]{1,40})\s*$")
_MARKUP = re.compile(r"(?i)<(?:p|br|html|body|div|span|a|b|i|ul|li|table)[\s/>]")


class Calendar:
    """See the module; ``Document.key`` is the entry's own identifier, with the date it was changed for."""

    name = "calendar"
    kind: Kind = "event"

    def recognises(self, file: File) -> float:
        text = head_text(file).lstrip()[:4096].upper()
        if text.startswith("BEGIN:VCALENDAR"):
            return 0.95
        named = file.suffix.casefold() in (".ics", ".ical", ".ifb")
        return 0.9 if named and text.startswith(tuple(f"BEGIN:{entry}" for entry in _ENTRIES)) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        return iter(())

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        path = relative_name(file, root)
        broken = 0
        keys: Counter[str] = Counter()
        scan = _Scan()
        for lines in scan.entries(file):
            entry = _parsed(lines)
            broken += entry is None
            text = _text(entry) if entry is not None else ""
            if text:
                key = _key(entry, text)
                keys[key] += 1
                yield _document(entry, text, path, scan.calendar or path, key, keys[key])
        if not scan.found:
            raise SourceError(f"{file.name} is no calendar.", "Export it as .ics.")
        if broken:
            raise SourceError(f"{file.name} holds {plural(broken, 'entry', 'entries')} that cannot be read.")


class _Scan:
    """One pass over the lines; ``calendar`` is the name the file gives, ``found`` whether it is a calendar at all."""

    def __init__(self) -> None:
        self.calendar = ""
        self.found = False

    def entries(self, file: File) -> Iterator[list[str]]:
        """The lines of each entry, less what is nested in it; one that never ends is none."""
        held: list[str] | None = None
        inner, size = 0, 0
        for line in text_lines(file):
            edge = _EDGE.match(line)
            self.found = self.found or bool(edge)
            opens = edge is not None and edge[1].upper() == "BEGIN"
            if held is None:
                if edge and opens and edge[2].upper() in _ENTRIES:
                    held, inner, size = [line], 0, 0
                elif line.upper().startswith("X-WR-CALNAME"):
                    self.calendar = " ".join(line.partition(":")[2].split())[:200]
                continue
            if edge and not opens and not inner:
                yield [*held, line]
                held = None
            elif edge:
                inner = max(0, inner + (1 if opens else -1))
            elif not inner and size < MOST_ENTRY_CHARACTERS:
                held.append(line)
                size += len(line)


def _parsed(lines: list[str]) -> Any:
    import icalendar

    makers = {"VEVENT": icalendar.Event, "VTODO": icalendar.Todo, "VJOURNAL": icalendar.Journal}
    kind = lines[0].partition(":")[2].strip().upper()
    whole = [lines[0].strip().upper(), *lines[1:-1], f"END:{kind}", ""]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return makers[kind].from_ical("\r\n".join(whole).encode())
    # A line that is no property breaks the reader in more ways than it names.
    except Exception:
        return None


def _said(entry: Any, name: str) -> str:
    """A property as text, the first where there are several."""
    value = entry.get(name)
    value = value[0] if isinstance(value, list) and value else value
    return clean_text(str(value)).strip() if isinstance(value, str) else ""


def _when(entry: Any, name: str) -> date | None:
    try:
        value = getattr(entry.get(name), "dt", None)
    # A value that is broken raises an error of the reader's own when it is looked at.
    except Exception:
        return None
    return value if isinstance(value, date) else None


def _text(entry: Any) -> str:
    """What a reader would want to know of it; empty where there is nothing but a time."""
    summary, about = " ".join(_said(entry, "SUMMARY").split()), _said(entry, "DESCRIPTION")
    if not summary and not about:
        return ""
    if _MARKUP.search(about):
        about = markdown(about)
    start, end = _when(entry, "DTSTART") or _when(entry, "DUE"), _when(entry, "DTEND")
    lines = [
        summary,
        when_words(start, end),
        rule_words(entry.get("RRULE")),
        _labelled("At", " ".join(_said(entry, "LOCATION").split())),
        _labelled("Organised by", _person(entry.get("ORGANIZER"))),
        _labelled("With", ", ".join(_people(entry))),
        "Cancelled" if _said(entry, "STATUS").upper() == "CANCELLED" else "",
        f"\n{about.strip()}" if about.strip() else "",
    ]
    return "\n".join(line for line in lines if line).strip()[:MOST_TEXT_CHARACTERS]


def _labelled(label: str, value: str) -> str:
    return f"{label}: {value}" if value else ""


def _people(entry: Any) -> list[str]:
    found = entry.get("ATTENDEE", [])
    names = [_person(one) for one in (found if isinstance(found, list) else [found])[:MOST_PEOPLE]]
    return [name for name in dict.fromkeys(names) if name]


def _person(value: Any) -> str:
    """A name, or the address where none is told."""
    value = value[0] if isinstance(value, list) and value else value
    if not isinstance(value, str):
        return ""
    named = str(getattr(value, "params", {}).get("CN", "")).strip("\"' ")
    return " ".join(clean_text(named or re.sub("(?i)^mailto:", "", str(value))).split())[:200]


def _key(entry: Any, text: str) -> str:
    changed = _when(entry, "RECURRENCE-ID")
    name = _said(entry, "UID") or hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    return f"{name}|{changed.isoformat()}" if changed else name


def _document(entry: Any, text: str, path: str, calendar: str, key: str, number: int) -> Document:
    start = _when(entry, "DTSTART") or _when(entry, "DUE") or _when(entry, "DTSTAMP")
    at = aware(start) if isinstance(start, datetime) else moment(start)
    title = " ".join(_said(entry, "SUMMARY").split())[:300] or "Entry of a calendar"
    turn = Turn(_person(entry.get("ORGANIZER")), False, text, "received", at)
    again = f".{number}" if number > 1 else ""
    return Document(
        "event", Calendar.name, key + again, title, (turn,), at, calendar, f"{path}#{key}{again}", CONTEXT_ONLY
    )

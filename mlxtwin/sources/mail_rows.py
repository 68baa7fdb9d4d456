"""One row of a table, or one object of JSON, to the mail it tells in columns: its text is then read like any other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from mlxtwin.sources.base import clean_text
from mlxtwin.sources.dates import make_date, parse_moment
from mlxtwin.sources.mail_columns import KEPT_HEADERS, field_of
from mlxtwin.sources.mail_headers import in_reason, known_headers, parse_date, parse_sender
from mlxtwin.sources.mail_labels import DRAFT, folder_labels, named_labels
from mlxtwin.sources.mail_lines import MAX_TEXT_CHARS, Line, plain_lines
from mlxtwin.sources.mail_message import Body, Letter, Post
from mlxtwin.sources.mail_text import html_lines

_MARKUP = re.compile(
    r"\s{0,200}<(?:!doctype|\?xml|html|head|meta|style|body|div|p|table|span|font|center|br)\b", re.IGNORECASE
)
_CHARSET = re.compile(r"(charset\s?=\s?\"?)[\w-]{1,40}", re.IGNORECASE)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s?([ap])?\.?m?", re.IGNORECASE)
_NUMBERED = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
_ISO = re.compile(r"\d{4}-?\d")
_TOLD_APART = {"from", "name", "address", "subject"}
_KNOWN_BY = ("subject", "message-id", "in-reply-to", "references", "thread-id")
Row = Mapping[str, Any]


def post_of(row: Row) -> Post | None:
    """The mail of a row; None for one that tells of no mail."""
    values: dict[str, Any] = {}
    for name, value in row.items():
        field = field_of(name)
        if field and value not in (None, "", [], {}):
            values.setdefault(field, value)
    raw = _raw(values)
    if raw is None and not values.keys() & {"from", "name", "address"}:
        return None
    return replace(_told(values, row) if raw is None else Post(raw), labels=_labels(values))


def _raw(values: dict[str, Any]) -> bytes | None:
    """The mail as a whole, where one column holds it: by its name, or where no other tells who sent what."""
    for field in ("raw",) if values.keys() & _TOLD_APART else ("raw", "text"):
        value = values.get(field)
        if isinstance(value, str) and len(known_headers(value[:8192].lstrip().encode("utf-8", "replace"))) >= 2:
            # Its characters are decoded already, whatever charset it names.
            text = value if value.isascii() else _CHARSET.sub(r"\1utf-8", value)
            return text.lstrip().encode("utf-8", "replace")
    return None


def _told(values: dict[str, Any], row: Row) -> Post:
    name, address = _sender(values)
    moment = moment_of(values.get("date"))
    headers = _nested_headers(values.get("headers"))
    headers |= {name.casefold(): [_text(row[name])] for name in row if name.casefold() in KEPT_HEADERS}
    headers |= {field: [_text(values[field])] for field in _KNOWN_BY if field in values}
    if moment:
        headers["date"] = [format_datetime(moment)]
    lines, words = _body(values)
    known = (name, address, *headers.get("date", [""]), *headers.get("subject", [""]), words)
    raw = "\0".join(known).encode("utf-8", "replace")
    return Post(raw, Letter(headers, clean_text(name), clean_text(address), Body(lines)))


def _nested_headers(value: object) -> dict[str, list[str]]:
    if not isinstance(value, dict):
        return {}
    return {str(name).casefold(): [_text(found)] for name, found in value.items() if isinstance(found, str)}


def _sender(values: dict[str, Any]) -> tuple[str, str]:
    """(name, address in lower case); an address that is none, as Outlook has within a company, is left out."""
    name, address = parse_sender(_person(values.get("from")))
    told = _person(values.get("address"))
    if "@" in told:
        address = parse_sender(told)[1] or address
    return _text(values.get("name")) or name, address


def _person(value: object) -> str:
    """ "Name <address>" from text or from an object as services write it, of a list the first."""
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, dict) and isinstance(inner := value.get("emailAddress"), dict):
        value = inner
    if not isinstance(value, dict):
        return "" if isinstance(value, list) else _text(value)
    told = {key: found for key, found in value.items() if isinstance(found, str)}
    name = told.get("name") or told.get("displayName") or ""
    address = told.get("email") or told.get("address") or told.get("emailAddress")
    return clean_text(f"{name} <{address}>" if address else name)


def _body(values: dict[str, Any]) -> tuple[list[Line], str]:
    """The lines of the words, and the words as they stand: plain text where it says something, else HTML."""
    text, html = _words(values.get("text")), _words(values.get("html"))
    if not text.strip():
        return html_lines(html), html
    if _MARKUP.match(text):
        return html_lines(text), text
    return plain_lines(text), text


def _words(value: object) -> str:
    """Text, or the content of an object that names its type."""
    if isinstance(value, dict):
        value = value.get("content") or value.get("text") or value.get("html") or ""
    return value[:MAX_TEXT_CHARS] if isinstance(value, str) else ""


def _text(value: object) -> str:
    """A value as text; of a list its texts, of anything that holds others nothing."""
    if isinstance(value, list):
        value = " ".join(one for one in value[:100] if isinstance(one, str))
    return clean_text(str(value)).strip() if isinstance(value, (str, int, float)) else ""


def _labels(values: dict[str, Any]) -> frozenset[str]:
    value = values.get("labels", "")
    names = [_text(one) for one in value] if isinstance(value, list) else re.split(r"[,;]", _text(value))
    labels = named_labels(names)
    for name in names[:100]:
        labels |= folder_labels(name.replace("\\", "/"))
    told = values.get("draft")
    return labels | {DRAFT} if told is True or _text(told).casefold() == "true" else labels


def moment_of(value: object) -> datetime | None:
    """A time as exports write it: of a mail's header, ISO, seconds or thousandths since 1970, or numbers with marks."""
    text = _text(value)
    try:
        if re.fullmatch(r"\d{9,16}(\.\d{1,9})?", text):
            seconds = float(text)
            return in_reason(datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC))
        if numbers := _NUMBERED.match(text):
            return _numbered(numbers, _CLOCK.search(text, numbers.end()))
        # Of "2024-03-02 10:00" a mail's header would read the year only, of "2 Mar 2024 10:00" a note's date no clock.
        found = (None if _ISO.match(text) else parse_date(text)) or parse_moment(text)
        return in_reason(found) if found else None
    except (ValueError, OverflowError, OSError):
        return None


def _numbered(found: re.Match[str], clock: re.Match[str] | None) -> datetime | None:
    """ "02.03.2024 10:00", "3/2/2024 10:00 AM": dots mean day first, a clock of twelve hours the month."""
    first, second = int(found[1]), int(found[3])
    american = bool(clock and clock[4]) and found[2] == "/"
    if second > 12 or (american and first <= 12):
        first, second = second, first
    elif found[2] != "." and first <= 12 and first != second:
        return None
    day = make_date(int(found[4]) + (2000 if len(found[4]) == 2 else 0), second, first)
    return _with_clock(day.year, day.month, day.day, clock) if day else None


def _with_clock(year: int, month: int, day: int, clock: re.Match[str] | None) -> datetime | None:
    hour, minute, second = (int(part or 0) for part in clock.group(1, 2, 3)) if clock else (0, 0, 0)
    if clock and clock[4]:
        hour = hour % 12 + (12 if clock[4] in "pP" else 0)
    return in_reason(datetime(year, month, day, hour, minute, second, tzinfo=UTC))

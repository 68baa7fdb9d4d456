"""Times and rules of a calendar in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_CODES = dict(zip(("MO", "TU", "WE", "TH", "FR", "SA", "SU"), _DAYS, strict=True))
_UNITS = {
    "SECONDLY": "second", "MINUTELY": "minute", "HOURLY": "hour", "DAILY": "day", "WEEKLY": "week",
    "MONTHLY": "month", "YEARLY": "year",
}  # fmt: skip
_ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last", -2: "second last"}


def when_words(start: date | None, end: date | None) -> str:
    """``Saturday, 2 March 2024, 10:00 to 11:00 (Europe/Berlin)``, in the zone as written."""
    if start is None:
        return ""
    if not isinstance(start, datetime):
        # The end of whole days is the day after.
        last = end - timedelta(days=1) if end and not isinstance(end, datetime) and end.year > 1 else start
        return _day(start) + (f" to {_day(last)}" if last > start else "")
    zone = f" ({start.tzinfo})" if start.tzinfo else ""
    words = f"{_day(start)}, {start:%H:%M}"
    if isinstance(end, datetime) and end.replace(tzinfo=None) > start.replace(tzinfo=None):
        words += f" to {end:%H:%M}" if end.date() == start.date() else f" to {_day(end)}, {end:%H:%M}"
    return words + zone


def _day(day: date) -> str:
    return f"{_DAYS[day.weekday()]}, {_date(day)}"


def _date(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def rule_words(rule: Any) -> str:
    """``Every 2 weeks on Monday and Friday until 1 June 2024``; empty for no rule, or one of another kind."""
    rule = rule[0] if isinstance(rule, list) and rule else rule
    if not isinstance(rule, Mapping):
        return ""
    unit = _UNITS.get(str(_first(rule, "FREQ")).upper(), "")
    if not unit:
        return ""
    step = str(_first(rule, "INTERVAL") or 1)
    words = [f"Every {step} {unit}s" if step not in ("1", "") else f"Every {unit}"]
    if days := [word for code in _all(rule, "BYDAY") if (word := _weekday(str(code)))]:
        words.append(f"on {_listed(days)}")
    if numbers := [str(number) for number in _all(rule, "BYMONTHDAY")]:
        words.append(f"on day {_listed(numbers)}")
    if months := [_MONTHS[int(number) - 1] for number in _all(rule, "BYMONTH") if str(number) in _NUMBERS]:
        words.append(f"in {_listed(months)}")
    return " ".join([*words, *_end(rule)])


_NUMBERS = frozenset(str(number) for number in range(1, 13))


def _end(rule: Mapping[str, Any]) -> list[str]:
    until, count = _first(rule, "UNTIL"), _first(rule, "COUNT")
    if isinstance(until, date):
        return [f"until {_date(until)}"]
    return [f"{count} times"] if count else []


def _all(rule: Mapping[str, Any], name: str) -> list[Any]:
    value = rule.get(name, [])
    return list(value)[:31] if isinstance(value, list) else [value]


def _first(rule: Mapping[str, Any], name: str) -> Any:
    return next(iter(_all(rule, name)), "")


def _weekday(code: str) -> str:
    """``MO`` or ``-1FR``."""
    day = _CODES.get(code[-2:].upper(), "")
    number = code[:-2].lstrip("+")
    if not day or not number:
        return day
    return f"the {_ORDINALS.get(int(number), number)} {day}" if number.lstrip("-").isdecimal() else ""


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]

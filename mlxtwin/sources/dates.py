"""Dates as people write them: in headings, at the start of a diary entry, in front matter and in file names.

Not covered: relative dates, and slashed dates whose order of day and month is open (02/03/2024).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

_MONTH_NAMES = (
    "january jan januar jänner janvier janv enero ene gennaio gen janeiro januari",
    "february feb febr februar février fév févr febrero febbraio fevereiro fev februari",
    "march mar märz mrz mars marzo março maart mrt",
    "april apr avril avr abril abr aprile",
    "may mai mayo maggio mag maio mei",
    "june jun juni juin junio giugno giu junho",
    "july jul juli juillet juil julio luglio lug julho",
    "august aug août aoû agosto ago augustus",
    "september sep sept septembre septiembre settembre set setembro",
    "october oct oktober okt octobre octubre ottobre ott outubro out",
    "november nov novemb novembre noviembre novembro",
    "december dec dezember dez décembre déc diciembre dic dicembre dezembro",
)
_WEEKDAY_NAMES = (
    "monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun "
    "montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag lundi mardi mercredi jeudi vendredi samedi "
    "dimanche lunes martes miércoles jueves viernes sábado domingo lunedì martedì mercoledì giovedì venerdì sabato "
    "domenica segunda terça quarta quinta sexta maandag dinsdag woensdag donderdag vrijdag zaterdag zondag"
)
MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}
_WORD = r"([^\W\d_]{3,10})\.?"
_WEEKDAY = rf"(?:(?:{'|'.join(_WEEKDAY_NAMES.split())})\.?,?\s+)?"
_ORDINAL = r"(?:st|nd|rd|th|er|º|\.)?"
_YEAR = r"(\d{4})(?!\d)"
_DUAL = r"(?:\s?[-–—/]\s?(\d{2}|\d{4})(?!\d))?"
_ISO = re.compile(
    r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d)(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)?"
)
_DAY_FIRST = re.compile(
    rf"{_WEEKDAY}(?:the )?(\d{{1,2}}){_ORDINAL}\s+(?:of |de )?{_WORD},?\s+(?:de |del )?{_YEAR}", re.IGNORECASE
)
_MONTH_FIRST = re.compile(rf"{_WEEKDAY}{_WORD}\s+(?:the )?(\d{{1,2}}){_ORDINAL},?\s+{_YEAR}", re.IGNORECASE)
_DOTTED = re.compile(rf"{_WEEKDAY}(\d{{1,2}})([./])(\d{{1,2}})\2{_YEAR}", re.IGNORECASE)
_MONTH = re.compile(rf"{_WORD},?\s+{_YEAR}{_DUAL}", re.IGNORECASE)
_ISO_MONTH = re.compile(r"(\d{4})-(\d{2})(?![\d-])")
_DAY = re.compile(
    rf"{_WEEKDAY}(?:{_WORD}\s+)?(\d{{1,2}})(?:st|nd|rd|th)(?![^\W_])(?:\s*\([^)\n]{{1,60}}\))?", re.IGNORECASE
)
_NAME_DAY = re.compile(r"(?<!\d)(\d{4})([-_. ]?)(\d{2})\2(\d{2})(?!\d)")
_PATH_DATE = re.compile(r"(?:^|/)(\d{4})[/-](\d{1,2})(?:[/-](\d{1,2}))?(?=/)")
Precision = Literal["day", "month"]


@dataclass(frozen=True, slots=True)
class DateMark:
    """A date found at the start of a line: how exact it is, and the line's text after it."""

    day: date
    precision: Precision
    rest: str

    @property
    def name(self) -> str:
        """``2 January 1660`` or ``January 1660``."""
        month = f"{_MONTH_NAMES[self.day.month - 1].split()[0].capitalize()} {self.day.year}"
        return month if self.precision == "month" else f"{self.day.day} {month}"

    @property
    def key(self) -> str:
        return self.day.isoformat()[: 7 if self.precision == "month" else 10]


def leading_date(line: str) -> DateMark | None:
    """The full date, or the month and year, that a line starts with; None where there is none."""
    text = line.lstrip(" *_[")
    return _full_date(text) or _month(text)


def _full_date(text: str) -> DateMark | None:
    if found := _ISO.match(text):
        return _mark(found, found[1], found[3], found[4])
    if found := _DAY_FIRST.match(text):
        return _mark(found, found[3], MONTHS.get(found[2].casefold(), 0), found[1])
    if found := _MONTH_FIRST.match(text):
        return _mark(found, found[3], MONTHS.get(found[1].casefold(), 0), found[2])
    if found := _DOTTED.match(text):
        return _dotted(found)
    return None


def _dotted(found: re.Match[str]) -> DateMark | None:
    """Dots mean day first; slashes tell their order only when one number is over 12."""
    first, second = int(found[1]), int(found[3])
    if found[2] == "/" and first <= 12 and second <= 12 and first != second:
        return None
    day, month = (second, first) if second > 12 else (first, second)
    return _mark(found, found[4], month, day)


def _month(text: str) -> DateMark | None:
    if found := _ISO_MONTH.match(text):
        return _mark(found, found[1], found[2], 1, "month")
    found = _MONTH.match(text)
    if not found:
        return None
    year = int(found[2])
    # Old-style years ran from March: 1659-60 is 1660 by the calendar of today.
    if found[3] and int(found[3]) == (year + 1) % 10 ** len(found[3]):
        year += 1
    return _mark(found, year, MONTHS.get(found[1].casefold(), 0), 1, "month")


def _mark(
    found: re.Match[str], year: str | int, month: str | int, day: str | int, precision: Precision = "day"
) -> DateMark | None:
    made = make_date(year, month, day)
    return DateMark(made, precision, found.string[found.end() :]) if made else None


def day_in_month(line: str, after: date) -> DateMark | None:
    """An entry that starts with its day only (``2nd. In the morning``), in the month of ``after`` and not before it."""
    found = _DAY.match(line.lstrip(" *_"))
    if not found:
        return None
    named = MONTHS.get(found[1].casefold(), 0) if found[1] else after.month
    made = make_date(after.year, named, found[2])
    if not made or named != after.month or made < after:
        return None
    return DateMark(made, "day", found.string[found.end() :])


def make_date(year: str | int, month: str | int, day: str | int) -> date | None:
    """A date between the years 1000 and 2999, or None."""
    try:
        return date(int(year), int(month), int(day)) if 1000 <= int(year) < 3000 else None
    except ValueError:
        return None


def name_date(relative: str) -> date | None:
    """The date in a file name (``2024-03-02-trip.md``, ``20240302.txt``) or in its folders (``2020/05/trip.md``)."""
    folders, _, name = relative.rpartition("/")
    for found in _NAME_DAY.finditer(name):
        made = make_date(found[1], found[3], found[4])
        if made and (found[2] or 1900 <= made.year < 2100):
            return made
    for found in reversed(list(_PATH_DATE.finditer(folders + "/"))):
        made = make_date(found[1], found[2], found[3] or 1)
        if made:
            return made
    return None


def moment(day: date | None) -> datetime | None:
    """Midnight UTC of a day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None


def parse_moment(value: object) -> datetime | None:
    """What front matter may hold as a date: a date, a time, or text in any of the forms above."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return moment(value)
    text = str(value or "").strip().strip("\"'")
    try:
        made = datetime.fromisoformat(text)
        return made if made.tzinfo else made.replace(tzinfo=UTC)
    except ValueError:
        found = leading_date(text[:80])
        return moment(found.day) if found else None

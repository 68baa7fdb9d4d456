"""Moments as a program writes them for readers: ``Mar 2, 2024, 10:15:00 AM``, ``@2 March 2024 22:15``."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from mlxtwin.sources.dates import leading_date

_CLOCK = re.compile(
    r"[\s,]*(?:at|um|à)?\s*(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?(?:[\s\u00a0\u202f]*([ap])\.?m\b)?(?!\d)", re.IGNORECASE
)
_NUMBERS_FIRST = re.compile(r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2})[ T](?=\d)")


def spoken_moment(text: str) -> datetime | None:
    """The date that a text starts with, at the time that follows it or at midnight, as UTC; None without a date."""
    started = text.strip().lstrip("@").strip()[:120]
    mark = leading_date(_NUMBERS_FIRST.sub(r"\1, ", started, count=1))
    if not mark:
        return None
    clock = _CLOCK.match(mark.rest)
    hour, minute, second = (int(clock[at] or 0) for at in (1, 2, 3)) if clock else (0, 0, 0)
    if clock and clock[4] and hour <= 12:
        hour = hour % 12 + (12 if clock[4].casefold() == "p" else 0)
    if hour > 23 or minute > 59 or second > 59:
        hour = minute = second = 0
    return datetime(mark.day.year, mark.day.month, mark.day.day, hour, minute, second, tzinfo=UTC)

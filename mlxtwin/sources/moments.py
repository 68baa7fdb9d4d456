"""Moments as exports count or write them: seconds since an epoch, and ISO 8601 in its looser spellings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

UNIX = datetime(1970, 1, 1, tzinfo=UTC)
APPLE = datetime(2001, 1, 1, tzinfo=UTC)


def since(epoch: datetime, seconds: object) -> datetime | None:
    """The moment so many seconds after an epoch; None for what is no number or lies outside the years 1 to 9999."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return epoch + timedelta(seconds=seconds)
    except (OverflowError, ValueError):  # an infinity, and what is no number
        return None


def written(value: object) -> datetime | None:
    """``2024-03-02T10:00:00Z`` or ``2024-03-02 10:00:00 UTC`` as an aware moment; without a zone it counts as UTC."""
    if not isinstance(value, str):
        return None
    text = value.strip().removesuffix(" UTC").replace(" +", "+")
    try:
        made = datetime.fromisoformat(text)
        return made.astimezone(UTC) if made.tzinfo else made.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None

"""How a count, a size or a time is said to a person. Every room words its own sentences: this lies below them all."""

from __future__ import annotations


def plural(count: int, noun: str, plural_noun: str = "") -> str:
    """``3,000 files``, ``1 file``; ``plural_noun`` for a noun that does not end in s then."""
    return f"{count:,} {noun if count == 1 else plural_noun or noun + 's'}"


def size(count: int) -> str:
    """Bytes as people read them: ``359 MiB``, ``17.2 GiB``."""
    value = float(count)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def clock(seconds: float) -> str:
    """``2:05``, from an hour on ``1:02:05``."""
    minutes, rest = divmod(int(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"

"""The YAML or TOML block at the head of a note: title and date; a broken one is read line by line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import Any

import yaml

from mlxtwin.sources.base import clean_text
from mlxtwin.sources.dates import parse_moment

MOST_LINES = 200
MOST_CHARACTERS = 16 * 1024
MOST_BRACKETS = 100
_DATE_KEYS = ("date", "created", "created_at", "created-at", "creation_date", "published", "day")
_LINE = re.compile(r"([A-Za-z_-]{1,40})\s*[:=]\s*(.{1,500})$")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """Title and date, and all ``values`` by their keys in lower case."""

    title: str = ""
    at: datetime | None = None
    values: dict[str, Any] = field(default_factory=dict)


def split_front_matter(lines: Iterable[str]) -> tuple[FrontMatter, Iterator[str]]:
    """What the head says, and the lines after it; all lines where there is no closed head."""
    stream = iter(lines)
    first = next(stream, "")
    fence = first.strip()
    if fence not in ("---", "+++"):
        return FrontMatter(), chain([first], stream)
    held: list[str] = []
    for line in islice(stream, MOST_LINES):
        if line.strip() in (fence, "..."):
            return _read(held), stream
        held.append(line)
    return FrontMatter(), chain([first, *held], stream)


def _read(lines: list[str]) -> FrontMatter:
    text = "\n".join(lines)[:MOST_CHARACTERS]
    found = {str(key).casefold(): value for key, value in _values(text).items()}
    dates = (parse_moment(found[key]) for key in _DATE_KEYS if key in found)
    title = found.get("title")
    named = " ".join(clean_text(str(title)).split()) if isinstance(title, str | int | float) else ""
    return FrontMatter(named[:300], next((at for at in dates if at), None), found)


def _values(text: str) -> dict[Any, Any]:
    # Nested brackets cost the YAML reader time in the square of their depth.
    simple = text.count("[") + text.count("{") <= MOST_BRACKETS
    try:
        loaded = yaml.safe_load(text) if simple else None
        if isinstance(loaded, dict):
            return loaded
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        pass
    matches = (_LINE.match(line) for line in text.splitlines())
    return {found[1]: found[2].strip().strip("\"'") for found in matches if found}

"""Values of JSON as the shape that is expected: an export may hold anything anywhere."""

from __future__ import annotations

from typing import Any

from mlxtwin.sources.json_file import text


def as_dict(value: Any) -> dict[str, Any]:
    """An object, or an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """A list, or an empty one."""
    return value if isinstance(value, list) else []


def as_name(value: Any) -> str:
    """A title, name or id on one line; numbers count as their digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return " ".join(text(value).split())

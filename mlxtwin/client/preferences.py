"""How the screens look and which keys they answer to, kept in a small file of the home; nothing personal is in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mlxtwin.paths import Home, read_json, write_json

NAME = "screens.json"


@dataclass(frozen=True, slots=True)
class Preferences:
    """``theme``: a name of Textual's, empty for its own choice; ``keys``: by the id of a binding, as ``ctrl+n``."""

    theme: str = ""
    keys: dict[str, str] = field(default_factory=dict)


def load(home: Home) -> tuple[Preferences, str]:
    """What is kept, or the defaults, with a sentence where the file is there and cannot be used. Raises nothing."""
    path = _place(home)
    try:
        return _checked(read_json(path)), ""
    except FileNotFoundError:
        return Preferences(), ""
    except (OSError, ValueError, RecursionError):
        return Preferences(), f"{path} cannot be used, so theme and keys are as they were at first."


def save(home: Home, preferences: Preferences) -> None:
    """Raises TwinError for a home that cannot be written."""
    write_json(_place(home), asdict(preferences))


def _place(home: Home) -> Path:
    return home.root / NAME


def _checked(value: Any) -> Preferences:
    """Raises ValueError unless it is just what ``save`` writes."""
    if not isinstance(value, dict) or set(value) != {"theme", "keys"}:
        raise ValueError("not the settings of the screens")
    theme, keys = value["theme"], value["keys"]
    if not _is_word(theme, lambda text: text == "") or not isinstance(keys, dict):
        raise ValueError("a theme is a name, and keys have ids")
    if not all(_is_word(part) for pair in keys.items() for part in pair):
        raise ValueError("a key is a word")
    return Preferences(theme, keys)


def _is_word(value: Any, otherwise: Callable[[str], bool] = lambda _: False) -> bool:
    return isinstance(value, str) and ((value.isprintable() and bool(value.strip())) or otherwise(value))

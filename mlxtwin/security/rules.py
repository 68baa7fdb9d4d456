"""One rule of what is masked, and the placeholder that takes its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

PLACEHOLDER = re.compile(r"\[[A-Z]{2,10}_\d{1,4}\]")


def as_it_is(value: str) -> str:
    return value


@dataclass(frozen=True, slots=True)
class Rule:
    """``pattern`` finds candidates: the whole match, or its group ``value``; ``tells`` says whether one is meant.

    ``word``: what the placeholder calls it. ``same``: equal for two ways to write one value. ``spreads``: it is masked
    wherever else it stands in the text. ``hint``: what a text without cannot hold any, empty for nothing.
    """

    word: str
    pattern: re.Pattern[str]
    tells: Callable[[re.Match[str], str], bool]
    same: Callable[[str], str] = as_it_is
    spreads: bool = False
    hint: str = ""

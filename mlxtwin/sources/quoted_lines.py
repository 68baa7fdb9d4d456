"""What a person typed into a box that knows Markdown, split into their own words and what they pasted or quoted.

Quoted are lines that start with ``>`` and fenced code. Not covered: pasted text that bears no mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Literal

from mlxtwin.records import Turn

PartRole = Literal["own", "quoted"]
_QUOTE = re.compile(r"[ \t]{0,3}(?:>[ \t]?)+")
_FENCE = re.compile(r"[ \t]{0,3}(`{3,}|~{3,})([^`]*)$")


def split(text: str) -> list[tuple[PartRole, str]]:
    """The parts in reading order, none blank, less the marks of quotes and fences."""
    parts: list[tuple[PartRole, str]] = []
    for role, run in groupby(_lines(text), lambda line: line[0]):
        words = "\n".join(line for _, line in run).strip("\n")
        if words.strip():
            parts.append((role, words.strip()))
    return parts


def _lines(text: str) -> Iterator[tuple[PartRole, str]]:
    """The lines without the marks; a line that is but a mark of a fence is gone."""
    fence = ""
    role: PartRole = "own"
    for line in text.split("\n"):
        mark, fenced = _QUOTE.match(line), _FENCE.match(line)
        if fence:
            role = "quoted"
            if fenced and fenced[1].startswith(fence) and not fenced[2].strip():
                fence = ""
                continue
        elif fenced:
            fence = fenced[1]
            continue
        elif line.strip():
            role = "quoted" if mark else "own"
        yield role, line[mark.end() :] if mark and not fence else line


def own_turns(author: str, text: str, at: datetime | None) -> Iterator[Turn]:
    """The turns of what the person typed."""
    for role, words in split(text):
        yield Turn(author, True, words, "own", at) if role == "own" else Turn("", False, words, "quoted", at)

"""Conversations with an assistant: the JSON file that lists them, what was typed, and each as one Document."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Turn
from mlxtwin.sources.base import head_text
from mlxtwin.sources.files import File
from mlxtwin.sources.json_file import items, whole
from mlxtwin.sources.quoted_lines import split

ME = "me"
# "Shorten this:" and then so much more is a task and what was pasted for it.
PASTED_WORDS = 100
_TASK = re.compile(r"(?s)(?P<task>.{1,600}?[:：])[ \t]*\n(?P<pasted>.+)")
_FENCED = re.compile(r'(?s)(?:"""|\'\'\')(.*?)(?:"""|\'\'\'|\Z)')


def conversations(file: File, holds: str, service: str) -> Iterator[dict[str, Any]]:
    """Each object of the list that the file is, or the one object it is. Raises SourceError, also if none ``holds``."""
    listed = head_text(file).lstrip().startswith("[")
    found = False
    for item in items(file, "item") if listed else iter([whole(file)]):
        if isinstance(item, dict):
            found = found or holds in item
            yield item
    if not found:
        raise SourceError(f"{file.name} is no export of {service}: it holds no conversation.", "Export it again.")


def typed(text: str, at: datetime | None) -> list[Turn]:
    """What was typed into the box: the person's own words, and apart from them what they quoted or pasted there."""
    turns = []
    for role, words in split(text):
        for own, part in _unpasted(words) if role == "own" else [(False, words)]:
            turns.append(Turn(ME, True, part, "own", at) if own else Turn("", False, part, "quoted", at))
    return turns


def _unpasted(words: str) -> Iterator[tuple[bool, str]]:
    """Stretches of text, none blank, and whether each is the person's own."""
    # Every second part stands between quotation marks in threes.
    for number, part in enumerate(_FENCED.split(words)):
        task = _TASK.fullmatch(part) if number % 2 == 0 else None
        if task and len(task["pasted"].split()) >= PASTED_WORDS:
            yield True, task["task"].strip()
            yield False, task["pasted"].strip()
        elif part.strip():
            yield number % 2 == 0, part.strip()


@dataclass(slots=True)
class Conversations:
    """Makes the Documents of one file; no two have the same key."""

    source: str
    service: str
    origin: str
    _keys: Counter[str] = field(default_factory=Counter)

    def document(self, key: str, title: str, at: datetime | None, turns: list[Turn]) -> Document:
        at = at or next((turn.at for turn in turns if turn.at), None)
        key = key or f"{title}|{at:%Y-%m-%dT%H:%M:%S}" if at else key or title or self.service
        self._keys[key] += 1
        number = f".{self._keys[key]}" if self._keys[key] > 1 else ""
        own = any(turn.trainable for turn in turns)
        drop = "" if own else "not by me" if turns else "empty"
        place = f"{self.origin}#{key}{number}"
        return Document("chat", self.source, key + number, title or self.service, tuple(turns), at, key, place, drop)

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
MOST_TITLE_CHARACTERS = 300
_TASK = re.compile(r"(?s)(?P<task>.{1,600}?[:：])[ \t]*\n(?P<pasted>.+)")
_FENCED = re.compile(r'(?s)("{3}|\'{3})(.*?)\1')
_VERBS = (
    r"summari[sz]e|translate|fix|correct|rewrite|rephrase|paraphrase|reword|explain|review|shorten|improve|proofread|edit|"
    "check|analy[sz]e|simplify|convert|format|polish|refactor|debug|expand|extract|classify|compare|criti(?:que|ci[sz]e)|"
    "evaluate|read|answer|reply|respond|write|draft|list|make|turn|find|give|tell|continue|complete|use|describe|"
    "fasse?|übersetze?|korrigiere?|verbess(?:ere|re)|erkläre?|kürze?|prüfe?|schreibe?|formuliere?|überarbeite|lies|"
    "résume[rz]?|traduis|corrige[rz]?|explique[rz]?|améliore[rz]?|réécris|resum[ae]|traduce|traduza|corrija|explica|mejora|"
    "riassumi|traduci|correggi|spiega|vat|vertaal|verbeter|corrigeer|herschrijf"
)
# A lead that asks for something to be done, or points at what comes; one without any Latin letter cannot be told.
_LEAD = re.compile(
    r"(?i)(?:^|[.!?,;:\n]\s*|\b(?:please|and|then|now|just|you|you to|me|bitte|mir|por favor|per favore)\s+)"
    rf"(?:{_VERBS})\b|"
    r"\b(?:this|these|following|below|folgende[nmrs]?|diese[nmrs]?|unten|suivante?s?|ci-dessous|siguientes?|abajo|seguenti?|"
    r"questo|seguintes?|abaixo|volgende|hieronder|deze)\b|^[^a-zA-Z]+$"
)


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
    for own, part in _unfenced(words):
        task = _TASK.fullmatch(part) if own else None
        if task and _LEAD.search(task["task"].strip()) and len(task["pasted"].split()) >= PASTED_WORDS:
            yield True, task["task"].strip()
            yield False, task["pasted"].strip()
        elif part.strip():
            yield own, part.strip()


def _unfenced(words: str) -> Iterator[tuple[bool, str]]:
    """Stretches, and whether they stand outside of quotation marks in threes, which may be open and then are none."""
    at = 0
    for fenced in _FENCED.finditer(words):
        yield True, words[at : fenced.start()]
        yield False, fenced[2]
        at = fenced.end()
    yield True, words[at:]


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
        title = title[:MOST_TITLE_CHARACTERS].strip() or self.service
        return Document("chat", self.source, key + number, title, tuple(turns), at, key, place, drop)

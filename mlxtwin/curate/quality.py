"""How well a record of the person's shows how they write: a score from 0 to 1 of what can be counted in it.

The mean of five shares, times what its kind is worth, for a finished text shows more of a voice than a chat of the same
length, and times what its length is: half for a word, more and more of all with the words. ``length`` grows with them
and levels off; ``sentences`` is 1 where they end after 4 to 40 words;
``variety`` is the share of different words against what a text of that length usually has; ``prose`` the share of words
on lines of prose; ``marks`` tells stops from none and from rows of them; ``capitals`` sentences that begin as the
script has it from shouting. A script without capitals, or without blanks between words, is not held against a text.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from mlxtwin.curate.prose import Prose
from mlxtwin.records import Kind

WORTH: dict[Kind, float] = {
    "document": 1.0, "post": 1.0, "note": 1.0, "mail": 0.95, "transcript": 0.8, "chat": 0.6, "event": 0.4,
}  # fmt: skip
HALF_LENGTH_WORDS = 40
SENTENCE_WORDS = (4, 40)
READ_WORDS = 300
WEIGHTS = (0.25, 0.2, 0.25, 0.15, 0.15)

_START = re.compile(r"(?:\A|\n|[.!?…]\s)[\s\"'“‘«(*_-]*([^\W\d_])")
_ROWS = re.compile(r"[!?]{2,}|\.{4,}|…{2,}")


@dataclass(frozen=True, slots=True)
class Features:
    """Each from 0 to 1."""

    length: float
    sentences: float
    variety: float
    prose: float
    marks: float
    capitals: float


def quality(kind: Kind, text: str, prose: Prose) -> float:
    """From 0 to 1, to three places."""
    found = features(text, prose)
    shares = (found.sentences, found.variety, found.prose, found.marks, found.capitals)
    mean = sum(weight * share for weight, share in zip(WEIGHTS, shares, strict=True))
    return round(WORTH[kind] * mean * (1 + math.sqrt(found.length)) / 2, 3)


def features(text: str, prose: Prose) -> Features:
    words = text.split(None, READ_WORDS)[:READ_WORDS]
    if not words:
        return Features(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    spaced = len(words) > prose.words / 2
    return Features(
        length=prose.prose_words / (prose.prose_words + HALF_LENGTH_WORDS),
        sentences=_sentences(prose),
        variety=_variety(words) if spaced else 1.0,
        prose=prose.share,
        marks=_marks(text, prose),
        capitals=_capitals(text, words),
    )


def _sentences(prose: Prose) -> float:
    if not prose.sentences or not prose.prose_words:
        return 0.0
    shortest, longest = SENTENCE_WORDS
    mean = prose.prose_words / prose.sentences
    return min(1.0, mean / shortest, longest / mean)


def _variety(words: list[str]) -> float:
    """Different words fall as a power of the length; so much of them is usual: 0.9 of ten, 0.6 of three hundred."""
    usual = 1.19 * math.pow(len(words), -0.12)
    return min(1.0, len(set(map(str.casefold, words))) / len(words) / min(1.0, usual))


def _marks(text: str, prose: Prose) -> float:
    rows = len(_ROWS.findall(text))
    ended = min(1.0, 25 * prose.sentences / max(1, prose.words))
    return ended / (1 + 4 * rows / max(1, prose.sentences))


def _capitals(text: str, words: list[str]) -> float:
    starts = _START.findall(text, 0, 4000)
    cased = [letter for letter in starts if letter.lower() != letter.upper()]
    if not cased:
        return 1.0
    shouted = len([word for word in words if word.isupper() and len(word) > 3]) / len(words)
    begun: float = sum(map(str.isupper, cased)) / len(cased)
    return begun * max(0.0, 1 - 3 * shouted)

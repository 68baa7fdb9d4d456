"""Whether an answer repeats the training text word for word: a run of 13 words in a row that stands in it somewhere.

Words are compared in lower case and without punctuation. The runs of the whole corpus are kept as sorted 64-bit hashes:
two different runs share one with a chance of about one in a trillion for each lookup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

RUN_WORDS = 13
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_FACTOR = np.uint64(0x9E3779B97F4A7C15)

Hashes = NDArray[np.uint64]


class Runs:
    """Every run of `size` words in some texts; a run never crosses from one text to the next."""

    def __init__(self, texts: Iterable[str], size: int = RUN_WORDS) -> None:
        self.size = size
        self._ids: dict[str, int] = {}
        self._hashes: Hashes = np.unique(np.concatenate([np.empty(0, np.uint64), *map(self._of_text, texts)]))

    def first(self, text: str) -> str | None:
        """The first run of `text` that is one of these."""
        words = split(text)
        hashes = run_hashes([self._ids.get(word, 0) for word in words], self.size)
        places = np.searchsorted(self._hashes, hashes).clip(max=max(0, len(self._hashes) - 1))
        for start in np.flatnonzero(self._hashes[places] == hashes) if len(self._hashes) else ():
            return " ".join(words[start : start + self.size])
        return None

    def _of_text(self, text: str) -> Hashes:
        ids = [self._ids.setdefault(word, len(self._ids) + 1) for word in split(text)]
        return np.unique(run_hashes(ids, self.size))


def split(text: str) -> list[str]:
    """Words in lower case, one kind of apostrophe."""
    return [word.lower().replace("’", "'") for word in _WORD.findall(text)]


def run_hashes(ids: list[int], size: int) -> Hashes:
    """A polynomial hash modulo 2^64, then mixed, of every `size` ids in a row; an id of 0 is a word not known."""
    known = np.array(ids, dtype=np.uint64)
    if len(known) < size:
        return np.empty(0, np.uint64)
    total = np.zeros(len(known) - size + 1, dtype=np.uint64)
    for offset in range(size):
        total = (total * _FACTOR) ^ _mixed(known[offset : len(known) - size + 1 + offset])
    return total


def _mixed(values: Hashes) -> Hashes:
    """Spread small numbers over 64 bits (the finaliser of splitmix64)."""
    values = (values + _FACTOR) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))

"""Where exactly a person's turn says what another text says: runs of 30 words and more, as places in the turn."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlxtwin.curate.marks import SHINGLE_WORDS, WINDOW, Marks, is_others, passage_hashes
from mlxtwin.curate.words import WORD, WordHashes
from mlxtwin.records import Turn

# What belongs to the last word of a run, and to its first.
_AFTER = re.compile(r"[.,;:!?…\"'”’»)\]}*_]*")
_BEFORE = "\"'“‘«(>*_#„"


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text with their places."""

    places: list[tuple[int, int]]
    hashes: NDArray[np.uint64]

    @classmethod
    def of(cls, text: str, known: WordHashes) -> Words:
        # A casefolded text may be longer than the text: each word is folded by itself.
        found = list(WORD.finditer(text))
        folded = [known[match.group().casefold()] for match in found]
        return cls([match.span() for match in found], np.array(folded, np.uint64))

    def marks(self) -> Marks:
        """Of every run of SHINGLE_WORDS words, in order."""
        return passage_hashes(self.hashes) if len(self.hashes) >= SHINGLE_WORDS else np.empty(0, np.uint64)


def said_by(texts: Iterable[str], known: WordHashes) -> Marks:
    """Of every run of SHINGLE_WORDS words in some texts, sorted."""
    found = [Words.of(text, known).marks() for text in texts]
    return np.unique(np.concatenate(found)) if found else np.empty(0, np.uint64)


def heard(turns: Iterable[Turn], known: WordHashes) -> Iterator[Marks]:
    """Before each turn of a document, and after the last: as ``said_by``, of what others said by then, less what the
    person had said there before them."""
    mine, theirs = np.empty(0, np.uint64), np.empty(0, np.uint64)
    for turn in turns:
        yield theirs
        if turn.trainable:
            mine = np.union1d(mine, said_by([turn.text], known))
        elif is_others(turn):
            theirs = np.union1d(theirs, np.setdiff1d(said_by([turn.text], known), mine))
    yield theirs


def runs(text: str, said: Marks, known: WordHashes) -> Iterator[tuple[int, int]]:
    """(start, end) of each run of at least 30 words of a text that stand in what was ``said``."""
    words = Words.of(text, known)
    hit = np.concatenate(([False], np.isin(words.marks(), said), [False]))
    edges = np.flatnonzero(hit[1:] != hit[:-1]).reshape(-1, 2)
    for begin, stop in edges.tolist():
        if stop - begin >= WINDOW:
            yield _bounds(text, words.places[begin][0], words.places[stop + SHINGLE_WORDS - 2][1])


def _bounds(text: str, start: int, end: int) -> tuple[int, int]:
    """With the quotation marks and stops around it."""
    while start and text[start - 1] in _BEFORE:
        start -= 1
    after = _AFTER.match(text, end)
    return start, after.end() if after else end

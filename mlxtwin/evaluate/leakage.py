"""Leakage: the longest run of words that a sampled reply repeats from the training text."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_SEED_WORDS = 3
_BOUNDARY = ""


def words(text: str) -> list[str]:
    """Lower-case words, without punctuation."""
    return [word.casefold().replace("’", "'") for word in _WORD.findall(text)]


class CopyIndex:
    """Finds the longest run shared with any of the training texts; a run never spans two texts."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.words: list[str] = []
        for text in texts:
            self.words += [*words(text), _BOUNDARY]
        self.places: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for at in range(len(self.words) - _SEED_WORDS + 1):
            seed = tuple(self.words[at : at + _SEED_WORDS])
            if _BOUNDARY not in seed:
                self.places[seed].append(at)

    def longest_run(self, reply: str) -> int:
        """In words; runs shorter than three words count as 0."""
        said = words(reply)
        longest = 0
        for start in range(len(said) - _SEED_WORDS + 1):
            if start + longest >= len(said):
                break
            for place in self.places.get(tuple(said[start : start + _SEED_WORDS]), ()):
                longest = max(longest, self._extend(said, start, place))
        return longest

    def _extend(self, said: Sequence[str], start: int, place: int) -> int:
        length = _SEED_WORDS
        while (
            start + length < len(said)
            and place + length < len(self.words)
            and said[start + length] == self.words[place + length]
        ):
            length += 1
        return length

"""Titles and topics for untitled pieces: the words that are frequent in the piece and rare elsewhere."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable

_WORD = re.compile(r"[A-Za-z]{4,}(?:'t)?")


class Topics:
    """Word statistics over many texts, from which a title for one text is drawn."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = 0
        self.seen_in: Counter[str] = Counter()
        self.capitals: Counter[str] = Counter()
        for text in texts:
            self.texts += 1
            words = set(_WORD.findall(text))
            self.seen_in.update({word.lower() for word in words})
            self.capitals.update(word.lower() for word in words if word[0].isupper())

    def words(self, text: str, count: int) -> list[str]:
        """The most telling words, capitalised where they usually are."""
        found = Counter(word.lower() for word in _WORD.findall(text))
        known = {word: times for word, times in found.items() if self.seen_in[word] > 3 and "'" not in word}
        best = sorted(known, key=lambda word: (-known[word] * math.log(self.texts / self.seen_in[word]), word))
        return [self._written(word) for word in best[:count]]

    def topic(self, text: str) -> str:
        """One or two words for the middle of a sentence."""
        return " and ".join(self.words(text, 1 + len(text) % 2)) or "something"

    def title(self, text: str) -> str:
        """A short title, its first letter a capital."""
        words = self.words(text, 2)
        if len(words) < 2:
            return "Note"
        title = (f"{words[0]} and {words[1]}", words[0], f"On {words[0]}", f"{words[0]} {words[1]}")[len(text) % 4]
        return title[0].upper() + title[1:]

    def _written(self, word: str) -> str:
        return word.capitalize() if self.capitals[word] > 0.7 * self.seen_in[word] else word

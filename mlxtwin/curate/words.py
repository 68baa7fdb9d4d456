"""Words as numbers: the same words give the same 64-bit hashes on every machine, whatever their case and the stops."""

from __future__ import annotations

import hashlib
import re

import numpy as np
from numpy.typing import NDArray

from mlxtwin.curate.prose import UNSPACED

WORD = re.compile(f"[{UNSPACED}]|[^\\W{UNSPACED}]+")
# Bounds the memory of what is remembered: beyond so many different words all are forgotten.
MOST_WORDS = 500_000
_MIX = np.uint64(0x9E3779B97F4A7C15)


class WordHashes(dict[str, int]):
    """64-bit hashes of words, each computed once."""

    def __missing__(self, word: str) -> int:
        if len(self) >= MOST_WORDS:
            self.clear()
        value = int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), "little")
        self[word] = value
        return value

    def of(self, text: str) -> NDArray[np.uint64]:
        """Of each word of a text, in order."""
        words = WORD.findall(text.casefold())
        return np.fromiter(map(self.__getitem__, words), np.uint64, len(words))


def shingles(words: NDArray[np.uint64], length: int) -> NDArray[np.uint64]:
    """One hash for each run of ``length`` words; there must be as many."""
    mixed = _polynomial(words, length)
    mixed ^= mixed >> np.uint64(32)
    mixed *= _MIX
    return mixed ^ (mixed >> np.uint64(29))


def _polynomial(words: NDArray[np.uint64], length: int) -> NDArray[np.uint64]:
    """Of each run of words w0, w1, ...: w0 * mix^(length-1) + w1 * mix^(length-2) + ..., modulo 2^64."""
    if length == 1:
        return words.copy()
    half = length // 2
    part = _polynomial(words, half)
    whole = part[:-half] * np.uint64(pow(int(_MIX), half, 2**64)) + part[half:]
    return whole[:-1] * _MIX + words[length - 1 :] if length % 2 else whole

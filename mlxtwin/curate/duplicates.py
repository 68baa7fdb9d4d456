"""Exact and near duplicates by the words a person wrote.

MinHash (Broder 1997) over runs of five words, 64 multiply-shift permutations, found again by locality-sensitive hashing
in 16 bands of 4 and then confirmed by the estimated Jaccard similarity. A signature is 272 bytes and the same on every
machine: a 16-byte digest of the words, then 64 minima as little-endian uint32.

Not covered: one text that contains another, and the same text in other words.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from mlxtwin.curate.prose import UNSPACED

EXACT = "exact duplicate"
NEAR = "near duplicate"
SHINGLE_WORDS = 5
PERMUTATIONS = 64
BANDS = 16
SIMILAR = 0.8
DIGEST_BYTES = 16
SIGNATURE_BYTES = DIGEST_BYTES + 4 * PERMUTATIONS
# Bounds the temporary arrays: words hashed at a time.
CHUNK_WORDS = 200_000
# A form letter would put thousands of unlike documents in one bucket; the first few are enough to know it by.
BUCKET_LIMIT = 64

_WORD = re.compile(f"[{UNSPACED}]|[^\\W{UNSPACED}]+")
_MIX = np.uint64(0x9E3779B97F4A7C15)


class _WordHashes(dict[str, int]):
    """64-bit hashes of words, each computed once."""

    def __missing__(self, word: str) -> int:
        value = int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), "little")
        self[word] = value
        return value


def signatures(texts: Iterable[str]) -> Iterator[bytes]:
    """One signature per text, in order; texts are read a chunk at a time."""
    hashes = _WordHashes()
    chunk: list[NDArray[np.uint64]] = []
    digests: list[bytes] = []
    waiting = 0
    for text in texts:
        words = _WORD.findall(text.casefold()) or [text.strip()]
        values = np.fromiter(map(hashes.__getitem__, words), np.uint64, len(words))
        digests.append(hashlib.blake2b(values.astype("<u8").tobytes(), digest_size=DIGEST_BYTES).digest())
        chunk.append(values if len(values) >= SHINGLE_WORDS else np.pad(values, (0, SHINGLE_WORDS - len(values))))
        waiting += len(chunk[-1])
        if waiting >= CHUNK_WORDS:
            yield from _packed(digests, chunk)
            chunk, digests, waiting = [], [], 0
    if chunk:
        yield from _packed(digests, chunk)


def _packed(digests: list[bytes], chunk: list[NDArray[np.uint64]]) -> Iterator[bytes]:
    for digest, row in zip(digests, minima(chunk), strict=True):
        yield digest + row.astype("<u4").tobytes()


def minima(documents: list[NDArray[np.uint64]]) -> NDArray[np.uint32]:
    """(documents, 64) smallest permuted shingle hashes; each document is at least five word hashes long."""
    lengths = np.array([len(document) for document in documents])
    words = np.concatenate(documents)
    owner = np.repeat(np.arange(len(documents)), lengths)
    last = SHINGLE_WORDS - 1
    shingles = _shingles(words)[owner[: len(words) - last] == owner[last:]]
    starts = np.concatenate(([0], np.cumsum(lengths - last)[:-1]))
    found = np.empty((len(documents), PERMUTATIONS), np.uint32)
    for column, (factor, offset) in enumerate(_permutations()):
        permuted = (shingles * factor + offset) >> np.uint64(32)
        found[:, column] = np.minimum.reduceat(permuted, starts)
    return found


def _shingles(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    count = len(words) - SHINGLE_WORDS + 1
    mixed = np.zeros(count, np.uint64)
    for place in range(SHINGLE_WORDS):
        mixed = mixed * _MIX + words[place : place + count]
    mixed ^= mixed >> np.uint64(32)
    mixed *= _MIX
    return mixed ^ (mixed >> np.uint64(29))


def _permutations() -> Iterator[tuple[np.uint64, np.uint64]]:
    for number in range(PERMUTATIONS):
        seed = hashlib.blake2b(f"mlxtwin permutation {number}".encode(), digest_size=16).digest()
        factor, offset = int.from_bytes(seed[:8], "little") | 1, int.from_bytes(seed[8:], "little")
        yield np.uint64(factor), np.uint64(offset)


class Seen:
    """The signatures of the documents kept so far, in the order they were kept."""

    def __init__(self) -> None:
        self._digests: set[bytes] = set()
        self._minima = np.empty((1024, PERMUTATIONS), "<u4")
        self._count = 0
        # By band: its four minima to the places that have them. A place alone stands for a list of one.
        self._buckets: tuple[dict[bytes, int | list[int]], ...] = tuple({} for _ in range(BANDS))

    def reason(self, signature: bytes) -> str:
        """EXACT, NEAR, or empty when nothing kept so far is like it."""
        if signature[:DIGEST_BYTES] in self._digests:
            return EXACT
        alike: set[int] = set()
        for bucket, key in zip(self._buckets, _bands(signature), strict=True):
            places = bucket.get(key, ())
            alike.update((places,) if isinstance(places, int) else places)
        if not alike:
            return ""
        row = np.frombuffer(signature, "<u4", offset=DIGEST_BYTES)
        similarity = (self._minima[sorted(alike)] == row).mean(axis=1)
        return NEAR if similarity.max() >= SIMILAR else ""

    def add(self, signature: bytes) -> None:
        if self._count == len(self._minima):
            self._minima = np.concatenate((self._minima, np.empty_like(self._minima)))
        self._minima[self._count] = np.frombuffer(signature, "<u4", offset=DIGEST_BYTES)
        self._digests.add(signature[:DIGEST_BYTES])
        for bucket, key in zip(self._buckets, _bands(signature), strict=True):
            places = bucket.setdefault(key, self._count)
            if isinstance(places, list):
                if len(places) < BUCKET_LIMIT:
                    places.append(self._count)
            elif places != self._count:
                bucket[key] = [places, self._count]
        self._count += 1


def _bands(signature: bytes) -> list[bytes]:
    width = (SIGNATURE_BYTES - DIGEST_BYTES) // BANDS
    return [signature[start : start + width] for start in range(DIGEST_BYTES, SIGNATURE_BYTES, width)]

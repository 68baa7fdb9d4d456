"""Exact and near duplicates by the words a person wrote.

MinHash (Broder 1997) over runs of five words, 64 multiply-shift permutations, found again by locality-sensitive hashing
in 16 bands of 4 and then confirmed by the estimated Jaccard similarity. A signature is 272 bytes and the same on every
machine: a 16-byte digest of the words, then 64 minima as little-endian uint32.

Not covered: one text that contains another, and the same text in other words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mlxtwin.curate.words import WordHashes, shingles

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
_MIX = np.uint64(0x9E3779B97F4A7C15)
# A form letter would put thousands of unlike documents in one bucket; the first few are enough to know it by.
BUCKET_LIMIT = 64


def signatures(texts: Iterable[str], hashes: WordHashes | None = None) -> Iterator[bytes]:
    """One signature per text, in order; texts are read a chunk at a time."""
    known = WordHashes() if hashes is None else hashes
    chunk: list[NDArray[np.uint64]] = []
    digests: list[bytes] = []
    waiting = 0
    for text in texts:
        values = known.of(text)
        if not len(values):
            values = np.array([known[text.strip()]], np.uint64)
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
    runs = shingles(words, SHINGLE_WORDS)[owner[: len(words) - last] == owner[last:]]
    starts = np.concatenate(([0], np.cumsum(lengths - last)[:-1]))
    found = np.empty((len(documents), PERMUTATIONS), np.uint32)
    for column, (factor, offset) in enumerate(_permutations()):
        permuted = (runs * factor + offset) >> np.uint64(32)
        found[:, column] = np.minimum.reduceat(permuted, starts)
    return found


def _permutations() -> Iterator[tuple[np.uint64, np.uint64]]:
    for number in range(PERMUTATIONS):
        seed = hashlib.blake2b(f"mlxtwin permutation {number}".encode(), digest_size=16).digest()
        factor, offset = int.from_bytes(seed[:8], "little") | 1, int.from_bytes(seed[8:], "little")
        yield np.uint64(factor), np.uint64(offset)


def in_company(some: Sequence[bytes]) -> NDArray[np.bool_]:
    """Which signatures have a band in common with another of these: the others are like none, and need no look."""
    found = np.zeros(len(some), bool)
    if len(some) < 2:
        return found
    rows = np.frombuffer(b"".join(some), np.uint8).reshape(len(some), SIGNATURE_BYTES)
    width = (SIGNATURE_BYTES - DIGEST_BYTES) // BANDS
    for start in range(DIGEST_BYTES, SIGNATURE_BYTES, width):
        band = np.ascontiguousarray(rows[:, start : start + width]).view(np.uint64)
        mixed = band[:, 0] * _MIX ^ band[:, 1]
        order = np.argsort(mixed)
        same = mixed[order[1:]] == mixed[order[:-1]]
        found[order[1:][same]] = found[order[:-1][same]] = True
    return found


class Seen:
    """The signatures of the documents kept so far, each by its place: how many were added before it."""

    def __init__(self) -> None:
        self._digests: dict[bytes, int] = {}
        self._minima = np.empty((1024, PERMUTATIONS), "<u4")
        self._count = 0
        # By band: its four minima to the places that have them. A place alone stands for a list of one.
        self._buckets: tuple[dict[bytes, int | list[int]], ...] = tuple({} for _ in range(BANDS))

    def find(self, signature: bytes) -> tuple[str, int]:
        """EXACT or NEAR with the place of what it is most like; empty when nothing kept so far is like it."""
        exact = self._digests.get(signature[:DIGEST_BYTES])
        if exact is not None:
            return EXACT, exact
        alike: set[int] = set()
        for bucket, key in zip(self._buckets, _bands(signature), strict=True):
            places = bucket.get(key, ())
            alike.update((places,) if isinstance(places, int) else places)
        if not alike:
            return "", -1
        ordered = sorted(alike)
        row = np.frombuffer(signature, "<u4", offset=DIGEST_BYTES)
        similarity = (self._minima[ordered] == row).mean(axis=1)
        best = int(similarity.argmax())
        return (NEAR, ordered[best]) if similarity[best] >= SIMILAR else ("", -1)

    def add(self, signature: bytes) -> int:
        """Its place."""
        if self._count == len(self._minima):
            self._minima = np.concatenate((self._minima, np.empty_like(self._minima)))
        self._minima[self._count] = np.frombuffer(signature, "<u4", offset=DIGEST_BYTES)
        self._digests[signature[:DIGEST_BYTES]] = self._count
        for bucket, key in zip(self._buckets, _bands(signature), strict=True):
            places = bucket.setdefault(key, self._count)
            if isinstance(places, list):
                if len(places) < BUCKET_LIMIT:
                    places.append(self._count)
            elif places != self._count:
                bucket[key] = [places, self._count]
        self._count += 1
        return self._count - 1


def _bands(signature: bytes) -> list[bytes]:
    width = (SIGNATURE_BYTES - DIGEST_BYTES) // BANDS
    return [signature[start : start + width] for start in range(DIGEST_BYTES, SIGNATURE_BYTES, width)]

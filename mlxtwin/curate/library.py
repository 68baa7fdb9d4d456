"""The marks of all documents together: which passages somebody else wrote first, and which of the person's recur.

Sorted arrays of numbers: 16 bytes for each mark, so about 1.6 bytes for each word of the vault. Where it is not known
when something was written, it is taken not to be the person's: their text to be late, the others' to be early.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlxtwin.curate.marks import EARLY, LATE, Marks, Timed, minutes_of, of_kind, unpacked
from mlxtwin.vault.curation import MarksRow

Numbers = NDArray[np.int32]


class Recurrence(NamedTuple):
    """A mark that recurs, in document ``number``, the ``rank``-th of those that have it; ``first`` is the first."""

    mark: int
    number: int
    rank: int
    first: int


@dataclass(frozen=True, slots=True)
class _Side:
    """Marks with the documents they are of and when those were written, by mark and time, else in the order given."""

    marks: Marks
    numbers: Numbers
    minutes: Numbers

    @classmethod
    def of(cls, rows: list[tuple[int, int, Timed]]) -> _Side:
        lengths = [len(timed.marks) // 8 for _, _, timed in rows]
        marks = unpacked(b"".join(timed.marks for _, _, timed in rows))
        numbers = np.repeat(np.array([number for number, _, _ in rows], np.int32), lengths)
        minutes = np.concatenate([np.empty(0, np.int32), *(minutes_of(timed, minute) for _, minute, timed in rows)])
        order = np.lexsort((minutes, marks))
        return cls(marks[order], numbers[order], minutes[order])

    def firsts(self) -> _Side:
        """Only the earliest of each mark."""
        chosen = np.ones(len(self.marks), bool)
        chosen[1:] = self.marks[1:] != self.marks[:-1]
        return _Side(self.marks[chosen], self.numbers[chosen], self.minutes[chosen])

    def where(self, chosen: NDArray[np.bool_]) -> _Side:
        return _Side(self.marks[chosen], self.numbers[chosen], self.minutes[chosen])


class Library:
    """Made of the marks of every document there is; of two of the same minute, the first given is the earlier."""

    def __init__(self, rows: Iterable[MarksRow]) -> None:
        own, other = [], []
        for row in rows:
            if row.own:
                late = LATE if row.minute is None else row.minute
                own.append((row.number, late, Timed(row.own, row.own_minutes)))
            if row.other:
                early = EARLY if row.minute is None else row.minute
                other.append((row.number, early, Timed(row.other, row.other_minutes)))
        self._own = _Side.of(own)
        self._other = _Side.of(other).firsts()

    def pasted(self, new: Collection[int]) -> dict[int, set[int]]:
        """Own documents that may hold what somebody else wrote first, with the documents where that stands.

        Only where one of the two is ``new``. A passage that the person wrote before anybody else is theirs.
        """
        own, other = self._own, self._other
        if not len(other.marks) or not len(own.marks):
            return {}
        place = np.minimum(np.searchsorted(other.marks, own.marks), len(other.marks) - 1)
        begins = np.searchsorted(own.marks, own.marks)  # of each mark, where its earliest stands
        theirs = other.minutes[place]
        hit = (other.marks[place] == own.marks) & (theirs <= own.minutes[begins])
        recent = np.fromiter(new, np.int32, len(new))
        hit &= np.isin(own.numbers, recent) | np.isin(other.numbers[place], recent)
        found: dict[int, set[int]] = defaultdict(set)
        for number, source in zip(own.numbers[hit].tolist(), other.numbers[place[hit]].tolist(), strict=True):
            found[number].add(source)
        return dict(found)

    def recurring(self, kind: int, least: int, among: Collection[int], new: Collection[int]) -> list[Recurrence]:
        """The marks of a kind that at least so many of the documents ``among`` have, in those that are ``new``.

        Others come first in the order of each mark, for what was kept before stays; among themselves the earliest does.
        They are told of too where they were too few before the new ones came.
        """
        chosen = np.isin(self._own.numbers, np.fromiter(among, np.int32, len(among)))
        side = self._own.where(chosen & of_kind(self._own.marks, kind))
        recent = np.isin(side.numbers, np.fromiter(new, np.int32, len(new)))
        order = np.lexsort((side.minutes, recent, side.marks))
        side, recent = _Side(side.marks[order], side.numbers[order], side.minutes[order]), recent[order]
        begins = np.flatnonzero(np.concatenate(([True], side.marks[1:] != side.marks[:-1]))) if len(order) else order
        counts = np.diff(np.append(begins, len(order)))
        olds = counts - np.add.reduceat(recent.astype(np.int64), begins) if len(order) else counts
        group = np.repeat(np.arange(len(begins)), counts)
        told = (counts >= least)[group] & (recent | ((olds < least) & (olds < counts))[group])
        rank = np.arange(len(order)) - begins[group]
        columns = (side.marks[told], side.numbers[told], rank[told], side.numbers[begins[group[told]]])
        return [Recurrence(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]

    def holding(self, marks: Collection[int], among: Collection[int]) -> dict[int, set[int]]:
        """Which of these marks the documents ``among`` have; those that have none are left out."""
        side = self._own
        held = np.isin(side.marks, np.fromiter(marks, np.uint64, len(marks)))
        held &= np.isin(side.numbers, np.fromiter(among, np.int32, len(among)))
        found: dict[int, set[int]] = defaultdict(set)
        for number, mark in zip(side.numbers[held].tolist(), side.marks[held].tolist(), strict=True):
            found[number].add(mark)
        return dict(found)

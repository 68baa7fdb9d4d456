"""Token examples to rows: several short examples in one row, few widths, no padding that anything is learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mlxtwin.records import TokenExample

PADDING = -1
# What a pass costs beside its tokens, and how long a row would take twice as long for each: in tokens, on a CPU.
PASS_TOKENS, CACHED_TOKENS = 16, 8192


@dataclass(frozen=True, slots=True)
class RowPolicy:
    """How examples become rows on a device.

    ``step``: widths are multiples of it, ``target_step``: numbers of targets in a pass. ``row_tokens``: rows are
    filled up to about this many, or the longest example. ``together``: the most tokens in rows of one forward pass, 0
    for one row at a time. ``streams``: so many passes run at once; to keep all of them busy, rows of examples that are
    long may get longer, up to ``most_tokens``. ``packed`` is False for a model that cannot have several examples in a
    row.
    """

    step: int = 32
    target_step: int = 8
    row_tokens: int = 256
    together: int = 0
    streams: int = 1
    packed: bool = True
    most_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where the inputs of example ``index`` lie: ``length`` places of ``row``, from ``start`` on."""

    index: int
    row: int
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Rows:
    """The arrays of one forward pass.

    ``tokens``, ``segments`` (rows, width) int32: the inputs, and which example each belongs to, -1 for padding. For
    each of P targets: the flat index of the position that predicts it, its id, its weight; the last few are padding of
    weight 0. ``targets`` counts the real ones.
    """

    tokens: NDArray[np.int32]
    segments: NDArray[np.int32]
    positions: NDArray[np.int32]
    target_ids: NDArray[np.int32]
    weights: NDArray[np.float32]
    places: tuple[Place, ...]
    targets: int

    @property
    def bounds(self) -> tuple[tuple[int, int], ...]:
        """Of a single row: where each example begins and ends, and what is left of the width as one more."""
        ends = [place.start + place.length for place in self.places]
        return tuple(pair for pair in pairwise((0, *ends, self.tokens.shape[1])) if pair[0] < pair[1])


def inputs_of(example: TokenExample) -> int:
    """How many places an example fills: the last token predicts nothing."""
    return len(example.tokens) - 1


def rows_of(examples: Sequence[TokenExample], batch: Sequence[int], policy: RowPolicy) -> list[Rows]:
    """The examples ``batch`` points at, each once, as the forward passes of one optimizer step.

    The same for the same examples in any order; the costliest first.
    """
    order = sorted(batch, key=lambda index: (-inputs_of(examples[index]), index))
    packed = _filled(order, examples, policy)
    return [_arrays(group, examples, policy) for group in _grouped(packed, examples, policy)]


def _filled(order: Sequence[int], examples: Sequence[TokenExample], policy: RowPolicy) -> list[list[int]]:
    """Rows of about even length, as many as streams want, the longest first."""
    if not policy.packed:
        return [[index] for index in order]
    lengths = {index: inputs_of(examples[index]) for index in order}
    total = sum(lengths.values())
    most = -(-total // (policy.row_tokens * policy.streams))
    if policy.together:
        # Where rows are stacked, a common width counts.
        room = _round_up(max(*lengths.values(), policy.row_tokens), policy.step)
        return _dealt(lengths, most * policy.streams, room)
    rounds = range(most, 0, -1) if policy.streams > 1 else [most]
    ways = [_dealt(lengths, count * policy.streams, total) for count in rounds]
    room = max(*lengths.values(), policy.most_tokens)
    fitting = [rows for rows in ways if max(_sums(rows, lengths), default=0) <= room]
    return min(fitting or ways, key=lambda rows: _time(_sums(rows, lengths), policy.streams))


def _dealt(lengths: Mapping[int, int], count: int, room: int) -> list[list[int]]:
    """The longest first, each into the emptiest of ``count`` rows, or a new one where there is no ``room``."""
    rows: list[list[int]] = [[] for _ in range(min(count, len(lengths)))]
    used = [0] * len(rows)
    for index, length in lengths.items():
        emptiest = used.index(min(used)) if used else 0
        if not used or used[emptiest] + length > room:
            rows.append([])
            used.append(0)
            emptiest = len(rows) - 1
        rows[emptiest].append(index)
        used[emptiest] += length
    return [row for _, row in sorted(zip(used, rows, strict=True), key=lambda pair: -pair[0])]


def _sums(rows: Sequence[list[int]], lengths: Mapping[int, int]) -> list[int]:
    return [sum(lengths[index] for index in row) for row in rows]


def _time(widths: Sequence[int], streams: int) -> float:
    """How long rows take, so many at once, each such round as long as its longest; long rows leave the caches."""
    longest = widths[::streams]
    return sum(PASS_TOKENS + width * (1 + width / CACHED_TOKENS) for width in longest)


def _grouped(rows: Sequence[list[int]], examples: Sequence[TokenExample], policy: RowPolicy) -> list[list[list[int]]]:
    """Rows of one width together, as many as one forward pass may hold."""
    groups: list[list[list[int]]] = []
    widths: list[int] = []
    for row in rows:
        width = _round_up(sum(inputs_of(examples[index]) for index in row), policy.step)
        if groups and widths[-1] == width and width * (len(groups[-1]) + 1) <= policy.together:
            groups[-1].append(row)
        else:
            groups.append([row])
            widths.append(width)
    return groups


def _arrays(group: Sequence[Sequence[int]], examples: Sequence[TokenExample], policy: RowPolicy) -> Rows:
    width = _round_up(max(sum(inputs_of(examples[index]) for index in row) for row in group), policy.step)
    tokens = np.zeros((len(group), width), np.int32)
    segments = np.full((len(group), width), PADDING, np.int32)
    places: list[Place] = []
    positions: list[NDArray[np.int64]] = []
    ids: list[NDArray[np.int32]] = []
    weights: list[NDArray[np.float32]] = []
    for number, row in enumerate(group):
        start = 0
        for index in row:
            example = examples[index]
            place = Place(index, number, start, inputs_of(example))
            content = np.asarray(example.tokens, np.int32)
            tokens[number, start : start + place.length] = content[:-1]
            segments[number, start : start + place.length] = len(places)
            wanted = np.flatnonzero(np.asarray(example.supervised[1:]))
            positions.append(number * width + start + wanted)
            ids.append(content[1:][wanted])
            weights.append(np.full(len(wanted), example.weight, np.float32))
            places.append(place)
            start += place.length
    targets = sum(map(len, ids))
    padding = _round_up(targets, policy.target_step) - targets
    return Rows(
        tokens,
        segments,
        np.concatenate([*positions, np.zeros(padding, np.int64)]).astype(np.int32),
        np.concatenate([*ids, np.zeros(padding, np.int32)]),
        np.concatenate([*weights, np.zeros(padding, np.float32)]),
        tuple(places),
        targets,
    )


def _round_up(value: int, step: int) -> int:
    return max(step, -(-value // step) * step)

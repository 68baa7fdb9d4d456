"""Token examples to the arrays of one batch: right-padded rows, and the places that are targets of the loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlxtwin.records import TokenExample

# Lengths are rounded up to few values, so that few distinct shapes reach the device.
WIDTH_STEP = 32
TARGET_STEP = 64


@dataclass(frozen=True, slots=True)
class Batch:
    """``tokens`` (rows, width) int32. For each of P targets: the flat index of the position that predicts it, the
    target's id, its weight and its row; the last few are padding of weight 0. ``targets`` counts the real ones."""

    tokens: NDArray[np.int32]
    positions: NDArray[np.int32]
    target_ids: NDArray[np.int32]
    weights: NDArray[np.float32]
    rows: NDArray[np.int32]
    targets: int


def collate(examples: Sequence[TokenExample]) -> Batch:
    """Pad to a common width; no padding token is ever a target."""
    longest = max(len(example.tokens) for example in examples)
    width = _round_up(longest - 1, WIDTH_STEP)
    tokens = np.zeros((len(examples), width), np.int32)
    places: list[tuple[int, int, float, int]] = []
    for row, example in enumerate(examples):
        ids = example.tokens
        tokens[row, : len(ids) - 1] = ids[:-1]
        places += [
            (row * width + at - 1, ids[at], example.weight, row) for at in range(1, len(ids)) if example.supervised[at]
        ]
    count = len(places)
    padding = [(0, 0, 0.0, 0)] * (_round_up(max(count, 1), TARGET_STEP) - count)
    positions, target_ids, weights, rows = zip(*(places + padding), strict=True)
    return Batch(
        tokens,
        np.asarray(positions, np.int32),
        np.asarray(target_ids, np.int32),
        np.asarray(weights, np.float32),
        np.asarray(rows, np.int32),
        count,
    )


def _round_up(value: int, step: int) -> int:
    return max(step, -(-value // step) * step)

"""Which examples make one optimizer step, in which order: all of them once per epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlxtwin.dataset.rows import inputs_of
from mlxtwin.records import TokenExample


def batches(tokens: Sequence[TokenExample], *, batch_tokens: int, seed: int, epoch: int) -> list[list[int]]:
    """Indices into ``tokens``, each exactly once, in random order and random company.

    The input tokens of a batch are at most ``batch_tokens``, except where one example alone has more. The order
    depends on the seed, the epoch and the lengths only, never on a generator shared with anyone.
    """
    made: list[list[int]] = []
    filled = batch_tokens
    for index in np.random.default_rng((seed, epoch)).permutation(len(tokens)).tolist():
        if filled + inputs_of(tokens[index]) > batch_tokens:
            made.append([])
            filled = 0
        made[-1].append(index)
        filled += inputs_of(tokens[index])
    return made

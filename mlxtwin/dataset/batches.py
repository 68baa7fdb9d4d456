"""Which examples go through the model together, in which order: all of them once per epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlxtwin.records import TokenExample

# Lengths are blurred by this share before sorting, so that other examples meet in every epoch.
BLUR = 0.05


def batches(tokens: Sequence[TokenExample], *, batch_tokens: int, seed: int, epoch: int) -> list[list[int]]:
    """Indices into ``tokens``, each exactly once, in batches of similar length and in random order.

    Rows times the longest row of a batch is at most ``batch_tokens``, except where one example alone is longer. The
    order depends on the seed, the epoch and the lengths only, never on a generator shared with anyone.
    """
    if not tokens:
        return []
    random = np.random.default_rng((seed, epoch))
    lengths = np.array([len(example.tokens) for example in tokens])
    blurred = lengths * random.uniform(1 - BLUR, 1 + BLUR, len(lengths))
    order = np.lexsort((random.permutation(len(lengths)), blurred))
    made: list[list[int]] = [[]]
    longest = 0
    for index in order.tolist():
        longest = max(longest, int(lengths[index]))
        if made[-1] and longest * (len(made[-1]) + 1) > batch_tokens:
            made.append([])
            longest = int(lengths[index])
        made[-1].append(index)
    return [made[place] for place in random.permutation(len(made)).tolist()]

"""The loss: weighted negative log-likelihood of the supervised tokens, the head run on their positions only."""

from __future__ import annotations

import mlx.core as mx
from mlx import nn

from mlxtwin.backend.forward import target_nll
from mlxtwin.dataset.collate import Batch


def weighted_sum(model: nn.Module, batch: Batch) -> tuple[mx.array, mx.array]:
    """The weighted sum of the nats of a batch, and their plain sum (both scalars, float32).

    Sums, not means: gradients of several batches add up, and are divided once by the weight of all their tokens.
    """
    nll = target_nll(model, mx.array(batch.tokens), mx.array(batch.positions), mx.array(batch.target_ids))
    weights = mx.array(batch.weights)
    return mx.sum(nll * weights), mx.sum(mx.where(weights > 0, nll, 0.0))

"""The losses of preference learning, on log-probabilities of whole answers, and what they need of the model.

Every array is float32 and holds one value per answer: the sum of the log-probabilities, in nats, of its tokens.
Sources: DPO, Rafailov et al. 2023 (arXiv:2305.18290), equation 7, with the negative log-likelihood of the chosen answer
beside it as in Pang et al. 2024 (arXiv:2404.19733); KTO, Ethayarajh et al. 2024 (arXiv:2402.01306), equations 7 and 8.
"""

from __future__ import annotations

import mlx.core as mx
import numpy as np
from mlx import nn

from mlxtwin.backend.forward import head_holds, hidden, target_nll
from mlxtwin.backend.head import frozen_head_nll, head_is_frozen
from mlxtwin.dataset.collate import Batch

# What the KTO paper asks of (good answers x their weight) / (bad answers x theirs).
LEAST_SHARE, MOST_SHARE = 1.0, 4 / 3


def sequence_logprobs(model: nn.Module, batch: Batch, sequences: int) -> mx.array:
    """The log-probability in nats (sequences,) of the targets of each of the ``batch.rows`` 0 to sequences - 1."""
    nll = _nll(model, mx.array(batch.tokens), mx.array(batch.positions), mx.array(batch.target_ids))
    real = np.arange(len(batch.rows)) < batch.targets
    # A sum per row in a fixed order: neither a scatter, whose order varies on a GPU, nor a product of lower precision.
    belongs = mx.array((batch.rows[None] == np.arange(sequences)[:, None]) & real[None])
    return -mx.sum(mx.where(belongs, nll[None], 0.0), axis=1)


def _nll(model: nn.Module, tokens: mx.array, positions: mx.array, targets: mx.array) -> mx.array:
    """`target_nll`, in chunks of the targets where nothing of the head learns."""
    states = hidden(model, tokens) if head_holds(model) and head_is_frozen(model) else None
    if states is None:
        return target_nll(model, tokens, positions, targets)
    return frozen_head_nll(model, states.reshape(-1, states.shape[-1])[positions], targets)


def dpo(
    chosen: mx.array, rejected: mx.array, reference_chosen: mx.array, reference_rejected: mx.array, beta: float
) -> mx.array:
    """-log sigmoid(beta x margin) per pair (n,), the margin being `preference_margin`."""
    margin = preference_margin(chosen, rejected, reference_chosen, reference_rejected)
    return mx.logaddexp(mx.zeros_like(margin), -beta * margin)


def preference_margin(
    chosen: mx.array, rejected: mx.array, reference_chosen: mx.array, reference_rejected: mx.array
) -> mx.array:
    """By how many nats more than its reference the policy prefers the chosen answer (n,)."""
    return (chosen - reference_chosen) - (rejected - reference_rejected)


def supervised(chosen: mx.array, tokens: mx.array) -> mx.array:
    """Negative log-likelihood in nats per token (n,) of chosen answers of so many ``tokens`` (n,)."""
    return -chosen / tokens


def kto(
    answers: mx.array,
    reference: mx.array,
    good: mx.array,
    reference_point: mx.array,
    beta: float,
    weights: tuple[float, float],
) -> mx.array:
    """The weight of an answer less its value (n,); ``good`` (n,) bool, ``weights`` of good and of bad answers.

    No gradient flows through ``reference_point`` (a scalar, from `mismatch_point`).
    """
    gain = beta * (answers - reference - mx.stop_gradient(reference_point))
    # 1 - sigmoid(x) is sigmoid(-x), without the rounding near 1.
    return mx.where(good, weights[0] * mx.sigmoid(-gain), weights[1] * mx.sigmoid(gain))


def mismatch_point(policy: mx.array, reference: mx.array, counted: mx.array) -> mx.array:
    """The paper's z0, a scalar: the mean log-ratio of answers to prompts they were not given for, at least 0.

    ``counted`` (n,) bool: which of the values there are; without any the point is 0. Not differentiated.
    """
    ratios = mx.where(counted, policy - reference, 0.0)
    mean = mx.sum(ratios) / mx.maximum(mx.sum(counted), 1)
    return mx.stop_gradient(mx.maximum(mean, 0.0))


def balanced_weights(good: int, bad: int) -> tuple[float, float]:
    """Weights of good and of bad answers, none below 1, that bring their shares into the paper's range."""
    if not good or not bad:
        return 1.0, 1.0
    share = good / bad
    return max(1.0, LEAST_SHARE / share), max(1.0, share / MOST_SHARE)

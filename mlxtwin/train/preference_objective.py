"""What preference learning differentiates: of a model and a micro-batch, apart from how steps are taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np
from mlx import nn
from mlx.utils import tree_map
from numpy.typing import NDArray

from mlxtwin.dataset.collate import collate
from mlxtwin.train.preference_data import PreferenceBatch, TokenItem, TokenRating, collate_preferences, groups
from mlxtwin.train.preference_loss import dpo, kto, mismatch_point, preference_margin, sequence_logprobs, supervised

# Gives the sum of the losses, to be differentiated; the nats of the wanted answers; and for each item (n,) beta times
# the nats by which the policy has moved the way it should.
Objective = Callable[[nn.Module, PreferenceBatch], tuple[mx.array, mx.array, mx.array]]


def dpo_objective(beta: float, supervised_weight: float) -> Objective:
    """DPO with the supervised term, over batches of pairs."""

    def loss(model: nn.Module, batch: PreferenceBatch) -> tuple[mx.array, mx.array, mx.array]:
        policy = sequence_logprobs(model, batch.answers, 2 * batch.items)
        reference, tokens = mx.array(batch.reference), mx.array(batch.tokens[: batch.items])
        chosen, rejected = policy[: batch.items], policy[batch.items :]
        frozen = reference[: batch.items], reference[batch.items :]
        losses = dpo(chosen, rejected, *frozen, beta) + supervised_weight * supervised(chosen, tokens)
        return mx.sum(losses), -mx.sum(chosen), beta * preference_margin(chosen, rejected, *frozen)

    return loss


def kto_objective(beta: float, weights: tuple[float, float]) -> Objective:
    """KTO over batches of ratings; ``weights`` of good and of bad answers."""

    def loss(model: nn.Module, batch: PreferenceBatch) -> tuple[mx.array, mx.array, mx.array]:
        policy = sequence_logprobs(model, batch.answers, batch.items)
        reference, good = mx.array(batch.reference), mx.array(batch.wanted)
        losses = kto(policy, reference, good, mx.array(batch.reference_point), beta, weights)
        moved = beta * (policy - reference)
        return mx.sum(losses), -mx.sum(mx.where(good, policy, 0.0)), mx.where(good, moved, -moved)

    return loss


@dataclass(frozen=True, slots=True)
class PreferenceSum:
    """Sums over the items of a step: the ``gradient`` of the ``loss``; ``weight``, the number of items; all supervised
    ``targets``; of these the ``wanted`` ones and their ``nats``; the margins, and the items with one above 0."""

    gradient: Any
    loss: float
    nats: float
    weight: float
    targets: int
    wanted: int
    margin: float
    right: float


@dataclass(frozen=True, slots=True)
class PreferenceGradients:
    """Computes the gradients of ``model`` for an objective; ``reference`` (items, 2) is that of all items there are."""

    model: nn.Module
    objective: Objective
    reference: NDArray[np.float32]
    row_tokens: int

    def step(self, items: Sequence[TokenItem], batch: Sequence[int]) -> PreferenceSum:
        """The summed gradient over the items ``batch`` points at, in as many forward passes as memory asks for."""
        gradient_of = nn.value_and_grad(self.model, self.objective)
        chosen = [items[place] for place in batch]
        total: Any = None
        sums, targets, wanted = np.zeros(4), 0, 0
        for part in micro_batches(self.model, chosen, self.reference[list(batch)], self.row_tokens):
            (loss, nats, margins), gradient = gradient_of(self.model, part)
            total = gradient if total is None else tree_map(mx.add, total, gradient)
            mx.eval(total, loss, nats, margins)
            sums += [number(loss), number(nats), number(mx.sum(margins)), number(mx.sum(margins > 0))]
            targets += part.answers.targets
            wanted += part.wanted_targets
        loss_sum, nats_sum, margin, right = (float(value) for value in sums)
        return PreferenceSum(total, loss_sum, nats_sum, float(len(chosen)), targets, wanted, margin, right)


def micro_batches(
    model: nn.Module, items: Sequence[TokenItem], reference: NDArray[np.float32], row_tokens: int
) -> Iterator[PreferenceBatch]:
    """One optimizer step in parts of at most ``row_tokens`` padded tokens, similar lengths together.

    ``reference`` (items, 2). KTO's z0 is that of the whole step, so the parts do not change the gradient.
    """
    ratings = [item for item in items if isinstance(item, TokenRating)]
    point = reference_point(model, ratings, reference[:, 1], row_tokens) if ratings else 0.0
    order = sorted(range(len(items)), key=lambda place: items[place].width)
    for group in groups([items[place].width for place in order], row_tokens):
        part = [order[index] for index in group]
        yield collate_preferences([items[place] for place in part], reference[part], point)


def reference_point(
    model: nn.Module, ratings: Sequence[TokenRating], reference: NDArray[np.float32], row_tokens: int
) -> float:
    """KTO's z0 of one step from its mismatched answers, ``reference`` (n,) being theirs; in eval mode, no gradient."""
    training = model.training
    model.eval()
    rows = [rating.mismatched for rating in ratings]
    values = [
        sequence_logprobs(model, collate([rows[place] for place in part]), len(part))
        for part in groups([len(row.tokens) for row in rows], row_tokens)
    ]
    counted = mx.array([row.targets > 0 for row in rows])
    point = number(mismatch_point(mx.concatenate(values), mx.array(reference), counted))
    model.train(training)
    return point


def number(scalar: mx.array) -> float:
    value: Any = scalar.item()
    return float(value)

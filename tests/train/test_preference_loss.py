"""Losses and gradients of preference learning against the papers' formulas in float64."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import mlx.core as mx
import numpy as np
import pytest
from mlx import nn
from mlx.utils import tree_flatten
from preferences64 import SPEC, Array, dpo64, kto64, logprobs64, pairs, ratings, sigmoid, slope64, tiny_llama, weights64

from mlxtwin.dataset.collate import collate
from mlxtwin.train.preference import objective
from mlxtwin.train.preference_data import TokenItem, TokenRating, collate_preferences
from mlxtwin.train.preference_loss import balanced_weights, dpo, kto, mismatch_point, sequence_logprobs, supervised
from mlxtwin.train.preference_objective import micro_batches, reference_point
from mlxtwin.train.preference_settings import PreferenceSettings


def logprobs(seed: int, count: int = 7) -> Array:
    return -np.random.default_rng(seed).uniform(2, 90, count)


def test_the_dpo_loss_and_its_gradient_are_those_of_the_paper() -> None:
    chosen, rejected, *frozen = (logprobs(seed) for seed in range(4))
    chosen[0], rejected[1] = -4000.0, -4000.0  # far on either side of the reference
    held = [mx.array(value) for value in (rejected, *frozen)]
    values = dpo(mx.array(chosen), *held, 0.3)
    expected = dpo64(chosen, rejected, *frozen, 0.3)
    np.testing.assert_allclose(np.array(values), expected, rtol=2e-6, atol=1e-7)
    by_chosen, by_rejected = mx.grad(lambda *both: dpo(*both, *held[1:], 0.3).sum(), (0, 1))(mx.array(chosen), held[0])
    slope = slope64(lambda at: dpo64(at, rejected, *frozen, 0.3), chosen)
    closed = -0.3 * sigmoid(-0.3 * (chosen - frozen[0] - rejected + frozen[1]))
    np.testing.assert_allclose(np.array(by_chosen), closed, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(np.array(by_chosen), slope, atol=1e-6)
    np.testing.assert_allclose(np.array(by_rejected), -closed, rtol=1e-5, atol=1e-9)


def test_the_supervised_term_is_nats_per_token_of_the_chosen_answer() -> None:
    chosen, tokens = logprobs(0), np.arange(1.0, 8.0)
    np.testing.assert_allclose(np.array(supervised(mx.array(chosen), mx.array(tokens))), -chosen / tokens, rtol=1e-6)


def test_the_kto_loss_and_its_gradient_are_those_of_the_paper() -> None:
    policy, frozen = logprobs(0), logprobs(1)
    good = np.array([True, False, True, True, False, False, True])
    weights = (1.3, 0.8)
    held = mx.array(frozen), mx.array(good), mx.array(2.5), 0.1, weights
    expected = kto64(policy, frozen, good, 2.5, 0.1, weights)
    np.testing.assert_allclose(np.array(kto(mx.array(policy), *held)), expected, rtol=2e-6)
    gradient = np.array(mx.grad(lambda at: kto(at, *held).sum())(mx.array(policy)))
    slope = slope64(lambda at: kto64(at, frozen, good, 2.5, 0.1, weights), policy)
    np.testing.assert_allclose(gradient, slope, rtol=2e-5, atol=1e-8)
    assert ((gradient < 0) == good).all()


def test_the_reference_point_is_a_mean_that_is_clamped_and_not_differentiated() -> None:
    policy, frozen = mx.array([1.0, 5.0, 9.0]), mx.array([0.0, 2.0, 0.0])
    counted = mx.array([True, True, False])
    assert float(mismatch_point(policy, frozen, counted)) == pytest.approx(2.0)
    assert float(mismatch_point(-policy, frozen, counted)) == 0.0
    assert float(mismatch_point(policy, frozen, mx.array([False] * 3))) == 0.0
    good = mx.array([True, False, True])

    def through(mismatched: mx.array) -> mx.array:
        return kto(policy, frozen, good, mismatch_point(mismatched, frozen, counted), 0.1, (1.0, 1.0)).sum()

    def directly(point: mx.array) -> mx.array:
        return kto(policy, frozen, good, point, 0.1, (1.0, 1.0)).sum()

    assert mx.grad(through)(policy).tolist() == [0.0, 0.0, 0.0]
    assert mx.grad(lambda at: mismatch_point(at, frozen, counted))(policy).tolist() == [0.0, 0.0, 0.0]
    assert mx.grad(directly)(mx.array(2.0)).item() == 0.0
    assert float(directly(mx.array(2.0))) != float(directly(mx.array(0.0)))


@pytest.mark.parametrize(("good", "bad"), [(1, 10), (10, 1), (5, 5), (6, 5), (4, 3), (3, 2), (1, 1)])
def test_default_weights_bring_good_and_bad_into_the_range_of_the_paper(good: int, bad: int) -> None:
    first, second = balanced_weights(good, bad)
    assert min(first, second) == 1.0
    assert 1.0 - 1e-9 <= good * first / (bad * second) <= 4 / 3 + 1e-9
    if 1.0 <= good / bad <= 4 / 3:
        assert first == second


def test_answers_of_one_kind_alone_are_not_weighted() -> None:
    assert balanced_weights(7, 0) == balanced_weights(0, 7) == (1.0, 1.0)


# The model: log-probabilities, and gradients by the adapter's weights.


def test_sequence_log_probabilities_are_those_of_a_float64_llama() -> None:
    model = tiny_llama()
    rows = [row for pair in pairs(4) for row in pair.rows]
    values = np.array(sequence_logprobs(model, collate(rows), len(rows)))
    np.testing.assert_allclose(values, [logprobs64(weights64(model), row) for row in rows], atol=1e-4)


def losses64(
    weights: dict[str, Array], items: Sequence[TokenItem], frozen: Array, settings: PreferenceSettings
) -> float:
    """The sum of the losses of one step; z0 is passed in as it stands, since it is held fixed."""
    policy = np.array([[logprobs64(weights, row) for row in item.rows] for item in items])
    if settings.method == "dpo":
        tokens = np.array([item.rows[0].targets for item in items])
        losses = dpo64(policy[:, 0], policy[:, 1], frozen[:, 0], frozen[:, 1], settings.beta)
        return float((losses - (settings.supervised_weight or 0.0) * policy[:, 0] / tokens).sum())
    good = np.array([isinstance(item, TokenRating) and item.good for item in items])
    weights_ = settings.desirable_weight, settings.undesirable_weight
    return float(kto64(policy[:, 0], frozen[:, 0], good, frozen[0, 2], settings.beta, weights_).sum())


@pytest.mark.parametrize(
    "settings",
    [
        PreferenceSettings(beta=0.2, supervised_weight=0.7),
        PreferenceSettings(method="kto", beta=0.2, desirable_weight=1.5, undesirable_weight=0.75),
    ],
    ids=["dpo", "kto"],
)
def test_gradients_by_the_adapter_are_those_of_a_float64_llama(settings: PreferenceSettings) -> None:
    model, other = tiny_llama(seed=9), tiny_llama()
    items = pairs(3) if settings.method == "dpo" else ratings(3)
    weights, frozen_weights = weights64(model), weights64(other)
    frozen = np.array([[logprobs64(frozen_weights, row) for row in item.rows] for item in items])
    mismatched = np.array([logprobs64(weights, item.rows[1]) for item in items])
    point = max(0.0, float((mismatched - frozen[:, 1]).mean()))
    (batch,) = micro_batches(model, items, frozen.astype(np.float32), 4096)
    assert batch.reference_point == pytest.approx(point if settings.method == "kto" else 0.0, abs=1e-4)
    if settings.method == "kto":
        assert point > 0
    (value, _, _), gradient = nn.value_and_grad(model, objective(settings, items))(model, batch)
    held = np.column_stack([frozen, np.full(len(items), point)])
    assert float(value) == pytest.approx(losses64(weights, items, held, settings), rel=1e-5)
    random = np.random.default_rng(4)
    for name, array in tree_flatten(gradient)[::5]:
        way = random.normal(size=array.shape)
        ahead, behind = (weights | {name: weights[name] + step * way} for step in (1e-5, -1e-5))
        slope = (losses64(ahead, items, held, settings) - losses64(behind, items, held, settings)) / 2e-5
        assert float((np.array(array, np.float64) * way).sum()) == pytest.approx(slope, rel=2e-3, abs=2e-4), name


def test_the_weights_of_kto_come_from_the_counts_unless_given() -> None:
    items, model = ratings(4), tiny_llama()
    good = sum(isinstance(item, TokenRating) and item.good for item in items)
    batch = collate_preferences(items, np.zeros((4, 2), np.float32))

    def sum_of(settings: PreferenceSettings) -> float:
        return float(objective(settings, items)(model, batch)[0])

    counted = balanced_weights(good, len(items) - good)
    written = PreferenceSettings(method="kto", desirable_weight=counted[0], undesirable_weight=counted[1])
    assert sum_of(PreferenceSettings(method="kto")) == pytest.approx(sum_of(written))
    assert sum_of(written.model_copy(update={"undesirable_weight": 9.0})) > sum_of(written) + 0.1


def test_the_reference_point_knows_no_dropout_and_leaves_the_model_training() -> None:
    items = [item for item in ratings(6) if isinstance(item, TokenRating)]
    frozen = np.full(len(items), -80.0, np.float32)
    expected = reference_point(tiny_llama(seed=9), items, frozen, 4096)
    model = tiny_llama(seed=9, spec=replace(SPEC, dropout=0.5))
    assert expected > 0
    assert reference_point(model, items, frozen, 40) == pytest.approx(expected, rel=1e-4)
    assert model.training

"""The CPU's own attention, SwiGLU, LoRA and exponential against MLX's, values and gradients."""

from __future__ import annotations

import math
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from mlx import nn
from mlx_lm.tuner.lora import LoRALinear

from backend.small import small_model
from mlxtwin.backend import cpu_kernels
from mlxtwin.backend.cpu_kernels import QUERIES, attention, exp_less, lora, swiglu

pytestmark = pytest.mark.skipif(mx.default_device().type != mx.DeviceType.cpu, reason="a GPU computes without these")


def drawn(*shape: int, spread: float = 1.0) -> mx.array:
    return spread * mx.random.normal(shape, key=mx.random.key(math.prod(shape)))


def close(one: mx.array, other: mx.array, tolerance: float = 2e-6, least: float = 0.0) -> bool:
    """``least``: of the largest value, where what is computed is a small difference of values of about that size."""
    return bool((mx.abs(one - other).max() <= tolerance * mx.maximum(mx.abs(other).max(), least)).item())


BOUNDS = ((0, 2 * QUERIES + 17), (2 * QUERIES + 17, 2 * QUERIES + 18), (2 * QUERIES + 18, 3 * QUERIES + 18))


def inputs(spread: float) -> tuple[mx.array, mx.array, mx.array]:
    width = BOUNDS[-1][1]
    return drawn(1, 6, width, 16, spread=spread), drawn(1, 2, width, 16, spread=spread), drawn(1, 2, width, 16)


def plain(queries: mx.array, keys: mx.array, values: mx.array) -> mx.array:
    parts = [
        mx.fast.scaled_dot_product_attention(
            *(array[:, :, start:end] for array in (queries, keys, values)), scale=0.25, mask="causal"
        )
        for start, end in BOUNDS
    ]
    return mx.concatenate(parts, axis=2)


def ours(queries: mx.array, keys: mx.array, values: mx.array) -> mx.array:
    return attention(queries, keys, values, 0.25, BOUNDS)


@pytest.mark.parametrize("spread", [0.1, 1.0, 6.0])
def test_attention_in_tiles_of_queries_equals_mlxs_and_so_do_its_gradients(spread: float) -> None:
    given = inputs(spread)
    slope = drawn(*given[0].shape)
    values, gradients = [], []
    for function in (ours, plain):
        values.append(function(*given))
        gradients.append(mx.grad(lambda *a, f=function: mx.sum(f(*a) * slope), argnums=(0, 1, 2))(*given))
    # The larger the scores, the more their own last bit is worth.
    tolerance = 5e-6 * max(1.0, spread**2 / 4)
    assert close(values[0], values[1], tolerance)
    for one, other in zip(*gradients, strict=True):
        assert close(one, other, tolerance, least=1.0)


def test_no_query_sees_what_comes_later_or_another_example() -> None:
    queries, keys, values = inputs(1.0)
    before = ours(queries, keys, values)
    place = QUERIES + 5
    changed = mx.where(mx.arange(keys.shape[2])[:, None] == place, 100.0, keys)
    after = ours(queries, changed, values)
    same = mx.all(before == after, axis=(0, 1, 3)).tolist()
    seen_by = range(place, BOUNDS[0][1])
    assert [not one for one in same] == [at in seen_by for at in range(len(same))]


def test_scores_too_far_apart_for_an_exponential_give_no_nan() -> None:
    out = ours(*inputs(300.0))
    assert bool(mx.all(mx.isfinite(out)).item())
    assert close(out, plain(*inputs(300.0)), 1e-3)


def test_the_exponential_is_right_to_six_digits_and_zero_far_below() -> None:
    values = np.linspace(-60, 0, 5001, dtype=np.float32)[:, None] * np.ones((1, 3), np.float32)
    found = np.array(exp_less(mx.array(values), mx.zeros((5001, 1))))
    assert np.abs(found / np.exp(values.astype(np.float64)) - 1).max() < 5e-6
    assert exp_less(mx.array([[-300.0, -1e30, 0.0]]), mx.zeros((1, 1))).tolist() == [[0.0, 0.0, pytest.approx(1.0)]]


def test_swiglu_equals_mlxs_and_so_do_its_gradients() -> None:
    gate, values, slope = drawn(7, 40, spread=20.0), drawn(7, 41)[:, :40], drawn(7, 42)[:, :40]

    def theirs(gate: mx.array, values: mx.array) -> mx.array:
        return nn.silu(gate) * values

    assert close(swiglu(gate, values), theirs(gate, values))
    for one, other in zip(
        *(mx.grad(lambda *a, f=f: mx.sum(f(*a) * slope), argnums=(0, 1))(gate, values) for f in (swiglu, theirs)),
        strict=True,
    ):
        assert close(one, other)


def adapted(dropout: float = 0.0) -> LoRALinear:
    layer = LoRALinear.from_base(nn.Linear(24, 40, bias=False), r=4, scale=2.0, dropout=dropout)
    layer.lora_b = drawn(4, 40)
    layer.linear.freeze()
    return layer


def test_a_lora_layer_equals_mlx_lms_and_so_do_its_gradients() -> None:
    layer, inputs_, slope = adapted(), drawn(11, 24), drawn(11, 40)

    def theirs(lora_a: mx.array, lora_b: mx.array, given: mx.array) -> mx.array:
        return mx.sum((given @ layer.linear.weight.T + 2.0 * (given @ lora_a) @ lora_b) * slope)

    def mine(lora_a: mx.array, lora_b: mx.array, given: mx.array) -> mx.array:
        return mx.sum(lora(given, layer.linear.weight, lora_a, lora_b, 2.0) * slope)

    arguments = (layer.lora_a, layer.lora_b, inputs_)
    assert close(lora(inputs_, layer.linear.weight, *arguments[:2], 2.0), layer(inputs_))
    found, wanted = (mx.grad(function, argnums=(0, 1, 2))(*arguments) for function in (mine, theirs))
    for one, other in zip(found, wanted, strict=True):
        assert close(one, other)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_lora_layers_are_mlx_lms_again_after_a_pass_and_where_they_drop_inputs(dropout: float) -> None:
    own, used = LoRALinear.__call__, []
    model, layer = small_model("llama"), adapted(dropout)
    given = drawn(1, 5, 24)
    layer.train()

    def spy(*arguments: Any) -> mx.array:
        used.append(True)
        return lora(*arguments)

    with pytest.MonkeyPatch.context() as patch, cpu_kernels.cpu_kernels(model):
        patch.setattr(cpu_kernels, "lora", spy)
        layer(given)
        layer.eval()
        assert layer(given).shape == (1, 5, 40)
    assert used == [True] * (1 if dropout else 2)
    assert LoRALinear.__call__ is own

"""Attention and SwiGLU for a CPU in float32, where MLX's exponential is the slowest thing there is.

MLX computes `exp` at about a hundred million values a second on one core, six times slower than a polynomial that the
system's compiler makes vector instructions of; and its attention computes the exponentials of a whole row twice, masked
places included. Here each example of a row attends to itself alone, and probabilities are kept for the backward pass.

The functions stand in for mlx-lm's of the same name for the length of a pass and no longer, in models for which
`cpu_kernels_hold` found the same result.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import mlx.core as mx
from mlx import nn

from mlxtwin.backend.compiling import compiled
from mlxtwin.backend.forward import hidden
from mlxtwin.backend.segments import Segments, caches, close

# exp(x) = 2^n exp(r) with |r| <= ln(2) / 2: n ln(2) is taken off in two parts, exp(r) is a polynomial (the Cephes
# library's coefficients for single precision; relative error below 4e-7).
_LN2_HIGH, _LN2_LOW = 0.693359375, -2.12194440e-4
_COEFFICIENTS = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
_LOWEST, _HIGHEST = -87.0, 88.0
_MANTISSA_BITS, _EXPONENT_BIAS = 23, 127


def exp(values: mx.array) -> mx.array:
    """The exponential of float32 ``values``, which are taken as within -87 and 88. It has no gradient of its own."""
    result: mx.array = compiled(_exp)(values)
    return result


def _exp(values: mx.array) -> mx.array:
    values = mx.clip(values, _LOWEST, _HIGHEST)
    power = mx.round(values * (1 / math.log(2)))
    rest = (values - power * _LN2_HIGH) - power * _LN2_LOW
    polynomial: mx.array = rest * _COEFFICIENTS[0] + _COEFFICIENTS[1]
    for coefficient in _COEFFICIENTS[2:]:
        polynomial = polynomial * rest + coefficient
    polynomial = polynomial * rest * rest + rest + 1.0
    bits = mx.left_shift(power.astype(mx.int32) + _EXPONENT_BIAS, mx.array(_MANTISSA_BITS, mx.int32))
    return polynomial * mx.view(bits, mx.float32)


def swiglu(gate: mx.array, values: mx.array) -> mx.array:
    """silu(gate) * values (Shazeer 2020)."""
    outputs: Any = _swiglu(gate, values) if gate.dtype == mx.float32 else (nn.silu(gate) * values,)
    product: mx.array = outputs[0]
    return product


@mx.custom_function
def _swiglu(gate: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
    outputs: tuple[mx.array, mx.array] = compiled(_swiglu_forward)(gate, values)
    return outputs


@_swiglu.vjp
def _swiglu_vjp(
    primals: tuple[mx.array, ...], cotangents: tuple[mx.array, ...], outputs: tuple[mx.array, ...]
) -> tuple[mx.array, mx.array]:
    slopes: tuple[mx.array, mx.array] = compiled(_swiglu_backward)(*primals, outputs[1], cotangents[0])
    return slopes


def _swiglu_forward(gate: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
    share = 1.0 / (1.0 + _exp(-gate))
    return gate * share * values, share


def _swiglu_backward(gate: mx.array, values: mx.array, share: mx.array, slope: mx.array) -> tuple[mx.array, mx.array]:
    return slope * values * share * (1.0 + gate * (1.0 - share)), slope * gate * share


def attention(
    queries: mx.array, keys: mx.array, values: mx.array, scale: float, bounds: tuple[tuple[int, int], ...]
) -> mx.array:
    """Causal attention of (1, heads, width, size) within each ``(start, end)`` of ``bounds``, which cover the width."""

    @mx.custom_function
    def run(queries: mx.array, keys: mx.array, values: mx.array) -> tuple[mx.array, ...]:
        parts = [_forward(_span(bound, queries, keys, values), scale) for bound in bounds]
        return mx.concatenate([out for out, _ in parts], axis=2), *(shares for _, shares in parts)

    @run.vjp
    def _backward_all(
        primals: tuple[mx.array, ...], cotangents: tuple[mx.array, ...], outputs: tuple[mx.array, ...]
    ) -> tuple[mx.array, ...]:
        slopes = []
        for bound, shares in zip(bounds, outputs[1:], strict=True):
            slopes.append(_backward(_span(bound, cotangents[0], *primals), shares, scale))
        return tuple(mx.concatenate(list(parts), axis=2) for parts in zip(*slopes, strict=True))

    outputs: Any = run(queries, keys, values)
    result: mx.array = outputs[0]
    return result


def _span(bound: tuple[int, int], *arrays: mx.array) -> list[mx.array]:
    return [array[:, :, bound[0] : bound[1]] for array in arrays]


def _forward(inputs: list[mx.array], scale: float) -> tuple[mx.array, mx.array]:
    """Of queries, keys and values: the output like the queries; the probabilities (key heads, group * width, width)."""
    queries, keys, values = inputs
    length = queries.shape[2]
    scores = _grouped(queries * scale, keys.shape[1]) @ mx.swapaxes(keys[0], -1, -2)
    shares = compiled(_softmax)(scores.reshape(keys.shape[1], -1, length, length), _causal(length))
    shares = shares.reshape(scores.shape)
    return (shares @ values[0]).reshape(queries.shape), shares


def _backward(inputs: list[mx.array], shares: mx.array, scale: float) -> tuple[mx.array, mx.array, mx.array]:
    """The slopes of queries, keys and values, from that of the output, which comes first in ``inputs``."""
    slope, queries, keys, values = inputs
    grouped = _grouped(slope, keys.shape[1])
    of_values = mx.swapaxes(shares, -1, -2) @ grouped
    of_scores = compiled(_softmax_backward)(shares, grouped @ mx.swapaxes(values[0], -1, -2))
    of_queries = (of_scores @ keys[0]).reshape(queries.shape) * scale
    of_keys = mx.swapaxes(of_scores, -1, -2) @ _grouped(queries * scale, keys.shape[1])
    return of_queries, of_keys[None], of_values[None]


def _grouped(queries: mx.array, key_heads: int) -> mx.array:
    """(key heads, group * width, size): all queries that share keys, as the rows of one product."""
    return queries.reshape(key_heads, -1, queries.shape[-1])


def _softmax(scores: mx.array, causal: mx.array) -> mx.array:
    highest = mx.max(mx.where(causal, scores, -math.inf), axis=-1, keepdims=True)
    raised = mx.where(causal, _exp(scores - highest), 0.0)
    return raised / mx.sum(raised, axis=-1, keepdims=True)


def _softmax_backward(shares: mx.array, slope: mx.array) -> mx.array:
    product = shares * slope
    return product - shares * mx.sum(product, axis=-1, keepdims=True)


def _causal(length: int) -> mx.array:
    places = mx.arange(length)
    return places[:, None] >= places[None]


@contextmanager
def cpu_kernels(model: nn.Module) -> Iterator[None]:
    """Within, ``model``'s module uses the functions above where it imports mlx-lm's."""
    from mlx_lm.models import activations, base

    module = sys.modules[type(model).__module__]
    ours: dict[str, tuple[Any, Any]] = {
        "scaled_dot_product_attention": (base.scaled_dot_product_attention, _attention_of(base)),
        "swiglu": (activations.swiglu, swiglu),
    }
    swapped = {name: pair for name, pair in ours.items() if getattr(module, name, None) is pair[0]}
    for name, (_, mine) in swapped.items():
        setattr(module, name, mine)
    try:
        yield
    finally:
        for name, (theirs, _) in swapped.items():
            setattr(module, name, theirs)


def cpu_kernels_hold(model: nn.Module) -> bool:
    """Whether a row of two examples gives the same with these functions as without, compared on made-up tokens."""
    if mx.default_device().type != mx.DeviceType.cpu:
        return False
    tokens, segments = mx.arange(1, 13)[None], mx.array([[0] * 5 + [1] * 7])
    training = model.training
    model.eval()  # dropout would make two passes differ
    try:
        with cpu_kernels(model):
            ours = hidden(model, tokens, caches(model, segments, ((0, 5), (5, 12))))
        plain = hidden(model, tokens, caches(model, segments))
        return ours is not None and plain is not None and ours.dtype == mx.float32 and close(ours, plain)
    except (TypeError, ValueError, AttributeError, IndexError):
        return False
    finally:
        model.train(training)


def _attention_of(base: Any) -> Callable[..., mx.array]:
    def scaled_dot_product_attention(
        queries: mx.array,
        keys: mx.array,
        values: mx.array,
        cache: Any,
        scale: float,
        mask: mx.array | None,
        sinks: mx.array | None = None,
    ) -> mx.array:
        """Ours for the plain causal mask of a row whose bounds are known, mlx-lm's for all else."""
        known = isinstance(cache, Segments) and cache.bounds and mask is cache.plain_mask
        if known and sinks is None and queries.dtype == mx.float32:
            return attention(queries, keys, values, scale, cache.bounds)
        theirs: mx.array = base.scaled_dot_product_attention(queries, keys, values, cache, scale, mask, sinks)
        return theirs

    return scaled_dot_product_attention

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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
from mlx import nn

from mlxtwin.backend.compiling import compiled
from mlxtwin.backend.forward import hidden
from mlxtwin.backend.segments import Segments, caches, close

# exp(x) = 2^n 2^f with n whole and |f| <= 1/2: a polynomial gives 2^f, of which n is added to the exponent. The
# coefficients have the least relative error there, 7.5e-8; with the roundings of float32 it stays below 3e-7.
_COEFFICIENTS = (1.000000072, 0.6931469671, 0.2402211972, 0.05550713275, 0.009675541331, 0.001327647152)
_LOWEST, _HIGHEST = -125.0, 127.0
_LOG2_E = math.log2(math.e)
_MANTISSA_BITS = 23
# Far below any score, and less the highest of them still far below `_LOWEST`.
_UNSEEN = -1e30
# Added and taken off again, it leaves a float32 below 2^22 without its fraction, which then is in its last bits.
_ROUNDS = 1.5 * 2.0**23
# Queries of one example that attend together: their scores stay in the cache, and those not seen are hardly computed.
QUERIES = 128


def exp_less(values: mx.array, highest: mx.array) -> mx.array:
    """The exponential of float32 ``values`` (rows, width) less ``highest`` (rows, 1), which are none below; below
    2^-125 it is 0. It has no gradient of its own."""
    result: mx.array = compiled(_exp)(_less(values, highest))
    return result


def _exp(values: mx.array) -> mx.array:
    """The exponential of float32 ``values``, which are taken as at most 88; below 2^-125 it is 0."""
    return _power(mx.minimum(values * _LOG2_E, _HIGHEST))


def _power(values: mx.array) -> mx.array:
    """2 to the power of ``values`` of at most `_HIGHEST`."""
    near = mx.maximum(values, _LOWEST) + _ROUNDS
    rest = mx.maximum(values, _LOWEST) - (near - _ROUNDS)
    c0, c1, c2, c3, c4, c5 = _COEFFICIENTS
    square = rest * rest
    power = (c0 + c1 * rest) + square * ((c2 + c3 * rest) + square * (c4 + c5 * rest))
    bits = mx.left_shift(mx.view(near, mx.int32), mx.array(_MANTISSA_BITS, mx.int32)) + mx.view(power, mx.int32)
    return mx.view(mx.where(values < _LOWEST, 0, bits), mx.float32)


def _less(values: mx.array, column: mx.array) -> mx.array:
    """(..., rows, width) less (..., rows, 1), by the BLAS: an operation that repeats a column is no vector code."""
    return mx.addmm(values, column, mx.ones((1, values.shape[-1])), alpha=-1.0)


def swiglu(gate: mx.array, values: mx.array) -> mx.array:
    """silu(gate) * values (Shazeer 2020)."""
    product: Any = _swiglu(gate, values) if gate.dtype == mx.float32 else nn.silu(gate) * values
    result: mx.array = product
    return result


@mx.custom_function
def _swiglu(gate: mx.array, values: mx.array) -> mx.array:
    product: mx.array = compiled(_swiglu_forward)(gate, values)
    return product


@_swiglu.vjp
def _swiglu_vjp(primals: tuple[mx.array, ...], cotangent: mx.array, _product: mx.array) -> tuple[mx.array, mx.array]:
    slopes: tuple[mx.array, mx.array] = compiled(_swiglu_backward)(*primals, cotangent)
    return slopes


def _swiglu_forward(gate: mx.array, values: mx.array) -> mx.array:
    return gate / (1.0 + _exp(-gate)) * values


def _swiglu_backward(gate: mx.array, values: mx.array, slope: mx.array) -> tuple[mx.array, mx.array]:
    """The sigmoid is computed again: keeping it takes more memory than the exponential takes time."""
    share = 1.0 / (1.0 + _exp(-gate))
    return slope * values * share * (1.0 + gate * (1.0 - share)), slope * gate * share


def attention(
    queries: mx.array, keys: mx.array, values: mx.array, scale: float, bounds: tuple[tuple[int, int], ...]
) -> mx.array:
    """Causal attention of (1, heads, width, size) within each ``(start, end)`` of ``bounds``, which cover the width."""
    tiles = [tile for bound in bounds for tile in _tiles(*bound)]

    @mx.custom_function
    def run(queries: mx.array, keys: mx.array, values: mx.array) -> tuple[mx.array, ...]:
        parts = [_forward(tile, queries, keys, values, scale) for tile in tiles]
        kept = [array for part in parts for array in (part.raised, part.sums)]
        return mx.concatenate([part.out for part in parts], axis=2), *kept

    @run.vjp
    def _backward_all(
        primals: tuple[mx.array, ...], cotangents: tuple[mx.array, ...], outputs: tuple[mx.array, ...]
    ) -> tuple[mx.array, ...]:
        queries, keys, values = primals
        slopes = [
            _backward(tile, cotangents[0], queries, keys, values, _Attended(tile.own(outputs[0]), raised, sums), scale)
            for tile, raised, sums in zip(tiles, outputs[1::2], outputs[2::2], strict=True)
        ]
        of_queries, of_keys, of_values = zip(*slopes, strict=True)
        return mx.concatenate(list(of_queries), axis=2), _summed(tiles, of_keys), _summed(tiles, of_values)

    outputs: Any = run(queries, keys, values)
    result: mx.array = outputs[0]
    return result


@dataclass(frozen=True, slots=True)
class _Tile:
    """The queries from ``first`` to ``end`` of an example that begins at ``start``: they see keys up to ``end``."""

    start: int
    first: int
    end: int

    def own(self, array: mx.array) -> mx.array:
        return array[:, :, self.first : self.end]

    def seen(self, array: mx.array) -> mx.array:
        return array[0, :, self.start : self.end]

    def mask(self, shape: tuple[int, ...]) -> mx.array:
        """Which of its keys each query sees, for scores of ``shape`` (key heads, group * queries, keys)."""
        rows, width = self.end - self.first, self.end - self.start
        places = mx.arange(width)
        causal = places[width - rows :, None] >= places[None]
        return mx.contiguous(mx.broadcast_to(causal, (math.prod(shape[:2]) // rows, rows, width))).reshape(shape)


def _tiles(start: int, end: int) -> list[_Tile]:
    return [_Tile(start, first, min(first + QUERIES, end)) for first in range(start, end, QUERIES)]


@dataclass(frozen=True, slots=True)
class _Attended:
    """What one tile gave: its output (1, heads, queries, size); the probabilities (key heads, group * queries, keys)
    before they are divided by their sums (key heads, group * queries, 1)."""

    out: mx.array
    raised: mx.array
    sums: mx.array


def _forward(tile: _Tile, queries: mx.array, keys: mx.array, values: mx.array, scale: float) -> _Attended:
    own, seen = tile.own(queries), tile.seen(keys)
    # In powers of two, whose exponent is a whole number and the rest.
    scores = _grouped(own * (scale * _LOG2_E), keys.shape[1]) @ mx.swapaxes(seen, -1, -2)
    scores = compiled(_masked)(scores, tile.mask(scores.shape))
    raised = compiled(_power)(_less(scores, mx.max(scores, axis=-1, keepdims=True)))
    # The sums of the probabilities come out of the same product, as one more column.
    summed = raised @ _widened(tile.seen(values), 1.0)
    sums = summed[..., -1:]
    return _Attended((summed[..., :-1] / sums).reshape(own.shape), raised, sums)


def _backward(
    tile: _Tile,
    slope: mx.array,
    queries: mx.array,
    keys: mx.array,
    values: mx.array,
    given: _Attended,
    scale: float,
) -> tuple[mx.array, mx.array, mx.array]:
    """The slopes of the tile's queries, and of the keys and values it sees, from that of the whole output."""
    own, heads = tile.own(queries), keys.shape[1]
    # Divided by the sums here, where it is narrow. Of each query the mean slope of its probabilities: a product of
    # narrow arrays too (Dao et al. 2022), taken off as one more column.
    grouped = _grouped(tile.own(slope), heads) / given.sums
    mean = mx.sum(grouped * _grouped(given.out, heads), axis=-1, keepdims=True)
    less = mx.concatenate([grouped, -mean], axis=-1) @ mx.swapaxes(_widened(tile.seen(values), 1.0), -1, -2)
    of_scores = given.raised * less
    of_values = mx.swapaxes(given.raised, -1, -2) @ grouped
    of_queries = (of_scores @ tile.seen(keys)).reshape(own.shape) * scale
    of_keys = mx.swapaxes(of_scores, -1, -2) @ _grouped(own * scale, heads)
    return of_queries, of_keys, of_values


def _widened(array: mx.array, value: float) -> mx.array:
    """(..., size) with one more column of ``value``."""
    return mx.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, 1)], constant_values=value)


def _summed(tiles: Sequence[_Tile], slopes: Sequence[mx.array]) -> mx.array:
    """The slopes of all keys or values, (1, heads, width, size), from those that each tile gave of what it saw."""
    examples: list[mx.array] = []
    for tile, slope in zip(tiles, slopes, strict=True):
        if tile.first == tile.start:
            examples.append(slope)
        else:
            added = slope.shape[1] - examples[-1].shape[1]
            examples[-1] = mx.pad(examples[-1], [(0, 0), (0, added), (0, 0)]) + slope
    return mx.concatenate(examples, axis=1)[None]


def _grouped(queries: mx.array, key_heads: int) -> mx.array:
    """(key heads, group * width, size): all queries that share keys, as the rows of one product."""
    return queries.reshape(key_heads, -1, queries.shape[-1])


def _masked(scores: mx.array, seen: mx.array) -> mx.array:
    return mx.where(seen, scores, _UNSEEN)


def lora(inputs: mx.array, weight: mx.array, lora_a: mx.array, lora_b: mx.array, scale: float) -> mx.array:
    """inputs (tokens, in) @ weight.T + scale * inputs @ lora_a @ lora_b (Hu et al. 2021), with ``lora_a`` (in, rank)
    and ``lora_b`` (rank, out).

    The thin products stand the way round that a BLAS is quick at, and are added by it. The weight gets no gradient.
    """

    @mx.custom_function
    def run(inputs: mx.array, lora_a: mx.array, lora_b: mx.array) -> tuple[mx.array, mx.array]:
        thin = (lora_a.T @ inputs.T).T
        return mx.addmm(inputs @ weight.T, thin, lora_b, alpha=scale), thin

    @run.vjp
    def _slopes(
        primals: tuple[mx.array, ...], cotangents: tuple[mx.array, ...], outputs: tuple[mx.array, ...]
    ) -> tuple[mx.array, mx.array, mx.array]:
        inputs, lora_a, lora_b = primals
        slope = cotangents[0]
        thin = scale * (lora_b @ slope.T)
        of_inputs = mx.addmm(slope @ weight, thin.T, lora_a.T)
        return of_inputs, (thin @ inputs).T, scale * (outputs[1].T @ slope)

    outputs: Any = run(inputs, lora_a, lora_b)
    result: mx.array = outputs[0]
    return result


def _lora_of(plain: Callable[..., mx.array]) -> Callable[..., mx.array]:
    def __call__(layer: Any, inputs: mx.array) -> mx.array:
        """Ours for a float32 layer without bias and dropout, mlx-lm's for all else."""
        weight, keeps = layer.linear.weight, layer.dropout._p_1 == 1.0 or not layer.training
        if inputs.dtype != mx.float32 or weight.dtype != mx.float32 or "bias" in layer.linear or not keeps:
            return plain(layer, inputs)
        flat = inputs.reshape(-1, inputs.shape[-1])
        out = lora(flat, weight, layer.lora_a, layer.lora_b, layer.scale)
        return out.reshape(*inputs.shape[:-1], out.shape[-1])

    return __call__


@contextmanager
def cpu_kernels(model: nn.Module) -> Iterator[None]:
    """Within, ``model``'s module uses the functions above where it imports mlx-lm's, and so do LoRA layers."""
    from mlx_lm.models import activations, base
    from mlx_lm.tuner.lora import LoRALinear

    module = sys.modules[type(model).__module__]
    ours: dict[str, tuple[Any, Any]] = {
        "scaled_dot_product_attention": (base.scaled_dot_product_attention, _attention_of(base)),
        "swiglu": (activations.swiglu, swiglu),
    }
    swapped = {name: pair for name, pair in ours.items() if getattr(module, name, None) is pair[0]}
    plain_lora = LoRALinear.__call__
    for name, (_, mine) in swapped.items():
        setattr(module, name, mine)
    LoRALinear.__call__ = _lora_of(plain_lora)
    try:
        yield
    finally:
        LoRALinear.__call__ = plain_lora
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

"""The head's loss on supervised places alone, in chunks, with its gradient formed in the forward pass.

Each chunk computes its logits, their exponentials, the loss and the gradient with respect to the hidden states at once
and keeps only the latter two: no full logits at any time, and every exponential is computed once. On a CPU, where an
exponential is dear and a vocabulary long, that halves the time of the head.
"""

from __future__ import annotations

from typing import Any

import mlx.core as mx
from mlx import nn
from mlx.utils import tree_flatten

from mlxtwin.backend.cpu_kernels import exp_less
from mlxtwin.backend.forward import head

# Values of logits in one chunk: 64 MB in float32; on a CPU 16 MB, which is less memory and no slower.
CHUNK_VALUES = 1 << 24
CPU_CHUNK_VALUES = 1 << 22
_LEAST_ROWS = 32


def chunk_rows(vocabulary: int) -> int:
    """How many places go through the head together."""
    values = min(CHUNK_VALUES, CPU_CHUNK_VALUES) if _on_cpu() else CHUNK_VALUES
    return max(_LEAST_ROWS, values // max(vocabulary, 1) // _LEAST_ROWS * _LEAST_ROWS)


def _on_cpu() -> bool:
    return mx.default_device().type == mx.DeviceType.cpu


def head_is_frozen(model: nn.Module) -> bool:
    """Whether nothing outside the blocks learns, so that the head is the same function for every step."""
    inside = sum(len(tree_flatten(block.trainable_parameters())) for block in model.layers)
    return inside == len(tree_flatten(model.trainable_parameters()))


def frozen_head_nll(model: nn.Module, states: mx.array, targets: mx.array) -> mx.array:
    """Negative log-likelihood in nats, float32 (P,), of ``targets`` (P,) after ``states`` (P, size).

    Its gradient flows to ``states`` and nowhere else: for a head that learns, use `forward.target_nll`.
    """
    rows = chunk_rows(head(model, states[:1][None]).shape[-1])  # asked for its shape, never computed
    parts: list[mx.array] = []
    for start in range(0, states.shape[0], rows):
        some = states[start : start + rows]
        if parts:
            # Else MLX, walking by breadth, computes the logits of all chunks before the first is done with.
            some = mx.depends([some], [parts[-1]])[0]
        parts.append(_chunk(model, some, targets[start : start + rows]))
    return parts[0] if len(parts) == 1 else mx.concatenate(parts)


def _chunk(model: nn.Module, states: mx.array, targets: mx.array) -> mx.array:
    @mx.custom_function
    def both(states: mx.array) -> tuple[mx.array, mx.array]:
        return _nll_and_gradient(model, states, targets)

    @both.vjp
    def _backward(_primals: mx.array, cotangents: tuple[mx.array, ...], outputs: tuple[mx.array, ...]) -> mx.array:
        return cotangents[0][:, None].astype(outputs[1].dtype) * outputs[1]

    outputs: Any = both(states)
    nll: mx.array = outputs[0]
    return nll


def _nll_and_gradient(model: nn.Module, states: mx.array, targets: mx.array) -> tuple[mx.array, mx.array]:
    """Loss (P,) and its gradient (P, size): the softmax less the one-hot target, sent back through the head."""

    def surrogate(states: mx.array) -> tuple[mx.array, tuple[mx.array, mx.array]]:
        logits = head(model, states[None])[0]
        known = mx.stop_gradient(logits)
        highest = known.max(axis=-1, keepdims=True)
        raised = exp_less(known, highest) if _on_cpu() else mx.exp(known - highest)
        total = raised.sum(axis=-1, keepdims=True)
        at = targets[:, None]
        nll = (mx.log(total) + highest - mx.take_along_axis(known, at, axis=-1))[:, 0]
        # Not divided by the total yet: that is done on the narrow result.
        slope = mx.put_along_axis(raised, at, mx.take_along_axis(raised, at, axis=-1) - total, axis=-1)
        return mx.sum(logits * slope), (nll, total)

    (_, (nll, total)), gradient = mx.value_and_grad(surrogate)(states)
    return nll, gradient / total.astype(gradient.dtype)

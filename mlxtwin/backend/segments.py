"""Several examples in one row, none of which sees another: a block-diagonal mask, handed to a model as its cache.

mlx-lm's models ask their cache for the mask and pass keys and values through it, so no model needs to know. Positions
go on across a row: rotary embeddings are relative. Whether a model takes it this way is not assumed but compared once
(`packing`).
"""

from __future__ import annotations

from typing import Any, Literal

import mlx.core as mx
from mlx import nn

from mlxtwin.backend.forward import body_of, hidden

Packing = Literal["none", "single", "rows"]
_MARK = "_mlxtwin_packing"
_LENGTHS = (5, 9, 7)


class Segments:
    """Stands for the cache of one block. ``segments`` (rows, width): which example each place belongs to.

    ``bounds``: the same for a single row as ``(start, end)`` of each example, for attention that makes use of it.
    """

    offset = 0

    def __init__(self, segments: mx.array, bounds: tuple[tuple[int, int], ...] = ()) -> None:
        self.bounds = bounds
        places = mx.arange(segments.shape[1])
        self._behind = places[:, None] - places[None]
        self._together = segments[:, None, :, None] == segments[:, None, None, :]
        self._masks: dict[int | None, mx.array] = {}

    def make_mask(self, _width: int, return_array: bool = False, window_size: int | None = None) -> mx.array:
        """(rows, 1, width, width): each place sees those of its example up to itself, ``window_size`` of them at most.

        ``return_array`` is of no account: this mask is always an array.
        """
        if window_size not in self._masks:
            seen = self._together & (self._behind >= 0)
            self._masks[window_size] = seen if window_size is None else seen & (self._behind < window_size)
        return self._masks[window_size]

    @property
    def plain_mask(self) -> mx.array | None:
        """The mask without a window, if it was asked for."""
        return self._masks.get(None)

    def update_and_fetch(self, keys: mx.array, values: mx.array) -> tuple[mx.array, mx.array]:
        return keys, values


def caches(model: nn.Module, segments: mx.array, bounds: tuple[tuple[int, int], ...] = ()) -> list[Any]:
    """One stand-in for every block of ``model``; they share their masks."""
    return [Segments(segments, bounds)] * len(model.layers)


def packing(model: nn.Module) -> Packing:
    """Whether examples in one row give what each gives alone, compared once per model on made-up tokens.

    "single": only with one row at a time (gemma2 groups its heads in a way that a mask per row does not fit).
    """
    known: Packing | None = model.__dict__.get(_MARK)
    if known is None:
        training = model.training
        model.eval()  # dropout would make two passes differ
        known = "rows" if _holds(model, 2) else "single" if _holds(model, 1) else "none"
        model.train(training)
        model.__dict__[_MARK] = known
    return known


def _holds(model: nn.Module, rows: int) -> bool:
    """Rows of the same examples in another order each, against the examples alone."""
    if body_of(model) is None:
        return False
    alone = [mx.arange(3 + place, 3 + place + length)[None] for place, length in enumerate(_LENGTHS)]
    orders = [alone[turn:] + alone[:turn] for turn in range(rows)]
    segments = [[mx.full(part.shape, place) for place, part in enumerate(order)] for order in orders]
    try:
        apart = mx.concatenate([_joined([_states(model, part) for part in order]) for order in orders])
        tokens, places = (mx.concatenate([_joined(row) for row in rows]) for rows in (orders, segments))
        return close(_states(model, tokens, caches(model, places)), apart)
    except (TypeError, ValueError, AttributeError, IndexError):
        return False


def _states(model: nn.Module, tokens: mx.array, cache: Any = None) -> mx.array:
    states = hidden(model, tokens, cache)
    if states is None:
        raise ValueError("no body")
    return states


def _joined(parts: list[mx.array]) -> mx.array:
    return mx.concatenate(parts, axis=1)


def close(one: mx.array, other: mx.array) -> bool:
    """Equal within what the type's precision explains after a few blocks."""
    if one.shape != other.shape:
        return False
    tolerance = 1e-4 if one.dtype == mx.float32 else 4e-2
    one, other = one.astype(mx.float32), other.astype(mx.float32)
    return bool((mx.abs(one - other).max() <= tolerance * mx.maximum(1.0, mx.abs(other).max())).item())

"""A model in two parts, cut between two blocks: the frozen blocks below, and those above that learn.

The body's list of blocks is replaced for the length of one pass: blocks that are not wanted are stood in for by ones
that pass on what they get, and one more hands in, or catches, the hidden states at the cut. The list keeps its length,
so that models which choose masks by the number of a block go on doing so. Nothing of an architecture is assumed:
`cut_holds` compares both parts with the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import mlx.core as mx
from mlx import nn
from mlx.utils import tree_flatten, tree_map

from mlxtwin.backend.forward import body_of, hidden
from mlxtwin.backend.segments import close

_PROBE = 7


class _Stand:
    """In the place of a block; everything but the call is the block's own."""

    def __init__(self, block: nn.Module) -> None:
        self._block = block

    def __getattr__(self, name: str) -> Any:
        return getattr(self._block, name)


class _Pass(_Stand):
    def __call__(self, states: mx.array, *_: Any, **__: Any) -> mx.array:
        return states


class _Source(_Stand):
    def __init__(self, block: nn.Module, states: mx.array) -> None:
        super().__init__(block)
        self._states = states

    def __call__(self, _states: mx.array, *_: Any, **__: Any) -> mx.array:
        return self._states


class _Catch(_Stand):
    def __init__(self, block: nn.Module) -> None:
        super().__init__(block)
        self.caught: mx.array | None = None

    def __call__(self, states: mx.array, *_: Any, **__: Any) -> mx.array:
        self.caught = states
        return states


class _Checkpointed(_Stand):
    """Keeps a block's input alone for the backward pass and computes the rest again there (Chen et al. 2016)."""

    def __call__(self, states: mx.array, *rest: Any, **named: Any) -> Any:
        block: Any = self._block

        def run(parameters: Any, states: mx.array) -> Any:
            block.update(parameters)
            return block(states, *rest, **named)

        return mx.checkpoint(run)(block.trainable_parameters(), states)


def lowest_trained(model: nn.Module) -> int:
    """The number of blocks below the first that has something to learn: where a cut may be. 0 when nothing is frozen,
    or when anything outside the blocks learns too."""
    blocks = list(model.layers)
    learning = [place for place, block in enumerate(blocks) if tree_flatten(block.trainable_parameters())]
    inside = sum(len(tree_flatten(block.trainable_parameters())) for block in blocks)
    if not learning or inside != len(tree_flatten(model.trainable_parameters())):
        return 0
    return learning[0]


def lower(model: nn.Module, tokens: mx.array, cut: int, cache: Sequence[Any] | None = None) -> mx.array:
    """Hidden states (rows, width, size) after the first ``cut`` blocks, for `upper`."""
    blocks = list(model.layers)
    catch = _Catch(blocks[cut])
    with _blocks(model, [*blocks[:cut], catch, *map(_Pass, blocks[cut + 1 :])]):
        hidden(model, tokens, cache)
    if catch.caught is None:
        raise ValueError("the model skipped the block at the cut")
    return catch.caught


def upper(
    model: nn.Module,
    tokens: mx.array,
    cut: int,
    states: mx.array | None,
    cache: Sequence[Any] | None = None,
    *,
    checkpointed: bool = False,
) -> mx.array | None:
    """The last hidden states from those at the ``cut``; without ``states``, from the tokens on, all blocks."""
    blocks: list[Any] = list(model.layers)
    kept: list[Any] = [_Checkpointed(block) for block in blocks[cut:]] if checkpointed else blocks[cut:]
    below: list[Any] = blocks[:cut]
    if states is not None and cut:
        below = [*map(_Pass, blocks[: cut - 1]), _Source(blocks[cut - 1], states)]
    with _blocks(model, [*below, *kept]):
        return hidden(model, tokens, cache)


def cut_holds(model: nn.Module, cut: int) -> bool:
    """Whether the two parts in turn give what the whole model gives, compared on made-up tokens."""
    if not 0 < cut < len(model.layers) or body_of(model) is None:
        return False
    tokens = mx.arange(1, _PROBE + 1)[None]
    training = model.training
    model.eval()  # dropout would make two passes differ
    try:
        whole = hidden(model, tokens)
        parted = upper(model, tokens, cut, lower(model, tokens, cut))
        return whole is not None and parted is not None and close(parted, whole)
    except (TypeError, ValueError, AttributeError, IndexError):
        return False
    finally:
        model.train(training)


def drop_lower(model: nn.Module, cut: int) -> None:
    """Free the memory of the blocks below the cut, in place: only `upper` with given states works from then on."""
    for block in model.layers[:cut]:
        block.update(tree_map(lambda _: mx.array(0.0), block.parameters()))


@contextmanager
def _blocks(model: nn.Module, blocks: list[Any]) -> Iterator[None]:
    """``model``'s body with other blocks for the length of a ``with``."""
    body = body_of(model)
    if body is None:
        raise ValueError(f"{type(model).__module__} has no body of its own")
    own = body.layers
    body.layers = blocks
    try:
        yield
    finally:
        body.layers = own

"""Rows of several examples, a model in two parts, and the head's own gradient: all equal to the plain computation."""

from __future__ import annotations

import mlx.core as mx
import pytest
from mlx import nn
from mlx.utils import tree_flatten

from mlxtwin.backend.adapters import LoraSpec, attach
from mlxtwin.backend.cut import cut_holds, drop_lower, lower, lowest_trained, upper
from mlxtwin.backend.forward import hidden, target_nll
from mlxtwin.backend.head import chunk_rows, frozen_head_nll, head_is_frozen
from mlxtwin.backend.segments import Segments, caches, packing

from .small import CONFIGS, small_model

TOKENS = mx.array([[5, 9, 2, 700, 4000, 11, 12, 13], [8, 8, 1, 3, 2, 2, 99, 100]])
SEGMENTS = mx.array([[0, 0, 0, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 1, 1, 2]])


def difference(one: mx.array | None, other: mx.array | None) -> float:
    assert one is not None and other is not None and one.shape == other.shape
    return mx.abs(one - other).max().item()


@pytest.mark.parametrize("name", CONFIGS)
def test_each_example_of_a_row_has_the_hidden_states_it_has_alone(name: str) -> None:
    model = small_model(name)
    # gemma2 takes the mask of one row alone, and is found out.
    assert packing(model) == ("single" if name == "gemma2" else "rows")
    if name == "gemma2":
        parts = [hidden(model, TOKENS[row], caches(model, SEGMENTS[row])) for row in (slice(0, 1), slice(1, 2))]
        packed = mx.concatenate([part for part in parts if part is not None])
    else:
        packed = hidden(model, TOKENS, caches(model, SEGMENTS))
    assert packed is not None
    for row, start, end in ((0, 0, 3), (0, 3, 8), (1, 0, 5), (1, 5, 7), (1, 7, 8)):
        assert difference(packed[row : row + 1, start:end], hidden(model, TOKENS[row : row + 1, start:end])) < 1e-5


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("cut", [1, 2])
def test_the_two_parts_give_what_the_whole_model_gives(name: str, cut: int) -> None:
    model = small_model(name)
    assert cut_holds(model, cut)
    below = lower(model, TOKENS, cut, caches(model, SEGMENTS))
    assert (
        difference(
            upper(model, TOKENS, cut, below, caches(model, SEGMENTS)), hidden(model, TOKENS, caches(model, SEGMENTS))
        )
        < 1e-5
    )
    assert model.layers[0].self_attn is not None and len(model.layers) == 3


def test_the_upper_part_needs_nothing_of_the_blocks_below() -> None:
    model = small_model()
    below, whole = lower(model, TOKENS, 2), hidden(model, TOKENS)
    mx.eval(below, whole)
    drop_lower(model, 2)
    assert sum(value.size for layer in model.layers[:2] for _, value in tree_flatten(layer.parameters())) < 100
    assert difference(upper(model, TOKENS, 2, below), whole) < 1e-5


def test_a_model_that_does_not_ask_its_cache_is_found_out() -> None:
    model = small_model()

    class Deaf(type(model.model)):  # type: ignore[misc]
        def __call__(self, inputs: mx.array, cache: object = None) -> mx.array:
            return super().__call__(inputs)

    model.model.__class__ = Deaf
    assert packing(model) == "none"


def test_a_model_that_adds_its_embeddings_again_is_not_cut() -> None:
    model = small_model()

    class Skip(type(model.model)):  # type: ignore[misc]
        def __call__(self, inputs: mx.array, cache: object = None) -> mx.array:
            return super().__call__(inputs, cache) + self.layers[0](self.embed_tokens(inputs), None, None)

    model.model.__class__ = Skip
    assert not cut_holds(model, 1)


def test_a_window_bounds_what_a_place_sees() -> None:
    mask = Segments(mx.zeros((1, 6), mx.int32)).make_mask(6, window_size=2)
    assert mask[0, 0].astype(mx.int32).sum(axis=-1).tolist() == [1, 2, 2, 2, 2, 2]


def test_the_cut_lies_below_the_first_block_that_learns() -> None:
    model = small_model()
    attach(model, LoraSpec(num_layers=1, rank=2))
    assert lowest_trained(model) == 2 and head_is_frozen(model)
    attach(model, LoraSpec(num_layers=-1, rank=2))
    assert lowest_trained(model) == 0
    attach(model, LoraSpec(num_layers=1, rank=2, keys=("self_attn.q_proj", "model.embed_tokens")))
    assert lowest_trained(model) == 0 and not head_is_frozen(model)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_head_in_chunks_has_the_loss_and_gradient_of_the_plain_computation(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small_model(name)
    attach(model, LoraSpec(num_layers=2, rank=4), seed=3)
    for part in model.layers[1:]:
        part.self_attn.o_proj.lora_b = mx.ones_like(part.self_attn.o_proj.lora_b) * 0.01
    monkeypatch.setattr("mlxtwin.backend.head.CHUNK_VALUES", 1)
    monkeypatch.setattr("mlxtwin.backend.head._LEAST_ROWS", 2)
    positions, targets = mx.array([2, 3, 9, 10, 14]), mx.array([700, 4000, 1, 2, 3])
    weights = mx.array([1.0, 2.0, 0.5, 0.0, 1.0])

    def ours(model: nn.Module, checkpointed: bool) -> mx.array:
        states = upper(model, TOKENS, 1, lower(model, TOKENS, 1), checkpointed=checkpointed)
        assert states is not None
        return (frozen_head_nll(model, states.reshape(-1, 32)[positions], targets) * weights).sum()

    def plain(model: nn.Module) -> mx.array:
        return (target_nll(model, TOKENS, positions, targets) * weights).sum()

    expected, expected_gradient = nn.value_and_grad(model, plain)(model)
    other = dict(tree_flatten(expected_gradient))
    for checkpointed in (False, True):
        loss, gradient = nn.value_and_grad(model, ours)(model, checkpointed)
        assert abs(loss.item() - expected.item()) < 1e-5 * expected.item()
        for key, value in tree_flatten(gradient):
            assert difference(value, other[key]) < 2e-5 * max(1.0, mx.abs(value).max().item()), key


def test_a_chunk_holds_few_places_of_a_long_vocabulary() -> None:
    assert chunk_rows(64_000) == 64
    assert chunk_rows(4096) == 1024
    assert chunk_rows(10**9) == 32

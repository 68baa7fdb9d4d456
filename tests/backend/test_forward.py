from __future__ import annotations

import mlx.core as mx
import pytest
from mlx import nn
from mlx.utils import tree_flatten

from mlxtwin.backend.adapters import LoraSpec, attach
from mlxtwin.backend.forward import head, head_holds, hidden, target_nll

from .small import CONFIGS, small_model

TOKENS = mx.array([[5, 9, 2, 700, 4000, 11, 12, 13], [8, 8, 1, 3, 2, 2, 99, 100]])


@pytest.mark.parametrize("name", CONFIGS)
def test_the_head_on_chosen_places_gives_the_logits_of_the_whole_model(name: str) -> None:
    model = small_model(name)
    states = hidden(model, TOKENS)
    assert states is not None and head_holds(model)
    chosen = mx.array([3, 12])
    part = head(model, states.reshape(-1, states.shape[-1])[chosen])
    whole = model(TOKENS).reshape(-1, 4096)[chosen]
    assert part.dtype == mx.float32
    assert mx.abs(part - whole).max().item() < 1e-5


def test_a_model_with_its_own_ideas_about_the_head_is_found_out_and_run_whole() -> None:
    class Odd(type(small_model())):  # type: ignore[misc]
        def __call__(self, inputs: mx.array, cache: object = None) -> mx.array:
            # Looks at the tokens themselves, which a head apart never sees.
            return super().__call__(inputs, cache) + inputs.astype(mx.float32).sum()

    model = small_model()
    model.__class__ = Odd
    assert not head_holds(model)
    assert target_nll(model, TOKENS, mx.array([0]), mx.array([9])).shape == (1,)


def test_a_module_without_a_body_is_told_as_such() -> None:
    layer = nn.Linear(4, 4)
    assert hidden(layer, TOKENS) is None
    assert not head_holds(layer)
    with pytest.raises(ValueError, match="no body"):
        head(layer, mx.zeros((1, 4)))


@pytest.mark.parametrize("name", ["llama", "gemma2"])
def test_loss_and_gradient_equal_those_of_the_plain_computation(name: str) -> None:
    model = small_model(name)
    attach(model, LoraSpec(num_layers=2, rank=4), seed=3)
    for part in model.layers[1:]:
        part.self_attn.q_proj.lora_b = mx.ones_like(part.self_attn.q_proj.lora_b) * 0.01
    positions, targets = mx.array([2, 3, 9]), mx.array([700, 4000, 1])

    def plain(model: nn.Module) -> mx.array:
        logits = model(TOKENS).reshape(-1, 4096)[positions].astype(mx.float32)
        return nn.losses.cross_entropy(logits, targets).sum()

    ours, our_gradient = nn.value_and_grad(model, lambda m: target_nll(m, TOKENS, positions, targets).sum())(model)
    theirs, their_gradient = nn.value_and_grad(model, plain)(model)
    assert abs(ours.item() - theirs.item()) < 1e-5
    other = dict(tree_flatten(their_gradient))
    for key, value in tree_flatten(our_gradient):
        # Sums of another order in float32; the gradients are of the size of 1.
        assert mx.abs(value - other[key]).max().item() < 1e-5 * max(1.0, mx.abs(value).max().item()), key

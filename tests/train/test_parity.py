"""Our loss and gradient of one batch are those of independent references in float64.

Ours goes the whole way of a run: examples packed in rows, two streams, the head in chunks, the states below the cut
kept on disk. Kept states have the precision of their form, so a reference is given the states as they are kept; how far
those are from exact ones is a test of its own.
"""

from __future__ import annotations

from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from backend.small import small_model
from mlx import nn
from mlx.utils import tree_flatten
from numpy.typing import NDArray
from preferences64 import RANK, SCALE, Array, attention64, linear64, normed64, sigmoid, tiny_llama, weights64

from mlxtwin.backend import head
from mlxtwin.backend.adapters import LoraSpec, attach
from mlxtwin.backend.head import chunk_rows
from mlxtwin.backend.streams import Streams
from mlxtwin.dataset.rows import RowPolicy, rows_of
from mlxtwin.paths import Home
from mlxtwin.records import TokenExample
from mlxtwin.security.crypto import SealedFiles, new_key
from mlxtwin.train.gradient import Execution, Gradients
from mlxtwin.train.prefix import PrefixStore, content_key, fill

TOLERANCE = 1e-5
WAYS = {
    "a row on each of two streams": RowPolicy(row_tokens=128, streams=2),
    "rows together": RowPolicy(step=64, row_tokens=128, together=512),
}
# Of a half-precision number, with room for what the block itself rounds.
KEPT_ERROR = 2.0**-11 * 1.1


def examples(vocabulary: int, count: int = 12) -> list[TokenExample]:
    """Chats of several turns, of different lengths and weights."""
    random = np.random.default_rng(5)
    out = []
    for number in range(count):
        length = int(random.integers(8, 60))
        ids = random.integers(1, vocabulary, length).tolist()
        supervised = tuple(at > 2 and at % 9 > 2 for at in range(length))
        out.append(TokenExample(f"d{number}", tuple(ids), supervised, 0.5 + 0.25 * (number % 4)))
    return out


@pytest.fixture
def store(home: Home) -> PrefixStore:
    return PrefixStore(home.root / "prefix" / "one", SealedFiles(home, new_key()), "float16", 32)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The batches here are small: with chunks as small as they get, the head takes several."""
    monkeypatch.setattr(head, "CHUNK_VALUES", 1)


def ours(
    model: nn.Module, batch: list[TokenExample], policy: RowPolicy, store: PrefixStore | None
) -> tuple[float, dict[str, Array]]:
    """Nats and gradient of one step, as a run computes them."""
    if store is not None:
        model.eval()
        assert fill(model, batch, 1, store, policy, Streams(policy.streams), lambda *_, **__: None, lambda: False)
    model.train()
    gradients = Gradients(model, Execution(policy, store))
    passes = rows_of(batch, range(len(batch)), gradients.policy)
    assert gradients.policy.packed and len(passes) < len(batch)
    assert max(rows.targets for rows in passes) > chunk_rows(64)
    summed = gradients.step(batch, range(len(batch)))
    return summed.nats, {name: np.array(value, np.float64) for name, value in tree_flatten(summed.gradient)}


def kept_states(store: PrefixStore, batch: list[TokenExample]) -> list[NDArray[np.float32]]:
    return [store.states(content_key(example)) for example in batch]


def difference(one: Array, other: Array) -> float:
    """Relative to the size of ``other``."""
    return float(np.linalg.norm(one - other) / np.linalg.norm(other))


def block64(weights: dict[str, Array], block: int, states: Array) -> Array:
    at = f"model.layers.{block}."
    states = states + attention64(weights, at, normed64(states, weights[f"{at}input_layernorm.weight"]))
    inner = normed64(states, weights[f"{at}post_attention_layernorm.weight"])
    gate, up = (linear64(weights, f"{at}mlp.{name}_proj", inner) for name in ("gate", "up"))
    return states + linear64(weights, f"{at}mlp.down_proj", gate * sigmoid(gate) * up)


def embedded64(weights: dict[str, Array], example: TokenExample) -> Array:
    return weights["model.embed_tokens.weight"][list(example.tokens[:-1])]


def nats64(weights: dict[str, Array], example: TokenExample, below: Any = None) -> float:
    """The summed nats of the supervised tokens; ``below`` are the states that enter the second of two blocks."""
    states = block64(weights, 0, embedded64(weights, example)) if below is None else np.asarray(below, np.float64)
    states = normed64(block64(weights, 1, states), weights["model.norm.weight"])
    logits = states @ weights["model.embed_tokens.weight"].T
    logprobs = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    wanted = np.flatnonzero(example.supervised[1:])
    return -float(logprobs[wanted, np.array(example.tokens)[1:][wanted]].sum())


def with_adapter_everywhere(weights: dict[str, Array]) -> dict[str, Array]:
    """Layers without an adapter get one that does nothing, under the names the reference looks for."""
    out = dict(weights)
    for name, weight in weights.items():
        if name.endswith("_proj.weight"):
            layer = name.removesuffix(".weight")
            out |= {f"{layer}.linear.weight": weight, f"{layer}.lora_a": np.zeros((weight.shape[1], RANK))}
            out[f"{layer}.lora_b"] = np.zeros((RANK, weight.shape[0]))
    return out


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_loss_and_gradient_are_those_of_numpy_in_float64(way: str, kept: bool, store: PrefixStore) -> None:
    """The gradient of each parameter is compared along its own direction and along random ones."""
    model, batch = tiny_llama(spec=LoraSpec(num_layers=1, rank=RANK, scale=SCALE)), examples(64)
    nats, gradient = ours(model, batch, WAYS[way], store if kept else None)
    weights = with_adapter_everywhere(weights64(model))
    below = kept_states(store, batch) if kept else [None] * len(batch)

    def loss(**changes: Array) -> float:
        changed = weights | changes
        return sum(one.weight * nats64(changed, one, states) for one, states in zip(batch, below, strict=True))

    exact = sum(nats64(weights, one, states) for one, states in zip(batch, below, strict=True))
    assert nats == pytest.approx(exact, rel=TOLERANCE)
    assert len(gradient) == 2 * 7
    random, step = np.random.default_rng(1), 1e-5
    for name, slope in gradient.items():
        size = np.linalg.norm(slope)
        for direction in (slope / size, *random.standard_normal((2, *slope.shape))):
            ahead, behind = (loss(**{name: weights[name] + sign * step * direction}) for sign in (1, -1))
            expected = (ahead - behind) / (2 * step)
            assert abs((slope * direction).sum() - expected) < TOLERANCE * size, name


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_loss_and_gradient_are_those_of_pytorch_in_float64(way: str, kept: bool, store: PrefixStore) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed; mlxtwin does without it")
    from llama_torch import Llama

    model, batch = small_model(), examples(4096)
    attach(model, LoraSpec(num_layers=2, rank=4, scale=SCALE), seed=3)
    key = mx.random.key(4)
    for block in model.layers[1:]:
        for part in (*block.self_attn.children().values(), *block.mlp.children().values()):
            if "lora_b" in part:
                part.lora_b = 0.05 * mx.random.normal(part.lora_b.shape, key=key)
    nats, gradient = ours(model, batch, WAYS[way], store if kept else None)
    reference = Llama(dict(tree_flatten(model.parameters())), model.args, SCALE)
    below = kept_states(store, batch) if kept else [None] * len(batch)
    exact, expected = reference.step(batch, 1 if kept else 0, below)
    assert nats == pytest.approx(exact, rel=TOLERANCE)
    assert gradient.keys() == expected.keys() and len(gradient) == 2 * 2 * 7
    for name, slope in gradient.items():
        assert difference(slope, expected[name]) < TOLERANCE, name


def test_kept_states_are_those_of_float64_within_16_bit(store: PrefixStore) -> None:
    model, batch = tiny_llama(spec=LoraSpec(num_layers=1, rank=RANK, scale=SCALE)), examples(64)
    ours(model, batch, WAYS["rows together"], store)
    weights = with_adapter_everywhere(weights64(model))
    for example, states in zip(batch, kept_states(store, batch), strict=True):
        exact = block64(weights, 0, embedded64(weights, example))
        highest = np.abs(exact).max(axis=1, keepdims=True)
        assert (np.abs(states - exact) <= KEPT_ERROR * highest).all()

"""A tiny llama with an adapter, made-up preferences, and both papers' formulas in float64, independent of MLX."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import mlx.core as mx
import numpy as np
from mlx import nn
from mlx.utils import tree_flatten
from numpy.typing import NDArray

from mlxtwin.backend.adapters import LoraSpec, attach
from mlxtwin.records import TokenExample
from mlxtwin.train.preference_data import TokenItem, TokenPair, TokenRating

Array = NDArray[np.float64]
HEADS, WIDTH, RANK, SCALE = 2, 32, 4, 2.0
SPEC = LoraSpec(num_layers=-1, rank=RANK, scale=SCALE)


def tiny_llama(seed: int = 3, spec: LoraSpec = SPEC) -> nn.Module:
    """The same base each time, with an adapter that has already changed it; ``seed`` says how."""
    from mlx_lm.models.llama import Model, ModelArgs

    mx.random.seed(1)
    shape = {"hidden_size": WIDTH, "num_hidden_layers": 2, "intermediate_size": 64, "num_attention_heads": HEADS}
    model = Model(ModelArgs("llama", rms_norm_eps=1e-5, vocab_size=64, head_dim=WIDTH // HEADS, **shape))
    mx.eval(model.parameters())
    attach(model, spec, seed)
    random = np.random.default_rng(seed)
    moved = [
        (name, mx.array(random.normal(0, 0.1, value.shape).astype(np.float32)))
        for name, value in tree_flatten(model.trainable_parameters())
        if name.endswith("lora_b")
    ]
    model.load_weights(moved, strict=False)
    model.train()
    return model


def answered(random: np.random.Generator, prompt: Sequence[int]) -> TokenExample:
    answer = random.integers(1, 64, int(random.integers(3, 12))).tolist()
    return TokenExample("d", (*prompt, *answer), (False,) * len(prompt) + (True,) * len(answer))


def pairs(count: int = 10, version: int | None = None) -> list[TokenItem]:
    random = np.random.default_rng(0)
    prompts = [random.integers(1, 64, int(random.integers(3, 16))).tolist() for _ in range(count)]
    return [TokenPair(answered(random, prompt), answered(random, prompt), version) for prompt in prompts]


def ratings(count: int = 10, version: int | None = None) -> list[TokenItem]:
    return [TokenRating(pair.rows[0], pair.rows[1], place % 3 != 0, version) for place, pair in enumerate(pairs(count))]


def sigmoid(value: Array) -> Array:
    return 0.5 * (1 + np.tanh(value / 2))


def dpo64(chosen: Array, rejected: Array, frozen_chosen: Array, frozen_rejected: Array, beta: float) -> Array:
    return np.logaddexp(0, -beta * (chosen - frozen_chosen - rejected + frozen_rejected))


def kto64(policy: Array, frozen: Array, good: NDArray[np.bool_], point: float, beta: float, weights: Any) -> Array:
    gain = beta * (policy - frozen - point)
    value = np.where(good, weights[0] * sigmoid(gain), weights[1] * sigmoid(-gain))
    return np.where(good, *weights) - value


def slope64(loss: Callable[[Array], Array], at: Array) -> Array:
    """The derivative of a sum of losses by central differences."""
    step = 1e-5
    return np.array(
        [(loss(at + step * one).sum() - loss(at - step * one).sum()) / (2 * step) for one in np.eye(len(at))]
    )


def logprobs64(weights: dict[str, Array], example: TokenExample) -> float:
    """The summed log-probability of the supervised tokens under the tiny llama with its LoRA, all in float64."""
    ids = list(example.tokens)
    state = weights["model.embed_tokens.weight"][ids[:-1]]
    for block in range(2):
        at = f"model.layers.{block}."
        state = state + attention64(weights, at, normed64(state, weights[f"{at}input_layernorm.weight"]))
        inner = normed64(state, weights[f"{at}post_attention_layernorm.weight"])
        gate, up = (linear64(weights, f"{at}mlp.{name}_proj", inner) for name in ("gate", "up"))
        state = state + linear64(weights, f"{at}mlp.down_proj", gate * sigmoid(gate) * up)
    logits = normed64(state, weights["model.norm.weight"]) @ weights["model.embed_tokens.weight"].T
    logprobs = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    return float(sum(logprobs[at - 1, ids[at]] for at in range(1, len(ids)) if example.supervised[at]))


def normed64(state: Array, weight: Array) -> Array:
    return state / np.sqrt((state**2).mean(-1, keepdims=True) + 1e-5) * weight


def linear64(weights: dict[str, Array], name: str, state: Array) -> Array:
    low_rank = state @ weights[f"{name}.lora_a"] @ weights[f"{name}.lora_b"]
    return state @ weights[f"{name}.linear.weight"].T + SCALE * low_rank


def attention64(weights: dict[str, Array], at: str, state: Array) -> Array:
    length, size = len(state), WIDTH // HEADS
    angles = np.arange(length)[:, None] * 10000.0 ** (-np.arange(size // 2) / (size // 2))
    heads = []
    for name in ("q", "k", "v"):
        head = linear64(weights, f"{at}self_attn.{name}_proj", state).reshape(length, HEADS, size).transpose(1, 0, 2)
        first, second = head[..., : size // 2], head[..., size // 2 :]
        turned = np.concatenate(
            [first * np.cos(angles) - second * np.sin(angles), first * np.sin(angles) + second * np.cos(angles)], -1
        )
        heads.append(head if name == "v" else turned)
    scores = heads[0] @ heads[1].transpose(0, 2, 1) / math.sqrt(size)
    scores = np.where(np.tril(np.ones((length, length), bool)), scores, -np.inf)
    shares = np.exp(scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True))
    mixed = (shares @ heads[2]).transpose(1, 0, 2).reshape(length, WIDTH)
    return linear64(weights, f"{at}self_attn.o_proj", mixed)


def weights64(model: nn.Module) -> dict[str, Array]:
    return {name: np.array(value, np.float64) for name, value in tree_flatten(model.parameters())}

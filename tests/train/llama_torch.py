"""A llama with LoRA in PyTorch, in float64 with its autograd: what our loss and gradients are held against.

Each example is computed alone, by PyTorch's own functions where it has them. Import it where PyTorch is known to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from mlxtwin.records import TokenExample


class Llama:
    """``weights``: all of a model's, by mlx-lm's names. ``scale`` is LoRA's multiplier; what is called lora_ learns."""

    def __init__(self, weights: dict[str, Any], args: Any, scale: float) -> None:
        self.args, self.scale = args, scale
        self.weights = {
            name: torch.tensor(np.array(value), dtype=torch.float64, requires_grad="lora_" in name)
            for name, value in weights.items()
        }

    def step(self, examples: Sequence[TokenExample], cut: int, below: Sequence[Any]) -> tuple[float, dict[str, Any]]:
        """The plain nats of all targets, and the gradient of their weighted sum.

        ``below``: for each example the states (length, size) that enter block ``cut``; unused where that is 0.
        """
        nats, loss = 0.0, torch.zeros((), dtype=torch.float64)
        for example, states in zip(examples, below, strict=True):
            nll = self._nll(example, cut, states)
            nats += float(nll.detach())
            loss = loss + example.weight * nll
        loss.backward()
        return nats, {name: value.grad.numpy() for name, value in self.weights.items() if value.grad is not None}

    def _nll(self, example: TokenExample, cut: int, below: Any) -> Any:
        ids = torch.tensor(example.tokens)
        embedding = self.weights["model.embed_tokens.weight"]
        states = torch.tensor(below, dtype=torch.float64) if cut else embedding[ids[:-1]]
        for block in range(cut, self.args.num_hidden_layers):
            states = self._block(f"model.layers.{block}.", states)
        logits = self._normed("model.norm", states) @ embedding.T
        targets = torch.where(torch.tensor(example.supervised), ids, -100)[1:]
        return functional.cross_entropy(logits, targets, ignore_index=-100, reduction="sum")

    def _block(self, at: str, states: Any) -> Any:
        states = states + self._attention(f"{at}self_attn.", self._normed(f"{at}input_layernorm", states))
        inner = self._normed(f"{at}post_attention_layernorm", states)
        gate, up = (self._linear(f"{at}mlp.{name}_proj", inner) for name in ("gate", "up"))
        return states + self._linear(f"{at}mlp.down_proj", functional.silu(gate) * up)

    def _attention(self, at: str, states: Any) -> Any:
        size = self.args.head_dim
        queries, keys, values = (
            self._linear(f"{at}{name}_proj", states).unflatten(-1, (-1, size)).transpose(0, 1) for name in "qkv"
        )
        mixed = functional.scaled_dot_product_attention(
            _turned(queries, self.args.rope_theta)[None],
            _turned(keys, self.args.rope_theta)[None],
            values[None],
            is_causal=True,
            enable_gqa=True,
        )
        return self._linear(f"{at}o_proj", mixed[0].transpose(0, 1).flatten(1))

    def _linear(self, name: str, states: Any) -> Any:
        if f"{name}.lora_a" not in self.weights:
            return states @ self.weights[f"{name}.weight"].T
        low_rank = states @ self.weights[f"{name}.lora_a"] @ self.weights[f"{name}.lora_b"]
        return states @ self.weights[f"{name}.linear.weight"].T + self.scale * low_rank

    def _normed(self, name: str, states: Any) -> Any:
        return functional.rms_norm(states, states.shape[-1:], self.weights[f"{name}.weight"], self.args.rms_norm_eps)


def _turned(heads: Any, base: float) -> Any:
    """Rotary positions (Su et al. 2021) on the halves of each head, (heads, length, size)."""
    half = heads.shape[-1] // 2
    turns = base ** (-torch.arange(half, dtype=torch.float64) / half)
    angles = torch.outer(torch.arange(heads.shape[1], dtype=torch.float64), turns)
    turned = torch.view_as_complex(torch.stack((heads[..., :half], heads[..., half:]), -1)) * torch.polar(
        torch.ones_like(angles), angles
    )
    return torch.cat((turned.real, turned.imag), -1)

"""The memory plan: what a run will need, from the base's config.json alone, against what the machine can give.

An estimate, meant to err high: it refuses what cannot fit. Not covered here: the cost of a base kept quantised during
the backward pass, and architectures with experts, whose weights are counted by their files instead.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlxtwin.errors import NotEnoughMemory
from mlxtwin.train.recipe import BaseShape, Recipe

# One forward pass holds at most this many padded tokens; a larger optimizer step is accumulated.
MICRO_BATCH_TOKENS = 2048
# Values kept per token and block for the backward pass, in multiples of the block's width (norms, q, k, v, both
# residuals, attention output) and of its inner width (gate, up, their product).
_WIDTHS_KEPT, _INNER_WIDTHS_KEPT = 14, 4
# Logits, their exponentials and their gradient.
_LOGIT_COPIES = 3
_RUNTIME_BYTES = 300 * 2**20


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Bytes by purpose, and the budget they must fit."""

    weights: int
    adapter: int
    activations: int
    logits: int
    runtime: int
    budget: int

    @property
    def total(self) -> int:
        return self.weights + self.adapter + self.activations + self.logits + self.runtime

    @property
    def fits(self) -> bool:
        return self.total <= self.budget

    def as_dict(self) -> dict[str, int | bool]:
        parts = {name: getattr(self, name) for name in self.__slots__}
        return {f"{name}_bytes": value for name, value in parts.items()} | {
            "total_bytes": self.total,
            "fits": self.fits,
        }


def base_shape(config: dict[str, Any]) -> BaseShape:
    """What the dial needs, from the content of config.json; nested text configs are looked into."""
    config = {**config, **(config.get("text_config") or {})}
    width = int(config.get("hidden_size") or config.get("n_embd") or config.get("d_model") or 1024)
    names = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
    blocks = int(next((config[name] for name in names if config.get(name)), 16))
    context = int(config.get("max_position_embeddings") or config.get("n_positions") or 2048)
    return BaseShape(width, blocks, context)


def read_config(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return loaded


def plan(config: dict[str, Any], recipe: Recipe, weights_bytes: int, value_bytes: int, budget: int) -> MemoryPlan:
    """``weights_bytes``: the base as held in memory; ``value_bytes``: of one activation (4 in float32)."""
    config = {**config, **(config.get("text_config") or {})}
    shape = base_shape(config)
    inner = int(config.get("intermediate_size") or 4 * shape.width)
    heads = int(config.get("num_attention_heads") or max(1, shape.width // 64))
    blocks = shape.blocks if recipe.num_layers == -1 else min(recipe.num_layers, shape.blocks)
    width = min(recipe.max_seq_length, shape.context)
    tokens = max(width, min(recipe.batch_tokens, MICRO_BATCH_TOKENS))
    adapted = blocks * recipe.lora_parameters.rank * (8 * shape.width + 3 * (shape.width + inner))
    per_token = _WIDTHS_KEPT * shape.width + _INNER_WIDTHS_KEPT * inner + 2 * heads * width
    vocabulary = int(config.get("vocab_size") or 32000)
    return MemoryPlan(
        weights=weights_bytes,
        adapter=adapted * 4 * 4,
        activations=blocks * tokens * per_token * value_bytes,
        logits=tokens * vocabulary * 4 * _LOGIT_COPIES,
        runtime=_RUNTIME_BYTES,
        budget=budget,
    )


def weights_bytes(folder: Path, config: dict[str, Any], value_bytes: int) -> int:
    """The base in memory: as large as its files, or, where it is held in float32, so many values of 4 bytes."""
    on_disk = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    if value_bytes != 4:
        return on_disk
    quantisation = config.get("quantization") or config.get("quantization_config") or {}
    bits = float(quantisation.get("bits", 0)) or {"float32": 32.0}.get(str(config.get("torch_dtype")), 16.0)
    return int(on_disk * 32 / bits)


def require(memory: MemoryPlan) -> None:
    """Raise NotEnoughMemory with what would help when the plan does not fit."""
    if memory.fits:
        return
    gigabytes = 2**30
    largest = "batch_tokens and max_seq_length" if memory.activations + memory.logits > memory.weights else "the base"
    raise NotEnoughMemory(
        f"This run needs about {memory.total / gigabytes:.1f} GB and {memory.budget / gigabytes:.1f} GB are available.",
        f"Lower {largest}, for example with --set max_seq_length=256 --set batch_tokens=512, or choose a smaller base.",
    )

"""The sizes of a base, from its config.json alone: parameters, and the widths that decide what training keeps.

Llama-like bases (llama, mistral, qwen, gemma, phi, granite, olmo) are counted exactly but for biases and norms; bases
with experts and older ones roughly. Not covered here: vision towers, convolutions, state-space blocks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlxtwin.errors import UsageError
from mlxtwin.train.recipe import BaseShape

# Of a quantised group: a scale and an offset of 16 bit each.
_GROUP_BITS, _USUAL_GROUP = 32, 64
# Two matrices in the feed-forward part instead of three.
_UNGATED = {"gpt2", "gpt_neox", "gpt_bigcode", "phi", "starcoder2", "nemotron", "openelm"}
_TIED = ("gemma", "cohere", "gpt2")
_NAMES = {
    "width": ("hidden_size", "n_embd", "d_model", "dim"),
    "blocks": ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    "heads": ("num_attention_heads", "n_head", "n_heads"),
    "inner": ("intermediate_size", "n_inner", "ffn_hidden_size"),
    "context": ("max_position_embeddings", "n_positions", "max_seq_len"),
    "experts": ("num_local_experts", "num_experts", "n_routed_experts"),
    "chosen": ("num_experts_per_tok", "moe_topk"),
    "shared": ("n_shared_experts",),
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """Widths in channels. ``queries`` and ``keys``: of all heads together. ``inner``: of the feed-forward part, or of
    one expert; ``experts`` there are, ``active`` of them work on a token. ``matrices``: in a feed-forward part."""

    width: int
    blocks: int
    context: int
    heads: int
    queries: int
    keys: int
    inner: int
    matrices: int
    vocabulary: int
    tied: bool
    experts: int
    active: int

    @property
    def in_block(self) -> int:
        """Parameters of one block."""
        attention = 2 * self.width * (self.queries + self.keys)
        router = self.width * self.experts if self.experts > 1 else 0
        return attention + self.experts * self.matrices * self.width * self.inner + router + 2 * self.width

    @property
    def outside(self) -> int:
        """Parameters of embedding and head."""
        return self.vocabulary * self.width * (1 if self.tied else 2) + self.width

    @property
    def parameters(self) -> int:
        return self.blocks * self.in_block + self.outside

    def adapter(self, blocks: int, rank: int, keys: tuple[str, ...] | None) -> int:
        """Parameters of LoRA of ``rank`` on the last ``blocks``; ``keys`` as in the recipe, None for all layers."""
        width, inner, queries = self.width, self.inner, self.queries
        feed = ("gate_proj", "down_proj", "up_proj")[3 - self.matrices :]
        each = dict.fromkeys(feed, self.experts * (width + inner)) | dict.fromkeys(
            ("q_proj", "o_proj"), width + queries
        )
        each |= dict.fromkeys(("k_proj", "v_proj"), width + self.keys)
        if keys is not None:
            named = {key.rpartition(".")[2] for key in keys}
            # A name of another architecture counts as the widest layer.
            return blocks * rank * sum(each.get(name, max(each.values())) for name in named)
        return blocks * rank * sum(each.values())


def read_config(folder: Path) -> dict[str, Any]:
    """The content of config.json in ``folder``, or of ``folder`` where it is such a file. Raises UsageError."""
    file = folder if folder.is_file() else folder / "config.json"
    try:
        loaded = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        loaded = None
    if not isinstance(loaded, dict):
        raise UsageError(f"{file} is not readable JSON.", "Give the folder of a Hugging Face model.")
    return loaded


def base_shape(config: dict[str, Any]) -> BaseShape:
    """What the dial needs, from the content of config.json; nested text configs are looked into."""
    sizes = sizes_of(config)
    return BaseShape(sizes.width, sizes.blocks, sizes.context)


def sizes_of(config: dict[str, Any]) -> Sizes:
    """From the content of config.json; what it leaves out is taken as usual. Raises UsageError for no numbers."""
    config = {**config, **(config.get("text_config") or {})}
    try:
        return _sizes(config)
    except (TypeError, ValueError, ZeroDivisionError):
        message = "This config.json gives a size that is no number above zero."
        raise UsageError(message, "Fetch or copy the model again.") from None


def _sizes(config: dict[str, Any]) -> Sizes:
    width = _first(config, "width", 1024)
    heads = _first(config, "heads", max(1, width // 64))
    head = int(config.get("head_dim") or width // heads)
    kind = str(config.get("model_type", ""))
    experts = _first(config, "experts", 1)
    inner = _first(config, "inner", 4 * width)
    shared = _first(config, "shared", 0) if experts > 1 else 0
    return Sizes(
        width=width,
        blocks=_first(config, "blocks", 16),
        context=_first(config, "context", 2048),
        heads=heads,
        queries=heads * head,
        keys=int(config.get("num_key_value_heads") or heads) * head,
        inner=int(config.get("moe_intermediate_size") or inner) if experts > 1 else inner,
        matrices=2 if kind in _UNGATED else 3,
        vocabulary=int(config.get("vocab_size") or 32000),
        tied=bool(config.get("tie_word_embeddings", kind.startswith(_TIED))),
        experts=experts + shared,
        active=_first(config, "chosen", 2) + shared if experts > 1 else 1,
    )


def _first(config: dict[str, Any], name: str, usual: int) -> int:
    return next((int(config[key]) for key in _NAMES[name] if config.get(key)), usual)


def is_quantised(config: dict[str, Any]) -> bool:
    return bool(config.get("quantization") or config.get("quantization_config"))


def saved_bits(config: dict[str, Any]) -> float:
    """Bits of a parameter as it was saved, with its share of scales and offsets."""
    quantised = config.get("quantization") or config.get("quantization_config") or {}
    if bits := float(quantised.get("bits", 0)):
        return bits + _GROUP_BITS / float(quantised.get("group_size") or _USUAL_GROUP)
    return 32.0 if "float32" in (config.get("torch_dtype"), config.get("dtype")) else 16.0


def weights_bytes(folder: Path, config: dict[str, Any], value_bytes: int, unpacked: bool = False) -> int:
    """The base in memory: as large as its files, or as its config.json makes them where there are none.

    ``value_bytes`` of 4: it is held in float32; ``unpacked``: quantised layers are held in 16 bit.
    """
    on_disk = sum(path.stat().st_size for path in folder.glob("*.safetensors")) if folder.is_dir() else 0
    bits = saved_bits(config)
    saved = on_disk or sizes_of(config).parameters * bits / 8
    held = 32.0 if value_bytes == 4 else 16.0 if unpacked and is_quantised(config) else bits
    return int(saved * held / bits)

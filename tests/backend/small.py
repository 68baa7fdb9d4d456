"""Random models of a few kilobytes and several architectures, with the starter's tokenizer."""

from __future__ import annotations

import json
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten

STARTER = Path(__file__).resolve().parents[2] / "mlxtwin" / "starter"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")
COMMON: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "intermediate_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "rms_norm_eps": 1e-5,
    "vocab_size": 4096,
    "max_position_embeddings": 256,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
}
GEMMA2 = {"attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0, "query_pre_attn_scalar": 8}
CONFIGS: dict[str, dict[str, Any]] = {
    "llama": {},
    "llama-untied": {"model_type": "llama", "tie_word_embeddings": False},
    "qwen2": {},
    "qwen3": {},
    "gemma": {},
    "gemma2": GEMMA2,
    "gemma3_text": {"sliding_window": 64, "sliding_window_pattern": 2, "query_pre_attn_scalar": 8},
    "cohere": {"layer_norm_eps": 1e-5, "layer_norm_bias": False, "logit_scale": 0.25},
    "granite": {
        "logits_scaling": 4.0,
        "attention_multiplier": 0.3,
        "embedding_multiplier": 2.0,
        "residual_multiplier": 0.5,
        "attention_bias": False,
        "mlp_bias": False,
    },
    "olmo2": {"attention_bias": False},
    "phi3": {},
    "smollm3": {"no_rope_layer_interval": 2},
    "cohere2": {"layer_norm_eps": 1e-5, "logit_scale": 0.25, "sliding_window": 64, "sliding_window_pattern": 2},
    "gpt_oss": {
        "num_local_experts": 4,
        "num_experts_per_tok": 2,
        "sliding_window": 64,
        "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
    },
}


def config_of(name: str, **changes: Any) -> dict[str, Any]:
    return {"model_type": name, **COMMON, **CONFIGS[name], **changes}


def small_model(name: str = "llama", **changes: Any) -> Any:
    """A random model in memory, the same for the same arguments."""
    config = config_of(name, **changes)
    module = import_module(f"mlx_lm.models.{config['model_type']}")
    mx.random.seed(7)
    model = module.Model(module.ModelArgs.from_dict(config))
    mx.eval(model.parameters())
    model.eval()
    return model


def small_folder(path: Path, name: str = "llama", **changes: Any) -> Path:
    """The same model as a folder: config, weights, tokenizer."""
    path.mkdir(parents=True)
    (path / "config.json").write_text(json.dumps(config_of(name, **changes) | {"eos_token_id": 6}))
    weights = dict(tree_flatten(small_model(name, **changes).parameters()))
    mx.save_safetensors(str(path / "model.safetensors"), weights, {"format": "mlx"})
    for file in TOKENIZER_FILES:
        shutil.copy(STARTER / file, path / file)
    return path

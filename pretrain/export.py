"""Write a checkpoint as a Hugging Face llama folder in bfloat16, ready for mlx-lm and transformers.

python -m pretrain.export CHECKPOINT TOKENIZER_FOLDER MODEL_FOLDER
python -m pretrain.export random TOKENIZER_FOLDER MODEL_FOLDER      (random weights of the real shape)
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from pretrain import tokenizer
from pretrain.model import Shape, Starter

TOKENIZER_FILES = (
    "tokenizer.model",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
)


def main() -> None:
    """Parse the command line and export."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", help="a file written by pretrain.pretrain, or the word 'random'")
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    export(load(arguments.checkpoint), arguments.tokenizer, arguments.out)


def load(checkpoint: str, shape: Shape | None = None) -> Starter:
    """The model of a checkpoint or of an exported folder of this shape, or a fresh one for the word `random`."""
    torch.manual_seed(0)
    shape = shape or Shape()
    if checkpoint == "random":
        return Starter(shape)
    if Path(checkpoint).is_dir():
        model = Starter(shape)
        model.load_state_dict(load_file(Path(checkpoint) / "model.safetensors"))
        return model
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    model = Starter(Shape(**saved["shape"]))
    model.load_state_dict(saved["model"])
    return model


def export(model: Starter, tokenizer_folder: Path, out: Path) -> None:
    """Write all files to a temporary folder beside `out`, then rename each into place."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as name:
        folder = Path(name)
        weights = {key: value.to(torch.bfloat16).contiguous() for key, value in model.state_dict().items()}
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        _write_json(folder / "config.json", configuration(model.shape))
        _write_json(folder / "generation_config.json", generation_defaults())
        for file in TOKENIZER_FILES:
            shutil.copyfile(tokenizer_folder / file, folder / file)
        for path in sorted(folder.iterdir()):
            path.chmod(0o644)
            path.replace(out / path.name)


def configuration(shape: Shape) -> dict[str, Any]:
    """The Hugging Face `config.json` of this shape."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.width,
        "intermediate_size": shape.inner,
        "num_hidden_layers": shape.blocks,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.key_value_heads,
        "head_dim": shape.head,
        "hidden_act": "silu",
        "max_position_embeddings": shape.max_positions,
        "rms_norm_eps": shape.epsilon,
        "rope_theta": shape.rope_theta,
        "rope_scaling": None,
        "attention_bias": False,
        "attention_dropout": 0.0,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "initializer_range": 0.02,
        "use_cache": True,
        "torch_dtype": "bfloat16",
        "bos_token_id": tokenizer.BEGIN,
        "eos_token_id": tokenizer.END,
        "pad_token_id": tokenizer.PAD,
    }


def generation_defaults() -> dict[str, Any]:
    """The `generation_config.json`: a reply ends with the end-of-turn token."""
    ids = {"bos_token_id": tokenizer.BEGIN, "eos_token_id": tokenizer.END, "pad_token_id": tokenizer.PAD}
    return {**ids, "do_sample": True, "temperature": 0.7, "top_p": 0.95}


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""``python peaks.py SHAPES``: for each shape by name, the bytes that the plan says and those that MLX held at most."""

from __future__ import annotations

import json
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from mlxtwin.backend.device import Device, prepare
from mlxtwin.paths import Home
from mlxtwin.records import TokenExample
from mlxtwin.security.crypto import SealedFiles, new_key
from mlxtwin.train import recipe
from mlxtwin.train.plan import Machine, base_shape, plan, weights_bytes

# How far MLX runs ahead of its work differs from one step to the next: the peak is that of several.
STEPS = 3


def peaks(shape: list[Any], device: Device, home: Home) -> tuple[int, int]:
    width, inner, blocks, heads, keys, vocabulary, adapted, length, batch, checkpointed = shape
    config = {
        "model_type": "llama", "hidden_size": width, "intermediate_size": inner, "num_hidden_layers": blocks,
        "num_attention_heads": heads, "num_key_value_heads": keys, "vocab_size": vocabulary, "rms_norm_eps": 1e-5,
        "tie_word_embeddings": True, "max_position_embeddings": 2048,
    }  # fmt: skip
    sets = {"num_layers": adapted, "max_seq_length": length, "batch_tokens": batch, "grad_checkpoint": checkpointed}
    wanted = recipe.resolve({"lora_parameters": {"rank": 8}}, sets, base_shape(config)).recipe
    held = weights_bytes(Path("/no/such/folder"), config, 4)
    memory = plan(config, wanted, held, 4, 1 << 40, Machine("cpu", device.streams), batch)
    return max(memory.device_peak, memory.filling - memory.runtime), measured(config, wanted, device, home)


def measured(config: dict[str, Any], wanted: recipe.Recipe, device: Device, home: Home) -> int:
    import mlx.core as mx
    import numpy as np

    from mlxtwin.backend.adapters import LoraSpec, attach
    from mlxtwin.backend.blas import blas_threads
    from mlxtwin.train.checkpoint import CheckpointFile
    from mlxtwin.train.gradient import Execution, row_policy
    from mlxtwin.train.loop import TrainSettings, train
    from mlxtwin.train.prefix import PrefixStore

    mx.clear_cache()
    before = mx.get_active_memory()
    llama: Any = import_module("mlx_lm.models.llama")
    model = llama.Model(llama.ModelArgs.from_dict(config))
    attach(model, LoraSpec(wanted.num_layers, wanted.lora_parameters.rank), 0)
    mx.eval(model.parameters())
    length, count = wanted.max_seq_length, wanted.batch_tokens // wanted.max_seq_length
    drawn = np.random.default_rng(0).integers(0, config["vocab_size"], (count, length + 1)).tolist()
    examples = [TokenExample(str(number), tuple(row), (True,) * len(row)) for number, row in enumerate(drawn)]
    sealed = SealedFiles(home, new_key())
    store = PrefixStore(home.root / "prefix" / "x", sealed, "float16", config["hidden_size"])
    kept = store if wanted.num_layers < config["num_hidden_layers"] else None
    execution = Execution(row_policy(device, length), kept, wanted.grad_checkpoint, device.compile)
    settings = TrainSettings(STEPS, wanted.batch_tokens, 1e-3, 0.1, 1.0, 0)
    checkpoint = CheckpointFile(home.runs / "x", sealed)
    model.train()
    with blas_threads(device.blas, 1 if device.streams > 1 else device.threads):
        train(model, examples, settings, checkpoint, lambda *_, **__: None, lambda: False, execution)
    return mx.get_peak_memory() - before


def main() -> None:
    device, found = prepare(), {}
    for name, shape in json.loads(sys.argv[1]).items():
        with tempfile.TemporaryDirectory() as folder:
            found[name] = peaks(shape, device, Home(Path(folder) / "home"))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()

"""Make the work of ``bench chat``: ``python -m mlxtwin.train.bench.chat_stage WORK``.

    base/                a base with random weights, as in `stage`
    adapters/1, /2       two adapters with random numbers in both factors, in mlx-lm's names

The shape has more tokens than the starter's tokenizer. Those that are no text of it, the one that ends an answer among
them, get embeddings of zero and the others large ones, so that what is said is text, and as long as was asked for.
"""

from __future__ import annotations

import json
import sys
from importlib import resources

from mlxtwin.train.bench.stage import write_base
from mlxtwin.train.bench.work import Work, run

ADAPTERS = (1, 2)
_LOUD = 10.0
_SPREAD = 0.02


def main(arguments: list[str]) -> None:
    from mlxtwin.backend.device import prepare

    work = Work.read(arguments[0])
    prepare()  # before anything imports MLX
    write_base(work)
    _say_text_alone(work)
    _write_adapters(work)


def _say_text_alone(work: Work) -> None:
    import mlx.core as mx

    from mlxtwin.backend.tokenizer import load_tokenizer

    file, name = str(work.base / "model.safetensors"), "model.embed_tokens.weight"
    weights = mx.load(file)
    assert isinstance(weights, dict)
    starter = json.loads(resources.files("mlxtwin.starter").joinpath("config.json").read_text(encoding="utf-8"))
    tokenizer = load_tokenizer(work.base)
    loud = [_LOUD if tokenizer.decode([token]).strip() else 0.0 for token in range(starter["vocab_size"])]
    factor = mx.array(loud + [0.0] * (weights[name].shape[0] - len(loud)))
    weights[name] = (weights[name] * factor[:, None]).astype(weights[name].dtype)
    mx.eval(weights[name])
    mx.save_safetensors(file, weights, {"format": "pt"})


def _write_adapters(work: Work) -> None:
    import numpy as np

    from mlxtwin.backend.adapters import LoraSpec, adapter_arrays, adapter_config, attach
    from mlxtwin.backend.engine import load_base
    from mlxtwin.backend.models import describe
    from mlxtwin.backend.tensors import to_safetensors

    spec = LoraSpec(work.blocks, work.rank, work.scale)
    model = load_base(describe(work.base, work.model)).model
    for number in ADAPTERS:
        attach(model, spec, number)
        chance = np.random.default_rng(number)
        arrays = {name: np.array(value, dtype=np.float32) for name, value in adapter_arrays(model).items()}
        for name in [name for name in arrays if name.endswith("lora_b")]:
            arrays[name] = chance.normal(0, _SPREAD, arrays[name].shape).astype(np.float32)
        folder = work.folder / "adapters" / str(number)
        folder.mkdir(parents=True)
        (folder / "adapters.safetensors").write_bytes(to_safetensors(arrays))
        (folder / "adapter_config.json").write_text(json.dumps(adapter_config(spec, work.shape.blocks)))


if __name__ == "__main__":
    sys.exit(run(main))

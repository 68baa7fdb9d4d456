"""The one judge of `equal_time.py`: ``tools/judge.py WORK JSON``, where JSON is what `Judged` values are made of.

It loads each adapter into the same base and takes the loss of the held-out replies and of the neutral text, by the
measures that ``mlxtwin eval`` uses.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlxtwin.dataset.examples import Dataset
from mlxtwin.security import airplane


@dataclass(frozen=True)
class Work:
    """What everybody is measured on. ``base`` and ``recipe`` as the stored version of ours tells them; ``float32``,
    ``order``, ``all_lines`` and ``batch``, in examples, are what mlx-lm gets of it."""

    folder: Path
    base: dict[str, Any]
    recipe: dict[str, Any]
    threads: int
    float32: bool
    order: str
    all_lines: bool
    batch: int

    @property
    def file(self) -> Path:
        return self.folder / "work.json"

    @property
    def dataset(self) -> Path:
        return self.folder / "dataset.json"

    def adapter(self, name: str) -> Path:
        return self.folder / f"{name}.safetensors"

    def result(self, name: str) -> Path:
        return self.folder / f"{name}.result.json"

    @classmethod
    def read(cls, path: str) -> Work:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
        return cls(**values | {"folder": Path(values["folder"])})


@dataclass(frozen=True)
class Judged:
    """The adapter in ``file`` with the ``scale`` it was trained with, before it was turned down to ``strength`` (but
    for rounding). No file: the bare base."""

    name: str
    file: str
    scale: float
    strength: float = 1.0


def main(work: str, wanted: str) -> None:
    airplane.deny_network()
    judge(Work.read(work), [Judged(**one) for one in json.loads(wanted)])


def judge(work: Work, wanted: list[Judged]) -> None:
    """By name: nats per held-out token, and how much higher the loss on neutral text is, as a share of the base's.

    Both are None for an adapter that holds anything but numbers.
    """
    from mlxtwin.backend.device import prepare

    device = prepare()  # before anything imports MLX
    from mlxtwin.backend.adapters import LoraSpec, attach, load_adapter
    from mlxtwin.backend.engine import load_base
    from mlxtwin.backend.models import BaseModel
    from mlxtwin.dataset.tokens import tokenise
    from mlxtwin.errors import UsageError
    from mlxtwin.evaluate.forgetting import measure
    from mlxtwin.evaluate.likelihood import per_token, score_documents

    loaded = load_base(BaseModel.of(work.base), device, training=True)
    holdout = Dataset.from_bytes(work.dataset.read_bytes()).holdout
    examples = tokenise(holdout, loaded.tokenizer, work.recipe["max_seq_length"])
    lora, layers = work.recipe["lora_parameters"], work.recipe["num_layers"]
    found: dict[str, dict[str, float | None]] = {}
    for one in wanted:
        spec = LoraSpec(layers, lora["rank"], one.scale, keys=lora["keys"] and tuple(lora["keys"]))
        attach(loaded.model, spec)
        found[one.name] = {"holdout_nll": None, "neutral_rise": None}
        try:
            if one.file:
                load_adapter(loaded.model, _restored(work, one))
        except UsageError:
            continue
        nll = per_token(score_documents(loaded.model, examples))
        rise = measure(loaded.model, loaded.tokenizer, loaded.context).rise
        found[one.name] = {"holdout_nll": nll, "neutral_rise": rise}
    work.result("judge").write_text(json.dumps(found), encoding="utf-8")


def _restored(work: Work, one: Judged) -> bytes:
    from mlxtwin.backend.tensors import from_safetensors, to_safetensors

    data = work.adapter(one.file).read_bytes()
    if one.strength == 1:
        return data
    arrays = from_safetensors(data)
    return to_safetensors(
        {name: array / one.strength if name.endswith(".lora_b") else array for name, array in arrays.items()}
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

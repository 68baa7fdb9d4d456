"""One run of mlx-lm's own trainer for `equal_time.py`: ``tools/rivals.py WORK RIVAL``, both JSON files.

It is run by the functions that ``mlx_lm.lora`` exports; nothing of it is changed. It gets the benefit of every doubt
that is its user's to settle: the BLAS that ours loads, with all threads; on a CPU the base in float32, which that BLAS
computes with, and not in bfloat16 as it may be saved; the lines in an order drawn by the seed, or by length, as its
batching means to have them and does not; and no line whose prompt alone fills its window, since a batch of nothing
else makes its loss, and so its adapter, not a number.

It is stopped by an exception out of its callback once its own clock says that the time is up; the adapter is then read
off the model. That clock runs in its steps alone: loading, tokenising and making batches are free.
"""

from __future__ import annotations

import json
import math
import random
import sys
import types
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judge import Work

from mlxtwin.dataset.examples import Dataset
from mlxtwin.security import airplane

TUTORIAL_RATE = 1e-5
_NEVER = 10**9
_WEIGHT_DECAY = 0.01


@dataclass(frozen=True)
class Rival:
    """``steps`` at most, and no more than ``budget`` seconds; ``rate`` is the peak. Without a rate it has its own one,
    with its own scale, its own optimizer and no schedule, all by its defaults."""

    name: str
    rate: float | None
    steps: int = 0
    budget: float = math.inf


class _Over(Exception):
    """The time is up, or the loss is not a number any more."""


def main(work: str, rival: str) -> None:
    airplane.deny_network()
    train(Work.read(work), Rival(**json.loads(Path(rival).read_text(encoding="utf-8"))))


def train(work: Work, rival: Rival) -> None:
    from mlxtwin.backend.blas import load_blas

    load_blas(work.threads)  # before anything imports MLX
    import mlx.core as mx
    import numpy as np
    from mlx.utils import tree_flatten
    from mlx_lm import lora

    settings = types.SimpleNamespace(**lora.CONFIG_DEFAULTS | config_of(work, rival, lora.CONFIG_DEFAULTS))
    np.random.seed(settings.seed)
    model, tokenizer = lora.load(settings.model)
    if work.float32:
        model.set_dtype(mx.float32)
    left_out = write_lines(work, tokenizer, Path(settings.data))
    train_set, valid_set, _ = lora.load_dataset(settings, tokenizer)
    clock = _clock(rival.budget)
    with suppress(_Over):
        lora.train_model(settings, model, train_set, valid_set, clock)
    weights: dict[str, mx.array] = dict(tree_flatten(model.trainable_parameters()))
    mx.save_safetensors(str(work.adapter(rival.name)), weights)
    given = {"learning_rate": settings.learning_rate, "scale": settings.lora_parameters["scale"]}
    lines = {"lines": len(train_set), "lines_left_out": left_out, "planned_steps": rival.steps}
    row = {"trainer": rival.name, **given, **_done(clock.curve, work.batch), **lines}
    work.result(rival.name).write_text(json.dumps(row), encoding="utf-8")


def config_of(work: Work, rival: Rival, own: dict[str, Any]) -> dict[str, Any]:
    """The keys of an ``mlx_lm.lora`` configuration file; ``own`` are the defaults for those left out."""
    recipe = work.recipe
    lora = {name: value for name, value in recipe["lora_parameters"].items() if value is not None}
    config = {
        "model": work.base["path"],
        "train": True,
        "data": str(work.folder / "lines"),
        "mask_prompt": True,
        "fine_tune_type": recipe["fine_tune_type"],
        "num_layers": recipe["num_layers"],
        "lora_parameters": lora,
        "adapter_path": str(work.folder / "mlx-lm"),
        "iters": rival.steps,
        "batch_size": work.batch,
        "max_seq_length": recipe["max_seq_length"],
        "steps_per_report": 1,
        "save_every": _NEVER,
        "seed": recipe["seed"],
    }
    if rival.rate is None:
        return config | {"lora_parameters": lora | {"scale": own["lora_parameters"]["scale"]}}
    return config | {"learning_rate": rival.rate} | _as_ours(rival.rate, rival.steps, recipe["warmup"])


def _as_ours(rate: float, steps: int, warmup: float) -> dict[str, Any]:
    """The optimizer of our loop, and our schedule in mlx-lm's words, as in `mlxtwin.train.bench.stock`."""
    rising = max(1, round(steps * warmup))
    falling = steps - rising if rising > 1 else steps
    return {
        "optimizer": "adamw",
        "optimizer_config": {"adamw": {"weight_decay": _WEIGHT_DECAY, "bias_correction": True}},
        "lr_schedule": {
            "name": "cosine_decay",
            "arguments": [rate, max(1, falling), 0.1 * rate],
            "warmup": rising - 1,
            "warmup_init": rate / rising,
        },
    }


def write_lines(work: Work, tokenizer: Any, folder: Path) -> int:
    """``train.jsonl`` of the training examples, secrets masked as ours has them; how many lines were left out."""
    rows = [
        {"messages": [{"role": message.role, "content": message.content} for message in example.messages]}
        for example in Dataset.from_bytes(work.dataset.read_bytes()).train
    ]
    random.Random(work.recipe["seed"]).shuffle(rows)
    sizes = [_sizes(tokenizer, row["messages"]) for row in rows]
    kept = [at for at, (_, prompt) in enumerate(sizes) if work.all_lines or prompt < work.recipe["max_seq_length"]]
    if work.order == "length":
        kept.sort(key=lambda at: sizes[at][0])
    folder.mkdir(exist_ok=True)
    (folder / "train.jsonl").write_text("".join(json.dumps(rows[at]) + "\n" for at in kept), encoding="utf-8")
    return len(rows) - len(kept)


def _sizes(tokenizer: Any, messages: list[dict[str, str]]) -> tuple[int, int]:
    """Tokens of a whole conversation, and of what mlx-lm masks of it."""
    whole = tokenizer.apply_chat_template(messages, return_dict=False)
    prompt = tokenizer.apply_chat_template(messages[:-1], add_generation_prompt=True, return_dict=False)
    return len(whole), len(prompt)


def _clock(budget: float) -> Any:
    """A callback of mlx-lm's with a ``curve`` of (tokens trained, seconds, loss) after each step; it ends the run."""
    from mlx_lm.tuner.callbacks import TrainingCallback

    class Clock(TrainingCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.curve: list[tuple[int, float, float]] = []

        def on_train_loss_report(self, train_info: dict[str, Any]) -> None:
            before = self.curve[-1][1] if self.curve else 0.0
            seconds, loss = before + 1 / train_info["iterations_per_second"], float(train_info["train_loss"])
            self.curve.append((round(train_info["trained_tokens"]), seconds, loss))
            if seconds >= budget or not math.isfinite(loss):
                raise _Over

    return Clock()


def _done(curve: list[tuple[int, float, float]], batch: int) -> dict[str, Any]:
    """``broke_at``: the step whose loss was not a number, else 0."""
    tokens, seconds, loss = curve[-1]
    broken = not math.isfinite(loss)
    return {
        "seconds": seconds,
        "steps": len(curve),
        # It trains, and counts, one token of padding for each sequence that is not cut.
        "supervised_tokens": max(0, tokens - batch * len(curve)),
        "broke_at": len(curve) if broken else 0,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])

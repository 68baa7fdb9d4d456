"""mlx-lm's own trainer: ``python -m mlxtwin.train.bench.stock WORK NAME BLAS STEPS``.

The steps of ``mlx_lm.lora``'s ``run`` with a configuration of its own keys, by the functions it exports; nothing of it
is changed. (``run`` itself drops the callback it is given, and without one there is no clock.) The seconds are the
sum of those it reports for each step: making the batches is not in them.

BLAS is ``own`` for what the installed MLX brings, or ``fast`` for the library that ours loads, with all threads.
"""

from __future__ import annotations

import sys
import types
from typing import Any

from mlxtwin.security import airplane
from mlxtwin.train.bench.work import WINDOW, Work, resident_peak, run, write_result

_NEVER = 10**9


def main(arguments: list[str]) -> None:
    work, name, blas, steps = Work.read(arguments[0]), arguments[1], arguments[2], int(arguments[3])
    airplane.deny_network()
    if blas == "fast":
        from mlxtwin.backend.blas import load_blas

        if not load_blas(work.threads).fast:
            raise RuntimeError("there is no fast BLAS to load")
    _train(work, name, steps)


def config_of(work: Work, name: str, steps: int) -> dict[str, Any]:
    """The keys of an ``mlx_lm.lora`` configuration file; ``steps`` of the work's, the last one saved besides."""
    rising = max(1, round(work.steps * work.warmup))
    # Its cosine begins a step after the warm-up; without one, at the first step.
    falling = work.steps - rising if rising > 1 else work.steps
    return {
        "model": str(work.base),
        "train": True,
        "data": str(work.data),
        "mask_prompt": True,
        "fine_tune_type": "lora",
        "num_layers": work.blocks,
        "lora_parameters": {"rank": work.rank, "scale": work.scale, "dropout": 0.0},
        "resume_adapter_file": str(work.start),
        "adapter_path": str(work.folder / name),
        "optimizer": "adamw",
        "optimizer_config": {"adamw": {"weight_decay": 0.01, "bias_correction": True}},
        "lr_schedule": {
            "name": "cosine_decay",
            "arguments": [work.learning_rate, max(1, falling), 0.1 * work.learning_rate],
            "warmup": rising - 1,
            "warmup_init": work.learning_rate / rising,
        },
        "iters": steps,
        "batch_size": work.batch,
        "max_seq_length": WINDOW,
        "steps_per_report": 1,
        "save_every": work.part or _NEVER,
        "seed": work.seed,
    }


def _train(work: Work, name: str, steps: int) -> None:
    import mlx.core as mx
    import numpy as np
    from mlx_lm import lora

    settings = types.SimpleNamespace(**lora.CONFIG_DEFAULTS | config_of(work, name, steps))
    np.random.seed(work.seed)
    model, tokenizer = lora.load(settings.model)
    train_set, valid_set, _ = lora.load_dataset(settings, tokenizer)
    clock = _clock(work.batch)
    lora.train_model(settings, model, train_set, valid_set, clock)
    memory = {"resident_peak_bytes": resident_peak(), "mlx_peak_memory_bytes": mx.get_peak_memory()}
    (work.folder / name / "adapters.safetensors").replace(work.adapter(name))
    if work.part and steps > work.part:
        (work.folder / name / f"{work.part:07d}_adapters.safetensors").replace(work.adapter(f"{name}.part"))
    tokens, seconds = clock.curve[-1]
    numbers = {"seconds": seconds, "supervised_tokens": tokens, "steps": steps, "curve": clock.curve}
    write_result(work, name, numbers | memory)


def _clock(batch: int) -> Any:
    """A training callback of mlx-lm's with a ``curve`` of (supervised tokens, seconds) after each step."""
    from mlx_lm.tuner.callbacks import TrainingCallback

    class Clock(TrainingCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.curve: list[tuple[int, float]] = []

        def on_train_loss_report(self, train_info: dict[str, Any]) -> None:
            before = self.curve[-1][1] if self.curve else 0.0
            # It trains, and counts, one token of padding for each sequence.
            tokens = round(train_info["trained_tokens"]) - batch * train_info["iteration"]
            self.curve.append((tokens, before + 1 / train_info["iterations_per_second"]))

    return Clock()


if __name__ == "__main__":
    sys.exit(run(main))

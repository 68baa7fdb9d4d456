"""Our own contestant: ``python -m mlxtwin.train.bench.ours WORK``.

What a worker does and nothing else: a `Session` is opened on a resolved recipe and trains. Its clock runs from the call
to the last step, so self-checks, the cache of the frozen part, checkpoints and every compilation are in it. What the
session does after that to get ready for measuring is not, nor is its memory.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mlxtwin.dataset.examples import Dataset, DatasetReport
from mlxtwin.paths import Home, read_json
from mlxtwin.records import Example, Message, Split
from mlxtwin.security import airplane
from mlxtwin.security.crypto import SealedFiles, new_key
from mlxtwin.train.bench.work import WINDOW, Work, resident_peak, run, write_result
from mlxtwin.train.plan import base_shape, read_config
from mlxtwin.train.recipe import Recipe, resolve

if TYPE_CHECKING:
    from mlxtwin.train.checkpoint import Progress

NAME = "ours"
# mlx-lm does not clip; so large a limit never does either.
_NO_CLIPPING = 1e9


def main(arguments: list[str]) -> None:
    work = Work.read(arguments[0])
    airplane.deny_network()
    airplane.engage()
    from mlxtwin.backend.device import prepare

    prepare()  # before anything imports MLX
    from mlxtwin.train.session import Session

    home = Home(work.folder / "home")
    sealed = SealedFiles(home, new_key())
    session = Session.open(_spec(work), _dataset(work), home.runs / "bench" / "checkpoint", sealed)
    recorder = Recorder()
    result = session.train(recorder, lambda: False)
    work.adapter(NAME).write_bytes(session.adapter())
    write_result(work, NAME, _numbers(recorder, result.progress))


def recipe_of(work: Work) -> Recipe:
    """The recipe of this work; what it does not say is the product's default."""
    written: dict[str, Any] = {
        "name": "bench", "base": work.model, "num_layers": work.blocks, "fine_tune_type": "lora",
        "lora_parameters": {"rank": work.rank, "scale": work.scale, "dropout": 0.0},
        "learning_rate": work.learning_rate, "warmup": work.warmup, "max_grad_norm": _NO_CLIPPING,
        "epochs": work.epochs, "max_seq_length": WINDOW, "batch_tokens": batch_tokens(work), "seed": work.seed,
        "early_stop": {"share": 0},
    }  # fmt: skip
    return resolve(written, {}, base_shape(read_config(work.base))).recipe


def batch_tokens(work: Work) -> int:
    """What the stage found to give about as many steps as the others take."""
    return int(read_json(work.result("stage"))["batch_tokens"])


def _spec(work: Work) -> dict[str, Any]:
    from mlxtwin.backend.models import describe

    return {"recipe": recipe_of(work).model_dump(mode="json"), "base": asdict(describe(work.base, work.model))}


def _dataset(work: Work) -> Dataset:
    report = DatasetReport({}, {}, {}, {}, {}, {})
    return Dataset(_examples(work, "train"), _examples(work, "holdout"), report)


def _examples(work: Work, side: Split) -> tuple[Example, ...]:
    lines = (work.data / f"{side}.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(
        Example(f"{side}-{number:05}", "reply", tuple(Message(**one) for one in json.loads(line)["messages"]), 1, side)
        for number, line in enumerate(lines)
    )


class Recorder:
    """Takes the loop's events and notes when they came. ``peak``: of this process at the last step, in bytes."""

    def __init__(self) -> None:
        self.curve: list[tuple[int, float]] = []
        self.prefix: dict[str, Any] = {}
        self.peak = 0
        self._began = time.perf_counter()

    def __call__(self, event: str, /, **data: Any) -> None:
        if event == "step":
            self.curve.append((int(data["tokens"]), time.perf_counter() - self._began))
            self.peak = resident_peak()
        elif event.startswith("prefix"):
            self.prefix |= data


def _numbers(recorder: Recorder, progress: Progress) -> dict[str, Any]:
    return {
        "seconds": recorder.curve[-1][1],
        "supervised_tokens": progress.tokens,
        "steps": progress.step,
        "curve": recorder.curve,
        "resident_peak_bytes": recorder.peak,
        "mlx_peak_memory_bytes": progress.peak_memory_bytes,
        "prefix_cache": recorder.prefix,
    }


if __name__ == "__main__":
    sys.exit(run(main))

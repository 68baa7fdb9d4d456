"""The work that all contestants of ``bench train`` get, and the folder it lies in.

    work.json        this file's `Work`
    base/            a base with random weights and the starter's tokenizer, as any trainer loads it
    start.safetensors  the adapter that everybody starts from, in mlx-lm's names
    data/train.jsonl, data/holdout.jsonl   conversations, for those who tokenise themselves
    tokens.json      the same as tokens and what is supervised of them; the learning rate of every step
    results/         one NAME.json and NAME.safetensors for each contestant

Nothing here loads a model library.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlxtwin.errors import TwinError
from mlxtwin.paths import make_folder, read_json, write_json
from mlxtwin.records import TokenExample

SHORTEST, LONGEST = 60, 600
# For all: chats fit whole, and mlx-lm, which pads to a multiple of 32 and one more, never cuts one.
WINDOW = 1024
LEAST_SHARE = 1e-6


@dataclass(frozen=True, slots=True)
class Shape:
    """A llama by its sizes; embeddings are tied. ``inner``: the width within the feed-forward part; ``adapted``: on how
    many of its last blocks adapters are put where nobody says otherwise."""

    hidden: int
    inner: int
    blocks: int
    heads: int
    kv_heads: int
    vocabulary: int
    adapted: int

    @property
    def parameters(self) -> int:
        kv = self.hidden * self.kv_heads // self.heads
        block = 2 * self.hidden * (self.hidden + kv) + 3 * self.hidden * self.inner + 2 * self.hidden
        return self.vocabulary * self.hidden + self.blocks * block + self.hidden


SHAPES = {
    "135m": Shape(576, 1536, 30, 9, 3, 49152, 8),
    "tiny": Shape(64, 128, 4, 4, 2, 4096, 2),
}


@dataclass(frozen=True, slots=True)
class Work:
    """``examples`` is a multiple of ``batch``, the examples of one step.

    ``part``: the steps that a slow rival takes, 0 for all. ``dtype``: "float32" or "bfloat16", of the base.
    """

    folder: Path
    model: str
    dtype: str
    device: str
    examples: int
    held_out: int
    epochs: int
    blocks: int
    rank: int
    scale: float
    learning_rate: float
    warmup: float
    batch: int
    part: int
    threads: int
    seed: int

    @property
    def shape(self) -> Shape:
        return SHAPES[self.model]

    @property
    def steps(self) -> int:
        """Of a trainer that takes ``batch`` examples in each."""
        return self.epochs * self.examples // self.batch

    @property
    def base(self) -> Path:
        return self.folder / "base"

    @property
    def start(self) -> Path:
        return self.folder / "start.safetensors"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def tokens(self) -> Path:
        return self.folder / "tokens.json"

    def result(self, name: str) -> Path:
        return self.folder / "results" / f"{name}.json"

    def adapter(self, name: str) -> Path:
        return self.folder / "results" / f"{name}.safetensors"

    def save(self) -> Path:
        """Write ``work.json``; its path."""
        make_folder(self.folder / "results")
        write_json(self.folder / "work.json", asdict(self) | {"folder": str(self.folder), "steps": self.steps})
        return self.folder / "work.json"

    @classmethod
    def read(cls, path: str) -> Work:
        values = {key: value for key, value in read_json(Path(path)).items() if key != "steps"}
        return cls(**values | {"folder": Path(values["folder"])})


def whole_batches(examples: int, batch: int) -> int:
    """Rounded up: mlx-lm never trains the rows that are left over."""
    return max(1, -(-examples // batch)) * batch


def part_steps(share: float, steps: int) -> int:
    """The steps that ``share`` of the work is, at least one; 0 where it is all of it."""
    wanted = max(1, round(max(share, LEAST_SHARE) * steps))
    return 0 if share >= 1 or wanted >= steps else wanted


def write_tokens(
    work: Work, train: Iterable[TokenExample], holdout: Iterable[TokenExample], rates: list[float]
) -> None:
    value = {"train": [_row(one) for one in train], "holdout": [_row(one) for one in holdout], "rates": rates}
    work.tokens.write_text(json.dumps(value), encoding="utf-8")


def read_tokens(work: Work, side: str) -> list[TokenExample]:
    """The examples of one side, ``train`` or ``holdout``."""
    rows: list[dict[str, Any]] = read_json(work.tokens)[side]
    return [
        TokenExample(
            f"{side}-{number}",
            tuple(row["tokens"]),
            tuple(at >= row["from"] for at in range(len(row["tokens"]))),
        )
        for number, row in enumerate(rows)
    ]


def _row(example: TokenExample) -> dict[str, Any]:
    return {"tokens": list(example.tokens), "from": example.supervised.index(True)}


def write_result(work: Work, name: str, value: dict[str, Any]) -> None:
    write_json(work.result(name), value)


def resident_peak() -> int:
    """The most memory this process has held resident so far, in bytes, as the system counts it."""
    # On Linux, ru_maxrss begins with the peak of whoever started the process; this begins with the program.
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def run(main: Callable[[list[str]], None]) -> int:
    """``main`` with the arguments of this process; an error of ours as one sentence on stderr, and its exit code."""
    try:
        main(sys.argv[1:])
    except TwinError as error:
        sys.stderr.write(error.sentence() + "\n")
        return error.exit_code
    return 0

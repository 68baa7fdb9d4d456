"""Everything a run needs to go on exactly: adapter, optimizer, place in the data, and the best adapter so far.

Random numbers need no place here: each step's come from the seed and the step alone.

One sealed file, written whole: after a kill there is either the old checkpoint or the new one.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.optimizers as optim
from mlx import nn
from mlx.utils import tree_flatten, tree_unflatten

from mlxtwin.errors import SealBroken
from mlxtwin.security.crypto import SealedFiles

FILE = "state.sealed"


@dataclass(slots=True)
class Progress:
    """``step``: optimizer steps done. ``rate_scale`` is halved by each non-finite step, ``skipped`` counts those in a
    row. ``tokens``: supervised tokens done. ``seconds``: training time over all sittings. ``validated``: epochs
    measured; ``best_epoch``, counted from 1 and 0 for none, had the lowest loss, ``best_nll`` nats per token."""

    step: int = 0
    tokens: int = 0
    rate_scale: float = 1.0
    skipped: int = 0
    seconds: float = 0.0
    peak_memory_bytes: int = 0
    validated: int = 0
    best_epoch: int = 0
    best_nll: float = 0.0


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    """The checkpoint of one run folder; where several processes train, one ``writes`` and the others only read."""

    folder: Path
    sealed: SealedFiles
    writes: bool = True

    def exists(self) -> bool:
        return (self.folder / FILE).is_file()

    def save(
        self,
        model: nn.Module,
        optimizer: optim.Optimizer,
        progress: Progress,
        best: Mapping[str, mx.array] | None = None,
    ) -> None:
        """``best``: the adapter of ``progress.best_epoch``, by name as in `flat`."""
        if not self.writes:
            return
        arrays = {f"adapter.{name}": value for name, value in flat(model.trainable_parameters()).items()}
        arrays |= {f"optimizer.{name}": value for name, value in flat(optimizer.state).items()}
        arrays |= {f"best.{name}": value for name, value in (best or {}).items()}
        buffer = io.BytesIO()
        mx.save_safetensors(buffer, arrays, {"progress": json.dumps(asdict(progress))})
        self.sealed.write(self.folder / FILE, buffer.getvalue())

    def load(self, model: nn.Module, optimizer: optim.Optimizer) -> Progress:
        """Put the saved state into ``model`` and ``optimizer``; raises SealBroken when the file was changed."""
        return self.load_with_best(model, optimizer)[0]

    def load_with_best(self, model: nn.Module, optimizer: optim.Optimizer) -> tuple[Progress, dict[str, mx.array]]:
        """As `load`, with the best adapter so far, by name; empty if there is none."""
        buffer = io.BytesIO(self.sealed.read(self.folder / FILE))
        loaded: Any = mx.load(buffer, format="safetensors", return_metadata=True)
        arrays, metadata = loaded
        model.load_weights(_part(arrays, "adapter."), strict=False)
        optimizer.state = tree_unflatten(_part(arrays, "optimizer."))
        saved = dict(_part(arrays, "adapter."))
        if flat(model.trainable_parameters()).keys() - saved.keys():
            raise SealBroken("The checkpoint belongs to another recipe.", "Start the run anew without --resume.")
        return Progress(**json.loads(metadata["progress"])), dict(_part(arrays, "best."))


def flat(tree: Any) -> dict[str, mx.array]:
    """A tree of parameters as arrays by dotted name."""
    return dict(tree_flatten(tree))


def _part(arrays: dict[str, mx.array], prefix: str) -> list[tuple[str, mx.array]]:
    return [(name.removeprefix(prefix), value) for name, value in arrays.items() if name.startswith(prefix)]

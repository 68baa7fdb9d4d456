"""Early stop: a part of what there is to train on is set apart, measured after every epoch, and the best epoch is kept.

The held-out words that the gate judges by play no part in it: a number that chose an epoch cannot judge it too.

On by default, with 3 % of the targets: where little was written, nothing is set apart at all (a part too small would
measure noise, and every word is wanted for learning), and elsewhere one word in 33 buys that an epoch which only learns
the training words by heart is taken back. Setting apart is by document alone: two documents of one day or one thread
may stand on either side, which makes the loss here a little lower than that of strangers; it is compared with itself
only.

Not covered here: stopping in the midst of an epoch.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import mlx.core as mx
from mlx import nn

from mlxtwin.records import TokenExample
from mlxtwin.train.checkpoint import Progress, flat
from mlxtwin.train.gradient import Gradients
from mlxtwin.train.pace import Emit

# Fewer documents or targets tell one epoch from the next by chance; at 3 % this asks for some 17,000 targets in all.
FEWEST_DOCUMENTS = 8
FEWEST_TARGETS = 512
# More would measure no better; a pass without a gradient takes about a third of one with.
MOST_TARGETS = 20_000
# In nats per token: a smaller gain is not worth what an epoch more forgets.
LEAST_GAIN = 0.002


@dataclass(frozen=True, slots=True)
class Validation:
    """``examples`` to stop by, none to go on to the end; ``patience``: epochs in a row that may bring nothing new."""

    examples: Sequence[TokenExample] = ()
    patience: int = 1


def set_apart(
    examples: Sequence[TokenExample], share: float, seed: int, epochs: int
) -> tuple[list[TokenExample], list[TokenExample]]:
    """What to train on, and what to stop by: whole documents with at most ``share`` of all targets.

    The same for the same seed and documents in any order. Nothing is set apart for a single epoch, or where the share
    is too little to measure by.
    """
    usable = [example for example in examples if example.targets]
    targets: Counter[str] = Counter()
    for example in usable:
        targets[example.document] += example.targets
    room = min(share * targets.total(), MOST_TARGETS)
    chosen: dict[str, int] = {}
    for document in sorted(targets, key=lambda name: _order(name, seed)):
        if sum(chosen.values()) + targets[document] <= room:
            chosen[document] = targets[document]
    if epochs < 2 or len(chosen) < FEWEST_DOCUMENTS or sum(chosen.values()) < FEWEST_TARGETS:
        return usable, []
    return (
        [example for example in usable if example.document not in chosen],
        [example for example in usable if example.document in chosen],
    )


def _order(document: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}\0{document}".encode("utf-8", "replace"), digest_size=16).digest()


class KeepBest:
    """The validation of one run: what was measured stands in ``progress``, the best adapter in ``best``, by name.

    Both come from a checkpoint and go into the next, so a run killed anywhere measures each epoch as if it never was.
    """

    def __init__(
        self, validation: Validation, epoch_steps: Sequence[int], progress: Progress, best: dict[str, mx.array]
    ) -> None:
        """``epoch_steps``: the optimizer steps of each epoch in turn."""
        self.best = best
        self._validation, self._progress = validation, progress
        self._epoch_at = {step: number for number, step in enumerate(accumulate(epoch_steps), 1)}

    @property
    def done(self) -> bool:
        """Whether the last epochs brought nothing new, as many as there is patience for."""
        progress = self._progress
        return progress.validated > 0 and progress.validated - progress.best_epoch >= self._validation.patience

    def look(self, gradients: Gradients, emit: Emit) -> bool:
        """Measure the model where an epoch ends that was not measured yet, nothing anywhere else; whether to stop."""
        progress = self._progress
        epoch = self._epoch_at.get(progress.step, 0)
        if not self._validation.examples or epoch <= progress.validated:
            return self.done
        nll = gradients.loss(self._validation.examples)
        progress.validated = epoch
        best = nll < progress.best_nll - LEAST_GAIN if progress.best_epoch else math.isfinite(nll)
        if best:
            progress.best_epoch, progress.best_nll = epoch, nll
            self.best = flat(gradients.model.trainable_parameters())
        loss = round(nll, 5) if math.isfinite(nll) else None
        emit("validation", epoch=epoch, epochs=len(self._epoch_at), loss=loss, best=best, stops=self.done)
        return self.done

    def restore(self, model: nn.Module) -> None:
        """Put the best adapter into ``model``, in place; nothing when there is none."""
        if self.best:
            model.load_weights(list(self.best.items()), strict=False)
            mx.eval(model.trainable_parameters())

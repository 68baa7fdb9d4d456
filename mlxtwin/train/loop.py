"""The training loop: every example of every epoch once, exact resume, guarded steps.

Not covered here: evaluation (a stage of its own), packing and the cached prefix.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import mlx.core as mx
import mlx.optimizers as optim
from mlx import nn
from mlx.utils import tree_map

from mlxtwin.backend.forward import head_holds
from mlxtwin.dataset.batches import batches
from mlxtwin.dataset.collate import collate
from mlxtwin.errors import RunFailed, UsageError
from mlxtwin.records import TokenExample
from mlxtwin.train.checkpoint import CheckpointFile, Progress, flat
from mlxtwin.train.loss import weighted_sum
from mlxtwin.train.plan import MICRO_BATCH_TOKENS
from mlxtwin.train.schedule import learning_rate

CHECKPOINT_SECONDS = 15.0
REPORT_SECONDS = 1.0
MOST_SKIPPED = 5
# Between the random numbers of two seeds: more steps than any run has.
_STEPS_APART = 10**9


class Emit(Protocol):
    def __call__(self, event: str, /, **data: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """What the loop takes from a recipe; ``learning_rate`` is the peak, ``batch_tokens`` counts padded tokens."""

    epochs: int
    batch_tokens: int
    learning_rate: float
    warmup: float
    max_grad_norm: float
    seed: int


@dataclass(frozen=True, slots=True)
class TrainResult:
    progress: Progress
    steps: int
    stopped: bool


def train(
    model: nn.Module,
    examples: Sequence[TokenExample],
    settings: TrainSettings,
    checkpoint: CheckpointFile,
    emit: Emit,
    should_stop: Callable[[], bool],
) -> TrainResult:
    """Train the trainable parameters of ``model`` in place, from the checkpoint when there is one.

    Returns early, with a checkpoint written, once ``should_stop()``. Raises RunFailed after several steps in a row
    with a loss or a gradient that is not finite; UsageError when no example has a target.
    """
    usable = _usable(examples)
    plan = [group for epoch in range(settings.epochs) for group in _epoch(usable, settings, epoch)]
    head_holds(model)  # asked now, so that no step draws random numbers for it
    optimizer = optim.AdamW(learning_rate=settings.learning_rate, weight_decay=0.01, bias_correction=True)
    optimizer.init(model.trainable_parameters())
    progress = checkpoint.load(model, optimizer) if checkpoint.exists() else Progress()
    emit("train", step=progress.step, steps=len(plan), examples=len(usable), tokens=sum(e.targets for e in usable))
    pace = _Pace(progress)
    stopped = False
    for step in range(progress.step, len(plan)):
        if stopped := should_stop():
            break
        mx.random.seed(settings.seed * _STEPS_APART + step)
        rate = learning_rate(step, len(plan), settings.learning_rate, settings.warmup) * progress.rate_scale
        optimizer.learning_rate = mx.array(rate)
        outcome = _step(model, optimizer, [usable[index] for index in plan[step]], settings)
        progress.step = step + 1
        _guard(outcome, progress, emit)
        pace.count(outcome)
        if pace.report_due() or progress.step == len(plan):
            emit("step", **pace.report(len(plan), rate))
        if pace.checkpoint_due():
            checkpoint.save(model, optimizer, progress)
    pace.settle()
    checkpoint.save(model, optimizer, progress)
    return TrainResult(progress, len(plan), stopped)


def _usable(examples: Sequence[TokenExample]) -> list[TokenExample]:
    usable = [example for example in examples if example.targets]
    if not usable:
        raise UsageError(
            "There is nothing to train on: no example has a word of yours.", "Import more of your writing."
        )
    return usable


def _epoch(examples: Sequence[TokenExample], settings: TrainSettings, epoch: int) -> list[list[int]]:
    return batches(examples, batch_tokens=settings.batch_tokens, seed=settings.seed, epoch=epoch)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """``nats`` and ``targets`` of one optimizer step, unweighted; ``finite`` says whether it was taken."""

    nats: float
    targets: int
    gradient_norm: float
    finite: bool


def _step(
    model: nn.Module, optimizer: optim.Optimizer, examples: Sequence[TokenExample], settings: TrainSettings
) -> _Outcome:
    """One optimizer step over ``examples``, accumulated over as many forward passes as memory asks for."""
    gradient_of = nn.value_and_grad(model, weighted_sum)
    total: Any = None
    nats, targets, weight = 0.0, 0, 0.0
    for part in _micro_batches(examples):
        batch = collate(part)
        (_, plain), gradient = gradient_of(model, batch)
        total = gradient if total is None else tree_map(mx.add, total, gradient)
        mx.eval(total, plain)
        nats += _number(plain)
        targets += batch.targets
        weight += float(batch.weights.sum())
    total = tree_map(lambda array: array / max(weight, 1e-9), total)
    squares = [mx.sum(mx.square(array)) for array in flat(total).values()]
    gradient_norm = _number(mx.sqrt(mx.sum(mx.stack(squares))))
    finite = _finite(nats) and _finite(gradient_norm)
    if finite:
        clip = min(1.0, settings.max_grad_norm / (gradient_norm + 1e-6))
        optimizer.update(model, tree_map(lambda array: array * clip, total))
        mx.eval(model.trainable_parameters(), optimizer.state)
    return _Outcome(nats, targets, gradient_norm, finite)


def _micro_batches(examples: Sequence[TokenExample]) -> Iterator[list[TokenExample]]:
    part: list[TokenExample] = []
    longest = 0
    for example in examples:
        longest = max(longest, len(example.tokens))
        if part and longest * (len(part) + 1) > MICRO_BATCH_TOKENS:
            yield part
            part, longest = [], len(example.tokens)
        part.append(example)
    if part:
        yield part


def _number(scalar: mx.array) -> float:
    value: Any = scalar.item()
    return float(value)


def _finite(value: float) -> bool:
    return value - value == 0.0


def _guard(outcome: _Outcome, progress: Progress, emit: Emit) -> None:
    """A step that is not finite was skipped: halve the rate, and give up after several in a row."""
    if outcome.finite:
        progress.skipped = 0
        return
    progress.skipped += 1
    progress.rate_scale /= 2
    emit("skipped", step=progress.step, rate_scale=progress.rate_scale)
    if progress.skipped >= MOST_SKIPPED:
        raise RunFailed(
            f"The loss was not finite for {MOST_SKIPPED} steps in a row.", "Try a lower learning_rate in the recipe."
        )


class _Pace:
    """Clocks of one sitting: speed, time left, when to report and when to save."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.started = self.reported = self.saved = self.settled = time.monotonic()
        self.first_step = progress.step
        self.nats, self.targets, self.sitting_targets = 0.0, 0, 0
        mx.reset_peak_memory()

    def count(self, outcome: _Outcome) -> None:
        if outcome.finite:
            self.nats += outcome.nats
            self.targets += outcome.targets
        self.sitting_targets += outcome.targets
        self.progress.tokens += outcome.targets

    def settle(self) -> None:
        """Add the time since the last call to the run's own clock."""
        now = time.monotonic()
        self.progress.seconds += now - self.settled
        self.progress.peak_memory_bytes = max(self.progress.peak_memory_bytes, mx.get_peak_memory())
        self.settled = now

    def report_due(self) -> bool:
        return time.monotonic() - self.reported >= REPORT_SECONDS

    def checkpoint_due(self) -> bool:
        due = time.monotonic() - self.saved >= CHECKPOINT_SECONDS
        if due:
            self.settle()
            self.saved = time.monotonic()
        return due

    def report(self, steps: int, rate: float) -> dict[str, float | int]:
        now = time.monotonic()
        done = self.progress.step - self.first_step
        each = (now - self.started) / max(done, 1)
        data: dict[str, float | int] = {
            "step": self.progress.step,
            "steps": steps,
            "loss": round(self.nats / max(self.targets, 1), 5),
            "learning_rate": rate,
            "tokens": self.progress.tokens,
            "tokens_per_second": round(self.sitting_targets / max(now - self.started, 1e-9), 1),
            "memory_bytes": mx.get_peak_memory(),
            "seconds_left": round(each * (steps - self.progress.step), 1),
        }
        self.nats, self.targets, self.reported = 0.0, 0, now
        return data


def parameter_count(model: nn.Module) -> int:
    """Trainable parameters, in numbers."""
    return sum(int(value.size) for value in flat(model.trainable_parameters()).values())

"""The training loop: every example of every epoch once, exact resume, guarded steps, the best epoch kept.

Not covered here: evaluation, a stage of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import mlx.core as mx
import mlx.optimizers as optim
from mlx import nn
from mlx.utils import tree_map

from mlxtwin.backend.cut import drop_lower
from mlxtwin.dataset.batches import batches
from mlxtwin.errors import UsageError
from mlxtwin.records import TokenExample
from mlxtwin.train.checkpoint import CheckpointFile, Progress, flat
from mlxtwin.train.distributed import state_digest
from mlxtwin.train.gradient import Execution, Gradients, number_of
from mlxtwin.train.pace import Clock, Emit, guard
from mlxtwin.train.prefix import fill
from mlxtwin.train.schedule import learning_rate
from mlxtwin.train.validation import KeepBest, Validation

# Between the random numbers of two steps: more passes than a step has; and of two seeds: more steps than a run has.
_STEPS_APART = 10**4
_SEEDS_APART = 10**12
PLAIN = Execution()


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
class Beside:
    """What goes through the loop beside the person's examples: those to stop by, and those to mix into every epoch."""

    validation: Validation = field(default_factory=Validation)
    replay: Sequence[TokenExample] = ()


NOTHING_BESIDE = Beside()


@dataclass(frozen=True, slots=True)
class TrainResult:
    """``steps`` of the whole run, fewer than planned after an early stop; ``stopped`` by somebody before its end."""

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
    execution: Execution = PLAIN,
    beside: Beside = NOTHING_BESIDE,
) -> TrainResult:
    """Train the trainable parameters of ``model`` in place, from the checkpoint when there is one.

    With examples to stop by, ``model`` is left as it was after its best epoch. With a prefix store the states below
    the cut are computed first, and the blocks there lose their weights: load the base again for anything else. Returns
    early, with a checkpoint written, once ``should_stop()``. Raises RunFailed after several steps in a row with a loss
    or a gradient that is not finite; UsageError when no example has a target.
    """
    usable = _usable(examples)
    mixed = [*usable, *beside.replay]
    epochs = [_epoch(mixed, settings, epoch) for epoch in range(settings.epochs)]
    plan = [group for epoch in epochs for group in epoch]
    gradients = Gradients(model, execution)  # asks the model now, so that no step draws random numbers for it
    optimizer = optim.AdamW(learning_rate=settings.learning_rate, weight_decay=0.01, bias_correction=True)
    optimizer.init(model.trainable_parameters())
    progress, best = checkpoint.load_with_best(model, optimizer) if checkpoint.exists() else (Progress(), {})
    keeper = KeepBest(beside.validation, [len(epoch) for epoch in epochs], progress, best)
    emit("train", step=progress.step, steps=len(plan), examples=len(usable), tokens=sum(e.targets for e in usable))
    execution.peers.agree(lambda: state_digest(model, (settings, plan, progress.step, gradients.policy), mixed))
    execution.peers.before_loss(lambda: checkpoint.save(model, optimizer, progress, keeper.best))
    pace = _Pace(progress)
    stopped = not _fill(gradients, [*mixed, *beside.validation.examples], emit, should_stop)
    for step in range(progress.step, len(plan)):
        if stopped := stopped or execution.peers.decide(should_stop):
            break
        if keeper.look(gradients, emit):
            break
        seed = settings.seed * _SEEDS_APART + step * _STEPS_APART
        rate = learning_rate(step, len(plan), settings.learning_rate, settings.warmup) * progress.rate_scale
        optimizer.learning_rate = mx.array(rate)
        outcome = _step(gradients, optimizer, mixed, plan[step], seed, settings, own=len(usable))
        progress.step = step + 1
        guard(outcome.finite, progress, emit)
        pace.count(outcome)
        if pace.report_due() or progress.step == len(plan):
            emit("step", **pace.report(len(plan), rate))
        if pace.checkpoint_due():
            checkpoint.save(model, optimizer, progress, keeper.best)
    if not stopped:
        keeper.look(gradients, emit)
    pace.settle()
    checkpoint.save(model, optimizer, progress, keeper.best)
    if not stopped:
        keeper.restore(model)
    return TrainResult(progress, progress.step if keeper.done else len(plan), stopped)


def _fill(gradients: Gradients, examples: Sequence[TokenExample], emit: Emit, should_stop: Callable[[], bool]) -> bool:
    """Have the states below the cut at hand, if they are to be kept; False when asked to stop before that."""
    store, model = gradients.prefix, gradients.model
    if store is None:
        return True
    training = model.training
    model.eval()

    def work(ask: Callable[[], bool]) -> bool:
        return fill(model, examples, gradients.cut, store, gradients.policy, gradients.streams, emit, ask)

    filled = gradients.peers.after_first(work, should_stop)
    if filled and not gradients.peers.first:
        store.reload()
    model.train(training)
    if filled:
        drop_lower(model, gradients.cut)
        mx.clear_cache()  # else MLX keeps their memory for later
    return filled


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
    """``nats`` and ``targets`` of one optimizer step, unweighted, and how many of those are the person's ``own``;
    ``finite`` says whether it was taken."""

    nats: float
    targets: int
    own_targets: int
    gradient_norm: float
    finite: bool


def _step(
    gradients: Gradients,
    optimizer: optim.Optimizer,
    examples: Sequence[TokenExample],
    batch: Sequence[int],
    seed: int,
    settings: TrainSettings,
    own: int,
) -> _Outcome:
    """One optimizer step over the examples that ``batch`` points at; skipped when a number is not finite.

    The first ``own`` examples are the person's.
    """
    summed = gradients.step(examples, batch, seed)
    mean = tree_map(lambda array: array / max(summed.weight, 1e-9), summed.gradient)
    squares = [mx.sum(mx.square(array)) for array in flat(mean).values()]
    gradient_norm = number_of(mx.sqrt(mx.sum(mx.stack(squares))))
    finite = _finite(summed.nats) and _finite(gradient_norm)
    if finite:
        clip = min(1.0, settings.max_grad_norm / (gradient_norm + 1e-6))
        optimizer.update(gradients.model, tree_map(lambda array: array * clip, mean))
        mx.eval(gradients.model.trainable_parameters(), optimizer.state)
    own_targets = sum(examples[index].targets for index in batch if index < own)
    return _Outcome(summed.nats, summed.targets, own_targets, gradient_norm, finite)


def _finite(value: float) -> bool:
    return value - value == 0.0


class _Pace(Clock):
    """Clocks of one sitting: speed, time left, when to report and when to save."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(progress)
        self.nats, self.targets, self.sitting_targets = 0.0, 0, 0

    def count(self, outcome: _Outcome) -> None:
        if outcome.finite:
            self.nats += outcome.nats
            self.targets += outcome.targets
        self.sitting_targets += outcome.own_targets
        self.progress.tokens += outcome.own_targets

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

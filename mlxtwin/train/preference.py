"""Learning from corrections and ratings: DPO on pairs, KTO on single answers, with the guarantees of the training loop.

What is learned (`objective`) stands apart from how steps are taken (`train_preferences`). The policy starts from the
adapter that the model carries. Not covered here: packing, the cached prefix, compiled steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
from mlx import nn
from mlx.utils import tree_map

from mlxtwin.backend.forward import head_holds
from mlxtwin.dataset.tokens import ChatTokenizer
from mlxtwin.errors import UsageError
from mlxtwin.records import PreferencePair, Rating
from mlxtwin.train.checkpoint import CheckpointFile, Progress, flat
from mlxtwin.train.loop import TrainResult
from mlxtwin.train.pace import Clock, Emit, guard
from mlxtwin.train.preference_data import (
    TokenItem,
    TokenPair,
    TokenRating,
    groups,
    ratings_of,
    tokenise_pairs,
    tokenise_ratings,
)
from mlxtwin.train.preference_loss import balanced_weights
from mlxtwin.train.preference_objective import (
    Objective,
    PreferenceGradients,
    PreferenceSum,
    dpo_objective,
    kto_objective,
    number,
)
from mlxtwin.train.preference_reference import Reference, ReferenceFile, reference_logprobs
from mlxtwin.train.preference_settings import PreferenceSettings
from mlxtwin.train.schedule import learning_rate

# Between the random numbers of two seeds: more steps than any run has.
_STEPS_APART = 10**9


@dataclass(frozen=True, slots=True)
class PreferenceTraining:
    """``learning_rate`` is the peak; ``batch_tokens`` and ``micro_batch_tokens`` count padded tokens of one optimizer
    step and of one forward pass, at least one item each."""

    preference: PreferenceSettings
    epochs: int
    batch_tokens: int
    learning_rate: float
    warmup: float
    max_grad_norm: float
    seed: int
    micro_batch_tokens: int = 2048


def preference_items(
    settings: PreferenceSettings,
    pairs: Sequence[PreferencePair],
    ratings: Sequence[Rating],
    tokenizer: ChatTokenizer,
    max_seq_length: int,
) -> list[TokenItem]:
    """What the method can use of the records, both oldest first; kto takes a pair as two ratings, before the rest."""
    newest = slice(-settings.max_pairs if settings.max_pairs else None, None)
    if settings.method == "dpo":
        return list(tokenise_pairs(pairs[newest], tokenizer, max_seq_length))
    rated = [*(rating for pair in pairs for rating in ratings_of(pair)), *ratings]
    return list(tokenise_ratings(rated[newest], tokenizer, max_seq_length))


def objective(settings: PreferenceSettings, items: Sequence[TokenItem]) -> Objective:
    """The loss of the method; ``items`` are all that is trained on, for weights that depend on their numbers."""
    if settings.method == "dpo":
        return dpo_objective(settings.beta, settings.supervised_weight or 0.0)
    good = sum(isinstance(item, TokenRating) and item.good for item in items)
    chosen = balanced_weights(good, len(items) - good)
    return kto_objective(
        settings.beta, (settings.desirable_weight or chosen[0], settings.undesirable_weight or chosen[1])
    )


def train_preferences(
    model: nn.Module,
    items: Sequence[TokenItem],
    settings: PreferenceTraining,
    checkpoint: CheckpointFile,
    emit: Emit,
    should_stop: Callable[[], bool],
    reference: Reference,
) -> TrainResult:
    """Train the adapter on ``model`` in place, from where it stands or from the checkpoint when there is one.

    Every item of every epoch once, in an order of the seed alone; both answers of a pair in one forward pass. Returns
    early once ``should_stop()``, also before the reference is known. Raises RunFailed after several steps in a row that
    are not finite; UsageError for items that the method cannot use or whose reference is missing.
    """
    usable = _usable(items, settings.preference.method)
    plan = [group for epoch in range(settings.epochs) for group in _epoch(usable, settings, epoch)]
    head_holds(model)  # asked now, so that no step draws random numbers for it
    optimizer = optim.AdamW(learning_rate=settings.learning_rate, weight_decay=0.01, bias_correction=True)
    optimizer.init(model.trainable_parameters())
    progress = checkpoint.load(model, optimizer) if checkpoint.exists() else Progress()
    file = ReferenceFile(checkpoint.folder, checkpoint.sealed)
    known = reference_logprobs(model, usable, reference, file, emit, should_stop, settings.micro_batch_tokens)
    if known is None:
        return TrainResult(progress, len(plan), True)
    loss = objective(settings.preference, usable)
    gradients = PreferenceGradients(model, loss, known, settings.micro_batch_tokens)
    emit("train", step=progress.step, steps=len(plan), examples=len(usable), tokens=sum(map(_targets, usable)))
    clock, stopped = _Clock(progress), False
    for step in range(progress.step, len(plan)):
        if stopped := should_stop():
            break
        mx.random.seed(settings.seed * _STEPS_APART + step)
        rate = learning_rate(step, len(plan), settings.learning_rate, settings.warmup) * progress.rate_scale
        optimizer.learning_rate = mx.array(rate)
        outcome = _step(gradients, optimizer, usable, plan[step], settings)
        progress.step = step + 1
        guard(outcome.finite, progress, emit)
        clock.count(outcome)
        if clock.report_due() or progress.step == len(plan):
            emit("step", **clock.report(len(plan), rate))
        if clock.checkpoint_due():
            checkpoint.save(model, optimizer, progress)
    clock.settle()
    checkpoint.save(model, optimizer, progress)
    return TrainResult(progress, len(plan), stopped)


def _usable(items: Sequence[TokenItem], method: str) -> list[TokenItem]:
    kind, records = (TokenPair, "corrected") if method == "dpo" else (TokenRating, "rated")
    wrong = sum(not isinstance(item, kind) for item in items)
    if wrong:
        raise UsageError(
            f"The method {method} cannot use {wrong} of the preferences.", f"It learns from {records} answers."
        )
    usable = [item for item in items if _trained(item)]
    if not usable:
        raise UsageError("There is nothing to learn a preference from.", f"It takes answers that you have {records}.")
    return usable


def _trained(item: TokenItem) -> bool:
    rows = item.rows if isinstance(item, TokenPair) else item.rows[:1]
    return all(row.targets for row in rows)


def _targets(item: TokenItem) -> int:
    """Supervised tokens that the loss reads."""
    rows = item.rows if isinstance(item, TokenPair) else item.rows[:1]
    return sum(row.targets for row in rows)


def _epoch(items: Sequence[TokenItem], settings: PreferenceTraining, epoch: int) -> list[list[int]]:
    """Every place in ``items`` once, in the groups of the optimizer steps."""
    order: list[int] = np.random.default_rng((settings.seed, epoch)).permutation(len(items)).tolist()
    made = groups([items[place].width for place in order], settings.batch_tokens)
    return [[order[index] for index in group] for group in made]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """One optimizer step; ``finite`` says whether it was taken."""

    summed: PreferenceSum
    gradient_norm: float
    finite: bool


def _step(
    gradients: PreferenceGradients,
    optimizer: optim.Optimizer,
    items: Sequence[TokenItem],
    batch: Sequence[int],
    settings: PreferenceTraining,
) -> _Outcome:
    """One optimizer step on the mean loss of the items that ``batch`` points at; skipped when it is not finite."""
    summed = gradients.step(items, batch)
    mean = tree_map(lambda array: array / summed.weight, summed.gradient)
    norm = number(mx.sqrt(mx.sum(mx.stack([mx.sum(mx.square(array)) for array in flat(mean).values()]))))
    finite = bool(np.isfinite([norm, summed.loss, summed.nats]).all())
    if finite:
        clip = min(1.0, settings.max_grad_norm / (norm + 1e-6))
        optimizer.update(gradients.model, tree_map(lambda array: array * clip, mean))
        mx.eval(gradients.model.trainable_parameters(), optimizer.state)
    return _Outcome(summed, norm, finite)


class _Clock(Clock):
    """What one sitting has done and how fast; when to report and when to save."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(progress)
        self.targets = 0
        self.since: list[PreferenceSum] = []
        self.gradient_norm = 0.0

    def count(self, outcome: _Outcome) -> None:
        if outcome.finite:
            self.since.append(outcome.summed)
            self.gradient_norm = outcome.gradient_norm
        self.targets += outcome.summed.targets
        self.progress.tokens += outcome.summed.targets

    def report(self, steps: int, rate: float) -> dict[str, float | int]:
        """``loss``: nats per token of the wanted answers; the rest of the objective beside it, per item."""
        now = time.monotonic()
        each = (now - self.started) / max(self.progress.step - self.first_step, 1)
        items = max(sum(one.weight for one in self.since), 1)
        data: dict[str, float | int] = {
            "step": self.progress.step,
            "steps": steps,
            "loss": round(sum(one.nats for one in self.since) / max(sum(one.wanted for one in self.since), 1), 5),
            "preference_loss": round(sum(one.loss for one in self.since) / items, 5),
            "margin": round(sum(one.margin for one in self.since) / items, 5),
            "preferred": round(sum(one.right for one in self.since) / items, 5),
            "gradient_norm": round(self.gradient_norm, 6),
            "learning_rate": rate,
            "tokens": self.progress.tokens,
            "tokens_per_second": round(self.targets / max(now - self.started, 1e-9), 1),
            "memory_bytes": mx.get_peak_memory(),
            "seconds_left": round(each * (steps - self.progress.step), 1),
        }
        self.since, self.reported = [], now
        return data

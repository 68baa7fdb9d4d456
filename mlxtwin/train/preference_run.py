"""A run that learns from corrections and ratings: it goes on from a version of the slot, and is measured against it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from mlx import nn

from mlxtwin.backend.adapters import load_adapter
from mlxtwin.backend.engine import Loaded
from mlxtwin.dataset.collate import collate
from mlxtwin.dataset.examples import Dataset
from mlxtwin.evaluate.gate import against_parent
from mlxtwin.evaluate.report import ReportCard
from mlxtwin.records import TokenExample
from mlxtwin.slots.registry import Slots
from mlxtwin.train.checkpoint import CheckpointFile
from mlxtwin.train.loop import TrainResult
from mlxtwin.train.pace import Emit
from mlxtwin.train.parent import version_adapter
from mlxtwin.train.preference import PreferenceTraining, preference_items, train_preferences
from mlxtwin.train.preference_data import TokenItem, TokenPair, TokenRating, groups
from mlxtwin.train.preference_loss import sequence_logprobs
from mlxtwin.train.preference_reference import Reference
from mlxtwin.train.preference_settings import PreferenceSettings
from mlxtwin.train.recipe import Recipe

# Fewer say nothing: then all are trained on, and measured on, which the check says.
FEWEST_HELD_OUT = 10
ROW_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class Preferred:
    """In how many ``right`` of so many ``couples`` the wanted answer is the likelier one."""

    right: int
    couples: int


@dataclass(frozen=True, slots=True)
class PreferenceRun:
    """``items`` are trained on and ``measured`` is judged by, the same where too few could be ``held_out``; ``before``:
    what the ``parent``, the version that is gone on with, prefers of ``measured``."""

    parent: int
    settings: PreferenceTraining
    items: list[TokenItem]
    measured: list[TokenItem]
    held_out: bool
    reference: Reference
    before: Preferred

    @classmethod
    def open(
        cls, recipe: Recipe, settings: PreferenceSettings, parent: int, loaded: Loaded, dataset: Dataset, slots: Slots
    ) -> PreferenceRun:
        """Put the adapter of the version ``parent`` of the recipe's slot on the model, where one of its shape is.

        Raises UsageError when that version, or one that gave an answer, is gone or has another base.
        """
        items = preference_items(settings, dataset.pairs, dataset.ratings, loaded.tokenizer, recipe.max_seq_length)
        base = loaded.base.fingerprint
        named = {item.version for item in items if item.version is not None}
        wanted = sorted({parent} | named)
        adapters = {one: version_adapter(slots, recipe.slot, one, base, "corrections") for one in wanted}
        load_adapter(loaded.model, adapters[parent].data)
        train, held = split(items, recipe.data.holdout)
        measured = held or train
        training = PreferenceTraining(
            settings,
            recipe.epochs,
            recipe.batch_tokens,
            recipe.learning_rate,
            recipe.warmup,
            recipe.max_grad_norm,
            recipe.seed,
            ROW_TOKENS,
        )
        before = preferred(loaded.model, measured)
        return cls(parent, training, train, measured, bool(held), Reference(base, adapters), before)

    def train(
        self, model: nn.Module, checkpoint: CheckpointFile, emit: Emit, should_stop: Callable[[], bool]
    ) -> TrainResult:
        model.train()
        result = train_preferences(model, self.items, self.settings, checkpoint, emit, should_stop, self.reference)
        model.eval()
        return result

    def judged(self, card: ReportCard, model: nn.Module) -> ReportCard:
        """The card with one more check; as it is where there is nothing to compare, such as good ratings alone."""
        if not self.before.couples:
            return card
        right, couples = preferred(model, self.measured).right, self.before.couples
        verdict = against_parent(card.verdict, right, self.before.right, couples, self.parent, held_out=self.held_out)
        return replace(card, verdict=verdict)


def split(items: Sequence[TokenItem], share: float) -> tuple[list[TokenItem], list[TokenItem]]:
    """Those to train on and those held out, chosen by the prompt alone: equal prompts are on one side.

    None are held out where ``share`` of the items would be fewer than ten, or where none would be left to train on.
    """
    wanted = round(len(items) * share)
    prompts = [_prompt_digest(item) for item in items]
    chosen: set[str] = set()
    for prompt in sorted(set(prompts)):
        if sum(one in chosen for one in prompts) >= wanted:
            break
        chosen.add(prompt)
    held = [item for item, prompt in zip(items, prompts, strict=True) if prompt in chosen]
    if len(held) < FEWEST_HELD_OUT or len(held) == len(items):
        return list(items), []
    return [item for item, prompt in zip(items, prompts, strict=True) if prompt not in chosen], held


def _prompt_digest(item: TokenItem) -> str:
    row = item.rows[0]
    prompt = [token for token, supervised in zip(row.tokens, row.supervised, strict=True) if not supervised]
    return hashlib.sha256(repr(prompt).encode()).hexdigest()


def preferred(model: nn.Module, items: Sequence[TokenItem]) -> Preferred:
    """Pairs by the log-probability of both whole answers; ratings by that per token, each good with each bad one."""
    pairs = [item for item in items if isinstance(item, TokenPair)]
    if pairs:
        values = _logprobs(model, [row for pair in pairs for row in pair.rows])
        return Preferred(sum(values[2 * at] > values[2 * at + 1] for at in range(len(pairs))), len(pairs))
    rated = [item for item in items if isinstance(item, TokenRating)]
    values = _logprobs(model, [item.answer for item in rated])
    means = [value / max(1, item.answer.targets) for value, item in zip(values, rated, strict=True)]
    good, bad = ([mean for mean, item in zip(means, rated, strict=True) if item.good == side] for side in (True, False))
    return Preferred(sum(one > other for one, other in product(good, bad)), len(good) * len(bad))


def _logprobs(model: nn.Module, rows: Sequence[TokenExample]) -> list[float]:
    """In nats, of the whole answer of each row; similar lengths together."""
    values = np.zeros(len(rows))
    order = sorted(range(len(rows)), key=lambda place: len(rows[place].tokens))
    for group in groups([len(rows[place].tokens) for place in order], ROW_TOKENS):
        part = [order[index] for index in group]
        values[part] = np.array(sequence_logprobs(model, collate([rows[place] for place in part]), len(part)))
    return [float(value) for value in values]

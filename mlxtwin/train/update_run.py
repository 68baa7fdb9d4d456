"""A run that goes on from a version of the slot with what is new, and is measured against it on the same words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import mlx.core as mx
from mlx import nn

from mlxtwin.backend.adapters import adapter_arrays, load_adapter
from mlxtwin.backend.engine import Loaded
from mlxtwin.evaluate.gate import against_current
from mlxtwin.evaluate.likelihood import per_token, score_documents
from mlxtwin.evaluate.report import ReportCard
from mlxtwin.records import TokenExample
from mlxtwin.slots.registry import Slots
from mlxtwin.train.pace import Emit
from mlxtwin.train.parent import version_adapter
from mlxtwin.train.recipe import Recipe


@dataclass(frozen=True, slots=True)
class UpdateRun:
    """``parent``: the number of the version that is gone on with; ``arrays``: its adapter's parameters, by name."""

    parent: int
    arrays: Mapping[str, mx.array] = field(repr=False)

    @classmethod
    def open(cls, recipe: Recipe, parent: int, loaded: Loaded, slots: Slots) -> UpdateRun:
        """Put the adapter of the version ``parent`` of the recipe's slot on the model, where one of its shape is.

        Raises UsageError when that version is gone or has another base.
        """
        adapter = version_adapter(slots, recipe.slot, parent, loaded.base.fingerprint, "voice")
        load_adapter(loaded.model, adapter.data)
        return cls(parent, adapter_arrays(loaded.model))

    def judged(self, card: ReportCard, model: nn.Module, held_out: Sequence[TokenExample], emit: Emit) -> ReportCard:
        """The card with one more check: no worse than the version gone on with, on the words of the card."""
        emit("evaluate", stage="parent")
        with self._on(model):
            before = per_token(score_documents(model, held_out))
        after, which = card.holdout.twin_nll, "from which it goes on"
        return replace(card, verdict=against_current(card.verdict, after, self.parent, before, which=which))

    @contextmanager
    def _on(self, model: nn.Module) -> Iterator[None]:
        """``model`` with the adapter of the version gone on with, for the length of a ``with`` block."""
        own = adapter_arrays(model)
        model.load_weights(list(self.arrays.items()), strict=False)
        try:
            yield
        finally:
            model.load_weights(list(own.items()), strict=False)

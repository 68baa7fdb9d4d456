"""The adapters of a slot that a run goes on from, or that it learns beside."""

from __future__ import annotations

from mlxtwin.backend.adapters import LoraSpec
from mlxtwin.errors import UsageError
from mlxtwin.slots.registry import Slots
from mlxtwin.train.preference_reference import ReferenceAdapter


def version_adapter(slots: Slots, slot: str, number: int, base: str, recipe: str) -> ReferenceAdapter:
    """The adapter of a version of ``slot`` on the base with the fingerprint ``base``.

    Raises UsageError for one that is gone or of another base; ``recipe`` is the one to begin anew with then.
    """
    version = slots.version(slot, number)
    if version.meta["base"]["fingerprint"] != base:
        raise UsageError(
            f"Version {number} of slot {slot} was trained on another base.",
            f"Start a new run with: mlxtwin retrain {recipe}",
        )
    return ReferenceAdapter(LoraSpec.of(version.meta["adapter"]), slots.adapter(version))

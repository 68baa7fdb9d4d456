"""The version that a run goes on from, where its recipe learns from preferences or from what is new."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlxtwin.errors import UsageError
from mlxtwin.slots.registry import Slots, Version

if TYPE_CHECKING:
    from mlxtwin.dataset.learned import Learned

# Of the recipe of the version that is gone on with. The shape of its adapter is not to be chosen anew; the rest is, but
# left alone it makes the two versions comparable on the same held-out words.
_SHAPE = ("num_layers", "fine_tune_type", "lora_parameters")
_KEPT = ("base", "data", "max_seq_length", "seed", *_SHAPE)
# What else an update takes over: as long a night as was wanted, in as little memory, with the same kept states.
_KEPT_BY_UPDATE = ("effort", "batch_tokens", "grad_checkpoint", "prefix_cache")
_GOES_ON = {"preference": "preferences go on", "update": "an update goes on"}


@dataclass(frozen=True, slots=True)
class Parent:
    """``version``: what a run goes on from; ``versions``: of its slot by number, those on its base.

    ``learned``: what the version knows of the documents there were, None where it is from before that was kept. ``by``:
    the key of the recipe that asks for it, ``preference`` or ``update``.
    """

    version: Version
    versions: Mapping[int, Version] = field(repr=False)
    learned: Learned | None = field(repr=False)
    by: str

    @property
    def inherited(self) -> dict[str, Any]:
        """What its recipe gives to one that goes on from it."""
        values = {key: self.version.meta["recipe"].get(key) for key in _KEPT}
        if self.by == "update":
            values |= {key: self._of_text().get(key) for key in _KEPT_BY_UPDATE}
        return {key: value for key, value in values.items() if value is not None}

    def require_same(self, base: Mapping[str, Any]) -> None:
        """Raise UsageError for another base than the version's own."""
        own = self.version.meta["base"]
        if base["fingerprint"] != own["fingerprint"]:
            raise UsageError(
                f"Version {self.version.number} of slot {self.version.slot} was trained on {own['name']}, and"
                f" {base['name']} is not the same base.",
                "Leave base out, or train the slot on that base first.",
            )

    def require_learned(self) -> Learned:
        """What it knows; raises UsageError where that was not kept."""
        if self.learned is None:
            slot = self.version.slot
            named = "" if slot == "voice" else f" --slot {slot}"
            raise UsageError(
                f"Version {self.version.number} of slot {slot} does not say what it was trained on: it is an old one.",
                f"Train it anew once, with: mlxtwin retrain voice{named}",
            )
        return self.learned

    def _of_text(self) -> dict[str, Any]:
        """The recipe of the nearest version, from this one backwards, that learned from text; empty without one."""
        version: Version | None = self.version
        while version and version.meta["recipe"].get("preference"):
            version = self.versions.get(version.meta.get("parent", 0))
        recipe: dict[str, Any] = version.meta["recipe"] if version else {}
        return recipe


def parent(slots: Slots, written: Mapping[str, Any], typed: Mapping[str, Any]) -> Parent | None:
    """The version in use of the slot, where the recipe learns from preferences or what is new; else None.

    ``typed`` beats what is ``written``. Raises UsageError for a slot without one, or for another shape of adapter.
    """
    asked: dict[str, Any] = {**written, **typed}
    by = next((key for key in _GOES_ON if asked.get(key) is not None), None)
    if by is None:
        return None
    version = slots.version(str(asked.get("slot") or asked.get("name") or "voice"))
    for key in _SHAPE:
        if key in asked:
            raise UsageError(
                f"{key} cannot be chosen here: {_GOES_ON[by]} with the adapter of version {version.number}.",
                "Leave it out.",
            )
    base = version.meta["base"]["fingerprint"]
    every = slots.state(version.slot).versions
    same = {one.number: one for one in every if one.meta["base"]["fingerprint"] == base}
    return Parent(version, same, _learned(slots, version), by)


def _learned(slots: Slots, version: Version) -> Learned | None:
    from mlxtwin.dataset.learned import Learned

    data = slots.learned(version)
    return None if data is None else Learned.from_bytes(data)

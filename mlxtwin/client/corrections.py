"""A run that learns from corrections and ratings: the version it goes on from, and what it learns from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mlxtwin.errors import UsageError
from mlxtwin.paths import Home
from mlxtwin.slots.registry import Slots, Version
from mlxtwin.wording import plural

if TYPE_CHECKING:
    from mlxtwin.dataset.examples import Dataset
    from mlxtwin.train.preference_settings import PreferenceSettings
    from mlxtwin.vault.store import Vault

# Of the recipe of the version that is gone on with. The shape of its adapter is not to be chosen anew; the rest is, but
# left alone it makes the two versions comparable on the same held-out words.
_SHAPE = ("num_layers", "fine_tune_type", "lora_parameters")
_KEPT = ("base", "data", "max_seq_length", "seed", *_SHAPE)
_HOW = "While chatting, say an answer better with: /better TEXT"


@dataclass(frozen=True, slots=True)
class Parent:
    """``version``: what a run of preferences goes on from; ``versions``: of its slot by number, those on its base."""

    version: Version
    versions: Mapping[int, Version] = field(repr=False)

    @property
    def inherited(self) -> dict[str, Any]:
        """What its recipe gives to one that goes on from it."""
        recipe = self.version.meta["recipe"]
        return {key: recipe[key] for key in _KEPT if key in recipe}

    def require_same(self, base: Mapping[str, Any]) -> None:
        """Raise UsageError for another base than the version's own."""
        own = self.version.meta["base"]
        if base["fingerprint"] != own["fingerprint"]:
            raise UsageError(
                f"Version {self.version.number} of slot {self.version.slot} was trained on {own['name']}, and"
                f" {base['name']} is not the same base.",
                "Leave base out, or train the slot on that base first.",
            )


def parent(home: Home, written: Mapping[str, Any], typed: Mapping[str, Any]) -> Parent | None:
    """The version in use of the slot, where the recipe learns from preferences; None where it does not.

    ``typed`` beats what is ``written``. Raises UsageError for a slot without one, or for another shape of adapter.
    """
    asked: dict[str, Any] = {**written, **typed}
    if asked.get("preference") is None:
        return None
    slots = Slots(home)
    version = slots.version(str(asked.get("slot") or asked.get("name") or "voice"))
    for key in _SHAPE:
        if key in asked:
            raise UsageError(
                f"{key} cannot be chosen here: preferences go on with the adapter of version {version.number}.",
                "Leave it out.",
            )
    base = version.meta["base"]["fingerprint"]
    every = slots.state(version.slot).versions
    return Parent(version, {one.number: one for one in every if one.meta["base"]["fingerprint"] == base})


def with_preferences(
    dataset: Dataset, vault: Vault, settings: PreferenceSettings, parent: Parent
) -> tuple[Dataset, int]:
    """The dataset with the pairs and ratings of the slot, secrets masked, and how many had to be left out.

    Left out is what a version gave that is gone or has another base. Raises UsageError when nothing is left to learn
    from.
    """
    from mlxtwin.dataset.preferences import masked_pair, masked_rating

    slot = parent.version.slot
    pairs, ratings = vault.pairs(slot), vault.ratings(slot) if settings.method == "kto" else []
    known = {None, *parent.versions}
    usable = tuple(masked_pair(pair) for pair in pairs if pair.version in known)
    rated = tuple(masked_rating(rating) for rating in ratings if rating.version in known)
    left_out = len(pairs) + len(ratings) - len(usable) - len(rated)
    if not usable and not rated:
        raise _nothing(slot, settings.method, left_out, len(vault.ratings(slot)))
    return replace(dataset, pairs=usable, ratings=rated), left_out


def _nothing(slot: str, method: str, left_out: int, ratings: int) -> UsageError:
    what = "corrections" if method == "dpo" else "corrections or ratings"
    if left_out:
        return UsageError(f"The {what} of slot {slot} are all of versions that are gone or have another base.", _HOW)
    if ratings and method == "dpo":
        return UsageError(
            f"There are no corrections of slot {slot} to learn from, only {plural(ratings, 'rating')}.",
            f"{_HOW}; or learn from ratings with --set preference.method=kto",
        )
    more = "" if method == "dpo" else ", or rate it with /good and /bad"
    return UsageError(f"There are no {what} of slot {slot} to learn from yet.", f"{_HOW}{more}")

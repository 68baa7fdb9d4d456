"""What a run learns from corrections and ratings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from mlxtwin.client.parent import Parent
from mlxtwin.errors import UsageError
from mlxtwin.wording import plural

if TYPE_CHECKING:
    from mlxtwin.dataset.examples import Dataset
    from mlxtwin.train.preference_settings import PreferenceSettings
    from mlxtwin.vault.store import Vault

_HOW = "While chatting, say an answer better with: /better TEXT"


def with_preferences(
    dataset: Dataset, vault: Vault, settings: PreferenceSettings, parent: Parent, mask: Callable[[str], str]
) -> tuple[Dataset, int]:
    """The dataset with the pairs and ratings of the slot, masked, and how many had to be left out.

    Left out is what a version gave that is gone or has another base. Raises UsageError when nothing is left to learn
    from.
    """
    from mlxtwin.dataset.preferences import masked_pair, masked_rating

    slot = parent.version.slot
    pairs, ratings = vault.pairs(slot), vault.ratings(slot) if settings.method == "kto" else []
    known = {None, *parent.versions}
    usable = tuple(masked_pair(pair, mask) for pair in pairs if pair.version in known)
    rated = tuple(masked_rating(rating, mask) for rating in ratings if rating.version in known)
    left_out = len(pairs) + len(ratings) - len(usable) - len(rated)
    if not usable and not rated:
        raise _nothing(slot, settings.method, left_out, len(vault.ratings(slot)))
    # A version that does not say what it was trained on has none that could be added to.
    learned = None if parent.learned is None else dataset.learned
    return replace(dataset, pairs=usable, ratings=rated, learned=learned), left_out


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

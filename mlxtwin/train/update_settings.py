"""The recipe's ``update`` key: go on from the version in use with what is new, and with how much of the old again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from mlxtwin.errors import RecipeError

if TYPE_CHECKING:
    from mlxtwin.train.recipe import Recipe

REHEARSE, MOST_REHEARSED = 2.0, 100.0
# Of the learning rate for text: the adapter is there already.
RATE_SHARE = 0.5
# What the dial gives a night after the first: few epochs, and this part of the words that the first reads, so that it
# takes less than a third of the time with the measuring, which is never less.
EPOCHS = 2
READ_PART = 8


class UpdateSettings(BaseModel):
    """``rehearse``: own words of old documents that are read again, as a multiple of the new words; ``max_words``
    bounds the words of both together."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    rehearse: float = Field(REHEARSE, ge=0, le=MOST_REHEARSED)
    max_words: int | None = Field(None, ge=500)


WORKS = {
    "update.rehearse": "Give a number from 0 (nothing old again) to 100, for example: 2.0",
    "update.max_words": "Give a whole number of at least 500, for example: 10000",
}


def defaults(max_words: int | None) -> dict[str, Any]:
    """The values of what is left out where the recipe has the key."""
    return {"rehearse": REHEARSE, "max_words": max_words}


def read_words(written: Any, new: int) -> int:
    """The words of an epoch, where there are so many new ones; what is no number is refused later."""
    rehearse = written.get("rehearse", REHEARSE) if isinstance(written, Mapping) else REHEARSE
    number = isinstance(rehearse, int | float)
    return round(new * (1 + min(MOST_REHEARSED, max(0.0, rehearse)))) if number else new


def dial(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of an effort for a night after the first."""
    words = {"words": values["words"] // READ_PART} if "words" in values else {}
    return {**values, "epochs": min(EPOCHS, values["epochs"]), **words}


def require_alone(recipe: Recipe) -> None:
    """Refuse to learn from new documents and from preferences in one run."""
    if recipe.update is not None and recipe.preference is not None:
        raise RecipeError(
            "A recipe has update or preference, not both.", "Run one after the other: nightly, then corrections."
        )

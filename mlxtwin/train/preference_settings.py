"""The recipe's ``preference`` key: how to learn from corrections and ratings, and which other keys go unused then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mlxtwin.errors import RecipeError

SUPERVISED_WEIGHT = 1.0
# Of the learning rate for text: the adapter is there already, and a pair pulls harder than a sentence.
RATE_SHARE = 0.1


class PreferenceSettings(BaseModel):
    """``beta`` weighs the distance from the reference; ``max_pairs`` keeps the newest so many pairs or ratings.

    For dpo only, ``supervised_weight``: of the chosen answer's negative log-likelihood per token. For kto only, the
    weights of good and of bad answers, chosen from their numbers when left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    method: Literal["dpo", "kto"] = "dpo"
    beta: float = Field(0.1, gt=0, le=10)
    supervised_weight: float | None = Field(None, ge=0, le=100)
    desirable_weight: float | None = Field(None, gt=0, le=1000)
    undesirable_weight: float | None = Field(None, gt=0, le=1000)
    max_pairs: int | None = Field(None, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _chosen(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("method", "dpo") == "dpo" and value.get("supervised_weight") is None:
            return {**value, "supervised_weight": SUPERVISED_WEIGHT}
        return value

    @model_validator(mode="after")
    def _of_one_method(self) -> PreferenceSettings:
        if self.method == "kto" and self.supervised_weight is not None:
            raise ValueError("supervised_weight belongs to dpo; leave it out")
        if self.method == "dpo" and (self.desirable_weight or self.undesirable_weight):
            raise ValueError("desirable_weight and undesirable_weight belong to kto; leave them out")
        return self


WORKS = {
    "preference.method": "It is dpo, from corrections, or kto, from ratings.",
    "preference.beta": "Give a number above 0 and at most 10, for example: 0.1",
    "preference.supervised_weight": "Give a number from 0 to 100, for example: 1.0",
    "preference.desirable_weight": "Give a number above 0 and at most 1000, for example: 1.0",
    "preference.undesirable_weight": "Give a number above 0 and at most 1000, for example: 1.0",
    "preference.max_pairs": "Give a whole number of at least 1, for example: 200",
}
EXAMPLE = "For example: {method: dpo, beta: 0.1}"


def defaults(written: Any) -> dict[str, Any] | None:
    """The values of what is left out where the recipe has the key; None, for no such learning, where it has not."""
    if written is None:
        return None
    values = {name: field.default for name, field in PreferenceSettings.model_fields.items()}
    if isinstance(written, Mapping) and written.get("method", "dpo") == "dpo":
        values["supervised_weight"] = SUPERVISED_WEIGHT
    return values


# What only learning from text makes use of.
_TEXT_ONLY = ("prefix_cache", "grad_checkpoint", "early_stop", "replay")


def require_used(settings: PreferenceSettings | None, origins: Mapping[str, str]) -> None:
    """Refuse a written key that learning from preferences would ignore."""
    chosen = ("default", "effort:")
    for key, origin in origins.items():
        if settings and key.split(".")[0] in _TEXT_ONLY and not origin.startswith(chosen):
            raise RecipeError(f"{key} has no meaning together with preference.", "Leave it out.")

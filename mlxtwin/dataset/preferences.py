"""Preference pairs and ratings of a run: masked, and to JSON and back beside its examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from mlxtwin.records import Message, PreferencePair, Rating

Mask = Callable[[str], str]


def masked_pair(pair: PreferencePair, mask: Mask) -> PreferencePair:
    return replace(pair, prompt=_masked(pair.prompt, mask), chosen=mask(pair.chosen), rejected=mask(pair.rejected))


def masked_rating(rating: Rating, mask: Mask) -> Rating:
    return replace(rating, prompt=_masked(rating.prompt, mask), answer=mask(rating.answer))


def _masked(prompt: Sequence[Message], mask: Mask) -> tuple[Message, ...]:
    return tuple(replace(message, content=mask(message.content)) for message in prompt)


def plain(pairs: Sequence[PreferencePair], ratings: Sequence[Rating]) -> dict[str, Any]:
    """As JSON values; empty where there are none, so that a dataset without any is what it was before."""
    found = {"pairs": [asdict(pair) for pair in pairs], "ratings": [asdict(rating) for rating in ratings]}
    return found if pairs or ratings else {}


def of_plain(value: dict[str, Any]) -> tuple[tuple[PreferencePair, ...], tuple[Rating, ...]]:
    """From what ``plain`` gave. Raises KeyError or TypeError for anything else."""
    pairs = (PreferencePair(**_with_messages(one)) for one in value.get("pairs", []))
    ratings = (Rating(**_with_messages(one)) for one in value.get("ratings", []))
    return tuple(pairs), tuple(ratings)


def _with_messages(value: dict[str, Any]) -> dict[str, Any]:
    return value | {"prompt": tuple(Message(**message) for message in value["prompt"])}

"""How many of the documents to use when there is a budget of words, and how much each tier weighs."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeVar

from mlxtwin.dataset.split import Chosen

LEAST_WEIGHT, MOST_WEIGHT = 0.25, 4.0
# With so many words that they cannot be learned by heart, a tier may count for more: one more for each thousand words.
MOST_WEIGHT_OF_MANY, WORDS_PER_WEIGHT = 10.0, 1000
# Enough to halve any first interval down to the precision of a float.
BISECTIONS = 100

Name = TypeVar("Name", int, str)


def within_budget(
    chosen: Sequence[Chosen], max_words: int | None, shares: Mapping[int, float], seed: int, fewest: int = 1
) -> list[Chosen]:
    """Whole documents, by id, of about ``max_words`` own words; the same ones for the same seed.

    Tiers get room by their shares and, within a tier, kinds by their words; what one cannot fill goes to the others.
    At least ``fewest`` documents are used, the shortest ones if need be.
    """
    if max_words is None or sum(one.words for one in chosen) <= max_words:
        return sorted(chosen, key=lambda one: one.document.id)
    order = sorted(chosen, key=lambda one: (_shuffled(seed, one), one.document.id))
    used: dict[str, Chosen] = {}
    for cell, room in _rooms(order, max_words, shares).items():
        _take([one for one in order if (one.tier, one.document.kind) == cell], room, used)
    _take(order, max_words - sum(one.words for one in used.values()), used)
    for one in sorted(chosen, key=lambda one: (one.words, one.document.id)):
        if len(used) >= fewest:
            break
        used[one.document.id] = one
    return [used[id] for id in sorted(used)]


def _take(candidates: Sequence[Chosen], room: float, used: dict[str, Chosen]) -> None:
    for one in candidates:
        if one.words <= room and one.document.id not in used:
            used[one.document.id] = one
            room -= one.words


def _shuffled(seed: int, one: Chosen) -> bytes:
    return hashlib.blake2b(f"{seed} {one.document.id}".encode(), digest_size=16).digest()


def _rooms(chosen: Sequence[Chosen], max_words: int, shares: Mapping[int, float]) -> dict[tuple[int, str], float]:
    words: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in chosen:
        words[one.tier][one.document.kind] += one.words
    tiers = {tier: sum(kinds.values()) for tier, kinds in words.items()}
    rooms: dict[tuple[int, str], float] = {}
    for tier, room in sorted(fair_parts(tiers, shares, max_words).items()):
        for kind, part in sorted(fair_parts(words[tier], words[tier], room).items()):
            rooms[tier, kind] = part
    return rooms


def fair_parts(wants: Mapping[Name, int], shares: Mapping[Name, float], total: float) -> dict[Name, float]:
    """Divide a total by shares; nobody gets more than it wants, and what is left over goes to the others."""
    parts: dict[Name, float] = {}
    waiting = sorted(name for name in wants if shares.get(name, 0) > 0)
    while waiting:
        unit = total / sum(shares[name] for name in waiting)
        content = [name for name in waiting if wants[name] <= unit * shares[name]]
        if not content:
            return parts | {name: unit * shares[name] for name in waiting}
        for name in content:
            parts[name] = wants[name]
            total -= wants[name]
        waiting = [name for name in waiting if name not in content]
    return parts


def tier_weights(words: Mapping[int, int], shares: Mapping[int, float]) -> dict[int, float]:
    """The loss weight of a word of each tier, so that tiers count by their shares; the mean over all words is 1.

    No weight leaves 0.25..4, or 10 for a tier of 10,000 words, lest a handful of words rules the rest; the others make
    up for it. So nine words of chat in ten still leave tiers 1 and 2 their shares where they have 10,000 words each.
    """
    present = {tier: count for tier, count in sorted(words.items()) if count and shares.get(tier, 0) > 0}
    total = sum(present.values())
    fair = {tier: shares[tier] * total / count for tier, count in present.items()}

    def scaled(scale: float) -> dict[int, float]:
        return {tier: min(_most(present[tier]), max(LEAST_WEIGHT, scale * weight)) for tier, weight in fair.items()}

    low, high = 0.0, MOST_WEIGHT_OF_MANY / min(fair.values(), default=1.0)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        mean = sum(weight * present[tier] for tier, weight in scaled(middle).items()) / max(1, total)
        low, high = (middle, high) if mean < 1 else (low, middle)
    return scaled(high)


def _most(words: int) -> float:
    return min(MOST_WEIGHT_OF_MANY, max(MOST_WEIGHT, words / WORDS_PER_WEIGHT))

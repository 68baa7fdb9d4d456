"""Budgets of words and the weights of tiers."""

from __future__ import annotations

import random

import pytest

from mlxtwin.dataset.choose import fair_parts, tier_weights, within_budget
from mlxtwin.dataset.split import Chosen

from .people import document, own, prose

SHARES = {1: 0.4, 2: 0.3, 3: 0.3}


def chosen(kind: str, tier: int, count: int, words: int = 50) -> list[Chosen]:
    return [Chosen.of(document(kind, own(prose(n, words)), key=f"{tier} {n}"), tier) for n in range(count)]  # type: ignore[arg-type]


def words_of(parts: list[Chosen], tier: int | None = None) -> int:
    return sum(one.words for one in parts if tier in (None, one.tier))


def test_without_need_everything_is_used_in_order_of_id() -> None:
    everything = chosen("mail", 1, 20)
    for budget in (None, 1000):
        used = within_budget(everything, budget, SHARES, 0)
        assert [one.document.id for one in used] == sorted(one.document.id for one in everything)


def test_a_budget_is_kept_and_nearly_filled_by_whole_documents_of_every_tier_and_kind() -> None:
    everything = [*chosen("mail", 1, 200), *chosen("note", 1, 100), *chosen("mail", 2, 200), *chosen("chat", 3, 2000)]
    used = within_budget(everything, 10_000, SHARES, 0)
    assert 9_950 <= words_of(used) <= 10_000
    assert [words_of(used, tier) for tier in (1, 2, 3)] == pytest.approx([4000, 3000, 3000], abs=50)
    notes = sum(one.words for one in used if one.document.kind == "note")
    assert notes == pytest.approx(4000 / 3, abs=50)


def test_a_tier_with_little_gives_its_room_to_the_others() -> None:
    used = within_budget([*chosen("mail", 1, 10), *chosen("chat", 3, 1000)], 5000, SHARES, 0)
    assert words_of(used, 1) == 500
    assert words_of(used, 3) == 4500


def test_the_same_seed_gives_the_same_documents_in_whatever_order_they_came() -> None:
    everything = chosen("mail", 1, 100)
    used = within_budget(everything, 1000, SHARES, 3)
    random.Random(1).shuffle(everything)
    assert within_budget(everything, 1000, SHARES, 3) == used
    assert within_budget(everything, 1000, SHARES, 4) != used


def test_the_fewest_documents_are_used_even_beyond_the_budget() -> None:
    assert len(within_budget(chosen("mail", 1, 100, words=100), 10, SHARES, 0, fewest=5)) == 5
    assert len(within_budget(chosen("mail", 1, 100, words=100), 10, SHARES, 0)) == 1


def test_fair_parts_add_up_and_exceed_no_want() -> None:
    assert fair_parts({1: 100, 2: 1000, 3: 1000}, {1: 0.5, 2: 0.25, 3: 0.25}, 1000) == {1: 100, 2: 450, 3: 450}
    assert fair_parts({1: 10, 2: 10}, {1: 1.0, 2: 1.0}, 100) == {1: 10, 2: 10}
    assert fair_parts({1: 10, 2: 10}, {1: 1.0}, 4) == {1: 4}


def test_weights_give_tiers_their_shares_of_the_loss() -> None:
    words = {1: 1000, 2: 1500, 3: 2000}
    weights = tier_weights(words, SHARES)
    parts = {tier: weights[tier] * count / 4500 for tier, count in words.items()}
    assert parts == pytest.approx(SHARES)


def test_weights_of_the_tiers_present_have_a_mean_of_one_by_words_and_stay_within_bounds() -> None:
    words = {1: 10, 3: 100_000}
    weights = tier_weights(words, SHARES)
    assert sum(weights[tier] * count for tier, count in words.items()) / 100_010 == pytest.approx(1)
    assert weights == pytest.approx({1: 4.0, 3: 0.9997}, abs=1e-4)
    flooded = tier_weights({1: 1000, 2: 1000}, {1: 0.999, 2: 0.001})
    assert flooded == pytest.approx({1: 1.75, 2: 0.25})
    assert tier_weights({2: 50}, SHARES) == pytest.approx({2: 1.0})
    assert tier_weights({}, SHARES) == {}


@pytest.mark.parametrize(
    "words", [{1: 20_000, 2: 16_000, 3: 300_000}, {1: 9_000, 2: 9_000, 3: 100_000}, {1: 500, 2: 500, 3: 4_000}]
)
def test_seven_tenths_of_the_weight_are_on_finished_and_short_writing_though_most_words_are_chat(
    words: dict[int, int],
) -> None:
    weights = tier_weights(words, SHARES)
    weighed = {tier: weights[tier] * count for tier, count in words.items()}
    assert (weighed[1] + weighed[2]) / sum(weighed.values()) == pytest.approx(0.7)

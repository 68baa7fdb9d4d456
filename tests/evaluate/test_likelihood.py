from __future__ import annotations

import numpy as np

from mlxtwin.evaluate.likelihood import Score, gain_interval


def scores(per_token: list[float], tokens: int = 50) -> dict[str, Score]:
    return {f"document-{number}": Score(value * tokens, tokens) for number, value in enumerate(per_token)}


def test_the_interval_of_a_steady_gain_is_above_zero_and_holds_the_gain() -> None:
    random = np.random.default_rng(1)
    base = list(random.normal(4.0, 0.5, 60))
    twin = [value - 0.3 + noise for value, noise in zip(base, random.normal(0, 0.05, 60), strict=True)]
    low, high = gain_interval(scores(base), scores(twin), seed=0)
    assert 0 < low < 0.3 < high < 0.4


def test_the_interval_of_no_gain_reaches_below_zero() -> None:
    random = np.random.default_rng(2)
    base = list(random.normal(4.0, 0.5, 60))
    twin = [value + noise for value, noise in zip(base, random.normal(0, 0.3, 60), strict=True)]
    low, high = gain_interval(scores(base), scores(twin), seed=0)
    assert low < 0 < high


def test_documents_weigh_by_their_tokens() -> None:
    base = {"long": Score(4000.0, 1000), "short": Score(40.0, 10)}
    twin = {"long": Score(3000.0, 1000), "short": Score(140.0, 10)}
    low, high = gain_interval(base, twin, seed=0)
    assert low < 0 < high <= 1.0

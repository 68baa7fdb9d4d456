from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from backend.small import CONFIGS, small_model

from mlxtwin.backend.adapters import LoraSpec, attach
from mlxtwin.backend.cpu_kernels import cpu_kernels_hold
from mlxtwin.backend.device import prepare
from mlxtwin.backend.segments import packing
from mlxtwin.evaluate.likelihood import Score, gain_interval, score_documents
from mlxtwin.records import TokenExample

WAYS: dict[str, dict[str, Any]] = {
    "rows on two streams": {"kind": "cpu", "streams": 2},
    "rows on one stream": {"kind": "cpu", "streams": 1},
    "padded": {"kind": "metal"},
}


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


def examples() -> list[TokenExample]:
    """Some documents have several examples, some of which have nothing to be scored."""
    random = np.random.default_rng(0)
    out = []
    for number in range(16):
        length = int(random.integers(2, 120))
        ids = tuple(random.integers(1, 4000, length).tolist())
        supervised = tuple(number % 8 != 5 and at % 7 > number % 3 for at in range(length))
        out.append(TokenExample(f"d{number % 6}", ids, supervised, 1.0 + number % 2))
    return out


def alone(model: Any, given: list[TokenExample]) -> dict[str, Score]:
    """By the whole model's logits, one example after the other, in float64 from there on."""
    found: dict[str, Score] = {}
    for example in given:
        logits = np.array(model(mx.array([example.tokens]))[0].astype(mx.float32), np.float64)
        logits -= logits.max(axis=-1, keepdims=True)
        logprobs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        places = [at for at in range(1, len(example.tokens)) if example.supervised[at]]
        nats = -sum(float(logprobs[at - 1, example.tokens[at]]) for at in places)
        before = found.get(example.document, Score(0.0, 0))
        if places:
            found[example.document] = Score(before.nats + nats, before.tokens + len(places))
    return found


@pytest.mark.parametrize(("name", "way"), [*((name, "rows on two streams") for name in CONFIGS),
                                           ("llama", "rows on one stream"), ("gemma2", "padded")])  # fmt: skip
def test_a_document_scores_what_its_examples_score_alone(name: str, way: str) -> None:
    model = small_model(name)
    attach(model, LoraSpec(num_layers=2, rank=4), seed=3)
    model.eval()
    assert packing(model) != "none" and cpu_kernels_hold(model)
    scored = score_documents(model, examples(), replace(prepare(), **WAYS[way]))
    expected = alone(model, examples())
    assert {name: score.tokens for name, score in scored.items()} == {
        name: score.tokens for name, score in expected.items()
    }
    for document, score in scored.items():
        assert abs(score.nats - expected[document].nats) < 1e-5 * score.tokens, document


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted through /proc")
def test_scoring_again_and_again_starts_no_further_threads() -> None:
    model, device = small_model(), replace(prepare(), **WAYS["rows on two streams"])
    score_documents(model, examples(), device)
    before = len(list(Path("/proc/self/task").iterdir()))
    for _ in range(3):
        score_documents(model, examples(), device)
    assert len(list(Path("/proc/self/task").iterdir())) <= before


def test_another_thread_scores_the_same() -> None:
    model, device = small_model(), replace(prepare(), **WAYS["rows on two streams"])
    here = score_documents(model, examples(), device)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: score_documents(small_model(), examples(), device)).result() == here


def test_nothing_to_score_gives_no_documents() -> None:
    unscored = [replace(example, supervised=(False,) * len(example.tokens)) for example in examples()]
    assert score_documents(small_model(), unscored) == score_documents(small_model(), []) == {}

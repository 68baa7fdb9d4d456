"""Negative log-likelihood of held-out words under base and twin, and the interval of the difference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import mlx.core as mx
import numpy as np
from mlx import nn

from mlxtwin.backend.adapters import disabled
from mlxtwin.backend.forward import target_nll
from mlxtwin.dataset.collate import collate
from mlxtwin.errors import UsageError
from mlxtwin.records import Holdout, TokenExample

BATCH_TOKENS = 4096
RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Score:
    """``nats`` over ``tokens`` targets of one document."""

    nats: float
    tokens: int


def score_documents(model: nn.Module, examples: Sequence[TokenExample]) -> dict[str, Score]:
    """The summed nats of the supervised tokens, by document."""
    nats: dict[str, float] = defaultdict(float)
    tokens: dict[str, int] = defaultdict(int)
    for part in _by_length([example for example in examples if example.targets]):
        batch = collate(part)
        values = target_nll(model, mx.array(batch.tokens), mx.array(batch.positions), mx.array(batch.target_ids))
        for value, row in zip(np.array(values)[: batch.targets], batch.rows, strict=False):
            nats[part[row].document] += float(value)
            tokens[part[row].document] += 1
    return {document: Score(nats[document], tokens[document]) for document in nats}


def _by_length(examples: Sequence[TokenExample]) -> Iterator[list[TokenExample]]:
    part: list[TokenExample] = []
    for example in sorted(examples, key=lambda one: (len(one.tokens), one.document)):
        if part and len(example.tokens) * (len(part) + 1) > BATCH_TOKENS:
            yield part
            part = []
        part.append(example)
    if part:
        yield part


def per_token(scores: dict[str, Score]) -> float:
    """Nats per token over all documents."""
    return sum(score.nats for score in scores.values()) / max(1, sum(score.tokens for score in scores.values()))


def compare(model: nn.Module, examples: Sequence[TokenExample], seed: int) -> Holdout:
    """Base and twin on the same held-out tokens; the 95 % interval resamples whole documents, in pairs."""
    twin = score_documents(model, examples)
    if not twin:
        raise UsageError("There are no held-out words to measure the twin by.", "Import more of your writing.")
    with disabled(model):
        base = score_documents(model, examples)
    return Holdout(per_token(base), per_token(twin), gain_interval(base, twin, seed), _tokens(twin), len(twin))


def _tokens(scores: dict[str, Score]) -> int:
    return sum(score.tokens for score in scores.values())


def gain_interval(base: dict[str, Score], twin: dict[str, Score], seed: int) -> tuple[float, float]:
    """Percentile bootstrap (Efron 1979) of base less twin, nats per token, documents as the unit of resampling."""
    documents = sorted(twin)
    gains = np.array([base[name].nats - twin[name].nats for name in documents])
    tokens = np.array([twin[name].tokens for name in documents], float)
    chosen = np.random.default_rng(seed).integers(0, len(documents), (RESAMPLES, len(documents)))
    ratios = gains[chosen].sum(1) / tokens[chosen].sum(1)
    low, high = np.quantile(ratios, (0.025, 0.975))
    return float(low), float(high)

"""Negative log-likelihood of held-out words under base and twin, and the interval of the difference."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import mlx.core as mx
import numpy as np
from mlx import nn
from numpy.typing import NDArray

from mlxtwin.backend.adapters import disabled
from mlxtwin.backend.blas import blas_threads
from mlxtwin.backend.cpu_kernels import cpu_kernels, cpu_kernels_hold
from mlxtwin.backend.device import Device, prepare
from mlxtwin.backend.forward import target_nll
from mlxtwin.backend.segments import caches, packing
from mlxtwin.backend.streams import Streams
from mlxtwin.dataset.collate import collate
from mlxtwin.dataset.rows import RowPolicy, Rows, rows_of
from mlxtwin.errors import UsageError
from mlxtwin.records import Holdout, TokenExample

BATCH_TOKENS = 4096
RESAMPLES = 2000
_own = threading.local()


@dataclass(frozen=True, slots=True)
class Score:
    """``nats`` over ``tokens`` targets of one document."""

    nats: float
    tokens: int


def score_documents(
    model: nn.Module, examples: Sequence[TokenExample], device: Device | None = None
) -> dict[str, Score]:
    """The summed nats of the supervised tokens, by document. How ``device`` computes them does not change them."""
    nats: dict[str, float] = defaultdict(float)
    tokens: dict[str, int] = defaultdict(int)
    device = device or prepare()
    wanted = [example for example in examples if example.targets]
    quick = device.kind == "cpu" and packing(model) != "none" and cpu_kernels_hold(model)
    for example, values in _in_rows(model, wanted, device) if quick else _padded(model, wanted):
        nats[example.document] += float(values.sum(dtype=np.float64))
        tokens[example.document] += len(values)
    return {document: Score(nats[document], tokens[document]) for document in nats}


def _in_rows(
    model: nn.Module, examples: Sequence[TokenExample], device: Device
) -> Iterator[tuple[TokenExample, NDArray[np.float32]]]:
    """Each example with the nats of its targets: several in a row, a row on each of a CPU's streams."""
    passes = rows_of(examples, range(len(examples)), RowPolicy(streams=device.streams)) if examples else []

    def build(rows: Rows) -> mx.array:
        cache = caches(model, mx.array(rows.segments), rows.bounds)
        with cpu_kernels(model):
            return target_nll(model, mx.array(rows.tokens), mx.array(rows.positions), mx.array(rows.target_ids), cache)

    with blas_threads(device.blas, 1 if device.streams > 1 else device.threads):
        for rows, values in zip(passes, _streams(device.streams).map(build, passes), strict=True):
            parts = np.split(np.array(values), np.cumsum([examples[place.index].targets for place in rows.places]))
            yield from ((examples[place.index], part) for place, part in zip(rows.places, parts, strict=False))


def _streams(count: int) -> Streams:
    """The same ones each time: MLX never ends a stream, and knows it in the thread alone that made it."""
    if getattr(_own, "count", 0) != count:
        _own.count, _own.streams = count, Streams(count)
    streams: Streams = _own.streams
    return streams


def _padded(model: nn.Module, examples: Sequence[TokenExample]) -> Iterator[tuple[TokenExample, NDArray[np.float32]]]:
    """Each example with the nats of its targets: a row each, padded to the longest of a batch."""
    for part in _by_length(examples):
        batch = collate(part)
        values = target_nll(model, mx.array(batch.tokens), mx.array(batch.positions), mx.array(batch.target_ids))
        parts = np.split(np.array(values), np.cumsum([example.targets for example in part]))
        yield from zip(part, parts, strict=False)


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

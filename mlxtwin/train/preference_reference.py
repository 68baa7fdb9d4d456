"""Log-probabilities under the frozen adapter that gave each answer: computed once, kept sealed by the checkpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from mlx import nn
from numpy.typing import NDArray

from mlxtwin.backend.adapters import LoraSpec, attach, detach, disabled, load_adapter
from mlxtwin.backend.tensors import from_safetensors, to_safetensors
from mlxtwin.dataset.collate import collate
from mlxtwin.errors import SealBroken, UsageError
from mlxtwin.records import TokenExample
from mlxtwin.security.crypto import SealedFiles
from mlxtwin.train.pace import Emit
from mlxtwin.train.preference_data import TokenItem, groups
from mlxtwin.train.preference_loss import sequence_logprobs

FILE = "reference.sealed"
_FORMAT = b"mlxtwin reference 1\0"


@dataclass(frozen=True, slots=True)
class ReferenceAdapter:
    """The safetensors of an adapter version, and the spec it was trained with."""

    spec: LoraSpec
    data: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(f"{self.spec}\0".encode() + self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Reference:
    """``base``: the fingerprint of the base in memory; ``adapters``: by version, those that gave the answers."""

    base: str
    adapters: Mapping[int, ReferenceAdapter]


@dataclass(frozen=True, slots=True)
class ReferenceFile:
    """The kept values of one run: the key that they belong to, then an array as safetensors."""

    folder: Path
    sealed: SealedFiles

    def load(self, key: bytes, items: int) -> NDArray[np.float32] | None:
        """The values (items, 2) for ``key``; None when there are none, or only of another key or broken."""
        try:
            content = self.sealed.read(self.folder / FILE)
        except SealBroken:
            return None
        if content[: len(key)] != key:
            return None
        values = from_safetensors(content[len(key) :])["logprobs"]
        return values if values.shape == (items, 2) else None

    def save(self, key: bytes, values: NDArray[np.float32]) -> None:
        self.sealed.write(self.folder / FILE, key + to_safetensors({"logprobs": values}))


def reference_logprobs(
    model: nn.Module,
    items: Sequence[TokenItem],
    reference: Reference,
    file: ReferenceFile,
    emit: Emit,
    should_stop: Callable[[], bool],
    row_tokens: int,
) -> NDArray[np.float32] | None:
    """Log-probabilities (items, 2) in nats of the `rows` of each item, from ``file`` when it has them.

    The adapter on ``model`` stays as it is. ``row_tokens``: padded tokens of one forward pass. None when stopped.
    Raises UsageError when an adapter is missing or does not fit the base.
    """
    versions = _versions(items, reference)
    key = reference_key(items, reference)
    kept = file.load(key, len(items))
    if kept is not None:
        return kept
    values = np.zeros((len(items), 2), np.float32)
    done = 0
    for version in versions:
        places = [place for place, item in enumerate(items) if item.version == version]
        rows = [(place, side) for place in places for side in (0, 1)]
        with _carrying(model, None if version is None else reference.adapters[version]):
            for part, logprobs in _measured(model, [items[place].rows[side] for place, side in rows], row_tokens):
                values[tuple(zip(*(rows[index] for index in part), strict=True))] = logprobs
                done += len(part)
                emit("reference", done=done // 2, items=len(items))
                if done < 2 * len(items) and should_stop():
                    return None
    file.save(key, values)
    return values


def reference_key(items: Sequence[TokenItem], reference: Reference) -> bytes:
    """32 bytes that change with any token of any item, any adapter used, its spec, and the base."""
    digest = hashlib.sha256(_FORMAT + f"{reference.base}\0".encode())
    for version in _versions(items, reference):
        digest.update(f"{version} {reference.adapters[version].sha256 if version is not None else ''}\0".encode())
    for item in items:
        digest.update(f"{type(item).__name__} {item.version}\0".encode())
        for row in item.rows:
            digest.update(f"{row.tokens}{row.supervised}\0".encode())
    return digest.digest()


def _versions(items: Sequence[TokenItem], reference: Reference) -> list[int | None]:
    """Those the items name, the bare base first."""
    named = {item.version for item in items}
    missing = [version for version in named if version is not None and version not in reference.adapters]
    if missing:
        raise UsageError(
            f"Some answers come from version {min(missing)} of the slot, which is gone.",
            "Leave them out: without the adapter that gave an answer nothing can be learned from it.",
        )
    return sorted(named, key=lambda version: -1 if version is None else version)


@contextmanager
def _carrying(model: nn.Module, adapter: ReferenceAdapter | None) -> Iterator[None]:
    """``model`` with another adapter or none, in eval mode, for the length of a ``with`` block."""
    training = model.training
    try:
        with disabled(model):
            try:
                if adapter is not None:
                    attach(model, adapter.spec)
                    load_adapter(model, adapter.data)
                model.eval()
                yield
            finally:
                detach(model)
    finally:
        model.train(training)


def _measured(
    model: nn.Module, rows: Sequence[TokenExample], row_tokens: int
) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
    """The log-probabilities of some of ``rows`` at a time, with their places; similar lengths together."""
    order = sorted(range(len(rows)), key=lambda place: len(rows[place].tokens))
    for group in groups([len(rows[place].tokens) for place in order], row_tokens):
        part = [order[index] for index in group]
        yield part, np.array(sequence_logprobs(model, collate([rows[place] for place in part]), len(part)))

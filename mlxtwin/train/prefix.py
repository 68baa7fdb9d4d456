"""What the frozen lower blocks make of each example, computed once and kept sealed on disk.

With adapters on the last blocks alone, the blocks below never change: their output for an example is the same in every
epoch and in every later run on the same base. It is a function of the example and the base alone, computed for one
example at a time, so that it does not matter which run computed it or where that run was killed.

It is personal data: sealed as an adapter is. It is a cache: a file that is damaged or gone is computed again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import mlx.core as mx
import numpy as np
from mlx import nn
from numpy.typing import NDArray

from mlxtwin.backend.compiling import compiled_once
from mlxtwin.backend.cpu_kernels import cpu_kernels, cpu_kernels_hold
from mlxtwin.backend.cut import lower
from mlxtwin.backend.segments import caches
from mlxtwin.backend.streams import Streams
from mlxtwin.dataset.rows import RowPolicy, Rows, inputs_of
from mlxtwin.errors import SealBroken
from mlxtwin.records import TokenExample
from mlxtwin.security.crypto import SealedFiles
from mlxtwin.train.pace import Emit
from mlxtwin.train.states import Form, bytes_per_token, decode, encode

INDEX = "index.sealed"
# Small enough that an example can be fetched alone, large enough that files are few.
SHARD_BYTES = 4 << 20
# Between two looks at whether to stop.
_GROUPS_AT_ONCE = 4
# Held in memory as they are on disk; more is read again when wanted.
MEMORY_BYTES = 1 << 30


def content_key(example: TokenExample) -> str:
    """Names an example by its inputs; the same ones in another document or split have the same states."""
    inputs = np.asarray(example.tokens[:-1], "<i4").tobytes()
    return hashlib.blake2b(inputs, digest_size=16).hexdigest()


def store_name(fingerprint: str, cut: int, form: Form, held: str) -> str:
    """The folder of one base, cut and form, ``held`` in one precision: states of another are never taken for these."""
    return hashlib.blake2b(f"{fingerprint}\0{cut}\0{form}\0{held}\0v1".encode(), digest_size=12).hexdigest()


def stored_bytes(examples: Iterable[TokenExample], form: Form, width: int) -> int:
    """What the states of ``examples`` take on disk, without the seal."""
    return sum(inputs_of(example) for example in examples) * bytes_per_token(form, width)


@dataclass(slots=True)
class PrefixStore:
    """The kept states of one base, cut and form, by `content_key`. ``width`` is that of the hidden states."""

    folder: Path
    sealed: SealedFiles
    form: Form
    width: int
    _shard_of: dict[str, str] = field(default_factory=dict)
    _pending: dict[str, bytes] = field(default_factory=dict)
    _open: OrderedDict[str, dict[str, bytes]] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        try:
            self._shard_of = json.loads(self.sealed.read(self.folder / INDEX))
        except SealBroken:
            self.clear()

    def reload(self) -> None:
        """Look again at what another process has kept since; raises SealBroken when there is nothing to read."""
        self._shard_of = json.loads(self.sealed.read(self.folder / INDEX))

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self._shard_of, self._pending = {}, {}
        self._open.clear()

    def __contains__(self, key: str) -> bool:
        return key in self._pending or key in self._shard_of

    @property
    def bytes_on_disk(self) -> int:
        return sum(path.stat().st_size for path in self.folder.glob("*.sealed"))

    def put(self, key: str, states: mx.array) -> None:
        """Keep the states (length, width) of one example; on disk once `flush` is called, or a file is full."""
        self._pending[key] = encode(states, self.form)
        if sum(map(len, self._pending.values())) >= SHARD_BYTES:
            self.flush()

    def flush(self) -> None:
        """Raises StorageFull; what was kept before is still there then."""
        if not self._pending:
            return
        name = f"{hashlib.blake2b(' '.join(sorted(self._pending)).encode(), digest_size=12).hexdigest()}.sealed"
        self.sealed.write(self.folder / name, _joined(self._pending))
        index = {**self._shard_of, **dict.fromkeys(self._pending, name)}
        self.sealed.write(self.folder / INDEX, json.dumps(index).encode())
        self._shard_of, self._pending = index, {}

    def states(self, key: str) -> NDArray[np.float32]:
        """(length, width) float32. Raises SealBroken for a key that is not kept, or no longer readable."""
        data = self._pending.get(key) or self._shard(self._shard_of.get(key, ""))[key]
        return decode(data, self.form, self.width)

    def check(self, keys: Iterable[str]) -> None:
        """Forget what cannot be read any more among the files that hold ``keys``."""
        for name in sorted({self._shard_of[key] for key in keys if key in self._shard_of}):
            try:
                self._shard(name)
            except SealBroken:
                self._shard_of = {key: shard for key, shard in self._shard_of.items() if shard != name}

    def drop_others(self, keys: Iterable[str]) -> None:
        """Delete the files that hold none of ``keys``."""
        wanted = {self._shard_of[key] for key in keys if key in self._shard_of}
        self._shard_of = {key: name for key, name in self._shard_of.items() if name in wanted}
        self.sealed.write(self.folder / INDEX, json.dumps(self._shard_of).encode())
        for path in self.folder.glob("*.sealed"):
            if path.name != INDEX and path.name not in wanted:
                path.unlink(missing_ok=True)

    def _shard(self, name: str) -> dict[str, bytes]:
        if name not in self._open:
            self._open[name] = _parted(self.sealed.read(self.folder / name), name)
            while len(self._open) > max(1, MEMORY_BYTES // SHARD_BYTES):
                self._open.popitem(last=False)
        self._open.move_to_end(name)
        return self._open[name]


def _joined(entries: dict[str, bytes]) -> bytes:
    header = json.dumps({key: len(data) for key, data in entries.items()}).encode()
    return b"".join([len(header).to_bytes(4, "little"), header, *entries.values()])


def _parted(data: bytes, name: str) -> dict[str, bytes]:
    try:
        at = 4 + int.from_bytes(data[:4], "little")
        entries = {}
        for key, length in json.loads(data[4:at]).items():
            entries[key] = data[at : at + length]
            at += length
    except (ValueError, AttributeError, TypeError):
        raise SealBroken(f"The sealed file {name} is not what mlxtwin wrote.", "Delete it; it is made again.") from None
    return entries


def fill(
    model: nn.Module,
    examples: Sequence[TokenExample],
    cut: int,
    store: PrefixStore,
    policy: RowPolicy,
    streams: Streams,
    emit: Emit,
    should_stop: Callable[[], bool],
) -> bool:
    """Compute and keep what is missing; False when asked to stop before all of it is there.

    ``model`` must be in evaluation mode: no dropout below the cut. Raises StorageFull.
    """
    named = {content_key(example): example for example in examples}
    quick = cpu_kernels_hold(model)

    def quickly(tokens: mx.array) -> mx.array:
        cache = caches(model, mx.zeros(tokens.shape, mx.int32), ((0, tokens.shape[1]),))
        return lower(model, tokens, cut, cache)

    def build(group: list[str]) -> mx.array:
        tokens = _tokens([named[key] for key in group], policy)
        if not (quick and len(tokens) == 1):
            return lower(model, mx.array(tokens), cut)
        with cpu_kernels(model):
            states: mx.array = compiled_once(quickly, [mx.array(tokens)], [model.state], None)
            return states

    store.check(named)
    missing = sorted((key for key in named if key not in store), key=lambda key: (inputs_of(named[key]), key))
    tokens = sum(inputs_of(named[key]) for key in missing)
    emit("prefix", done=0, tokens=tokens, examples=len(missing), kept=len(named) - len(missing))
    done = 0
    groups = _groups(missing, named, policy)
    for start in range(0, len(groups), _GROUPS_AT_ONCE):
        if should_stop():
            store.flush()
            return False
        some = groups[start : start + _GROUPS_AT_ONCE]
        for group, states in zip(some, streams.map(build, some), strict=True):
            for row, key in enumerate(group):
                store.put(key, states[row, : inputs_of(named[key])])
                done += inputs_of(named[key])
        emit("prefix", done=done, tokens=tokens)
    store.flush()
    emit("prefix", done=done, tokens=tokens, bytes=store.bytes_on_disk)
    return True


def _groups(keys: Sequence[str], named: dict[str, TokenExample], policy: RowPolicy) -> list[list[str]]:
    """Keys of one width, as many as one forward pass holds."""
    groups: list[list[str]] = []
    last = 0
    for key in keys:
        width = _width(named[key], policy)
        if groups and width == last and len(groups[-1]) < _rows(width, policy):
            groups[-1].append(key)
        else:
            groups.append([key])
        last = width
    return groups


def _width(example: TokenExample, policy: RowPolicy) -> int:
    return max(policy.step, -(-inputs_of(example) // policy.step) * policy.step)


def _rows(width: int, policy: RowPolicy) -> int:
    return max(1, policy.together // width)


def _tokens(examples: Sequence[TokenExample], policy: RowPolicy) -> NDArray[np.int32]:
    """Always as many rows for one width, empty ones too: another shape may give other roundings."""
    width = _width(examples[0], policy)
    tokens = np.zeros((_rows(width, policy), width), np.int32)
    for row, example in enumerate(examples):
        tokens[row, : inputs_of(example)] = example.tokens[:-1]
    return tokens


def states_of(rows: Rows, examples: Sequence[TokenExample], store: PrefixStore) -> NDArray[np.float32]:
    """(rows, width, size): the kept states of every example in its place, zeros in the padding."""
    out = np.zeros((*rows.tokens.shape, store.width), np.float32)
    for place in rows.places:
        states = store.states(content_key(examples[place.index]))
        out[place.row, place.start : place.start + place.length] = states
    return out

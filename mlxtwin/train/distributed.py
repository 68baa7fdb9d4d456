"""Data-parallel training: each process computes its share of a step's passes, and all take the same step.

MLX's own distributed engine carries the sums (its ring over TCP). The place of a process comes from the environment
that ``mlx.launch`` sets, MLX_RANK and MLX_HOSTFILE, so that a recipe needs no change for it. Rank 0 decides what only
one may decide and writes what only one may write.

What goes over the ring is not encrypted, and its sockets are native: the audit hook of airplane mode does not see them.
"""

from __future__ import annotations

import faulthandler
import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import mlx.core as mx
import numpy as np
from mlx import nn
from mlx.utils import tree_flatten, tree_unflatten

from mlxtwin.errors import RunFailed
from mlxtwin.records import TokenExample
from mlxtwin.train.checkpoint import flat

Item = TypeVar("Item")
# The longest wait for the others: far above a step and a look at the held-out words, far below a night.
PATIENCE_SECONDS = 600.0
_GOES_ON, _STOPS, _DONE = 0.0, 1.0, 2.0
AGAIN = "Go on with: mlxtwin retrain --resume last"
LOST = "Another process of this run was lost."
SILENT = "Another process of this run gave no answer."
DIFFERENT = "The processes of this run do not hold the same data, base, settings and checkpoint."
UNREACHED = "The processes of this run did not find each other."


def silent() -> RunFailed:
    return RunFailed(SILENT, AGAIN)


def _leave() -> None:
    """A wait inside MLX cannot be broken from Python, so a process that waits in vain can only end."""
    os._exit(1)


class Peers:
    """The processes of one run, or this one alone, which is ``Peers()``.

    Every process must make the same calls in the same order. Each raises RunFailed when another process is lost, after
    what `before_loss` was given; when none answers within ``patience_seconds``, ``expired()`` is called in another
    thread and must end this process. ``here``: how many of the processes are on this machine.
    """

    def __init__(
        self,
        group: Any = None,
        expired: Callable[[], None] = _leave,
        patience_seconds: float = PATIENCE_SECONDS,
        here: int = 1,
    ) -> None:
        self._group = group
        self.rank = int(group.rank()) if group is not None else 0
        self.size = int(group.size()) if group is not None else 1
        self.here = here
        self._expired = expired
        self._patience_seconds = patience_seconds
        self._on_loss: Callable[[], None] = _nothing

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes and decides."""
        return self.rank == 0

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """The items that fall to this process; over all processes each falls to one."""
        return items[self.rank :: self.size]

    def sum(self, tree: Any) -> Any:
        """A tree of floating arrays, the same in shape everywhere, summed in float32; the same bytes everywhere."""
        if self.size == 1:
            return tree
        names, arrays = zip(*tree_flatten(tree), strict=True)
        joined = mx.concatenate([array.reshape(-1).astype(mx.float32) for array in arrays])
        ends = np.cumsum([array.size for array in arrays])[:-1].tolist()
        parts = mx.split(self._exchange(joined), ends)
        return tree_unflatten(
            [
                (name, part.reshape(array.shape).astype(array.dtype))
                for name, part, array in zip(names, parts, arrays, strict=True)
            ]
        )

    def sum_numbers(self, numbers: Sequence[float]) -> list[float]:
        """Numbers summed in float32."""
        if self.size == 1:
            return list(numbers)
        values: Any = self._exchange(mx.array(list(numbers), mx.float32)).tolist()
        return [float(value) for value in values]

    def decide(self, question: Callable[[], bool]) -> bool:
        """The answer of rank 0, everywhere; the others do not ask."""
        if self.size == 1:
            return question()
        return self.sum_numbers([float(self.first and question())])[0] > 0

    def after_first(self, work: Callable[[Callable[[], bool]], bool], should_stop: Callable[[], bool]) -> bool:
        """Let rank 0 do ``work`` while the others wait; what it returned, everywhere.

        ``work`` takes a question, asks it now and then (each time the others know that it goes on), and returns False
        only after an answer of True.
        """
        if self.size == 1:
            return work(should_stop)
        if not self.first:
            while (said := self.sum_numbers([_GOES_ON])[0]) == _GOES_ON:
                pass
            return said == _DONE

        def ask() -> bool:
            return self.sum_numbers([_STOPS if should_stop() else _GOES_ON])[0] == _STOPS

        if finished := work(ask):
            self.sum_numbers([_DONE])
        return finished

    def before_loss(self, save: Callable[[], None]) -> None:
        """What to do when another process is lost, before this is raised; forgotten by a process that is alone."""
        if self.size > 1:
            self._on_loss = save

    def tell(self, text: str) -> str:
        """The text of rank 0, everywhere; what the others give does not matter."""
        data = text.encode() if self.first else b""
        count = round(self.sum_numbers([len(data)])[0])
        if self.size == 1:
            return text
        own = list(data) if self.first else [0] * count
        values: Any = self._exchange(mx.array(own, mx.int32)).tolist()
        return bytes(values).decode()

    def agree(self, make_digest: Callable[[], bytes]) -> None:
        """Raises RunFailed, everywhere, unless all processes make the same digest; one alone makes none."""
        if self.size == 1:
            return
        digest = make_digest()
        table = np.zeros((self.size, len(digest)), np.int32)
        table[self.rank] = list(digest)
        rows = np.array(self._exchange(mx.array(table)))
        if (rows != rows[0]).any():
            raise RunFailed(DIFFERENT, "Give every machine the same home, base model and version of mlxtwin.")

    def _exchange(self, array: mx.array) -> mx.array:
        mx.eval(array)  # a fault of our own computation is no lost peer
        try:
            with _limit(self._patience_seconds, self._expired):
                total: mx.array = mx.distributed.all_sum(array, group=self._group)
                mx.eval(total)
        except RuntimeError:
            self._on_loss()
            raise RunFailed(LOST, AGAIN) from None
        return total


def _nothing() -> None:
    pass


@contextmanager
def _limit(seconds: float, expired: Callable[[], None]) -> Iterator[None]:
    timer = threading.Timer(seconds, expired)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def state_digest(model: nn.Module, settings: object, examples: Sequence[TokenExample]) -> bytes:
    """16 bytes of all that must be equal for the processes to take equal steps: what learns, and what from."""
    digest = hashlib.blake2b(repr(settings).encode(), digest_size=16)
    for example in examples:
        digest.update(repr((example.tokens, example.supervised, example.weight)).encode())
    for name, value in flat(model.trainable_parameters()).items():
        digest.update(name.encode() + np.array(value.astype(mx.float32)).tobytes())
    return digest.digest()


def connect(expired: Callable[[], None] = _leave, patience_seconds: float = PATIENCE_SECONDS) -> Peers:
    """Find the other processes that the environment names; `backend.device.prepare` comes first.

    Raises RunFailed when they cannot be reached. MLX keeps Python from running while it waits here, so a wait above the
    limit ends this process from C, with code 1 and its place on stderr.
    """
    faulthandler.dump_traceback_later(patience_seconds, exit=True)
    try:
        group = mx.distributed.init(strict=True, backend="ring")
    except RuntimeError:
        raise RunFailed(UNREACHED, AGAIN) from None
    finally:
        faulthandler.cancel_dump_traceback_later()
    return Peers(group, expired, patience_seconds, _here(int(group.rank())))


def _here(rank: int) -> int:
    """How many of the processes have the address of this one."""
    hosts = json.loads(Path(os.environ["MLX_HOSTFILE"]).read_text())
    addresses = [host[0].rpartition(":")[0] for host in hosts]
    return addresses.count(addresses[rank])


ALONE = Peers()

"""Several computations at once, each on an MLX stream of its own.

MLX runs a CPU stream in one thread, and what is not a matrix product is not threaded any further: two streams with one
BLAS thread each do more than one stream with two. They overlap only if MLX puts their work in turn, which it does when
it walks a graph by breadth (``MLX_BFS_MAX_WIDTH``, set where the device is looked at).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any, TypeVar

import mlx.core as mx

from mlxtwin.backend.compiling import plain

Item = TypeVar("Item")
Result = TypeVar("Result")


class Streams:
    """``count`` streams of the default device; one alone is the default stream."""

    def __init__(self, count: int) -> None:
        device = mx.default_device()
        self._streams = [mx.new_stream(device) for _ in range(count)] if count > 1 else [mx.default_stream(device)]

    def map(self, build: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """The evaluated results in the order of ``items``, as many at once as there are streams.

        ``build`` makes a tree of arrays without evaluating it. Items of like cost should stand side by side.
        """
        count = len(self._streams)
        for start in range(0, len(items), count):
            results: list[Any] = []
            for stream, item in zip(self._streams, items[start : start + count], strict=False):
                with mx.stream(stream), plain() if count > 1 else nullcontext():
                    results.append(build(item))
            mx.eval(results)
            yield from results

"""Compiled functions where several streams compute.

`mx.compile` keeps a trace by function and shapes, and the trace runs on the stream it was made on, whichever is asked
for later. So where streams are to run side by side, what others compiled runs plain, and what we compile is compiled
once for each stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import mlx.core as mx

_functions: dict[tuple[Callable[..., Any], str], Callable[..., Any]] = {}
# Whether compiling works on this machine; whether `plain` is in force.
_mode = {"allowed": True, "plain": False}


def allow(compiles: bool) -> None:
    """Say once whether `mx.compile` can work on this machine."""
    _mode["allowed"] = compiles
    (mx.enable_compile if compiles else mx.disable_compile)()


@contextmanager
def plain() -> Iterator[None]:
    """Within, functions compiled by others run uncompiled."""
    before, _mode["plain"] = _mode["plain"], True
    mx.disable_compile()
    try:
        yield
    finally:
        _mode["plain"] = before
        if _mode["allowed"] and not before:
            mx.enable_compile()


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` compiled for the stream in use, if this machine can; works within `plain` too."""
    key = (function, str(mx.default_stream(mx.default_device())))
    if key not in _functions:
        # A function object of its own: MLX tells functions apart by their place in memory.
        _functions[key] = mx.compile(partial(function))
    return _allowed(_functions[key])


def compiled_once(function: Callable[..., Any], arrays: Sequence[mx.array], inputs: Any, outputs: Any) -> Any:
    """``function(*arrays)`` by a trace that is dropped at once, for work whose shapes hardly ever come again.

    ``inputs`` and ``outputs``: what it reads and changes beside its arrays, as for `mx.compile`. Within `plain` too.
    """
    return _allowed(mx.compile(partial(function), inputs=inputs, outputs=outputs))(*arrays)


def _allowed(fast: Callable[..., Any]) -> Callable[..., Any]:
    """``fast`` with compiling on for its length, where this machine can."""
    if not (_mode["plain"] and _mode["allowed"]):
        return fast

    def run(*arrays: mx.array) -> Any:
        mx.enable_compile()
        try:
            return fast(*arrays)
        finally:
            mx.disable_compile()

    return run

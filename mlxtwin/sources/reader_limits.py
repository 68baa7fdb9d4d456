"""What the process that reads exports may do: so much memory, no files, no other programs, no life without its parent.

A hostile file may get the better of a parser; this bounds what that is worth. Linux holds the memory itself; macOS
does not, so a thread watches there. What the limits do not cover: reading other files of the person's.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MEMORY_BYTES = 1024 * 1024 * 1024
EXIT_MEMORY = 77
# SQLite keeps an index of a write-ahead log in a file beside it, which holds no text.
INDEX_BYTES = 1024 * 1024
_PR_SET_PDEATHSIG = 1
_SECONDS_BETWEEN = 0.2


def confine(memory_bytes: int, parent: int) -> None:
    """Take the limits upon this process, for good. ``parent``: the process that started it."""
    _limit(resource.RLIMIT_CORE, 0, 0)  # what is in memory is personal
    _limit(resource.RLIMIT_FSIZE, 0, INDEX_BYTES)
    if sys.platform == "linux":
        _limit(resource.RLIMIT_AS, memory_bytes, memory_bytes)
        _limit(resource.RLIMIT_NPROC, 0, 0)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)
    else:
        watch(memory_bytes, parent)


def _limit(kind: int, soft: int, hard: int) -> None:
    # Some limits cannot be set everywhere; the others hold then.
    with suppress(OSError, ValueError):
        resource.setrlimit(kind, (soft, hard))


@contextmanager
def room_for_an_index() -> Iterator[None]:
    """While this lasts a small file may be written, for a database that keeps the index of its log beside it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    confined = soft == 0
    if confined:
        _limit(resource.RLIMIT_FSIZE, hard, hard)
    try:
        yield
    finally:
        if confined:
            _limit(resource.RLIMIT_FSIZE, soft, hard)


def watch(memory_bytes: int, parent: int, end: Callable[[int], object] = os._exit) -> threading.Thread:
    """End this process, from a thread, once it has grown too large or its parent is gone."""

    def look() -> None:
        while True:
            if resident_bytes() > memory_bytes:
                end(EXIT_MEMORY)
                return
            if os.getppid() != parent:
                end(0)
                return
            time.sleep(_SECONDS_BETWEEN)

    thread = threading.Thread(target=look, daemon=True, name="limits")
    thread.start()
    return thread


def resident_bytes() -> int:
    """The most memory this process ever had."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def held_bytes() -> int:
    """What counts against the limit of memory now, where the system tells; else the most there ever was."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[0])
    except (OSError, ValueError, IndexError):
        return resident_bytes()
    return pages * resource.getpagesize()

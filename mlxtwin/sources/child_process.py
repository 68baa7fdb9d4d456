"""A process that is given lines and answers with lines, none of which need make sense."""

from __future__ import annotations

import fcntl
import json
import os
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress

from mlxtwin.sources.reader import READY, STARTED
from mlxtwin.sources.reader_wire import MOST_LINE_BYTES, Garbage, TooMuch

PIPE_BYTES = 1024 * 1024
TICK_SECONDS = 0.25
# How often it may say, for one job, that it begins.
MOST_BEGUN = 100
END_SECONDS = 5.0
_F_SETPIPE_SZ = 1031
# All that it may see of our environment.
_PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "PYTHONPATH")


class Silent(Exception):
    """It did not get on for too long."""


class Ended(Exception):
    """It is gone; ``code`` as `subprocess` gives it."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Process:
    """``begun``: whether it said that it began with the job whose answers come next."""

    def __init__(self, command: list[str], names: list[str]) -> None:
        """Raises OSError where it cannot be started."""
        self._popen = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,  # so that Ctrl-C reaches us alone
            env={name: os.environ[name] for name in _PASSED if name in os.environ},
        )
        self.begun = False
        self._ready = False
        self._whole: deque[bytes] = deque()
        self._rest = bytearray()
        assert self._popen.stdin is not None and self._popen.stdout is not None
        self._in, self._out = self._popen.stdin, self._popen.stdout
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._out, selectors.EVENT_READ)
        if sys.platform == "linux":
            with suppress(OSError):
                fcntl.fcntl(self._out, _F_SETPIPE_SZ, PIPE_BYTES)
        self.give([json.dumps(names).encode() + b"\n"])

    def give(self, lines: Iterable[bytes]) -> None:
        """A process that is gone takes nothing; that is told when it is listened to."""
        with suppress(BrokenPipeError):
            self._in.write(b"".join(lines))

    def lines(self, patience_seconds: float, start_seconds: float) -> Iterator[bytes | None]:
        """Each line; None now and then while there is none. Raises Silent, Ended, or Garbage for one without end
        and for a process that begins again and again."""
        begun = 0
        while True:
            while self._whole:
                line = self._whole.popleft()
                if line in (READY, STARTED):
                    self._ready, self.begun = True, self.begun or line == STARTED
                    begun += 1
                    if begun > MOST_BEGUN:
                        raise TooMuch("It cannot be read: the reader does not get on with it.")
                else:
                    yield line
            since = time.monotonic()
            while not self._selector.select(TICK_SECONDS):
                if time.monotonic() - since > (patience_seconds if self._ready else start_seconds):
                    raise Silent
                yield None
            self._take()

    def _take(self) -> None:
        chunk = os.read(self._out.fileno(), PIPE_BYTES)
        if not chunk:
            raise Ended(self._code())
        first, *more = chunk.split(b"\n")
        self._rest += first
        if more:
            self._whole += [bytes(self._rest), *more[:-1]]
            self._rest = bytearray(more[-1])
        if len(self._rest) > MOST_LINE_BYTES:
            raise Garbage("a line without end")

    def _code(self) -> int:
        try:
            return self._popen.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            return 0

    def end(self) -> None:
        """Kill it, if it is not gone, and wait for that."""
        self._popen.kill()
        self._popen.wait()
        self._selector.close()
        for pipe in (self._in, self._out):
            with suppress(OSError):
                pipe.close()

"""What is read of the file under way: how far it is, whether it gets on, and which files beside it are looked at."""

from __future__ import annotations

import io
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import PosixPath
from typing import Any

SECONDS_BETWEEN = 0.5
# Reading the same again is no progress for ever: an importer may go over a file some times, and a loop must not.
MOST_PASSES = 16
SPARE_BYTES = 4 * 1024 * 1024
READ_BYTES = 1024  # that each read counts for beside what it gives
MOST_STEPS = 100_000
MOST_BESIDE = 1000
MOST_NAME = 4096


class Tally:
    """Counts what is read for one job at a time; ``beat`` hears, now and then, the place reached in its file."""

    def __init__(self, beat: Callable[[int], object], now: Callable[[], float] = time.monotonic) -> None:
        self._beat, self._now = beat, now
        self._last = now()
        self.begin("")

    def begin(self, main: str) -> None:
        """A job on the file of that name."""
        self._main, self._place = main, 0
        self._read: Counter[str] = Counter()
        self._beside: set[str] = set()
        self._steps = 0

    @property
    def place(self) -> int:
        """How far the file itself is read, by whoever opened it last."""
        return self._place

    def read(self, name: str, size: int, place: int, count: int) -> None:
        """``count`` bytes of a file of ``size`` were read, up to ``place``."""
        if name == self._main:
            self._place = place
        self._read[name] += count + READ_BYTES
        if self._read[name] <= MOST_PASSES * size + SPARE_BYTES:
            self._got_on()

    def step(self) -> None:
        """The importer itself says that it gets on."""
        self._steps += 1
        if self._steps <= MOST_STEPS:
            self._got_on()

    def _got_on(self) -> None:
        if self._now() - self._last >= SECONDS_BETWEEN:
            self._last = self._now()
            self._beat(self._place)

    def looked_at(self, name: str) -> None:
        """Some file or folder was opened or asked for, perhaps in vain."""
        if name != self._main and len(self._beside) <= MOST_BESIDE:
            self._beside.add(name)

    def beside(self) -> tuple[str, ...] | None:
        """What the result depends on beside the file itself; None if that is too much to say."""
        too_much = len(self._beside) > MOST_BESIDE or any(len(name) > MOST_NAME for name in self._beside)
        return None if too_much else tuple(sorted(self._beside))


class Counted(io.FileIO):
    """A file that tells a tally what is read of it."""

    def __init__(self, path: str, tally: Tally) -> None:
        super().__init__(path, "rb")
        self._path, self._tally = path, tally
        self._size = os.fstat(self.fileno()).st_size

    def readinto(self, buffer: Any) -> int | None:
        count = super().readinto(buffer)
        self._tally.read(self._path, self._size, self.tell(), count or 0)
        return count

    def readall(self) -> bytes:
        pieces = []
        while piece := self.read(io.DEFAULT_BUFFER_SIZE * 16):
            pieces.append(piece)
        return b"".join(pieces)

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            return self.readall()
        found = super().read(size) or b""
        self._tally.read(self._path, self._size, self.tell(), len(found))
        return found


def watched(tally: Tally) -> type[PosixPath]:
    """A kind of path whose files tell the tally what is read of them."""

    class Watched(PosixPath):
        __slots__ = ()

        def open(self, mode: str = "r", *arguments: Any, **options: Any) -> Any:
            tally.looked_at(str(self))
            if mode != "rb":
                return super().open(mode, *arguments, **options)
            return io.BufferedReader(Counted(str(self), tally), 16 * io.DEFAULT_BUFFER_SIZE)

        def is_file(self, **options: Any) -> bool:
            tally.looked_at(str(self))
            return super().is_file(**options)

        def is_dir(self, **options: Any) -> bool:
            tally.looked_at(str(self))
            return super().is_dir(**options)

        def exists(self, **options: Any) -> bool:
            tally.looked_at(str(self))
            return super().exists(**options)

        def iterdir(self) -> Any:
            tally.looked_at(str(self))
            return super().iterdir()

    return Watched

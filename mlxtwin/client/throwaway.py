"""A folder of the home that is removed when its process is done with it, and by the next one where that was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlxtwin.paths import Home, storage_error

PREFIX = ".dry-run-"
LOCK = "lock"


@contextmanager
def throwaway(folder: Path) -> Iterator[Home]:
    """A home of its own in a folder, for the owner alone. Raises StorageFull, TwinError where it cannot be made."""
    try:
        root = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder))
    except OSError as error:
        raise storage_error(error, folder) from None
    try:
        with _held(root):
            yield Home(root)
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def _held(root: Path) -> Iterator[None]:
    """The folder's lock, which the system lets go when this process ends; it gets its name once it is held."""
    with open(root / f".{LOCK}", "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (root / f".{LOCK}").rename(root / LOCK)
        yield


def remove_leftovers(folder: Path) -> None:
    """Remove what was left by processes that were killed; what a process holds stays."""
    for root in folder.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if stat.S_ISDIR(root.lstat().st_mode):
                with (root / LOCK).open("rb") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(root, ignore_errors=True)

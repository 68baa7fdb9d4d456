"""The whole picture on the bundled person and base, in a throwaway home whose key is never stored."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlxtwin.client import imports, runs
from mlxtwin.client.chat import Chat, Engine
from mlxtwin.jobs.runs import running
from mlxtwin.paths import Home, make_folder

if TYPE_CHECKING:
    from mlxtwin.jobs.supervisor import Started
    from mlxtwin.vault.store import Vault

PREFIX, HOME, LOCK = "mlxtwin-demo-", "home", "lock"
PROMPT = 'Write a note titled "A visitor on Sunday".'


@dataclass(frozen=True, slots=True)
class Stage:
    """A home for a demonstration, with its open vault and key."""

    home: Home
    key: bytes = field(repr=False)
    vault: Vault
    workers: list[Started] = field(default_factory=list)


@contextmanager
def throwaway() -> Iterator[Stage]:
    """A vault in a temporary folder, gone afterwards with everything in it; what a killed demo left goes first."""
    from mlxtwin.security.crypto import new_key
    from mlxtwin.vault.store import Vault

    remove_leftovers()
    root = Path(tempfile.mkdtemp(prefix=PREFIX))
    workers: list[Started] = []
    try:
        with _held(root):
            home, key = Home(make_folder(root / HOME)), new_key()
            with Vault.create(home, key) as vault:
                yield Stage(home, key, vault, workers)
    finally:
        for started in workers:  # one that is left alive would write into the folder again
            started.end()
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def _held(root: Path) -> Iterator[None]:
    """The folder's lock, which the system lets go when this process ends, however it ends.

    It gets its name once it is held: to whoever finds it free, its demo is dead.
    """
    with open(root / f".{LOCK}", "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (root / f".{LOCK}").rename(root / LOCK)
        yield


def remove_leftovers() -> None:
    """Remove the folders of this person's demos that were killed, once no worker of theirs is alive either."""
    for root in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            found = root.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid():
                _remove_if_dead(root)


def _remove_if_dead(root: Path) -> None:
    """Raises BlockingIOError where its demo is alive, FileNotFoundError where it holds no lock yet."""
    with (root / LOCK).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if running(Home(root / HOME)) is None:
            shutil.rmtree(root, ignore_errors=True)


def exports() -> tuple[Path, tuple[str, ...]]:
    """The bundled person's exports, and the names she goes by."""
    from mlxtwin.sample import PERSON_NAMES

    return Path(str(resources.files("mlxtwin.sample"))) / "exports", PERSON_NAMES


def fill(stage: Stage) -> dict[str, Any]:
    """Import the bundled exports; the object of ``import --json``."""
    folder, names = exports()
    return imports.run(stage.vault, [folder], names)


def train(stage: Stage) -> Started:
    planned = runs.plan(stage.home, stage.vault, "voice", {"effort": "quick"}, ())
    stage.workers.append(runs.start(stage.home, stage.key, planned))
    return stage.workers[-1]


def side_by_side(stage: Stage, slot: str) -> dict[str, Any]:
    """One prompt, answered by the twin and by the bare base."""
    with Engine(stage.home, stage.key) as engine:
        chat = Chat(engine, stage.vault, stage.home, slot, seed=0)
        twin = "".join(chat.say(PROMPT))
        return {"prompt": PROMPT, "base": "".join(chat.base()), "twin": twin}

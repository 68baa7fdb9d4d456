"""The whole picture on the bundled person and base, in a throwaway home whose key is never stored."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlxtwin.client import imports, runs
from mlxtwin.client.chat import Chat, Engine
from mlxtwin.paths import Home, make_folder

if TYPE_CHECKING:
    from mlxtwin.jobs.supervisor import Started
    from mlxtwin.vault.store import Vault

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
    """A vault in a temporary folder, gone afterwards with everything in it."""
    from mlxtwin.security.crypto import new_key
    from mlxtwin.vault.store import Vault

    root = Path(tempfile.mkdtemp(prefix="mlxtwin-demo-"))
    workers: list[Started] = []
    try:
        home, key = Home(make_folder(root / "home")), new_key()
        with Vault.create(home, key) as vault:
            yield Stage(home, key, vault, workers)
    finally:
        for started in workers:  # one that is left alive would write into the folder again
            started.end()
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

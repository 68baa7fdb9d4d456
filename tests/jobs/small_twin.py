"""A home with a vault of notes and a random base of some kilobytes, for runs from import to version."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlxtwin.backend.device import prepare

prepare()  # before anything imports MLX

from backend.small import small_folder  # noqa: E402

from mlxtwin.backend.models import add  # noqa: E402
from mlxtwin.client import imports  # noqa: E402
from mlxtwin.client import runs as client  # noqa: E402
from mlxtwin.dataset.examples import Dataset  # noqa: E402
from mlxtwin.jobs import runs  # noqa: E402
from mlxtwin.jobs.runs import CHECKPOINT, DATASET, Run  # noqa: E402
from mlxtwin.paths import Home  # noqa: E402
from mlxtwin.records import Message  # noqa: E402
from mlxtwin.sample import PERSON_NAMES  # noqa: E402
from mlxtwin.security.crypto import SealedFiles, new_key  # noqa: E402
from mlxtwin.slots.registry import Slots  # noqa: E402
from mlxtwin.train.session import Session  # noqa: E402
from mlxtwin.vault.store import Vault  # noqa: E402

NOTES = Path(__file__).parents[2] / "mlxtwin" / "sample" / "exports" / "notes"


@dataclass(frozen=True)
class Twin:
    """A home with a vault, a tiny base, and version 1 of the slot voice in use."""

    home: Home
    key: bytes
    vault: Vault

    @property
    def slots(self) -> Slots:
        return Slots(self.home, SealedFiles(self.home, self.key))

    def correct(self, *versions: int | None) -> None:
        for number, version in enumerate(versions):
            prompt = (Message("user", f"How was day {number}?"),)
            chosen, rejected = f"Grand, {number} gulls.", "As an assistant I"
            self.vault.put_pair("voice", version, prompt, chosen=chosen, rejected=rejected)

    def planned(self, name: str, *sets: str, **overrides: str) -> client.Planned:
        return client.plan(self.home, self.vault, name, dict(overrides), sets, self.key)

    def made(self, planned: client.Planned) -> Run:
        """A run that was made and not started."""
        return runs.create(
            self.home, client.spec(planned), planned.dataset.to_bytes(), SealedFiles(self.home, self.key)
        )

    def opened(self, run: Run) -> Session:
        sealed = SealedFiles(self.home, self.key)
        dataset = Dataset.from_bytes(sealed.read(run.folder / DATASET))
        return Session.open(run.spec, dataset, run.folder / CHECKPOINT, sealed)

    def run(self, name: str, *sets: str, **overrides: str) -> dict[str, Any]:
        """From the recipe to the result, by a worker of its own."""
        return self.ended(self.planned(name, *sets, **overrides))

    def ended(self, planned: client.Planned) -> dict[str, Any]:
        started = client.start(self.home, self.key, planned)
        assert all(event is None or event.event for event in client.watch(started.run, started))
        return client.outcome(self.home, started.run)


def made_twin(root: Path, *sets: str) -> tuple[Home, bytes]:
    """A home whose version 1 was trained with ``sets``, and its key."""
    home, key = Home(root / "home"), new_key()
    add(home, small_folder(root / "tiny"))
    with Vault.create(home, key) as vault:
        imports.run(vault, [NOTES], PERSON_NAMES)
        twin = Twin(home, key, vault)
        twin.run("voice", *sets, base="tiny")
        twin.slots.use("voice", 1, anyway=True)
    return home, key


def never() -> bool:
    return False


def after(calls: int) -> Callable[[], bool]:
    """Asks to stop after so many times of being asked."""
    left = [calls]

    def stop() -> bool:
        left[0] -= 1
        return left[0] < 0

    return stop


@dataclasses.dataclass
class Told:
    """Where a run says that it begins, and what it says of each event last."""

    last: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)

    def __call__(self, event: str, /, **data: Any) -> None:
        self.last[event] = data

    @property
    def begun(self) -> int:
        return int(self.last["train"]["step"])


def silent(event: str, /, **data: Any) -> None:
    pass

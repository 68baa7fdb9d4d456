"""Slots: look at them, switch them, take an adapter out."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlxtwin.client.vault import BEGIN, exists
from mlxtwin.errors import TwinError, UsageError, told_of
from mlxtwin.paths import Home
from mlxtwin.slots.registry import Slots, SlotState, Version
from mlxtwin.wording import plural

EXPORT_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Card:
    """A version's numbers and its report card (samples are personal)."""

    version: Version
    report: dict[str, Any]


def every(home: Home) -> list[dict[str, Any]]:
    slots = Slots(home)
    return [_row(slots.state(name)) for name in slots.names()]


def _row(state: SlotState) -> dict[str, Any]:
    used = next((one for one in state.versions if one.number == state.current), None)
    forgotten = used.trained_on_forgotten if used else 0
    return {
        "slot": state.name,
        "current": state.current,
        "versions": len(state.versions),
        "trained_on_forgotten": forgotten,
    }


def show(home: Home, name: str) -> dict[str, Any]:
    """The object of ``slots show --json``."""
    state = _look(home).state(name)
    return {"slot": state.name, "current": state.current, "versions": [_version(one) for one in state.versions]}


def _version(version: Version) -> dict[str, Any]:
    meta = version.meta
    return {
        "version": version.number,
        "created": meta["created"],
        "recipe": meta["recipe"]["name"],
        "base": meta["base"]["name"],
        "holdout": meta["holdout"],
        "verdict": meta["verdict"],
        "reasons": meta["reasons"],
        "adapter_sha256": meta["adapter_sha256"],
        "run": meta["run"],
        "trained_on_forgotten": version.trained_on_forgotten,
    }


def forgotten_words(slot: str, number: int, documents: int) -> str:
    """What to say of a version that was trained on so many documents that are forgotten."""
    were = plural(documents, "document that was", "documents that were")
    return f"Version {number} of slot {slot} was trained on {were} forgotten since."


def use(home: Home, name: str, number: int, *, anyway: bool) -> SlotState:
    return _look(home).use(name, number, anyway=anyway)


def rollback(home: Home, name: str) -> SlotState:
    return _look(home).rollback(name)


def remove(home: Home, name: str) -> None:
    _look(home).remove(name)


def default(home: Home, wanted: str | None) -> str:
    """The slot that is meant: the one named, else the only one, else ``voice``; raises UsageError."""
    slots = _look(home)
    if wanted:
        return slots.state(wanted).name
    usable = [name for name in slots.names() if slots.state(name).current]
    if len(usable) == 1 or "voice" in usable:
        return usable[0] if len(usable) == 1 else "voice"
    if not usable and slots.names():
        first = slots.names()[0]
        raise UsageError("No version of any slot has passed the gate yet.", f"See: mlxtwin slots show {first}")
    if not usable:
        raise UsageError("There is no trained slot yet.", first_step(home))
    raise UsageError("There are several slots.", f"Choose one of: {', '.join(usable)}.")


def card(home: Home, key: bytes, name: str, number: int | None) -> Card:
    """The report card of a version, the current one by default."""
    slots = _open(home, key)
    version = slots.version(name, number)
    return Card(version, slots.report(version))


def export(home: Home, key: bytes, name: str, number: int | None, folder: Path) -> Version:
    """Write a version as a folder that stock mlx-lm loads; raises UsageError for a folder that holds files.

    A child process does it: it needs MLX, which no program of ours with a screen loads.
    """
    from mlxtwin.jobs.supervisor import child_command, child_environment

    version = _look(home).version(name, number)
    target = str(folder.absolute())
    command = child_command("mlxtwin.jobs.exporter", str(home.root), version.slot, str(version.number), target)
    try:
        done = subprocess.run(
            command,
            input=key.hex().encode() + b"\n",
            capture_output=True,
            timeout=EXPORT_SECONDS,
            env=child_environment(),
            check=False,
        )
        failure = json.loads(done.stdout.splitlines()[-1])["error"]
    except (subprocess.TimeoutExpired, ValueError, IndexError):
        raise TwinError("The export ended without an answer.", "Check this machine with: mlxtwin doctor") from None
    if failure:
        raise told_of(failure)
    return version


def first_step(home: Home) -> str:
    """What to do where no slot is trained yet: there is nothing to train on before there is a vault."""
    return "Train one with: mlxtwin retrain voice" if exists(home) else BEGIN


def _look(home: Home) -> Slots:
    """The slots without their key; raises UsageError where there can be none, for want of a vault."""
    slots = Slots(home)
    if not exists(home) and not slots.names():
        raise UsageError("There is no vault yet, and so no slot.", first_step(home))
    return slots


def _open(home: Home, key: bytes) -> Slots:
    from mlxtwin.security.crypto import SealedFiles

    return Slots(home, SealedFiles(home, key))

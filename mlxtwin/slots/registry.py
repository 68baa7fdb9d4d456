"""The registry of adapter versions: ``slots/NAME/v0001/`` never changes, ``slots/NAME/state.json`` names the current.

A version appears by one rename and becomes current by one atomic write, so a kill leaves the old state or the new.
``meta.json`` holds numbers and ids only; adapter and report are personal and sealed, and so is what is known of the
documents it was trained on, which versions of an earlier format lack.

Only forgetting changes a version: what is known of a document goes, samples of it go, and ``forgotten.json`` says how
many such documents its adapter was trained on. A version that goes on from it has that adapter too, and says the same.
"""

from __future__ import annotations

import difflib
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlxtwin.errors import GateRefused, TwinError, UsageError
from mlxtwin.paths import Home, make_folder, read_json, storage_error, sync_folder, write_atomic, write_json
from mlxtwin.security.crypto import SealedFiles

ADAPTER, REPORT, META, STATE = "adapter.sealed", "report.sealed", "meta.json", "state.json"
LEARNED, FORGOTTEN = "learned.sealed", "forgotten.json"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True)
class Version:
    """One adapter version; ``meta`` is what ``meta.json`` holds. ``trained_on_forgotten``: how many documents that it
    was trained on, or may have been, were forgotten since."""

    slot: str
    number: int
    meta: dict[str, Any]
    trained_on_forgotten: int = 0

    @property
    def promoted(self) -> bool:
        return bool(self.meta["verdict"] == "promoted")


@dataclass(frozen=True, slots=True)
class SlotState:
    """``current`` is None before the first promotion; ``history``: earlier current versions, the oldest first."""

    name: str
    current: int | None
    history: tuple[int, ...]
    versions: tuple[Version, ...]


class Slots:
    """All slots of one home. Looking needs no key; reading and adding adapters does."""

    def __init__(self, home: Home, sealed: SealedFiles | None = None) -> None:
        self.home, self.sealed = home, sealed

    def names(self) -> list[str]:
        if not self.home.slots.is_dir():
            return []
        return sorted(path.name for path in self.home.slots.iterdir() if _NAME.fullmatch(path.name))

    def state(self, name: str) -> SlotState:
        """Raises UsageError for a slot that was never trained."""
        folder = self._folder(name)
        state = _read_object(folder / STATE) if (folder / STATE).is_file() else {"current": None, "history": []}
        return SlotState(name, state["current"], tuple(state["history"]), tuple(self._versions(name)))

    def version(self, name: str, number: int | None = None) -> Version:
        """A version of a slot, the current one by default; raises UsageError."""
        state = self.state(name)
        wanted = state.current if number is None else number
        if wanted is None:
            raise UsageError(
                f"No version of slot {name} has passed the gate yet.", f"Look at them with: mlxtwin slots show {name}"
            )
        found = next((version for version in state.versions if version.number == wanted), None)
        if found is None:
            known = ", ".join(str(version.number) for version in state.versions) or "none"
            raise UsageError(f"Slot {name} has no version {wanted}.", f"It has: {known}.")
        return found

    def adapter(self, version: Version) -> bytes:
        return self._read(version, ADAPTER)

    def report(self, version: Version) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self._read(version, REPORT))
        return loaded

    def learned(self, version: Version) -> bytes | None:
        """What it knows of the documents it was trained on, as it was added; None where nothing was."""
        path = self._path(version.slot, version.number) / LEARNED
        return self._files().read(path) if path.is_file() else None

    def add(
        self, name: str, adapter: bytes, meta: dict[str, Any], report: dict[str, Any], learned: bytes | None = None
    ) -> Version:
        """Store a version, sealed and for good. The same run (``meta["run"]``) is stored once."""
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} cannot name a slot.", "Use small letters, digits, - and _, at most 40.")
        with self._locked(name):
            for version in self._versions(name):
                if version.meta.get("run") == meta.get("run"):
                    return version
            number = 1 + max((version.number for version in self._versions(name)), default=0)
            sealed = {ADAPTER: adapter, REPORT: json.dumps(report, ensure_ascii=False).encode()}
            sealed |= {LEARNED: learned} if learned is not None else {}
            forgotten = self._forgotten(self._path(name, int(meta.get("parent") or 0)))
            self._write_version(name, number, sealed, meta, forgotten)
        return Version(name, number, meta, forgotten)

    def forget(self, version: Version, documents: int, learned: bytes | None, *, samples: bool) -> None:
        """Mark a version as trained on so many ``documents`` more that are forgotten, put what it knows without them in
        place of what it knew, and drop the ``samples`` of its report, if asked to."""
        folder = self._path(version.slot, version.number)
        with self._locked(version.slot):
            if documents:
                mark = {"documents": self._forgotten(folder) + documents}
                self._replace(folder / FORGOTTEN, _json(mark), sealed=False)
            if samples and (report := self.report(version)).get("samples"):
                self._replace(folder / REPORT, _json(report | {"samples": []}))
            if learned is not None:
                self._replace(folder / LEARNED, learned)

    def remove_drafts(self) -> None:
        """What a run or a removal that was killed left lying."""
        for pattern in (".*.removed", "*/.v*.draft"):
            for path in self.home.slots.glob(pattern):
                shutil.rmtree(path)

    def _forgotten(self, folder: Path) -> int:
        path = folder / FORGOTTEN
        return int(_read_object(path).get("documents", 0)) if path.is_file() else 0

    def _replace(self, path: Path, data: bytes, *, sealed: bool = True) -> None:
        if sealed:
            self._files().write(path, data)
        else:
            write_atomic(path, data)
        path.chmod(0o400)

    def use(self, name: str, number: int, *, anyway: bool = False) -> SlotState:
        """Make a version current; raises GateRefused for a rejected one unless ``anyway``."""
        version = self.version(name, number)
        if not (version.promoted or anyway):
            raise GateRefused(
                f"Version {number} of slot {name} did not pass the gate.",
                f"See why with: mlxtwin eval {name} --version {number}; to use it all the same, add --anyway.",
            )
        with self._locked(name):
            state = self.state(name)
            if state.current != number:
                history = [*state.history, *([state.current] if state.current else [])]
                self._write_state(name, number, history)
        return self.state(name)

    def rollback(self, name: str) -> SlotState:
        """Back to the version that was current before; raises UsageError when there is none."""
        self._folder(name)
        with self._locked(name):
            state = self.state(name)
            if not state.history:
                raise UsageError(
                    f"Slot {name} has no earlier version to go back to.", f"See: mlxtwin slots show {name}"
                )
            self._write_state(name, state.history[-1], list(state.history[:-1]))
        return self.state(name)

    def remove(self, name: str) -> None:
        """Remove a slot with all its versions."""
        folder = self._folder(name)
        doomed = folder.with_name(f".{name}.removed")
        if doomed.exists():  # a removal that was killed
            shutil.rmtree(doomed)
        folder.rename(doomed)
        shutil.rmtree(doomed)

    def _folder(self, name: str) -> Path:
        folder = self.home.slots / name
        if not (_NAME.fullmatch(name) and folder.is_dir()):
            raise UsageError(f"There is no slot {name}.", self._what_there_is(name))
        return folder

    def _what_there_is(self, name: str) -> str:
        known = self.names()
        if not known:
            return "Train one with: mlxtwin retrain voice"
        close = difflib.get_close_matches(name, known, 1)
        return f"Did you mean {close[0]}?" if close else f"There are: {', '.join(known)}."

    def _versions(self, name: str) -> Iterator[Version]:
        for path in sorted((self.home.slots / name).glob("v[0-9]*")):
            if (path / META).is_file():
                yield Version(name, int(path.name[1:]), _read_object(path / META), self._forgotten(path))

    def _path(self, name: str, number: int) -> Path:
        return self.home.slots / name / f"v{number:04d}"

    def _read(self, version: Version, file: str) -> bytes:
        return self._files().read(self._path(version.slot, version.number) / file)

    def _files(self) -> SealedFiles:
        if self.sealed is None:
            raise ValueError("this registry was opened without the key")
        return self.sealed

    def _write_version(
        self, name: str, number: int, sealed: dict[str, bytes], meta: dict[str, Any], forgotten: int
    ) -> None:
        final = self._path(name, number)
        draft = final.with_name(f".{final.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        make_folder(draft)
        for file, data in sealed.items():
            self._files().write(draft / file, data, place=final / file)
        write_json(draft / META, meta)
        if forgotten:
            write_json(draft / FORGOTTEN, {"documents": forgotten})
        for path in draft.iterdir():
            path.chmod(0o400)
        try:
            draft.rename(final)
            sync_folder(final.parent)
        except OSError as error:
            raise storage_error(error, final) from None

    def _write_state(self, name: str, current: int, history: list[int]) -> None:
        write_json(self.home.slots / name / STATE, {"current": current, "history": history})

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        folder = make_folder(self.home.slots / name)
        with open(folder / ".lock", "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _read_object(path: Path) -> dict[str, Any]:
    try:
        loaded = read_json(path)
    except ValueError:
        loaded = None
    if not isinstance(loaded, dict):
        raise TwinError(f"{path.name} in {path.parent} cannot be read.", "Restore it from a backup.")
    return loaded

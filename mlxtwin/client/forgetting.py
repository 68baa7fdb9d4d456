"""Forgetting documents everywhere: what it would touch, and doing it.

The words go from the vault with its index and log, from runs that were not finished, from what versions show of them,
and from the kept states of frozen blocks, which go as a whole: nothing tells whose they are. Adapters stay, for what
one learned cannot be taken out of it; each version that was trained on a forgotten document is marked.

Not covered: files that were exported, conversations with a twin, corrections and ratings; they are removed by
themselves.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlxtwin.client import data
from mlxtwin.client.throwaway import remove_leftovers
from mlxtwin.errors import SealBroken, TwinError, UsageError
from mlxtwin.jobs import runs, supervisor
from mlxtwin.jobs.runs import CHECKPOINT, DATASET, SPEC, Run
from mlxtwin.paths import Home
from mlxtwin.records import Person
from mlxtwin.slots.registry import Slots, Version

if TYPE_CHECKING:
    from mlxtwin.dataset.learned import Learned
    from mlxtwin.vault.selection import Amount
    from mlxtwin.vault.store import Vault

Threads = Mapping[str, set[str]]


@dataclass(frozen=True, slots=True)
class Marked:
    """A version that was trained on so many of the ``documents``; ``told`` is False for an old one that does not say
    what it was trained on, and may have been on all of them."""

    slot: str
    version: int
    documents: int
    told: bool = True


@dataclass(frozen=True, slots=True)
class Touched:
    """What forgetting the documents ``ids`` comes to: numbers, and names of our own things. ``copies``: documents that
    say the same and stay."""

    ids: tuple[str, ...]
    amounts: tuple[Amount, ...]
    versions: tuple[Marked, ...]
    runs: tuple[str, ...]
    states: bool
    copies: tuple[str, ...] = ()

    @property
    def words(self) -> int:
        return sum(one.words for one in self.amounts)


def chosen(vault: Vault, written: Iterable[str], people: Iterable[str], sources: Iterable[str]) -> list[str]:
    """The ids that are meant: each is in the list once. Raises UsageError for an id, a person or a source of which
    there is nothing, and for the person themselves."""
    found = [data.find(vault, one).document.id for one in written]
    for name in people:
        found += _of_person(vault, name)
    for source in sources:
        there = vault.selection.of_sources([source])
        if not there:
            known = ", ".join(vault.sources()) or "none"
            raise UsageError(f"There are no documents of {source}.", f"Sources of what there is: {known}.")
        found += there
    return list(dict.fromkeys(found))


def _of_person(vault: Vault, name: str) -> list[str]:
    if Person.of(vault.names()).is_me(name):
        raise UsageError(f"{name} is you, who wrote in nearly all there is.", "Name a source: --source SOURCE")
    person = Person.of([name])
    found = vault.selection.of_people(person.is_me)
    if not found:
        raise UsageError(
            f"Nobody called {name} wrote in any document.",
            "The name must be whole, as `mlxtwin data show` gives it; who is only spoken of is not found.",
        )
    return found


def look(home: Home, key: bytes, vault: Vault, ids: Sequence[str]) -> Touched:
    """What forgetting them would touch; nothing is changed."""
    return _Forgetting(home, key, vault, ids).touched()


def forget(home: Home, key: bytes, vault: Vault, ids: Sequence[str]) -> Touched:
    """Remove them for good. Raises Busy while a run is alive, for it holds what it learns from.

    The vault comes last: where this is killed, the same again does the rest.
    """
    remove_leftovers(home.root)  # each a copy of the vault
    with runs.starting(home):
        supervisor.require_free(home)
        forgetting = _Forgetting(home, key, vault, ids)
        touched = forgetting.touched()
        forgetting.remove()
        vault.forget_many(ids)
    return touched


class _Forgetting:
    def __init__(self, home: Home, key: bytes, vault: Vault, ids: Sequence[str]) -> None:
        from mlxtwin.security.crypto import SealedFiles

        self._home, self._vault, self._ids = home, vault, tuple(ids)
        self._sealed = SealedFiles(home, key)
        self._slots = Slots(home, self._sealed)
        # A mail may be shown with others of its thread when these are learned, or measured on.
        self._threads = vault.selection.threads(ids)
        self._near: frozenset[str] = frozenset().union(*self._threads.values())
        self._own = sum(one.words > 0 for one in vault.outcomes(ids))
        self._runs = [folder for folder in _unfinished(home) if self._holds(folder)]
        self._versions = [(version, self._learned(version)) for version in _versions(self._slots)]

    def touched(self) -> Touched:
        marked = [self._marked(version, learned) for version, learned in self._versions]
        return Touched(
            self._ids,
            tuple(self._vault.selection.amounts(self._ids)),
            tuple(one for one in marked if one.documents),
            tuple(folder.name for folder in self._runs),
            self._home.prefix.exists(),
            tuple(self._vault.selection.copies(self._ids)),
        )

    def remove(self) -> None:
        for folder in self._runs:
            _remove_words(folder)
        _remove(self._home.prefix)
        self._slots.remove_drafts()
        for version, learned in self._versions:
            self._forget(version, learned)

    def _forget(self, version: Version, learned: Learned | None) -> None:
        marked = self._marked(version, learned)
        if learned is None:
            self._slots.forget(version, marked.documents, None, samples=True)
            return
        shown = bool(self._near & learned.held)
        gone = set(self._ids) & (learned.trained.keys() | learned.held)
        if marked.documents or shown or gone:
            rest = learned.without(gone).to_bytes() if gone else None
            self._slots.forget(version, marked.documents, rest, samples=shown)

    def _marked(self, version: Version, learned: Learned | None) -> Marked:
        if learned is None:
            return Marked(version.slot, version.number, self._own, told=False)
        known = learned.trained.keys()
        return Marked(version.slot, version.number, sum(not near.isdisjoint(known) for near in self._threads.values()))

    def _learned(self, version: Version) -> Learned | None:
        from mlxtwin.dataset.learned import Learned

        try:
            kept = self._slots.learned(version)
            return None if kept is None else Learned.from_bytes(kept)
        except SealBroken:
            return None

    def _holds(self, folder: Path) -> bool:
        """Whether a run that was not finished may hold words of them; one that cannot be read may."""
        from mlxtwin.dataset.examples import Dataset

        try:
            dataset = Dataset.from_bytes(self._sealed.read(folder / DATASET))
        except SealBroken:
            return True
        known = set() if dataset.learned is None else dataset.learned.trained.keys() | dataset.learned.held
        read = {example.document for example in (*dataset.train, *dataset.holdout)}
        return not self._near.isdisjoint(read | known) or (dataset.learned is None and bool(dataset.learned_before))


def _unfinished(home: Home) -> list[Path]:
    """The folders of runs that still have what they learn from."""
    if not home.runs.is_dir():
        return []
    folders = sorted(path for path in home.runs.iterdir() if path.is_dir())
    return [path for path in folders if (path / DATASET).exists() or (path / CHECKPOINT).exists()]


def _remove_words(folder: Path) -> None:
    """A finished run keeps its numbers; another one could not go on."""
    if Run(folder).ending() == "done":
        _remove(folder / CHECKPOINT)
        (folder / DATASET).unlink(missing_ok=True)
        return
    (folder / SPEC).unlink(missing_ok=True)  # first, for it makes the folder a run
    _remove(folder)


def _versions(slots: Slots) -> list[Version]:
    return [version for name in slots.names() for version in slots.state(name).versions]


def _remove(path: Path) -> None:
    """A folder with all that is in it. Raises TwinError where something stays."""
    shutil.rmtree(path, ignore_errors=True)
    if path.exists():
        raise TwinError(f"{path} cannot be removed.", "Check its permissions, and run this again.")

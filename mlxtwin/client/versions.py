"""Slots and their versions as a screen shows them: rows, report cards, and what can be done with them.

Every method may block. Looking needs no key; report cards and exports do, and raise VaultLocked without it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlxtwin.client import slots
from mlxtwin.errors import UsageError
from mlxtwin.records import Check
from mlxtwin.slots.registry import Slots, SlotState, Version

if TYPE_CHECKING:
    from mlxtwin.client.house import House


@dataclass(frozen=True, slots=True)
class SlotRow:
    """``current``: the version in use; ``before``: the one that rolling back goes to."""

    slot: str
    current: int | None
    before: int | None
    versions: int


@dataclass(frozen=True, slots=True)
class VersionRow:
    """The numbers of a version, in nats per token and shares; ``holdout_digest``: of the words it was measured on;
    ``trained_on_forgotten``: how many documents that it knows were forgotten since."""

    slot: str
    number: int
    created: str
    recipe: str
    effort: str
    base: str
    base_nll: float
    twin_nll: float
    gain_ci: tuple[float, float]
    forgetting: float | None
    copied_run: int | None
    strength: float
    verdict: str
    current: bool
    reasons: tuple[str, ...] = ()
    parent: int | None = None
    run: str = ""
    holdout_digest: str = ""
    trained_on_forgotten: int = 0

    @property
    def gain(self) -> float:
        """How much lower its held-out loss is, as a share of the base's."""
        return (self.base_nll - self.twin_nll) / self.base_nll if self.base_nll else 0.0

    @property
    def promoted(self) -> bool:
        return self.verdict == "promoted"


@dataclass(frozen=True, slots=True)
class Sample:
    """One held-out prompt, the person's own words, and what base and twin said. Personal."""

    prompt: str
    person: str
    base: str
    twin: str


@dataclass(frozen=True, slots=True)
class ReportCard:
    """A version with its checks and samples; ``tokens`` and ``documents`` it was measured on."""

    version: VersionRow
    checks: tuple[Check, ...]
    samples: tuple[Sample, ...] = field(default=(), repr=False)
    tokens: int = 0
    documents: int = 0
    update: bool = False


class Versions:
    """The slots of one house."""

    def __init__(self, house: House) -> None:
        self.house = house

    def slots(self) -> list[SlotRow]:
        known = Slots(self.house.home)
        return [_slot_row(known.state(name)) for name in known.names()]

    def versions(self, slot: str) -> list[VersionRow]:
        """The newest first. Raises UsageError for a slot that is not there."""
        state = Slots(self.house.home).state(slot)
        return [_row(version, state.current) for version in reversed(state.versions)]

    def use(self, slot: str, number: int, *, anyway: bool = False) -> SlotRow:
        """Raises GateRefused for a rejected version unless ``anyway``, UsageError."""
        return _slot_row(slots.use(self.house.home, slot, number, anyway=anyway))

    def rollback(self, slot: str) -> SlotRow:
        """Raises UsageError where no version was current before."""
        return _slot_row(slots.rollback(self.house.home, slot))

    def remove(self, slot: str) -> None:
        """With all its versions, for good. Raises UsageError."""
        slots.remove(self.house.home, slot)

    def card(self, slot: str, number: int) -> ReportCard:
        """Raises VaultLocked, UsageError, SealBroken."""
        found = slots.card(self.house.home, self.house.key, slot, number)
        current = Slots(self.house.home).state(slot).current
        return _card(_row(found.version, current), found.report, found.version.meta)

    def export(self, slot: str, number: int, folder: str) -> str:
        """Write a version in the clear as a folder that mlx-lm loads; the folder of the base it belongs to.

        Raises UsageError for a folder that holds files or cannot be written, VaultLocked.
        """
        if not folder.strip():
            raise UsageError("The name of the folder is empty.", "For example: ~/voice-adapter")
        target = Path(folder.strip()).expanduser()
        version = slots.export(self.house.home, self.house.key, slot, number, target)
        return str(version.meta["base"]["path"])


def _slot_row(state: SlotState) -> SlotRow:
    before = state.history[-1] if state.history else None
    return SlotRow(state.name, state.current, before, len(state.versions))


def _row(version: Version, current: int | None) -> VersionRow:
    meta = version.meta
    holdout, recipe = meta["holdout"], meta["recipe"]
    low, high = holdout["gain_ci"]
    return VersionRow(
        slot=version.slot,
        number=version.number,
        created=str(meta["created"])[:16].replace("T", " "),
        recipe=recipe["name"],
        effort=recipe.get("effort", "balanced"),
        base=meta["base"]["name"],
        base_nll=holdout["base_nll"],
        twin_nll=holdout["twin_nll"],
        gain_ci=(low, high),
        forgetting=meta.get("forgetting"),
        copied_run=meta.get("copied_run"),
        strength=meta.get("strength", 1.0),
        verdict=meta["verdict"],
        current=version.number == current,
        reasons=tuple(meta.get("reasons", ())),
        parent=meta.get("parent"),
        run=meta.get("run", ""),
        holdout_digest=holdout.get("digest", ""),
        trained_on_forgotten=version.trained_on_forgotten,
    )


def _card(row: VersionRow, report: dict[str, Any], meta: dict[str, Any]) -> ReportCard:
    holdout = meta["holdout"]
    return ReportCard(
        version=row,
        checks=tuple(Check(**check) for check in report["verdict"]["checks"]),
        samples=tuple(Sample(**sample) for sample in report["samples"]),
        tokens=holdout.get("tokens", 0),
        documents=holdout.get("documents", 0),
        update=meta["recipe"].get("update") is not None,
    )

"""What the screen of training asks: plan a run, start it, follow it, stop it, read its end.

Every method may block. Runs live in folders, so whoever asks sees what any other program of this home started.
"""

from __future__ import annotations

import shlex
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlxtwin.client import plan_words, runs
from mlxtwin.client.progress import Progress
from mlxtwin.client.versions import Versions
from mlxtwin.errors import NotEnoughMemory, TwinError, UsageError
from mlxtwin.records import RunEvent

if TYPE_CHECKING:
    from mlxtwin.client.house import House
    from mlxtwin.jobs.supervisor import Started

EFFORTS = ("quick", "balanced", "deep")


@dataclass(frozen=True, slots=True)
class RecipeRow:
    """A bundled recipe; ``description``: the comment at its head; ``slot``: the one that it names."""

    name: str
    description: str
    slot: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person chose; what is empty is left to the recipe. ``sets``: KEY=VALUE pairs as typed."""

    recipe: str = "voice"
    effort: str = ""
    slot: str = ""
    base: str = ""
    sets: str = ""

    def pairs(self) -> list[str]:
        """Raises UsageError for a quote that is not closed."""
        try:
            typed = shlex.split(self.sets)
        except ValueError:
            raise UsageError("A quote in the values is not closed.", "Write them as: epochs=2 seed=7") from None
        return [*([f"effort={self.effort}"] if self.effort else []), *typed]


@dataclass(frozen=True, slots=True)
class Plan:
    """A run before its start. ``values``: (key, value, origin); ``memory``: (what for, how much); ``prepared``: what
    `Training.start` takes, which holds personal text."""

    recipe: str
    effort: str
    slot: str
    base: str
    summary: str
    values: tuple[tuple[str, str, str], ...]
    memory: tuple[tuple[str, str], ...]
    needed_bytes: int
    budget_bytes: int
    fits: bool
    advice: str = ""
    prepared: runs.Planned | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run in the list; ``state`` may also be "damaged", and names are empty then."""

    run: str
    state: str
    recipe: str
    slot: str
    base: str
    effort: str
    step: int
    steps: int | None
    verdict: str
    version: int | None


@dataclass(frozen=True, slots=True)
class Tail:
    """New events of a run, where to read on, and whether a worker has it or is just being started."""

    events: Sequence[RunEvent]
    offset: int
    working: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended: ``verdict`` promoted, rejected or stopped, and ``checks``: (name, passed, sentence).

    ``holdout``: the loss of base and twin, and both ends of the interval of the gain, in nats per token."""

    run: str
    slot: str
    version: int | None
    verdict: str
    checks: tuple[tuple[str, bool, str], ...] = ()
    step: int = 0
    steps: int | None = None
    seconds: float = 0.0
    tokens: int = 0
    tokens_per_second: float = 0.0
    peak_memory_bytes: int = 0
    holdout: tuple[float, float, float, float] | None = None


class Training:
    """The runs of one house; ``versions``: what they made."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.versions = Versions(house)
        self._budget: int | None = None

    def recipes(self) -> list[RecipeRow]:
        from mlxtwin.train import recipe

        return [_recipe_row(name) for name in recipe.names()]

    def bases(self) -> list[str]:
        """The names of the base models there are, the bundled one first."""
        from mlxtwin.backend import models

        return [base.name for base in models.ls(self.house.home)]

    def plan(self, choice: Choice) -> Plan:
        """Raises RecipeError, UsageError for an unknown base or too little data, NothingNew, VaultLocked."""
        overrides = {name: value for name, value in (("slot", choice.slot), ("base", choice.base)) if value}
        pairs = choice.pairs()
        with self.house.vault() as vault:
            planned = runs.plan(self.house.home, vault, choice.recipe, dict(overrides), pairs, self.house.key)
        self._budget = planned.memory.budget
        return _plan(planned)

    def start(self, plan: Plan) -> str:
        """Begin the run and give its name; its worker outlives this program. Raises Busy while another one trains,
        NotEnoughMemory for a plan that does not fit."""
        if plan.prepared is None:
            raise UsageError("There is nothing prepared to start.", "Choose a recipe first.")
        if not plan.fits:
            raise NotEnoughMemory("This run does not fit into the memory of this machine.", plan.advice)
        return _let_go(runs.start(self.house.home, self.house.key, plan.prepared))

    def runs(self) -> list[RunRow]:
        """The newest first."""
        return [_run_row(row) for row in runs.every(self.house.home)]

    def look(self, run: str) -> RunRow:
        """Raises UsageError for a run that is not there."""
        found = runs.find(self.house.home, run)
        return _run_row(runs.row(found))

    def tail(self, run: str, offset: int = 0) -> Tail:
        """The events after ``offset``: 0 for all of them. Raises UsageError for a run that is not there."""
        found = runs.find(self.house.home, run)
        working = found.alive()  # before the events: of a worker that is gone now, all are read
        events, behind = found.events.read(offset)
        return Tail(events, behind, working or (behind == 0 and found.state() == "waiting"))

    def stop(self, run: str) -> bool:
        """Ask its worker to stop after the step it is in; whether there is one to ask."""
        return runs.stop(runs.find(self.house.home, run))

    def resume(self, run: str) -> None:
        """Go on where it stopped or was killed. Raises UsageError for a finished run, Busy, VaultLocked."""
        found = runs.find(self.house.home, run)
        _let_go(runs.resume(self.house.home, self.house.key, found))

    def ending(self, run: str) -> Ending:
        """How it ended; raises what its worker failed with, RunFailed where it was killed."""
        home = self.house.home
        return _ending(runs.outcome(home, runs.find(home, run)))

    def budget_bytes(self) -> int:
        """The memory that a run may take on this machine, 0 where that cannot be found out; asked once."""
        if self._budget is None:
            from mlxtwin.client.doctor import device

            try:
                self._budget = int(device().get("memory_budget", 0))
            except TwinError:
                self._budget = 0
        return self._budget


def followed(training: Training, run: str, progress: Progress, offset: int) -> Tail:
    """Read on and let ``progress`` take what is new: long runs are folded where they are read, in a thread."""
    tail = training.tail(run, offset)
    progress.take(tail.events)
    return tail


def _recipe_row(name: str) -> RecipeRow:
    from mlxtwin.train import recipe

    text = (recipe.folder() / f"{name}.yaml").read_text(encoding="utf-8")
    comment = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        comment.append(line.lstrip("# "))
    written = recipe.read(name)
    return RecipeRow(name, " ".join(comment), str(written.get("slot") or written.get("name") or name))


def _plan(planned: runs.Planned) -> Plan:
    from mlxtwin.train.plan import advice

    recipe, memory = planned.resolved.recipe, planned.memory
    return Plan(
        recipe=recipe.name,
        effort=recipe.effort,
        slot=recipe.slot,
        base=str(planned.base["name"]),
        summary=plan_words.begun(planned),
        values=plan_words.values(planned.resolved, plan_words.on_screen),
        memory=plan_words.memory(memory) + plan_words.disk(memory),
        needed_bytes=memory.total,
        budget_bytes=memory.budget,
        fits=memory.fits,
        advice="" if memory.fits else advice(memory),
        prepared=planned,
    )


def _let_go(started: Started) -> str:
    """Its worker goes on without us; while we are here, its end is waited for, lest it stays as a zombie."""
    threading.Thread(target=started.process.wait, daemon=True).start()
    return started.run.id


def _run_row(row: dict[str, Any]) -> RunRow:
    return RunRow(
        run=row["run"],
        state=row["state"],
        recipe=row["recipe"] or "",
        slot=row["slot"] or "",
        base=row["base"] or "",
        effort=row["effort"] or "",
        step=row["step"] or 0,
        steps=row["steps"],
        verdict=row["verdict"] or "",
        version=row["version"],
    )


def _ending(found: dict[str, Any]) -> Ending:
    slot, version, verdict = found["slot"], found["version"], found["verdict"]
    if verdict == "stopped":
        return Ending(found["run"], slot, None, verdict, step=found["step"], steps=found["steps"])
    checks, reasons, holdout = found["checks"], found["reasons"], found["holdout"]
    sentences = reasons or [f"{name}." for name in checks]  # the version may be removed by now
    return Ending(
        run=found["run"],
        slot=slot,
        version=version,
        verdict=verdict,
        checks=tuple(
            (name, bool(check[2]), said) for (name, check), said in zip(checks.items(), sentences, strict=False)
        ),
        step=found["steps"],
        steps=found["steps"],
        seconds=found["seconds"],
        tokens=found["supervised_tokens"],
        tokens_per_second=found["tokens_per_second"],
        peak_memory_bytes=found["peak_memory_bytes"],
        holdout=(holdout["base_nll"], holdout["twin_nll"], *holdout["gain_ci"]),
    )

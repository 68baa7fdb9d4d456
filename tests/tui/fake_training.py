"""Runs and versions without a model, for tests of the screens. They keep the contract of `Training` and `Versions`:
`test_training_contract.py` puts both through the same calls."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

from mlxtwin.client.house import House, Overview
from mlxtwin.client.training import Choice, Ending, Plan, RecipeRow, RunRow, Tail, Training
from mlxtwin.client.versions import ReportCard, Sample, SlotRow, VersionRow, Versions
from mlxtwin.errors import Busy, GateRefused, NotEnoughMemory, RecipeError, RunFailed, TwinError, UsageError
from mlxtwin.records import Check, RunEvent

from .fakes import FakeHouse

GIB = 1 << 30
RECIPES = [
    RecipeRow("corrections", "What you corrected while chatting.", "voice"),
    RecipeRow("letters", "Mails and notes only.", "letters"),
    RecipeRow("voice", "The voice of all you wrote.", "voice"),
]
RUN = "20260801-101500-aaaa"


def events(*pairs: tuple[str, dict[str, Any]], at: float = 1000.0) -> list[RunEvent]:
    """Events ten seconds apart."""
    return [RunEvent(name, at + 10 * place, data) for place, (name, data) in enumerate(pairs)]


def step(number: int, steps: int = 40, loss: float | None = None) -> tuple[str, dict[str, Any]]:
    """A step as the worker tells it; the loss falls."""
    numbers = {"step": number, "steps": steps, "loss": 4.0 - 0.02 * number if loss is None else loss}
    pace = {"tokens_per_second": 850.0, "memory_bytes": 300 << 20, "seconds_left": 2.0 * (steps - number)}
    return "step", {**numbers, **pace, "tokens": 90 * number}


def begun(steps: int = 40) -> list[tuple[str, dict[str, Any]]]:
    """From the worker's start to its first step."""
    return [
        ("start", {"pid": 1, "network": "namespace"}),
        ("ready", {"device": "cpu", "parameters": 860_160}),
        ("train", {"step": 0, "steps": steps, "examples": 12, "tokens": 3600}),
    ]


def live(upto: int = 20, steps: int = 40) -> list[RunEvent]:
    """A run in its midst, after the first of two epochs."""
    half = ("validation", {"epoch": 1, "epochs": 2, "loss": 3.7, "best": True, "stops": False})
    steps_done = [step(number, steps) for number in range(2, upto + 1, 2)]
    return events(*begun(steps), *steps_done, *([half] if upto >= steps // 2 else []))


def done(verdict: str, version: int, slot: str = "voice") -> tuple[str, dict[str, Any]]:
    """The last event of a run that was judged."""
    checks = {one.name: [one.value, one.threshold, one.passed] for one in checks_of(verdict)}
    numbers = {"seconds": 130.0, "steps": 40, "supervised_tokens": 3600, "tokens_per_second": 850.0}
    holdout = {"base_nll": 4.0, "twin_nll": 3.6 if verdict == "promoted" else 3.95, "gain_ci": [0.01, 0.7]}
    rest = {"checks": checks, "strength": 1.0, "peak_memory_bytes": 300 << 20, "holdout": holdout}
    return "done", {"run": RUN, "slot": slot, "version": version, "verdict": verdict, **numbers, **rest}


def checks_of(verdict: str) -> tuple[Check, ...]:
    """Those of a version with this verdict; a rejected one fails by its gain."""
    good = verdict == "promoted"
    gain = "10.0% lower" if good else "1.2% lower"
    return (
        Check("gain", 0.1 if good else 0.012, 0.02, good, f"Held-out loss {gain}; asked for: at least 2.0% lower."),
        Check("forgetting", 0.011, 0.03, True, "Loss on neutral text: 1.1% higher; allowed: at most 3.0% higher."),
        Check("copying", 4.0, 13.0, True, "Longest run copied from the training text: 4 words; allowed: 13."),
    )


def version(number: int, verdict: str = "promoted", *, slot: str = "voice", **given: Any) -> VersionRow:
    """One version of a slot."""
    twin = 3.7 - 0.1 * number if verdict == "promoted" else 3.95
    reasons = tuple(check.reason for check in checks_of(verdict))
    interval = (4.0 - twin - 0.05, 4.1 - twin)
    row = VersionRow(
        slot, number, f"2026-08-0{number} 10:15", "voice", "quick", "starter", 4.0, twin, interval,
        0.011, 4, 1.0, verdict, False, reasons, run=RUN, holdout_digest="same",
    )  # fmt: skip
    return replace(row, **given)


class FakeVersions(Versions):
    """``kept``: the versions of each slot; ``states``: the current one and those before it."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.kept: dict[str, list[VersionRow]] = {}
        self.states: dict[str, list[int]] = {}
        self.exported: list[tuple[str, int, str]] = []

    def add(self, row: VersionRow, *, use: bool = False) -> None:
        self.kept.setdefault(row.slot, []).append(row)
        self.states.setdefault(row.slot, [])
        if use:
            self.states[row.slot].append(row.number)

    def slots(self) -> list[SlotRow]:
        return [self._state(slot) for slot in sorted(self.kept)]

    def versions(self, slot: str) -> list[VersionRow]:
        current = self._state(slot).current
        return [replace(row, current=row.number == current) for row in reversed(self.kept[slot])]

    def use(self, slot: str, number: int, *, anyway: bool = False) -> SlotRow:
        if not (self._version(slot, number).promoted or anyway):
            raise GateRefused(f"Version {number} of slot {slot} did not pass the gate.", "")
        if self.states[slot][-1:] != [number]:
            self.states[slot].append(number)
        return self._state(slot)

    def rollback(self, slot: str) -> SlotRow:
        if len(self.states[slot]) < 2:
            raise UsageError(f"Slot {slot} has no earlier version to go back to.", "")
        self.states[slot].pop()
        return self._state(slot)

    def remove(self, slot: str) -> None:
        self._state(slot)
        del self.kept[slot], self.states[slot]

    def card(self, slot: str, number: int) -> ReportCard:
        assert self.house.key
        row = self._version(slot, number)
        sample = Sample("How was the sea?", "Grey, and full of gulls.", "The sea is a body of water.", "Grey, mostly.")
        return ReportCard(row, checks_of(row.verdict), (sample,), tokens=900, documents=3)

    def export(self, slot: str, number: int, folder: str) -> str:
        assert self.house.key
        if not folder.strip():
            raise UsageError("The name of the folder is empty.", "For example: ~/voice-adapter")
        if Path(folder).expanduser().is_dir() and any(Path(folder).expanduser().iterdir()):
            raise UsageError(f"{folder} is not empty.", "Give a new folder; nothing is overwritten.")
        self._version(slot, number)
        self.exported.append((slot, number, folder))
        return "/models/starter"

    def _state(self, slot: str) -> SlotRow:
        if slot not in self.kept:
            raise UsageError(f"There is no slot {slot}.", "")
        used = self.states[slot]
        before = used[-2] if len(used) > 1 else None
        return SlotRow(slot, used[-1] if used else None, before, len(self.kept[slot]))

    def _version(self, slot: str, number: int) -> VersionRow:
        found = next((row for row in self.versions(slot) if row.number == number), None)
        if found is None:
            raise UsageError(f"Slot {slot} has no version {number}.", "")
        return found


class FakeTraining(Training):
    """``logs``: the events of each run; ``working``: runs that a worker has; ``failures``: what one failed with.

    ``nothing``, where it is set, is raised by every plan; ``planning``, where it is set, holds plans back.
    """

    def __init__(self, house: House | None = None) -> None:
        super().__init__(house or FakeHouse())
        self.versions: FakeVersions = FakeVersions(self.house)
        self.logs: dict[str, list[RunEvent]] = {}
        self.working: set[str] = set()
        self.failures: dict[str, TwinError] = {}
        self.stops: list[str] = []
        self.started: list[Plan] = []
        self.nothing: TwinError | None = None
        self.planning: Event | None = None
        self.needs = GIB // 2

    def add(self, run: str, log: Iterable[RunEvent], *, working: bool = False) -> None:
        self.logs[run] = list(log)
        if working:
            self.working.add(run)

    def tell(self, run: str, *pairs: tuple[str, dict[str, Any]]) -> None:
        """The worker says more."""
        self.logs[run] += events(*pairs, at=self.logs[run][-1].at + 10)

    def recipes(self) -> list[RecipeRow]:
        return RECIPES

    def bases(self) -> list[str]:
        return ["starter", "smol/larger"]

    def plan(self, choice: Choice) -> Plan:
        if self.planning:
            self.planning.wait(10)
        if self.nothing:
            raise self.nothing
        pairs = choice.pairs()
        if choice.recipe not in {row.name for row in RECIPES}:
            raise RecipeError(f"There is no recipe {choice.recipe}.", "Did you mean voice?")
        if choice.base and choice.base not in self.bases():
            raise UsageError(f"There is no base {choice.base}.", "")
        values = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        if len(values) < len(pairs) or set(values) - {"effort", "epochs", "seed"}:
            raise RecipeError(f"--set {pairs[-1]} is not known.", "Did you mean learning_rate?")
        effort, slot, base = values.get("effort", "balanced"), choice.slot or choice.recipe, choice.base or "starter"
        rows = (
            ("effort", effort, "set here" if "effort" in values else "recipe"),
            ("slot", slot, "set here" if choice.slot else "recipe"),
            ("base", base, "set here" if choice.base else "recipe"),
            ("epochs", values.get("epochs", "3"), "set here" if "epochs" in values else f"effort: {effort}"),
            ("learning_rate", "0.002", "width of the base"),
        )
        memory = (("the base", "20 MiB"), ("training, all of that", "512 MiB"))
        fits = self.needs <= 16 * GIB
        summary = "Learns from 9,000 words in 12 examples; held out to measure by: 900 words in 3 more."
        advice = "" if fits else "It would fit in 12.0 GiB with: --set batch_tokens=512"
        return Plan(choice.recipe, effort, slot, base, summary, rows, memory, self.needs, 16 * GIB, fits, advice)

    def start(self, plan: Plan) -> str:
        if not plan.fits:
            raise NotEnoughMemory("This run does not fit into the memory of this machine.", plan.advice)
        self._require_free()
        run = f"20260801-1100{len(self.started):02d}-bbbb"
        self.started.append(plan)
        self.add(run, events(*begun()), working=True)
        return run

    def runs(self) -> list[RunRow]:
        return [self.look(run) for run in sorted(self.logs, reverse=True)]

    def look(self, run: str) -> RunRow:
        self._require_known(run)
        last = next((event.data for event in reversed(self.logs[run]) if event.event == "step"), {})
        ended = next((event.data for event in reversed(self.logs[run]) if event.event == "done"), {})
        words = ("voice", "voice", "starter", "quick")
        return RunRow(
            run, self._state(run), *words, last.get("step", 0), last.get("steps"), ended.get("verdict", ""),
            ended.get("version"),
        )  # fmt: skip

    def tail(self, run: str, offset: int = 0) -> Tail:
        self._require_known(run)
        return Tail(self.logs[run][offset:], len(self.logs[run]), run in self.working)

    def stop(self, run: str) -> bool:
        self._require_known(run)
        if run in self.working:
            self.stops.append(run)
        return run in self.working

    def resume(self, run: str) -> None:
        self._require_known(run)
        self._require_free()
        if self._state(run) == "done":
            raise UsageError(f"Run {run} is finished.", "")
        self.working.add(run)
        self.failures.pop(run, None)
        at = self.look(run).step
        self.tell(
            run, ("start", {"pid": 2, "network": "namespace"}), ("train", {"step": at, "steps": 40, "examples": 12})
        )

    def ending(self, run: str) -> Ending:
        self._require_known(run)
        last, state = self.logs[run][-1].data, self._state(run)
        if run in self.failures:
            raise self.failures[run]
        if state == "stopped" and self.logs[run][-1].event == "stopped":
            return Ending(run, "voice", None, "stopped", step=last["step"], steps=last["steps"])
        if state != "done":
            raise RunFailed(f"The worker of run {run} was killed at step {self.look(run).step}.", "")
        verdict, holdout = last["verdict"], last["holdout"]
        checks = tuple((one.name, one.passed, one.reason) for one in checks_of(verdict))
        numbers = (last["steps"], last["steps"], last["seconds"], last["supervised_tokens"], last["tokens_per_second"])
        losses = (holdout["base_nll"], holdout["twin_nll"], *holdout["gain_ci"])
        return Ending(run, last["slot"], last["version"], verdict, checks, *numbers, last["peak_memory_bytes"], losses)

    def budget_bytes(self) -> int:
        return 16 * GIB

    def _state(self, run: str) -> str:
        if run in self.working:
            return "running"
        last = next((event.event for event in reversed(self.logs[run]) if event.event in ("done", "failed")), "stopped")
        return {"done": "done", "failed": "failed"}.get(last, "stopped")

    def _require_known(self, run: str) -> None:
        if run not in self.logs:
            raise UsageError(f"There is no run {run}.", "List them with: mlxtwin runs ls")

    def _require_free(self) -> None:
        if self.working:
            raise Busy(f"Run {min(self.working)} is training.", "Watch it.")


def house_with_words() -> FakeHouse:
    """One that has something to learn from."""
    house = FakeHouse()
    kinds = {"note": {"documents": 12, "kept": 12, "words_by_me": 9000}}
    house.found = Overview("open", "train", kinds, {1: {"documents": 12, "words": 9000}})
    return house

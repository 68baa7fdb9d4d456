"""The real `Training` and `Versions` and their fakes, put through the same calls. No model is loaded or trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from mlxtwin.backend.models import resolve
from mlxtwin.client import imports
from mlxtwin.client.house import House
from mlxtwin.client.progress import Progress
from mlxtwin.client.training import Choice, Training, followed
from mlxtwin.client.versions import Versions
from mlxtwin.errors import Busy, GateRefused, NotEnoughMemory, RecipeError, RunFailed, TwinError, UsageError
from mlxtwin.jobs import runs
from mlxtwin.paths import Home, write_json
from mlxtwin.records import RunEvent
from mlxtwin.sample import PERSON_NAMES
from mlxtwin.security.crypto import SealedFiles, new_key
from mlxtwin.slots.registry import Slots
from mlxtwin.vault.store import Vault

from .fake_training import FakeTraining, begun, checks_of, done, events, live, step, version

NOTES = Path(__file__).parents[2] / "mlxtwin" / "sample" / "exports" / "notes"
STOPPED = ("stopped", {"step": 20, "steps": 40})
ADAPTER = {"num_layers": 8, "rank": 8, "scale": 2.0, "dropout": 0.0, "keys": None, "dora": False}
FAILED = ("failed", {"error": "RunFailed", "exit_code": 1})


class Stage(Protocol):
    """One of the two, with the means to put runs and versions there."""

    training: Training

    def run(self, log: list[RunEvent], *, working: bool = False) -> str: ...
    def fail(self, run: str, error: TwinError) -> None: ...
    def add(self, number: int, verdict: str, *, use: bool) -> None: ...


class RealStage:
    """A home with a vault of notes; runs are folders written by hand."""

    def __init__(self, home: Home, held: ExitStack) -> None:
        key = new_key()
        with Vault.create(home, key) as vault:
            imports.run(vault, [NOTES], PERSON_NAMES)
        self.home, self.held, self.sealed = home, held, SealedFiles(home, key)
        self.training = Training(House(home, key))
        base = resolve(home, "starter")
        self.base = asdict(base) | {"path": str(base.path)}

    def run(self, log: list[RunEvent], *, working: bool = False) -> str:
        recipe = {"name": "voice", "slot": "voice", "effort": "quick"}
        spec = {"recipe": recipe, "base": {"name": "starter"}, "dataset": "0" * 64}
        made = runs.create(self.home, spec, b"dataset", self.sealed)
        for event in log:
            made.events.emit(event.event, **event.data)
        if working:
            self.held.enter_context(runs.held(made.folder / runs.LOCK))
        return made.id

    def fail(self, run: str, error: TwinError) -> None:
        failure = {"message": error.message, "hint": error.hint, "exit_code": 1}
        write_json(runs.find(self.home, run).folder / runs.FAILURE, failure)

    def add(self, number: int, verdict: str, *, use: bool) -> None:
        row = version(number, verdict)
        holdout = {"base_nll": row.base_nll, "twin_nll": row.twin_nll, "gain_ci": list(row.gain_ci), "digest": "same"}
        meta: dict[str, Any] = {
            "run": f"{row.run}{number}", "created": "2026-08-01T10:15:00Z", "base": self.base, "adapter": ADAPTER,
            "recipe": {"name": row.recipe, "effort": row.effort}, "holdout": holdout, "forgetting": row.forgetting,
            "copied_run": row.copied_run, "strength": 1.0, "verdict": verdict, "reasons": list(row.reasons),
        }  # fmt: skip
        sample = {"prompt": "How?", "person": "So.", "base": "Thus.", "twin": "So so."}
        report = {"verdict": {"checks": [asdict(check) for check in checks_of(verdict)]}, "samples": [sample]}
        slots = Slots(self.home, self.sealed)
        assert slots.add("voice", b"adapter", meta, report).number == number
        if use:
            slots.use("voice", number, anyway=True)


class FakeStage:
    def __init__(self) -> None:
        self.training: Training = FakeTraining()
        self.fake: FakeTraining = self.training  # type: ignore[assignment]

    def run(self, log: list[RunEvent], *, working: bool = False) -> str:
        run = f"20260801-1015{len(self.fake.logs):02d}-aaaa"
        self.fake.add(run, log, working=working)
        return run

    def fail(self, run: str, error: TwinError) -> None:
        self.fake.failures[run] = error

    def add(self, number: int, verdict: str, *, use: bool) -> None:
        self.fake.versions.add(version(number, verdict), use=use)


@pytest.fixture(params=["real", "fake"])
def stage(request: pytest.FixtureRequest, home: Home) -> Iterator[Stage]:
    with ExitStack() as held:
        yield RealStage(home, held) if request.param == "real" else FakeStage()


@pytest.fixture
def versions(stage: Stage) -> Versions:
    stage.add(1, "promoted", use=True)
    stage.add(2, "rejected", use=False)
    stage.add(3, "promoted", use=True)
    return stage.training.versions


def test_recipes_have_a_description_and_a_slot(stage: Stage) -> None:
    found = {row.name: row for row in stage.training.recipes()}
    assert found["voice"].description.startswith("The voice of all you wrote")
    assert found["letters"].slot == "letters"
    assert stage.training.bases()[0] == "starter"


def test_a_plan_says_where_each_value_comes_from(stage: Stage) -> None:
    plan = stage.training.plan(Choice("voice", effort="quick", slot="journal", sets="epochs=2"))
    values = {key: (value, origin) for key, value, origin in plan.values}
    assert (plan.effort, plan.slot, plan.base, plan.fits) == ("quick", "journal", "starter", True)
    assert values["effort"] == ("quick", "set here")
    assert values["slot"] == ("journal", "set here")
    assert values["epochs"] == ("2", "set here")
    assert values["base"][1] == "recipe"
    assert 0 < plan.needed_bytes < plan.budget_bytes
    assert plan.memory[0][0] == "the base"
    assert "Learns from" in plan.summary
    assert stage.training.budget_bytes() == plan.budget_bytes


@pytest.mark.parametrize(
    ("choice", "error"),
    [
        (Choice("voices"), RecipeError),
        (Choice("voice", sets="learning_rat=1"), RecipeError),
        (Choice("voice", sets="epochs"), RecipeError),
        (Choice("voice", sets="epochs='2"), UsageError),
        (Choice("voice", base="nowhere/to-be-found"), UsageError),
    ],
)
def test_a_choice_that_cannot_be_honoured_is_told(stage: Stage, choice: Choice, error: type[TwinError]) -> None:
    with pytest.raises(error):
        stage.training.plan(choice)


def test_only_one_run_trains_at_a_time(stage: Stage) -> None:
    plan = stage.training.plan(Choice("voice", effort="quick"))
    run = stage.run(live(), working=True)
    stopped = stage.run(events(*begun(), STOPPED))
    with pytest.raises(Busy, match=run):
        stage.training.start(plan)
    with pytest.raises(Busy):
        stage.training.resume(stopped)


def test_what_does_not_fit_is_not_started(stage: Stage) -> None:
    plan = stage.training.plan(Choice("voice", effort="quick"))
    with pytest.raises(NotEnoughMemory, match="does not fit"):
        stage.training.start(replace(plan, fits=False))
    assert stage.training.runs() == []


def test_events_are_read_from_where_one_left_off(stage: Stage) -> None:
    log = live()
    run = stage.run(log, working=True)
    whole = stage.training.tail(run)
    assert [event.event for event in whole.events] == [event.event for event in log]
    assert whole.working
    again = stage.training.tail(run, whole.offset)
    assert (list(again.events), again.offset) == ([], whole.offset)


def test_a_run_can_be_looked_at_and_followed(stage: Stage) -> None:
    run = stage.run(live(), working=True)
    row = stage.training.look(run)
    assert (row.run, row.state, row.step, row.steps, row.effort) == (run, "running", 20, 40, "quick")
    assert stage.training.runs() == [row]
    progress = Progress()
    assert progress.state(followed(stage.training, run, progress, 0).working) == "running"
    assert (progress.step, progress.steps, len(progress.training)) == (20, 40, 10)
    assert progress.set_apart == {1: (20.0, 3.7)}


def test_only_a_run_under_way_can_be_stopped(stage: Stage) -> None:
    assert stage.training.stop(stage.run(live(), working=True))
    assert not stage.training.stop(stage.run(events(*begun(), STOPPED)))


@pytest.mark.parametrize("call", ["look", "tail", "stop", "resume", "ending"])
def test_a_run_that_is_not_there_is_told(stage: Stage, call: str) -> None:
    stage.run(events(*begun(), STOPPED))
    with pytest.raises(UsageError):
        getattr(stage.training, call)("19990101-000000-ffff")


def test_a_stopped_run_says_where(stage: Stage) -> None:
    ending = stage.training.ending(stage.run(events(*begun(), STOPPED)))
    assert (ending.verdict, ending.step, ending.steps, ending.version) == ("stopped", 20, 40, None)


def test_a_killed_worker_is_told(stage: Stage) -> None:
    run = stage.run(live())
    with pytest.raises(RunFailed, match="killed at step 20"):
        stage.training.ending(run)
    progress = Progress()
    assert progress.state(followed(stage.training, run, progress, 0).working) == "killed"


def test_a_failed_run_raises_what_its_worker_said(stage: Stage) -> None:
    run = stage.run(events(*begun(), FAILED))
    stage.fail(run, RunFailed("The disk is full.", "Make room."))
    with pytest.raises(TwinError, match="disk is full") as raised:
        stage.training.ending(run)
    assert raised.value.hint == "Make room."


@pytest.mark.parametrize("verdict", ["promoted", "rejected"])
def test_a_finished_run_has_its_checks(stage: Stage, verdict: str) -> None:
    run = stage.run(events(*begun(), step(40), done(verdict, 1)))
    ending = stage.training.ending(run)
    assert (ending.verdict, ending.slot, ending.version, ending.steps) == (verdict, "voice", 1, 40)
    assert next((name, passed) for name, passed, _ in ending.checks) == ("gain", verdict == "promoted")
    assert ending.holdout is not None and ending.holdout[0] == 4.0
    assert stage.training.look(run).verdict == verdict
    with pytest.raises(UsageError, match="finished"):
        stage.training.resume(run)


def test_versions_come_newest_first_with_the_one_in_use(versions: Versions) -> None:
    assert [(row.slot, row.current, row.before, row.versions) for row in versions.slots()] == [("voice", 3, 1, 3)]
    rows = versions.versions("voice")
    assert [(row.number, row.current, row.promoted) for row in rows] == [
        (3, True, True),
        (2, False, False),
        (1, False, True),
    ]
    assert rows[2].gain == pytest.approx(0.1)
    assert rows[0].reasons[0].startswith("Held-out loss")


def test_a_rejected_version_is_used_only_by_hand(versions: Versions) -> None:
    with pytest.raises(GateRefused):
        versions.use("voice", 2)
    assert versions.use("voice", 2, anyway=True).current == 2
    assert versions.rollback("voice").current == 3
    assert versions.rollback("voice").current == 1
    with pytest.raises(UsageError):
        versions.rollback("voice")


def test_a_card_has_checks_and_samples(versions: Versions) -> None:
    card = versions.card("voice", 2)
    assert [check.name for check in card.checks if not check.passed] == ["gain"]
    assert card.samples[0].twin
    assert card.version.number == 2
    with pytest.raises(UsageError):
        versions.card("voice", 9)


def test_a_slot_is_removed_with_all_its_versions(versions: Versions) -> None:
    versions.remove("voice")
    assert versions.slots() == []
    for call in (versions.versions, versions.remove):
        with pytest.raises(UsageError):
            call("voice")


def test_an_export_overwrites_nothing(versions: Versions, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("Dear")
    for folder in ("  ", str(tmp_path / "full")):
        with pytest.raises(UsageError):
            versions.export("voice", 1, folder)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["letter.txt"]


def test_an_export_says_which_base_it_belongs_to(versions: Versions, tmp_path: Path) -> None:
    assert versions.export("voice", 1, str(tmp_path / "new")).endswith("starter")


def test_a_run_that_was_resumed_forgets_the_steps_done_twice() -> None:
    progress = Progress()
    progress.take(live(upto=20))
    progress.take(events(("start", {}), ("train", {"step": 12, "steps": 40, "examples": 12}), step(14)))
    assert [at for at, _ in progress.training] == [2, 4, 6, 8, 10, 12, 14]
    assert progress.set_apart == {}


def test_an_event_that_says_less_than_expected_is_passed_over() -> None:
    progress = Progress()
    progress.take(events(("step", {"step": 3}), ("validation", {}), ("unheard-of", {}), *begun(), step(2)))
    assert (progress.step, len(progress.training)) == (2, 1)

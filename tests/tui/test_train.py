from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import pairwise
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from mlxtwin.errors import NothingNew, RunFailed
from mlxtwin_tui.app import TwinApp
from mlxtwin_tui.screens.train import TrainScreen
from mlxtwin_tui.widgets.dial import Dial
from mlxtwin_tui.widgets.loss_plot import LossPlot
from mlxtwin_tui.widgets.plan_form import PlanForm

from .fake_training import RUN, FakeTraining, begun, done, events, house_with_words, live, step, version
from .fakes import FakeHouse
from .looking import SIZES, shows, text, type_in, until

TALL = (120, 40)


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> FakeTraining:
    """Words to learn from, and no run yet; every screen of training gets this one, and the app opens on it."""
    fake = FakeTraining(house_with_words())
    monkeypatch.setattr(TwinApp, "DEFAULT_MODE", "train")
    monkeypatch.setattr(TrainScreen, "training_of", staticmethod(lambda house: fake))
    return fake


def opened(training: FakeTraining) -> TwinApp:
    return TwinApp(training.house)


def offered(app: TwinApp) -> set[str]:
    """The actions of the screen that can be done now."""
    return {one.binding.action for one in app.screen.active_bindings.values()}


async def planned(pilot: Pilot[None]) -> None:
    await shows(pilot, "It fits.")


@pytest.mark.parametrize("size", SIZES)
async def test_the_plan_is_shown_before_anything_starts(training: FakeTraining, size: tuple[int, int]) -> None:
    async with opened(training).run_test(size=size) as pilot:
        await planned(pilot)
        shown = " ".join(text(pilot.app).split())
        for words in ("Learns from 9,000 words in 12 examples", "512 MiB of the 16.0 GiB", "effort balanced recipe"):
            assert words in shown
        assert training.started == []


async def test_the_dial_changes_the_plan(training: FakeTraining) -> None:
    async with opened(training).run_test(size=TALL) as pilot:
        await planned(pilot)
        pilot.app.screen.query_one(Dial).focus()
        await pilot.press("left")
        await shows(pilot, "effort quick set here")
        await pilot.press("right", "right")
        await shows(pilot, "effort deep set here")


async def test_a_click_turns_the_dial(training: FakeTraining) -> None:
    async with opened(training).run_test(size=TALL) as pilot:
        await planned(pilot)
        await pilot.click(Dial, offset=(2, 0))
        await shows(pilot, "effort quick set here")


async def test_slot_and_values_are_typed(training: FakeTraining) -> None:
    async with opened(training).run_test(size=TALL) as pilot:
        await planned(pilot)
        pilot.app.screen.query_one("#slot", Input).focus()
        await type_in(pilot, "journal")
        pilot.app.screen.query_one("#sets", Input).focus()
        await type_in(pilot, "epochs=2")
        await shows(pilot, "slot journal set here")
        await shows(pilot, "epochs 2 set here")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: training.started)
        assert training.started[0].slot == "journal"


@pytest.mark.parametrize("size", SIZES)
async def test_a_value_that_cannot_be_used_is_told_and_nothing_starts(
    training: FakeTraining, size: tuple[int, int]
) -> None:
    async with opened(training).run_test(size=size) as pilot:
        await planned(pilot)
        pilot.app.screen.query_one("#sets", Input).focus()
        await type_in(pilot, "epoch=2")
        await shows(pilot, "Did you mean learning_rate?")
        assert "start" not in offered(pilot.app)
        await pilot.press("ctrl+s")
        await pilot.pause(0.1)
        assert training.started == []


async def test_a_plan_that_does_not_fit_is_not_started_and_says_what_would(training: FakeTraining) -> None:
    training.needs = 20 << 30
    async with opened(training).run_test(size=TALL) as pilot:
        await shows(pilot, "It does not fit. It would fit in 12.0 GiB with: --set batch_tokens=512")
        assert "start" not in offered(pilot.app)
        await pilot.press("ctrl+s")
        await pilot.pause(0.1)
        assert training.started == []


async def test_where_nothing_is_new_there_is_nothing_to_start(training: FakeTraining) -> None:
    training.nothing = NothingNew("Nothing is new since version 3.", "Import more of your writing.")
    async with opened(training).run_test(size=TALL) as pilot:
        await shows(pilot, "Nothing is new since version 3.")
        assert "start" not in offered(pilot.app)


async def test_the_screen_answers_while_a_plan_is_made(training: FakeTraining) -> None:
    training.planning = threading.Event()
    async with opened(training).run_test(size=TALL) as pilot:
        await shows(pilot, "planning")
        pilot.app.screen.query_one("#slot", Input).focus()
        await type_in(pilot, "work")
        assert pilot.app.screen.query_one(PlanForm).choice.slot == "work"
        training.planning.set()
        await shows(pilot, "slot work set here")


async def test_without_words_the_screen_says_where_to_import(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeTraining(FakeHouse())
    monkeypatch.setattr(TwinApp, "DEFAULT_MODE", "train")
    monkeypatch.setattr(TrainScreen, "training_of", staticmethod(lambda house: fake))
    async with opened(fake).run_test(size=(60, 20)) as pilot:
        await shows(pilot, "nothing to train on yet")
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.current_mode == "data")


@pytest.mark.parametrize("size", SIZES)
async def test_a_run_is_watched_as_soon_as_it_starts(training: FakeTraining, size: tuple[int, int]) -> None:
    async with opened(training).run_test(size=size) as pilot:
        await planned(pilot)
        await pilot.press("ctrl+s")
        await shows(pilot, "step 0/40")
        training.tell(next(iter(training.logs)), step(2), step(4))
        await shows(pilot, "step 4/40")
        await shows(pilot, "1:12 left")
        await shows(pilot, "loss 3.920 · 850 tokens/s · memory 300 MiB of 16.0 GiB")
        assert len(pilot.app.screen.query_one(LossPlot)._datasets) == 1


@pytest.mark.parametrize("size", SIZES)
async def test_a_run_that_was_started_elsewhere_is_shown_where_it_is(
    training: FakeTraining, size: tuple[int, int]
) -> None:
    training.add(RUN, live(upto=20), working=True)
    async with opened(training).run_test(size=size) as pilot:
        await shows(pilot, "step 20/40")
        await shows(pilot, "words set apart 3.700")
        assert len(pilot.app.screen.query_one(LossPlot)._datasets) == 2


async def test_closing_the_screens_stops_no_run_and_reopening_shows_it_further_on(training: FakeTraining) -> None:
    async with opened(training).run_test(size=TALL) as pilot:
        await planned(pilot)
        await pilot.press("ctrl+s")
        await shows(pilot, "step 0/40")
        await pilot.press("ctrl+q")
    assert training.stops == []
    training.tell(next(iter(training.logs)), *(step(number) for number in range(2, 31, 2)))
    async with opened(training).run_test(size=TALL) as pilot:
        await shows(pilot, "step 30/40")
        assert len(pilot.app.screen.query_one(LossPlot)._datasets[0].x) == 15


async def test_a_run_that_another_program_starts_comes_into_view(training: FakeTraining) -> None:
    training.add(RUN, events(*begun(), ("stopped", {"step": 0, "steps": 40})))
    house = training.house
    assert isinstance(house, FakeHouse)
    async with opened(training).run_test(size=TALL) as pilot:
        await shows(pilot, "Stopped")
        training.add("20260802-000000-cccc", live(), working=True)
        house.found, house.beats = replace(house.found, run=asdict(training.look("20260802-000000-cccc"))), 1
        await pilot.app.look()  # type: ignore[attr-defined]
        await shows(pilot, "step 20/40")


async def test_the_curves_are_drawn_at_most_twice_a_second(training: FakeTraining) -> None:
    training.add(RUN, live(), working=True)
    drawn: list[float] = []
    async with opened(training).run_test(size=TALL) as pilot:
        await shows(pilot, "of 16.0 GiB")
        plot = pilot.app.screen.query_one(LossPlot)
        clear: Callable[[], None] = plot.clear
        loop = pilot.app._loop
        plot.clear = lambda: (drawn.append(loop.time()), clear())[1]  # type: ignore[method-assign, union-attr]
        for number in range(22, 1000):
            if len(drawn) >= 3:
                break
            training.tell(RUN, step(number))
            await pilot.pause(0.06)
    assert len(drawn) >= 3
    assert all(later - sooner >= 0.5 for sooner, later in pairwise(drawn))


@pytest.mark.parametrize("size", SIZES)
async def test_stopping_asks_the_worker_and_the_run_can_be_resumed(
    training: FakeTraining, size: tuple[int, int]
) -> None:
    training.add(RUN, live(), working=True)
    async with opened(training).run_test(size=size) as pilot:
        await shows(pilot, "step 20/40")
        await pilot.press("s")
        await shows(pilot, "stopping after this step")
        assert training.stops == [RUN]
        training.working.clear()
        training.tell(RUN, ("stopped", {"step": 21, "steps": 40}))
        await shows(pilot, "Stopped at step 21 of 40.")
        await shows(pilot, "r goes on exactly there")
        await pilot.press("r")
        await until(pilot, lambda: training.working == {RUN})
        await shows(pilot, "running")
        await until(pilot, lambda: {"stop"} <= offered(pilot.app) and "resume" not in offered(pilot.app))


@pytest.mark.parametrize("size", SIZES)
async def test_a_killed_run_says_so_and_how_to_go_on(training: FakeTraining, size: tuple[int, int]) -> None:
    training.add(RUN, live())
    async with opened(training).run_test(size=size) as pilot:
        await shows(pilot, "was killed at step 20")
        await shows(pilot, "r goes on from the last checkpoint")
        assert {"resume", "new"} <= offered(pilot.app)


async def test_a_failed_run_says_why_and_what_to_do(training: FakeTraining) -> None:
    training.add(RUN, [*live(), *events(("failed", {"error": "RunFailed", "exit_code": 1}))])
    training.failures[RUN] = RunFailed("The loss was not finite.", "Try a lower learning_rate in the recipe.")
    async with opened(training).run_test(size=(80, 24)) as pilot:
        await shows(pilot, "The loss was not finite.")
        await shows(pilot, "Try a lower learning_rate in the recipe.")
        await shows(pilot, "n plans a new run")
        await pilot.press("n")
        await planned(pilot)


def finish(training: FakeTraining, verdict: str, number: int) -> None:
    """The run that is followed ends with a version."""
    training.versions.add(version(number, verdict), use=verdict == "promoted")
    training.working.clear()
    training.tell(RUN, done(verdict, number))


@pytest.mark.parametrize("size", SIZES)
async def test_a_promoted_run_ends_with_its_report_card(training: FakeTraining, size: tuple[int, int]) -> None:
    training.add(RUN, live(40), working=True)
    async with opened(training).run_test(size=size) as pilot:
        await shows(pilot, "step 40/40")
        finish(training, "promoted", 1)
        await shows(pilot, "voice version 1: promoted")
        await shows(pilot, "gain +0.400, 95 %")
        await shows(pilot, "✓ pass gain")
        assert "promote" not in offered(pilot.app)
        await pilot.press("end")
        await shows(pilot, "The sea is a body of")
        await shows(pilot, "Grey, mostly.")


async def test_a_rejected_version_is_used_only_after_a_question(training: FakeTraining) -> None:
    training.versions.add(version(1), use=True)
    training.add(RUN, live(40), working=True)
    async with opened(training).run_test(size=TALL) as pilot:
        await shows(pilot, "step 40/40")
        finish(training, "rejected", 2)
        await shows(pilot, "voice version 2: rejected")
        await shows(pilot, "Version 1 stays in use.")
        await shows(pilot, "✗ FAIL gain")
        await shows(pilot, "Import more of your writing")
        await pilot.press("u")
        await shows(pilot, "did not pass: gain")
        await pilot.press("escape")
        assert training.versions.slots()[0].current == 1
        await pilot.press("u")
        await shows(pilot, "did not pass: gain")
        await pilot.click("#yes")
        await shows(pilot, "It is in use. k takes version 1 back")
        await pilot.press("k")
        await shows(pilot, "Version 1 stays in use.")


async def test_the_version_before_a_promoted_one_is_taken_back_by_hand(training: FakeTraining) -> None:
    training.versions.add(version(1), use=True)
    training.add(RUN, live(40))
    finish(training, "promoted", 2)
    async with opened(training).run_test(size=(80, 24)) as pilot:
        await shows(pilot, "k takes version 1 back")
        await pilot.press("k")
        await shows(pilot, "Version 1 stays in use. u uses this one again.")
        assert training.versions.slots()[0].current == 1


async def test_on_a_narrow_screen_the_curves_are_a_key_away_from_the_card(training: FakeTraining) -> None:
    training.add(RUN, live(40))
    finish(training, "promoted", 1)
    async with opened(training).run_test(size=(60, 20)) as pilot:
        await shows(pilot, "voice version 1: promoted")
        assert not pilot.app.screen.query_one(LossPlot).size
        await pilot.press("v")
        await until(pilot, lambda: pilot.app.screen.query_one(LossPlot).size.height >= 6)


async def test_any_run_can_be_looked_at(training: FakeTraining) -> None:
    training.add("20260701-000000-0000", events(*begun(), step(6), ("stopped", {"step": 6, "steps": 40})))
    training.add(RUN, live(), working=True)
    async with opened(training).run_test(size=TALL) as pilot:
        await shows(pilot, "step 20/40")
        await pilot.press("l")
        await shows(pilot, "2026-07-01 00:00 voice stopped 6/40")
        await pilot.press("down", "enter")
        await shows(pilot, "Stopped at step 6 of 40.")


async def test_the_palette_knows_what_can_be_done_now(training: FakeTraining) -> None:
    training.add(RUN, live(), working=True)
    async with opened(training).run_test(size=TALL) as pilot:
        await shows(pilot, "step 20/40")
        titles = {command.title for command in pilot.app.get_system_commands(pilot.app.screen)}
        assert {"Stop", "Runs"} <= titles
        assert not {"Start", "Resume", "Use it"} & titles


@pytest.mark.parametrize("hostile", ["[bold]not markup[/bold]", "\x1b[2Jgone", "\u202eback"])
async def test_words_of_a_model_are_text_and_nothing_else(training: FakeTraining, hostile: str) -> None:
    card = training.versions.card

    def spoken(slot: str, number: int) -> Any:
        found = card(slot, number)
        return replace(found, samples=(replace(found.samples[0], twin=hostile + " end"),))

    training.versions.card = spoken  # type: ignore[method-assign]
    training.add(RUN, live(40))
    finish(training, "promoted", 1)
    async with opened(training).run_test(size=TALL) as pilot:
        await shows(pilot, "voice version 1: promoted")
        await pilot.press("end")
        await shows(pilot, "end")
        shown = text(pilot.app)
        assert "\x1b" not in shown and "\u202e" not in shown
        assert ("[bold]not markup[/bold] end" in shown) == hostile.startswith("[bold]")


@pytest.mark.parametrize("size", SIZES)
def test_the_plan_looks_as_it_did(snap_compare: Any, training: FakeTraining, size: tuple[int, int]) -> None:
    assert snap_compare(opened(training), terminal_size=size, run_before=planned)


def test_a_run_in_its_midst_looks_as_it_did(snap_compare: Any, training: FakeTraining) -> None:
    training.add(RUN, live(30), working=True)

    async def ready(pilot: Pilot[None]) -> None:
        await shows(pilot, "step 30/40")
        await shows(pilot, "of 16.0 GiB")

    assert snap_compare(opened(training), terminal_size=(80, 24), run_before=ready)


def test_a_report_card_looks_as_it_did(snap_compare: Any, training: FakeTraining) -> None:
    training.versions.add(version(1), use=True)
    training.add(RUN, live(40))
    finish(training, "rejected", 2)

    async def ready(pilot: Pilot[None]) -> None:
        await shows(pilot, "voice version 2: rejected")
        await shows(pilot, "of 16.0 GiB")

    assert snap_compare(opened(training), terminal_size=TALL, run_before=ready)

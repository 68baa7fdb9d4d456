from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from mlxtwin.client.house import Door, Next, Overview
from mlxtwin_tui.app import TwinApp
from mlxtwin_tui.widgets.status import fitted, parts

from .fakes import FakeHouse
from .looking import SIZES, shows, still, text, until

RUN: dict[str, Any] = {
    "run": "20260301-101500-voice", "state": "running", "recipe": "voice", "slot": "voice", "base": "starter",
    "step": 120, "steps": 400, "verdict": None, "version": None,
}  # fmt: skip
FULL = Overview(
    "open",
    "chat",
    kinds={
        "mail": {"documents": 107, "kept": 72, "words_by_me": 9622},
        "note": {"documents": 79, "kept": 78, "words_by_me": 6240},
    },
    tiers={1: {"documents": 120, "words": 14662}, 3: {"documents": 30, "words": 1883}},
    dropped={"not by me": 20, "too short": 3},
    corrections=2,
    ratings=11,
    slots=({"slot": "voice", "current": 3, "versions": 4}, {"slot": "work", "current": None, "versions": 1}),
    run=RUN | {"state": "done", "step": 400, "verdict": "promoted", "version": 3},
)


@pytest.mark.parametrize("size", SIZES)
async def test_home_tells_what_the_twin_is_made_of(size: tuple[int, int]) -> None:
    house = FakeHouse()
    house.found = FULL
    app = TwinApp(house)
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "Chat with the twin")
        seen = text(app)
        for _ in range(12):
            await pilot.press("pagedown")
            await pilot.pause()
            seen += text(app)
        for words in ("16,545 words of yours", "tier 1", "20  not by me", "2 corrections and 11 ratings"):
            assert words in seen
        assert "voice: v3 speaks, of 4 versions" in seen
        assert "work: none of 1 version passed the gate" in seen
        assert "promoted as voice v3" in seen


@pytest.mark.parametrize(
    ("door", "next", "label", "screen"),
    [
        ("open", "train", "Train the twin", "train"),
        ("open", "watch", "Watch the run", "train"),
        ("open", "chat", "Chat with the twin", "chat"),
        ("broken", "init", "See what to do", "settings"),
    ],
)
async def test_enter_takes_the_next_step(door: Door, next: Next, label: str, screen: str) -> None:
    house = FakeHouse(door=door)
    house.found = replace(FULL, next=next)
    app = TwinApp(house)
    async with app.run_test() as pilot:
        await shows(pilot, label)
        await pilot.press("enter")
        await until(pilot, lambda: getattr(app.screen, "NAME", "") == screen)


async def test_documents_without_words_of_the_person_are_explained() -> None:
    house = FakeHouse()
    house.found = Overview("open", "import", kinds={"mail": {"documents": 3, "kept": 0, "words_by_me": 0}})
    app = TwinApp(house)
    async with app.run_test() as pilot:
        await shows(pilot, "none of their words are yours")


async def test_what_changes_in_the_house_shows_at_once() -> None:
    house = FakeHouse()
    app = TwinApp(house)
    async with app.run_test() as pilot:
        await shows(pilot, "Import my words")
        house.found, house.beats = replace(FULL, next="watch", run=RUN), 1
        await shows(pilot, "Watch the run")
        await shows(pilot, "step 120 of 400")


async def test_a_longer_next_step_is_shown_whole() -> None:
    house = FakeHouse(door="locked")
    app = TwinApp(house)
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "Unlock the vault")
        house.fake_door, house.found, house.beats = "open", FULL, 1
        await shows(pilot, "Chat with the twin")


async def test_names_from_outside_cannot_write_on_the_terminal() -> None:
    house = FakeHouse()
    house.found = replace(FULL, dropped={"[red]odd\x1b[2J[/red]": 1})
    app = TwinApp(house)
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "[red]odd[/red]")
        assert "\x1b" not in text(app)


async def test_the_title_of_the_terminal_holds_nothing_personal() -> None:
    house = FakeHouse()
    house.found = FULL
    app = TwinApp(house)
    async with app.run_test() as pilot:
        for key in ("f2", "f3", "f4", "f5", "f6", "f7"):
            await pilot.press(key)
            assert (app.title, app.sub_title) == ("mlxtwin", "")
            assert app.screen.title in (None, app.screen.TITLE)


@pytest.mark.parametrize("width", range(20, 140))
def test_the_status_line_drops_whole_facts_the_least_important_first(width: int) -> None:
    found = parts(replace(FULL, run=RUN), "cpu: the processor")
    line = fitted(found, width)
    assert len(line) <= width
    assert line.split(" · ") == found[: len(line.split(" · "))]
    assert line.startswith("vault open")


def test_at_sixty_columns_the_status_line_still_tells_of_the_run_and_the_network() -> None:
    line = fitted(parts(replace(FULL, run=RUN), "cpu"), 58)
    assert line == "vault open · training 120/400 · airplane mode · voice v3"


def test_the_first_look_in_a_small_terminal(snap_compare: Callable[..., bool]) -> None:
    async def ready(pilot: Pilot[None]) -> None:
        await shows(pilot, "Make the vault")
        await still(pilot)

    assert snap_compare(TwinApp(FakeHouse(door="absent")), terminal_size=(60, 20), run_before=ready)


@pytest.mark.parametrize(
    ("theme", "size"), [("ansi-dark", (120, 40)), ("textual-light", (80, 24)), ("textual-dark", (200, 60))]
)
def test_the_look_in_other_colours_and_on_a_large_screen(
    snap_compare: Callable[..., bool], theme: str, size: tuple[int, int]
) -> None:
    async def ready(pilot: Pilot[None]) -> None:
        pilot.app.theme = theme
        await shows(pilot, "Chat with the twin")
        await still(pilot)

    house = FakeHouse()
    house.found = FULL
    assert snap_compare(TwinApp(house), terminal_size=size, run_before=ready)


def test_the_look_of_a_house_that_is_lived_in(snap_compare: Callable[..., bool]) -> None:
    async def ready(pilot: Pilot[None]) -> None:
        await shows(pilot, "Chat with the twin")
        await still(pilot)

    house = FakeHouse()
    house.found = FULL
    assert snap_compare(TwinApp(house), terminal_size=(120, 40), run_before=ready)

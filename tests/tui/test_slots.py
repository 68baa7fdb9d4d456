from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import DataTable, Input

from mlxtwin_tui.app import TwinApp
from mlxtwin_tui.screens.slots import SlotsScreen

from .fake_training import FakeVersions, house_with_words, version
from .looking import SIZES, shows, text, until

TALL = (120, 40)


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> FakeVersions:
    """Slot voice with a promoted, a rejected and a current version, and an empty-handed slot journal."""
    fake = FakeVersions(house_with_words())
    fake.add(version(1), use=True)
    fake.add(version(2, "rejected"))
    fake.add(version(3), use=True)
    fake.add(version(1, "rejected", slot="journal"))
    return given(monkeypatch, fake)


def given(monkeypatch: pytest.MonkeyPatch, fake: FakeVersions) -> FakeVersions:
    """Every screen of slots gets this one, and the app opens on it."""
    monkeypatch.setattr(SlotsScreen, "versions_of", staticmethod(lambda house: fake))
    monkeypatch.setattr(TwinApp, "DEFAULT_MODE", "slots")
    return fake


def opened(versions: FakeVersions) -> TwinApp:
    return TwinApp(versions.house)  # type: ignore[arg-type]


async def on_voice(pilot: Pilot[None], row: int = 0) -> None:
    """The cursor on a version of voice, the newest being 0."""
    await shows(pilot, "voice v3 of 3")
    screen = pilot.app.screen
    screen.query_one("#slots-list").focus()
    await pilot.press("end")
    table = screen.query_one(DataTable)
    await until(pilot, lambda: table.row_count == 3)
    table.focus()
    table.move_cursor(row=row)
    await pilot.pause()


def offered(pilot: Pilot[None]) -> set[str]:
    return {one.binding.action for one in pilot.app.screen.active_bindings.values()}


@pytest.mark.parametrize("size", SIZES)
async def test_versions_are_listed_with_their_numbers_and_the_current_one_is_marked(
    versions: FakeVersions, size: tuple[int, int]
) -> None:
    async with opened(versions).run_test(size=size) as pilot:
        await on_voice(pilot)
        await shows(pilot, "* 3 promoted 15.0% 3.400 4.000")
        await shows(pilot, "2 rejected 1.2% 3.950 4.000")
        await shows(pilot, "Held-out loss 10.0% lower; asked for: at least 2.0% lower.")


async def test_a_version_that_knows_forgotten_documents_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeVersions(house_with_words())
    fake.add(version(1, trained_on_forgotten=3), use=True)
    async with opened(given(monkeypatch, fake)).run_test(size=TALL) as pilot:
        await shows(pilot, "Version 1 of slot voice was trained on 3 documents that were forgotten since.")


async def test_without_slots_the_screen_says_where_to_train_one(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = given(monkeypatch, FakeVersions(house_with_words()))
    async with opened(fake).run_test(size=(60, 20)) as pilot:
        await shows(pilot, "There are no slots yet.")
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.current_mode == "train")


@pytest.mark.parametrize("size", SIZES)
async def test_a_version_is_put_into_use_and_rolled_back(versions: FakeVersions, size: tuple[int, int]) -> None:
    async with opened(versions).run_test(size=size) as pilot:
        await on_voice(pilot, row=2)
        await pilot.press("u")
        await shows(pilot, "voice v1 of 3")
        assert versions.states["voice"] == [1, 3, 1]
        await pilot.press("b")
        await shows(pilot, "voice v3 of 3")
        assert versions.states["voice"] == [1, 3]


async def test_a_rejected_version_is_used_only_after_a_question(versions: FakeVersions) -> None:
    async with opened(versions).run_test(size=(80, 24)) as pilot:
        await on_voice(pilot, row=1)
        await pilot.press("u")
        await shows(pilot, "did not pass the gate. Use it all the same?")
        await pilot.press("escape")
        assert versions.states["voice"] == [1, 3]
        await pilot.press("u")
        await shows(pilot, "did not pass the gate")
        await pilot.click("#yes")
        await until(pilot, lambda: versions.states["voice"] == [1, 3, 2])


async def test_the_one_in_use_is_not_offered_for_use(versions: FakeVersions) -> None:
    async with opened(versions).run_test(size=(80, 24)) as pilot:
        await on_voice(pilot)
        await until(pilot, lambda: {"rollback", "card"} <= offered(pilot) and "use" not in offered(pilot))


@pytest.mark.parametrize("size", SIZES)
async def test_two_versions_are_compared_side_by_side(versions: FakeVersions, size: tuple[int, int]) -> None:
    async with opened(versions).run_test(size=size) as pilot:
        await on_voice(pilot, row=1)
        await pilot.press("c")
        await shows(pilot, "version 2 version 3")
        await shows(pilot, "verdict rejected promoted")
        await shows(pilot, "gain 1.2% 15.0%")
        await pilot.press("end")
        await shows(pilot, "check: gain ✗ 1.2%")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, SlotsScreen))


async def test_a_marked_version_is_the_one_compared_with(versions: FakeVersions) -> None:
    async with opened(versions).run_test(size=TALL) as pilot:
        await on_voice(pilot, row=2)
        await pilot.press("m", "up", "c")
        await shows(pilot, "version 1 version 2")


async def test_losses_on_different_words_are_not_to_be_compared(versions: FakeVersions) -> None:
    versions.kept["voice"][2] = replace(version(3), holdout_digest="other")
    async with opened(versions).run_test(size=TALL) as pilot:
        await on_voice(pilot, row=1)
        await pilot.press("c")
        await shows(pilot, "measured on different held-out words")


@pytest.mark.parametrize("size", SIZES)
async def test_enter_opens_the_report_card_with_samples(versions: FakeVersions, size: tuple[int, int]) -> None:
    async with opened(versions).run_test(size=size) as pilot:
        await on_voice(pilot, row=1)
        await pilot.press("enter")
        await shows(pilot, "voice version 2: rejected")
        await shows(pilot, "✗ FAIL gain")
        await pilot.press("end")
        await shows(pilot, "Grey, mostly.")


async def test_an_export_asks_for_a_folder_and_overwrites_nothing(versions: FakeVersions, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").write_text("Dear")
    async with opened(versions).run_test(size=(80, 24)) as pilot:
        await on_voice(pilot, row=2)
        await pilot.press("e")
        await shows(pilot, "It is not encrypted")
        field = pilot.app.screen.query_one("#folder", Input)
        assert field.value == "~/voice-v1"
        field.value = str(tmp_path / "full")
        await pilot.press("enter")
        await shows(pilot, "nothing is overwritten")
        field.value = str(tmp_path / "new")
        await pilot.press("enter")
        await until(pilot, lambda: versions.exported == [("voice", 1, str(tmp_path / "new"))])
        await until(pilot, lambda: isinstance(pilot.app.screen, SlotsScreen))


@pytest.mark.parametrize("size", SIZES)
async def test_a_slot_is_removed_only_after_a_question(versions: FakeVersions, size: tuple[int, int]) -> None:
    async with opened(versions).run_test(size=size) as pilot:
        await on_voice(pilot)
        await pilot.press("d")
        await shows(pilot, "Remove slot voice with 3 versions?")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, SlotsScreen))
        assert "voice" in versions.kept
        await pilot.press("d")
        await shows(pilot, "Remove slot voice")
        await pilot.click("#yes")
        await until(pilot, lambda: list(versions.kept) == ["journal"])
        await until(pilot, lambda: "voice" not in text(pilot.app).splitlines()[2])


async def test_what_another_program_trains_appears(versions: FakeVersions) -> None:
    async with opened(versions).run_test(size=TALL) as pilot:
        await on_voice(pilot)
        versions.add(version(4), use=True)
        house: Any = versions.house
        house.found, house.beats = replace(house.found, slots=({"slot": "voice", "current": 4, "versions": 4},)), 1
        await pilot.app.look()  # type: ignore[attr-defined]
        await shows(pilot, "voice v4 of 4")


async def test_every_action_is_in_the_palette(versions: FakeVersions) -> None:
    async with opened(versions).run_test(size=TALL) as pilot:
        await on_voice(pilot, row=1)
        titles = {command.title for command in pilot.app.get_system_commands(pilot.app.screen)}
        assert {"Use", "Roll back", "Report card", "Compare", "Mark", "Export", "Remove slot"} <= titles


@pytest.mark.parametrize("size", [(60, 20), TALL])
def test_the_slots_look_as_they_did(snap_compare: Any, versions: FakeVersions, size: tuple[int, int]) -> None:
    assert snap_compare(opened(versions), terminal_size=size, run_before=on_voice)

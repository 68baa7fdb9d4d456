from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any, ClassVar

import pytest
from textual.pilot import Pilot

import mlxtwin_tui
from mlxtwin.client import preferences
from mlxtwin.client.preferences import Preferences
from mlxtwin.errors import TwinError
from mlxtwin.paths import Home
from mlxtwin_tui.app import TwinApp
from mlxtwin_tui.dialogs.help import Help
from mlxtwin_tui.dialogs.keys import Keys
from mlxtwin_tui.dialogs.secret import Secret
from mlxtwin_tui.screens.home import HomeScreen
from mlxtwin_tui.screens.settings import SettingsScreen

from .fakes import FakeHouse
from .looking import SIZES, shows, still, text, type_in, until


@pytest.mark.parametrize("size", SIZES)
async def test_settings_tell_of_the_machine_and_what_to_fix(size: tuple[int, int]) -> None:
    app = TwinApp(FakeHouse())
    async with app.run_test(size=size) as pilot:
        await pilot.press("f7")
        await shows(pilot, "Others can open a file.")
        await until(pilot, lambda: app.device and app.screen.check_action("set_secret", ()))
        await pilot.pause()
        seen = ""
        for _ in range(6):
            seen += text(app)
            await pilot.press("pagedown")
            await pilot.pause()
        for words in ("cpu: there is no GPU", "12.0 of 16.0 GiB", "openblas", "Secret Service", "/nonexistent/mlxtwin"):
            assert words in seen
        assert "starter" in seen
        assert app.device == "cpu"


async def test_the_screen_is_there_while_the_machine_is_examined() -> None:
    class Slow(FakeHouse):
        asked = Event()

        def examine(self) -> dict[str, Any]:
            self.asked.wait(10)
            return super().examine()

    house = Slow()
    app = TwinApp(house)
    async with app.run_test() as pilot:
        await pilot.press("f7")
        await shows(pilot, "looking …")
        house.asked.set()
        await shows(pilot, "there is no GPU")


async def test_a_theme_is_chosen_once_and_stays(home: Home) -> None:
    class Kept(FakeHouse):
        def preferences(self) -> tuple[Preferences, str]:
            return preferences.load(self.home)

        def keep_preferences(self, kept: Preferences) -> None:
            preferences.save(self.home, kept)

    app = TwinApp(Kept(home))
    async with app.run_test() as pilot:
        await pilot.press("f7", "t")
        await until(pilot, lambda: app.screen.NAME != "settings" if hasattr(app.screen, "NAME") else True)
        await type_in(pilot, "nord")
        await pilot.pause(0.3)
        await pilot.press("enter")
        await until(pilot, lambda: app.theme == "nord")
        await until(pilot, lambda: preferences.load(home)[0].theme == "nord")
    again = TwinApp(Kept(home))
    async with again.run_test():
        assert again.theme == "nord"


async def test_a_damaged_file_of_settings_is_told_of_and_passed_over() -> None:
    house = FakeHouse()
    house.notice = "screens.json cannot be used."
    app = TwinApp(house)
    async with app.run_test(notifications=True) as pilot:
        await shows(pilot, "screens.json cannot be used.")


@pytest.mark.parametrize(
    "damaged",
    [
        "", "[]", "{", '{"theme": "nord"}', '{"theme": 3, "keys": {}}', '{"theme": "", "keys": {"a": 1}}',
        '{"theme": "", "keys": [], "more": 1}', '{"theme": "", "keys": {"help": "\\u001b"}}', "[" * 100_000,
    ],
)  # fmt: skip
def test_only_what_was_written_here_is_read(home: Home, damaged: str) -> None:
    home.root.mkdir()
    (home.root / preferences.NAME).write_text(damaged)
    found, notice = preferences.load(home)
    assert found == Preferences()
    assert preferences.NAME in notice


def test_settings_come_back_as_they_were_kept(home: Home) -> None:
    assert preferences.load(home) == (Preferences(), "")
    kept = Preferences("nord", {"help": "f12"})
    preferences.save(home, kept)
    assert preferences.load(home) == (kept, "")
    assert (home.root / preferences.NAME).stat().st_mode & 0o777 == 0o600


async def test_a_vault_is_locked_now_and_the_pages_say_so() -> None:
    house = FakeHouse()
    app = TwinApp(house)
    async with app.run_test() as pilot:
        await pilot.press("f7", "l")
        await until(pilot, lambda: house.door == "locked")
        await shows(pilot, "vault locked")
        await pilot.press("u")
        await shows(pilot, "vault open")


async def test_keys_as_they_were_changed_hold_from_the_start() -> None:
    house = FakeHouse()
    house.kept = Preferences("", {"go.settings": "f12"})
    app = TwinApp(house)
    async with app.run_test() as pilot:
        await pilot.press("f12")
        await until(pilot, lambda: isinstance(app.screen, SettingsScreen))


@pytest.mark.parametrize("size", SIZES)
async def test_a_key_is_changed_by_pressing_it(size: tuple[int, int]) -> None:
    house = FakeHouse()
    app = TwinApp(house)
    async with app.run_test(size=size) as pilot:
        await pilot.press("f7", "k")
        await until(pilot, lambda: isinstance(app.screen, Keys))
        await pilot.press("enter")
        await shows(pilot, "Press the new key for: Home")
        await pilot.press("f3")
        await shows(pilot, "f3 is taken: Data")
        await pilot.press("enter", "escape")
        assert isinstance(app.screen, Keys)
        await pilot.press("enter", "f9", "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, SettingsScreen))
        await until(pilot, lambda: house.kept.keys == {"go.home": "f9"})
        await pilot.press("f9")
        await until(pilot, lambda: app.screen.NAME == "home")


@pytest.mark.parametrize("key", ["escape", "enter", "tab"])
async def test_keys_that_every_dialog_needs_are_not_given_away(key: str) -> None:
    house = FakeHouse()
    app = TwinApp(house)
    async with app.run_test() as pilot:
        await pilot.press("f7", "k", "enter", key, "ctrl+s")
        await pilot.pause()
    assert house.kept == Preferences()


async def test_a_secret_is_set_hidden_and_removed_after_a_question() -> None:
    house = FakeHouse()
    app = TwinApp(house)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("f7")
        await until(pilot, lambda: app.screen.check_action("set_secret", ()))
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Secret))
        await type_in(pilot, "hf_token")
        assert "hf_token" not in text(app)
        await pilot.press("enter")
        await until(pilot, lambda: house.fake_secrets == {"huggingface": "hf_token"})
        await until(pilot, lambda: app.screen.NAME == "settings" and app.screen.check_action("remove_secret", ()))
        await pilot.press("x")
        await shows(pilot, "Remove the secret huggingface")
        await pilot.press("enter")
        await pilot.pause()
        assert house.fake_secrets
        await pilot.press("x")
        await shows(pilot, "Remove the secret huggingface")
        await pilot.press("shift+tab", "enter")
        await until(pilot, lambda: not house.fake_secrets)


async def test_without_a_keychain_no_secret_is_offered() -> None:
    house = FakeHouse()
    house.fake_keychain = ("", "none")
    app = TwinApp(house)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f7")
        await shows(pilot, "No keychain can keep a secret here.")
        titles = {command.title for command in app.get_system_commands(app.screen)}
        assert "Set secret" not in titles
        assert {"Theme", "Keys", "Look again"} <= titles


async def test_settings_that_cannot_be_kept_are_told_of() -> None:
    class Full(FakeHouse):
        def keep_preferences(self, kept: Preferences) -> None:
            raise TwinError("No room left.", "")

    app = TwinApp(Full())
    async with app.run_test(notifications=True) as pilot:
        app.theme = "nord"
        await shows(pilot, "No room left.")


@pytest.mark.parametrize("size", SIZES)
async def test_f1_shows_every_key_of_the_screen(size: tuple[int, int]) -> None:
    app = TwinApp(FakeHouse())
    async with app.run_test(size=size) as pilot:
        await pilot.press("f7")
        await until(pilot, lambda: isinstance(app.screen, SettingsScreen))
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, Help))
        seen = ""
        for _ in range(8):
            seen += text(app)
            await pilot.press("pagedown")
            await pilot.pause()
        for words in ("Theme: Choose how", "Lock now", "f2  Home", "Quit"):
            assert words in seen
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, SettingsScreen))


class TwoScreens(TwinApp):
    """The keys that settings list are then not those of screens with tests of their own."""

    CSS_PATH = Path(mlxtwin_tui.__file__).with_name("app.tcss")
    MODES: ClassVar = {"home": HomeScreen, "settings": SettingsScreen}


def test_the_look_of_the_settings(snap_compare: Callable[..., bool]) -> None:
    async def ready(pilot: Pilot[None]) -> None:
        await pilot.press("f7")
        await shows(pilot, "there is no GPU")
        await shows(pilot, "comes with mlxtwin")
        await shows(pilot, "None is set.")
        await still(pilot)

    assert snap_compare(TwoScreens(FakeHouse()), terminal_size=(120, 40), run_before=ready)

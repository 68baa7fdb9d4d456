from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input

import mlxtwin_tui
from mlxtwin.errors import TwinError
from mlxtwin_tui.app import PAGES, TwinApp, run
from mlxtwin_tui.dialogs.unlock import Unlock
from mlxtwin_tui.screens.home import HomeScreen
from mlxtwin_tui.screens.page import Page
from mlxtwin_tui.widgets.prompt import Prompt

from .fakes import FakeHouse
from .looking import SIZES, shows, text, until
from .test_chat_screen import chatting


@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_is_reached_by_its_key_and_shows_its_tab(size: tuple[int, int]) -> None:
    app = TwinApp(FakeHouse())
    async with app.run_test(size=size) as pilot:
        for place, page in enumerate(PAGES, start=2):
            await pilot.press(f"f{place}")
            await pilot.pause()
            assert isinstance(app.screen, page)
            assert app.screen.query_one("#navigation").active == f"tab-{page.NAME}"


@pytest.mark.parametrize(("passphrase", "door"), [(None, "open"), ("correct horse", "locked")])
def test_a_vault_that_asks_nothing_is_open_at_the_first_look(
    monkeypatch: pytest.MonkeyPatch, passphrase: str | None, door: str
) -> None:
    house = FakeHouse(door="locked")
    house.passphrase = passphrase
    seen: list[str] = []
    monkeypatch.setattr(TwinApp, "run", lambda app: seen.append(app.house.door))
    assert run(house) == 0
    assert seen == [door]


def test_a_keychain_that_does_not_answer_leaves_the_vault_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    house = FakeHouse(door="locked")
    house.fake_keychain = ("", "It is locked.")
    seen: list[str] = []
    monkeypatch.setattr(TwinApp, "run", lambda app: seen.append(app.house.door))
    assert run(house) == 0
    assert seen == ["locked"]


@pytest.mark.parametrize("place", range(2, 8))
async def test_every_screen_is_reached_from_where_text_is_typed(monkeypatch: pytest.MonkeyPatch, place: int) -> None:
    async with chatting(monkeypatch) as chat:
        chat.screen.query_one(Prompt).focus()
        await chat.press(*"half", f"f{place}")
        await chat.until(lambda: getattr(chat.app.screen, "NAME", "") == PAGES[place - 2].NAME)
        await chat.press("f5")
        await chat.until(lambda: getattr(chat.app.screen, "NAME", "") == "chat")
        assert chat.screen.query_one(Prompt).text == "half"


@pytest.mark.parametrize("theme", ["textual-light", "nord"])
async def test_a_screen_opened_later_has_the_colours_of_the_others(theme: str) -> None:
    app = TwinApp(FakeHouse())
    async with app.run_test() as pilot:
        await shows(pilot, "Import my words")
        app.theme = theme
        await pilot.pause()
        home = app.screen
        await pilot.press("f7")
        await until(pilot, lambda: getattr(app.screen, "NAME", "") == "settings")
        for name in ("#navigation", "#status", "Foot"):
            there, here = home.query_one(name), app.screen.query_one(name)
            assert there.rich_style == here.rich_style, name


async def test_no_key_leads_away_from_under_a_dialog(sealed: FakeHouse) -> None:
    app = TwinApp(sealed)
    async with app.run_test() as pilot:
        await shows(pilot, "Unlock the vault")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Unlock))
        for place in range(2, 8):
            await pilot.press(f"f{place}")
            await pilot.pause()
            assert isinstance(app.screen, Unlock)


HUNG_UP = """
import os, pty, signal, sys, time
signal.signal(signal.SIGHUP, signal.SIG_IGN)
child, terminal = pty.fork()
if not child:
    os.execv(sys.executable, [sys.executable, "-m", "mlxtwin"])
seen = b""
while b"Make the vault" not in seen:
    seen += os.read(terminal, 65536)
os.close(terminal)
_, status = os.waitpid(child, 0)
print("ended", os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGHUP)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no hang-ups on Windows")
def test_the_screens_end_with_their_terminal_though_hang_ups_are_ignored() -> None:
    environment = os.environ | {"TERM": "xterm-256color"}
    command = [sys.executable, "-c", HUNG_UP]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "ended True", done.stderr


async def test_a_click_on_a_tab_goes_there() -> None:
    app = TwinApp(FakeHouse())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.click("#tab-slots")
        await pilot.pause()
        assert app.screen.NAME == "slots"


async def test_the_palette_knows_every_screen() -> None:
    app = TwinApp(FakeHouse())
    async with app.run_test():
        titles = {command.title for command in app.get_system_commands(app.screen)}
        assert {f"Go to {page.TITLE}" for page in PAGES} <= titles


async def test_a_crash_shows_no_personal_text(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(FakeHouse):
        def overview(self) -> object:  # type: ignore[override]
            private = "my secret diary"
            raise RuntimeError(f"broken by {private}")

    app = TwinApp(Broken())
    with pytest.raises(RuntimeError):
        async with app.run_test() as pilot:
            await pilot.pause()
    shown = "".join(capsys.readouterr())
    assert "RuntimeError" in shown
    assert "secret" not in shown


class Probe(Page):
    """A page that needs the vault and counts."""

    NAME = "data"
    TITLE = "Data"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "act", "Act", id="probe.act"),
        Binding("z", "never", "Never", id="probe.never"),
    ]
    back = 0
    acts = 0

    def body(self) -> ComposeResult:
        yield Input("private words")

    async def came_back(self) -> None:
        assert self.house.key
        self.back += 1

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return None if action == "never" else super().check_action(action, parameters)

    def action_act(self) -> None:
        self.acts += 1


class ProbeApp(TwinApp):
    CSS_PATH = Path(mlxtwin_tui.__file__).with_name("app.tcss")
    MODES: ClassVar = {"home": HomeScreen, "data": Probe}


async def probe(app: TwinApp) -> Probe:
    assert isinstance(app.screen, Probe)
    return app.screen


@pytest.mark.parametrize("size", SIZES)
async def test_a_page_that_needs_the_vault_shows_how_to_open_it(size: tuple[int, int]) -> None:
    house = FakeHouse(door="locked")
    app = ProbeApp(house)
    async with app.run_test(size=size) as pilot:
        await pilot.press("f3")
        await shows(pilot, "The vault is locked")
        page = await probe(app)
        assert "private words" not in text(app)
        await pilot.press("x")
        assert (page.acts, page.back) == (0, 0)
        assert "Act" not in {command.title for command in app.get_system_commands(page)}
        await pilot.press("enter")
        await shows(pilot, "private words")
        await until(pilot, lambda: page.back == 1)
        await until(pilot, lambda: isinstance(page.focused, Input))
        assert await app.run_action("act", page)
        assert page.acts == 1


async def test_a_page_is_closed_again_when_the_vault_is_locked() -> None:
    house = FakeHouse()
    app = ProbeApp(house)
    async with app.run_test() as pilot:
        await pilot.press("f3")
        await shows(pilot, "private words")
        page = await probe(app)
        await until(pilot, lambda: page.back == 1)
        await app.action_lock()
        await shows(pilot, "The vault is locked")
        await pilot.press("enter")
        await shows(pilot, "private words")
        await until(pilot, lambda: page.back == 2)


async def test_a_page_is_told_once_each_time_it_comes_into_view() -> None:
    app = ProbeApp(FakeHouse())
    async with app.run_test() as pilot:
        await pilot.press("f3")
        page = await probe(app)
        await until(pilot, lambda: page.back == 1)
        await pilot.press("f2", "f3")
        await until(pilot, lambda: page.back == 2)
        await pilot.pause()
        assert page.back == 2


async def test_without_a_vault_a_page_leads_to_making_one() -> None:
    app = ProbeApp(FakeHouse(door="absent"))
    async with app.run_test() as pilot:
        await pilot.press("f3")
        await shows(pilot, "There is no vault yet")
        await pilot.press("enter")
        await shows(pilot, "Make the vault")


async def test_the_palette_offers_what_the_page_can_do_now_and_does_it() -> None:
    app = ProbeApp(FakeHouse())
    async with app.run_test() as pilot:
        await pilot.press("f3")
        page = await probe(app)
        commands = {command.title: command for command in app.get_system_commands(page)}
        assert {"Act", "Lock the vault", "Import documents", "Help", "Theme", "Quit mlxtwin"} <= set(commands)
        assert "Never" not in commands
        await commands["Act"].callback()
        assert page.acts == 1


async def test_over_a_dialog_there_is_no_palette_and_no_other_screen() -> None:
    app = TwinApp(FakeHouse(door="absent"))
    async with app.run_test() as pilot:
        await shows(pilot, "Make the vault")
        await pilot.press("enter")
        await shows(pilot, "What shall open it?")
        dialog = app.screen
        await pilot.press("ctrl+p", "f3", "f1")
        await pilot.pause()
        assert app.screen is dialog


async def test_a_home_that_cannot_be_read_is_told_of_and_the_screens_stay() -> None:
    class Unreadable(FakeHouse):
        def pulse(self) -> object:
            raise TwinError("The home cannot be read.", "Check its permissions.")

    app = TwinApp(Unreadable())
    async with app.run_test(notifications=True) as pilot:
        await shows(pilot, "The home cannot be read.")
        assert app.is_running


def test_every_key_of_the_screens_has_an_id_of_its_own_and_a_name() -> None:
    inherited = {one.action for one in Screen.BINDINGS if isinstance(one, Binding)}
    bindings = [one for page in (TwinApp, *PAGES) for one in page.BINDINGS if isinstance(one, Binding)]
    ids = [one.id for one in bindings if one.description and one.show and one.action not in inherited]
    assert all(ids)
    assert len(set(ids)) == len(ids)


def test_the_screens_import_no_model_library() -> None:
    code = (
        "import sys, mlxtwin_tui.app; "
        "bad = {'mlx', 'mlx_lm', 'transformers', 'torch'} & set(sys.modules); sys.exit(str(bad) if bad else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

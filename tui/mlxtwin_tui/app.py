"""The application: six screens over one house, a way between them, and how errors are told."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.screen import ModalScreen, Screen
from textual.theme import Theme

from mlxtwin.client.crash import crash_sentence
from mlxtwin.client.house import House, Overview
from mlxtwin.client.preferences import Preferences
from mlxtwin.errors import TwinError
from mlxtwin.security.redact import clean_terminal
from mlxtwin_tui import doors
from mlxtwin_tui.dialogs.help import Help, sections
from mlxtwin_tui.dialogs.recovery_key import RecoveryKey
from mlxtwin_tui.screens.chat import ChatScreen
from mlxtwin_tui.screens.data import DataScreen
from mlxtwin_tui.screens.home import HomeScreen
from mlxtwin_tui.screens.page import Page
from mlxtwin_tui.screens.settings import SettingsScreen
from mlxtwin_tui.screens.slots import SlotsScreen
from mlxtwin_tui.screens.train import TrainScreen

Result = TypeVar("Result")
LOOK_SECONDS = 1.0
# Commands of Textual's own that have no use here, or whose place ours take.
LEFT_OUT = frozenset({"Screenshot", "Maximize", "Minimize", "Keys", "Quit"})
PAGES: tuple[type[Page], ...] = (HomeScreen, DataScreen, TrainScreen, ChatScreen, SlotsScreen, SettingsScreen)


class TwinApp(App[None]):
    """``house``: the real one, or in tests a fake that keeps its contract.

    ``overview`` is looked at once a second, cheaply, and every page is told when it changes. ``device``: what trains
    here, once a page has found out.
    """

    TITLE = "mlxtwin"
    # All at once: read with its screen, each would have every sheet parsed again, which takes a tenth of a second.
    CSS_PATH = ["app.tcss", "dialogs/dialog.tcss", *(f"screens/{page.CSS_PATH}" for page in PAGES)]  # noqa: RUF012
    ENABLE_COMMAND_PALETTE = True
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {page.NAME: page for page in PAGES}
    DEFAULT_MODE = HomeScreen.NAME
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            # Before any field's own: where text is typed, f6 and f7 would select it.
            Binding(
                f"f{place}", f"switch_mode('{page.NAME}')", page.TITLE, id=f"go.{page.NAME}", show=False, priority=True
            )
            for place, page in enumerate(PAGES, start=2)
        ),
        Binding("f1", "help", "Help", id="help", tooltip="Every key of this screen, with what it does"),
        Binding("ctrl+q", "quit", "Quit", id="quit", show=False, priority=True, tooltip="A run under way goes on"),
    ]

    overview: reactive[Overview | None] = reactive(None, init=False)
    device: reactive[str] = reactive("", init=False)

    def __init__(self, house: House) -> None:
        super().__init__()
        self.house = house
        self.preferences = Preferences()
        self._pulse: object = None
        self._writing = asyncio.Lock()

    async def on_mount(self) -> None:
        await self._take_preferences()
        await self.look()
        self.set_interval(LOOK_SECONDS, self._look_if_changed)

    async def ask(self, question: Callable[..., Result], *given: Any) -> Result:
        """Put a question that may block to the house, or to a function of the client, in a thread."""
        return await asyncio.to_thread(question, *given)

    async def look(self) -> None:
        """Read the overview anew; a house that cannot be read is told of and the last look stays."""
        try:
            self._pulse = await self.ask(self.house.pulse)
            self.overview = await self.ask(self.house.overview)
        except TwinError as error:
            self.tell(error)

    async def _look_if_changed(self) -> None:
        with suppress(TwinError):  # told of when it was looked at; there is nothing new while it lasts
            if await self.ask(self.house.pulse) != self._pulse:
                await self.look()

    def watch_overview(self, overview: Overview) -> None:
        for page in self._pages():
            page.show_overview(overview)

    def watch_device(self) -> None:
        if self.overview is not None:
            self.watch_overview(self.overview)

    def _pages(self) -> Iterator[Page]:
        for stack in self._screen_stacks.values():
            yield from (screen for screen in stack if isinstance(screen, Page) and screen.is_mounted)

    def tell(self, error: TwinError) -> None:
        """One sentence with a next step, above the screen for a while."""
        self.notify(clean_terminal(error.sentence()), severity="error", timeout=10, markup=False)

    async def _take_preferences(self) -> None:
        """Theme and keys as they were left; one that this version does not know is passed over."""
        self.preferences, notice = await self.ask(self.house.preferences)
        if notice:
            self.notify(clean_terminal(notice), severity="warning", timeout=10, markup=False)
        if self.preferences.theme in self.available_themes:
            self.theme = self.preferences.theme
        self.set_keymap(self.preferences.keys)
        self.theme_changed_signal.subscribe(self, self._keep_theme)

    def _keep_theme(self, theme: Theme) -> None:
        self.keep(replace(self.preferences, theme=theme.name))

    def keep(self, preferences: Preferences) -> None:
        """Use and write down how the screens look and which keys they answer to."""
        if preferences != self.preferences:
            self.preferences = preferences
            self.set_keymap(preferences.keys)
            self.run_worker(self._write_preferences(), group="preferences")

    async def _write_preferences(self) -> None:
        """One after the other, so that the last change is what stays."""
        async with self._writing:
            try:
                await self.ask(self.house.keep_preferences, self.preferences)
            except TwinError as error:
                self.tell(error)

    def action_open_vault(self) -> None:
        """Make or unlock the vault."""
        self.run_worker(doors.open_vault(self), group="doors")

    def action_import_documents(self) -> None:
        """Choose files and read them into the vault."""
        self.run_worker(doors.import_documents(self), group="doors")

    async def action_lock(self) -> None:
        """Forget the key of the vault; a run under way has its own and goes on."""
        await self.ask(self.house.lock)
        await self.look()

    async def action_quit(self) -> None:
        """Leave; not from under a recovery key that nobody kept yet."""
        if isinstance(self.screen, RecoveryKey):
            self.screen.action_leave()
        else:
            self.exit()

    def action_help(self) -> None:
        """Every key that does something here."""
        self.push_screen(Help(sections(self.screen)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Over a dialog there is no palette and no way elsewhere: it would act on what lies below. Only an open vault
        can be locked."""
        if action in ("command_palette", "switch_mode") and isinstance(self.screen, ModalScreen):
            return False
        door = self.overview.door if self.overview else None
        if action == "lock":
            return door == "open"
        if action == "open_vault":
            return door != "open"
        return super().check_action(action, parameters)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action is in the palette: what the present screen can do, what can be done anywhere, where to go."""
        if isinstance(screen, Page):
            yield from screen.commands()
        yield from self._own_commands()
        yield from (
            SystemCommand(f"Go to {page.TITLE}", page.PURPOSE, lambda name=page.NAME: self.switch_mode(name))
            for page in PAGES
        )
        yield from (one for one in super().get_system_commands(screen) if one.title not in LEFT_OUT)

    def _own_commands(self) -> Iterator[SystemCommand]:
        """What can be done from every screen."""
        if self.overview and self.overview.door == "open":
            yield SystemCommand("Lock the vault", "Forget its key until it is unlocked again", self.action_lock)
        elif self.overview:
            absent = self.overview.door == "absent"
            title = "Make the vault" if absent else "Unlock the vault"
            yield SystemCommand(title, "Your words are kept in it, encrypted", self.action_open_vault)
        yield SystemCommand("Import documents", "Read your mail, notes and chats", self.action_import_documents)
        yield SystemCommand("Help", "Every key of this screen", self.action_help)
        yield SystemCommand("Quit mlxtwin", "A run under way goes on", self.action_quit)

    def _fatal_error(self) -> None:
        """Textual would print the local variables, which hold personal text: the type and the place must do."""
        error = self._exception or RuntimeError()
        self.panic(f"{crash_sentence(error)} Nothing stored is lost; a run under way goes on.")


def collect_rarely() -> None:
    """Keep the garbage collector from stopping the screens for a tenth of a second: its full passes leave out what was
    imported, and come after a hundred smaller ones instead of ten."""
    gc.collect()
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, 100)


def end_with_terminal() -> None:
    """Where whoever started us ignores hang-ups, as ``nohup`` does, so would we: and go on, drawing for nobody."""
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def run(house: House) -> int:
    """Open the screens until the person leaves; the exit code.

    A vault that opens without a question is opened first; one that does not shows as locked.
    """
    with suppress(TwinError):
        if house.door == "locked" and not house.asks_passphrase():
            house.unlock()
    collect_rarely()
    end_with_terminal()
    app = TwinApp(house)
    app.run()
    return app.return_code or 0

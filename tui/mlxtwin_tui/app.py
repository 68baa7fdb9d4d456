"""The application: six screens over one house, a way between them, and how errors are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.screen import Screen

from mlxtwin.client.crash import crash_sentence
from mlxtwin.client.house import House, Overview
from mlxtwin.errors import TwinError
from mlxtwin_tui.screens.chat import ChatScreen
from mlxtwin_tui.screens.data import DataScreen
from mlxtwin_tui.screens.home import HomeScreen
from mlxtwin_tui.screens.page import Page
from mlxtwin_tui.screens.settings import SettingsScreen
from mlxtwin_tui.screens.slots import SlotsScreen
from mlxtwin_tui.screens.train import TrainScreen

Result = TypeVar("Result")
LOOK_SECONDS = 1.0
PAGES: tuple[type[Page], ...] = (HomeScreen, DataScreen, TrainScreen, ChatScreen, SlotsScreen, SettingsScreen)


class TwinApp(App[None]):
    """``house``: the real one, or in tests a fake that keeps its contract.

    ``overview`` is looked at once a second, cheaply, and every page is told when it changes.
    """

    TITLE = "mlxtwin"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {page.NAME: page for page in PAGES}
    DEFAULT_MODE = HomeScreen.NAME
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(f"f{place}", f"switch_mode('{page.NAME}')", page.TITLE, id=f"go.{page.NAME}", show=False)
            for place, page in enumerate(PAGES, start=2)
        ),
        Binding("f1", "show_help_panel", "Help", id="help"),
        Binding("ctrl+q", "quit", "Quit", id="quit", show=False, priority=True),
    ]

    overview: reactive[Overview | None] = reactive(None, init=False)

    def __init__(self, house: House) -> None:
        super().__init__()
        self.house = house
        self._pulse: object = None

    async def on_mount(self) -> None:
        await self.look()
        self.set_interval(LOOK_SECONDS, self._look_if_changed)

    async def ask(self, question: Callable[..., Result], *given: Any) -> Result:
        """Put a question that may block to the house, or to a function of the client, in a thread."""
        return await asyncio.to_thread(question, *given)

    async def look(self) -> None:
        """Read the overview anew; a house that cannot be read is told of and the last look stays."""
        self._pulse = await self.ask(self.house.pulse)
        try:
            self.overview = await self.ask(self.house.overview)
        except TwinError as error:
            self.tell(error)

    async def _look_if_changed(self) -> None:
        if await self.ask(self.house.pulse) != self._pulse:
            await self.look()

    def watch_overview(self, overview: Overview) -> None:
        for stack in self._screen_stacks.values():
            for screen in stack:
                if isinstance(screen, Page) and screen.is_mounted:
                    screen.show_overview(overview)

    def tell(self, error: TwinError) -> None:
        """One sentence with a next step, above the screen for a while."""
        self.notify(error.sentence(), severity="error", timeout=10, markup=False)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action is in the palette: the screens to go to, then what the present screen can do."""
        yield from (
            SystemCommand(f"Go to {page.TITLE}", page.PURPOSE, lambda name=page.NAME: self.switch_mode(name))
            for page in PAGES
        )
        if isinstance(screen, Page):
            yield from screen.commands()
        yield from (one for one in super().get_system_commands(screen) if one.title not in ("Screenshot", "Maximize"))

    def _fatal_error(self) -> None:
        """Textual would print the local variables, which hold personal text: the type and the place must do."""
        error = self._exception or RuntimeError()
        self.panic(f"{crash_sentence(error)} Nothing stored is lost; a run under way goes on.")


def run(house: House) -> int:
    """Open the screens until the person leaves; the exit code."""
    app = TwinApp(house)
    app.run()
    return app.return_code or 0

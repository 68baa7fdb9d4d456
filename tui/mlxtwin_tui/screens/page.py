"""What every screen has: the tabs above, the status line below, and the overview whenever it changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding
from textual.containers import Container
from textual.screen import Screen
from textual.widgets import Footer, Tab, Tabs

from mlxtwin.client.house import House, Overview
from mlxtwin_tui.widgets.status import StatusLine

if TYPE_CHECKING:
    from mlxtwin_tui.app import TwinApp

NAMES = ("home", "data", "train", "chat", "slots", "settings")


class Page(Screen[None]):
    """``NAME`` is its place in the tabs, ``TITLE`` what it is called there, ``PURPOSE`` one line for the palette.

    A page composes its `body` and reacts to `show_overview`; `came_back` is called whenever it comes into view.
    """

    NAME: ClassVar[str]
    TITLE: ClassVar[str]
    PURPOSE: ClassVar[str] = ""

    def compose(self) -> ComposeResult:
        yield Tabs(
            *(Tab(name.capitalize(), id=f"tab-{name}") for name in NAMES), id="navigation", active=f"tab-{self.NAME}"
        )
        with Container(id="body"):
            yield from self.body()
        yield StatusLine(id="status")
        yield Footer(show_command_palette=False)

    def body(self) -> ComposeResult:
        """The widgets between tabs and status line."""
        yield from ()

    @property
    def twin_app(self) -> TwinApp:
        """The app with its own type."""
        return cast("TwinApp", self.app)

    @property
    def house(self) -> House:
        """The house that the app was opened with."""
        return self.twin_app.house

    def on_mount(self) -> None:
        self.query_one("#navigation", Tabs).can_focus = False
        if self.twin_app.overview is not None:
            self.show_overview(self.twin_app.overview)

    async def on_screen_resume(self) -> None:
        self.query_one("#navigation", Tabs).active = f"tab-{self.NAME}"
        await self.came_back()

    async def came_back(self) -> None:
        """Called each time this page comes into view."""

    def show_overview(self, overview: Overview) -> None:
        """The house changed, or this page was just made."""
        self.query_one("#status", StatusLine).show(overview)

    def on_tabs_tab_activated(self, event: Tabs.TabActivated) -> None:
        name = (event.tab.id or "").removeprefix("tab-")
        if event.tabs.id == "navigation" and name != self.NAME:
            self.app.switch_mode(name)

    def commands(self) -> Iterable[SystemCommand]:
        """For the palette: every action of this page that has a key."""
        for binding in self._bindings.key_to_bindings.values():
            for one in binding:
                yield from self._as_command(one)

    def _as_command(self, binding: Binding) -> Iterable[SystemCommand]:
        if binding.description and self.BINDINGS and not binding.system:

            async def act(action: str = binding.action) -> None:
                await self.run_action(action)

            yield SystemCommand(binding.description, f"{self.TITLE}: {binding.tooltip or binding.description}", act)

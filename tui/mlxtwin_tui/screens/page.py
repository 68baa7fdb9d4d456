"""What every screen has: the tabs above, the status line below, and the overview whenever it changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding
from textual.containers import Container, Vertical
from textual.screen import Screen
from textual.widgets import Button, Tab, Tabs

from mlxtwin.client.house import House, Overview
from mlxtwin_tui.widgets.closed import Closed
from mlxtwin_tui.widgets.foot import Foot
from mlxtwin_tui.widgets.status import StatusLine

if TYPE_CHECKING:
    from mlxtwin_tui.app import TwinApp

NAMES = ("home", "data", "train", "chat", "slots", "settings")


class Page(Screen[None]):
    """``NAME`` is its place in the tabs, ``TITLE`` what it is called there, ``PURPOSE`` one line for the palette.

    A page composes its `body` and reacts to `show_overview`; `came_back` is called whenever it comes into view. While
    the vault is closed, a page that needs it shows how to open it in place of its body, its keys do nothing, and
    `came_back` waits until it is open.
    """

    NAME: ClassVar[str]
    TITLE: ClassVar[str]
    PURPOSE: ClassVar[str] = ""
    NEEDS_VAULT: ClassVar[bool] = True

    _owed = False
    _in_view = False

    def __init__(self) -> None:
        super().__init__()
        # A screen that is opened later is styled as it is mounted; Textual would count it as one that missed a change
        # of theme, and parse every style sheet again, twice.
        if self.twin_app.overview is not None:
            self._css_update_count = self.app._css_update_count

    def compose(self) -> ComposeResult:
        yield Tabs(
            *(Tab(name.capitalize(), id=f"tab-{name}") for name in NAMES), id="navigation", active=f"tab-{self.NAME}"
        )
        with Container(id="body"):
            yield from self.body()
        yield Closed(id="closed")
        with Vertical(id="bottom"):
            yield StatusLine(id="status")
            yield Foot()

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

    @property
    def closed(self) -> bool:
        """Whether this page has to wait for the vault to be opened."""
        overview = self.twin_app.overview
        return self.NEEDS_VAULT and (overview is None or overview.door != "open")

    def on_mount(self) -> None:
        self.query_one("#navigation", Tabs).can_focus = False
        self.query_one(Closed).display = False
        if self.twin_app.overview is not None:
            self.show_overview(self.twin_app.overview)

    async def on_screen_resume(self) -> None:
        self.query_one("#navigation", Tabs).active = f"tab-{self.NAME}"
        if not self._in_view:  # the first time Textual tells of it twice
            self._in_view = True
            await self._come_back()

    def on_screen_suspend(self) -> None:
        self._in_view = False

    async def _come_back(self) -> None:
        self._owed = self.closed
        if not self._owed:
            await self.came_back()

    async def came_back(self) -> None:
        """Called each time this page comes into view."""

    def show_overview(self, overview: Overview) -> None:
        """The house changed, or this page was just made."""
        self.query_one("#status", StatusLine).show(overview)
        if self.NEEDS_VAULT:
            self._show_door(overview)

    def _show_door(self, overview: Overview) -> None:
        """Put the body or the way to open the vault into view, and what was put off is done once it is open."""
        overlay, shut = self.query_one(Closed), overview.door != "open"
        changed = overlay.display != shut
        overlay.show(overview.door)
        overlay.display, self.query_one("#body").display = shut, not shut
        if changed:
            self.refresh_bindings()
            self.call_after_refresh(self._focus_what_shows)
        if self._owed and not shut:
            self._owed = False
            self.call_later(self._come_back)
        elif changed and shut:
            self._owed = True

    def _focus_what_shows(self) -> None:
        if self.closed:
            self.query_one(Closed).query_one(Button).focus()
        elif self.focused not in self.focus_chain:
            wanted = set(self.query(self.AUTO_FOCUS or "*")) if self.AUTO_FOCUS != "" else set()
            self.set_focus(next((one for one in self.focus_chain if one in wanted), None))

    def on_tabs_tab_activated(self, event: Tabs.TabActivated) -> None:
        name = (event.tab.id or "").removeprefix("tab-")
        if event.tabs.id == "navigation" and name != self.NAME:
            self.app.switch_mode(name)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While it is closed, what this page itself can do is neither offered nor done."""
        if self.is_mounted and self.closed and action in self._own_actions():
            return False
        return super().check_action(action, parameters)

    def _own_bindings(self) -> dict[str, Binding]:
        """By action; those that every screen of Textual has are not the page's own."""
        inherited = {one.action for one in Screen.BINDINGS if isinstance(one, Binding)}
        bindings = (one for found in self._bindings.key_to_bindings.values() for one in found)
        return {one.action: one for one in bindings if one.action not in inherited}

    def _own_actions(self) -> set[str]:
        return {action.partition("(")[0] for action in self._own_bindings()}

    def commands(self) -> Iterable[SystemCommand]:
        """For the palette: every action of this page that has a key and can be done now."""
        for binding in self._own_bindings().values():
            yield from self._as_command(binding)

    def _as_command(self, binding: Binding) -> Iterable[SystemCommand]:
        offered = binding.description and not binding.system
        if offered and self.app._check_action_state(binding.action, self):

            async def act(action: str = binding.action) -> None:
                await self.run_action(action)

            yield SystemCommand(binding.description, f"{self.TITLE}: {binding.tooltip or binding.description}", act)

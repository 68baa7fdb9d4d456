"""This machine, the vault, the bases, and how the screens look and answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

from rich.table import Table
from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from mlxtwin.client.house import Overview
from mlxtwin.client.secrets import KNOWN
from mlxtwin.errors import TwinError
from mlxtwin.security.redact import clean_terminal
from mlxtwin_tui import doors
from mlxtwin_tui.dialogs.keys import Keys, Named
from mlxtwin_tui.dialogs.secret import Secret
from mlxtwin_tui.screens.page import Page
from mlxtwin_tui.widgets.status import DOORS

LOOKING = "looking …"
TITLES = {
    "problems": "To fix",
    "machine": "This machine",
    "privacy": "Privacy",
    "bases": "Base models",
    "secrets": "Secrets",
    "looks": "Theme and keys",
}
GIB = 1 << 30
ONE = next(iter(KNOWN))


class SettingsScreen(Page):
    """Looked up in threads when it comes into view: the device is asked in a process of its own, once."""

    NAME = "settings"
    TITLE = "Settings"
    PURPOSE = "Base, device, vault and keys"
    CSS_PATH = "settings.tcss"
    NEEDS_VAULT = False
    AUTO_FOCUS = "#settings"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "app.change_theme", "Theme", id="settings.theme", tooltip="Choose how the screens look"),
        Binding("k", "keys", "Keys", id="settings.keys", tooltip="Give an action another key"),
        Binding("s", "set_secret", "Set secret", id="settings.set", tooltip=f"Keep {KNOWN[ONE]}"),
        Binding("x", "remove_secret", "Remove secret", id="settings.remove", tooltip="Take it out of the keychain"),
        Binding("l", "app.lock", "Lock now", id="settings.lock", tooltip="Forget the key of the vault"),
        Binding("u", "app.open_vault", "Unlock", id="settings.unlock", tooltip="Make or unlock the vault"),
        Binding("r", "again", "Look again", id="settings.again", tooltip="Examine this machine anew"),
    ]

    _found: dict[str, Any] | None = None
    _secrets: list[str] | None = None

    def body(self) -> ComposeResult:
        with VerticalScroll(id="settings"):
            for name, title in TITLES.items():
                section = Static(Content(LOOKING), id=name, classes="panel", markup=False)
                section.border_title = title
                yield section

    async def came_back(self) -> None:
        if self._found is None:
            self._examine()
        self._look()

    def show_overview(self, overview: Overview) -> None:
        super().show_overview(overview)
        self._show("looks", self._looks())
        if self._found is not None:
            self._tabulate("privacy", _privacy(self._found, overview))
        self.refresh_bindings()

    @work(exclusive=True, group="examine")
    async def _examine(self) -> None:
        """The slow part: a process that starts MLX tells of the device."""
        found = await self.twin_app.ask(self.house.examine)
        self._found = found
        self.twin_app.device = str(found["device"])
        self._show("problems", list(_problems(found)))
        self.query_one("#problems").set_class(bool(found["problems"]), "-some")
        self._tabulate("machine", _machine(found))
        if self.twin_app.overview is not None:
            self._tabulate("privacy", _privacy(found, self.twin_app.overview))

    @work(exclusive=True, group="look")
    async def _look(self) -> None:
        """The quick part: the bases and the names of the secrets."""
        self._show("looks", self._looks())
        try:
            self._show("bases", [_base(row) for row in await self.twin_app.ask(self.house.bases)])
        except TwinError as error:
            self._show("bases", [error.sentence()])
        try:
            self._secrets = await self.twin_app.ask(self.house.secrets)
            self._show("secrets", [*self._secrets] or ["None is set. S sets one."])
        except TwinError as error:
            self._secrets = None
            self._show("secrets", [error.message])
        self.refresh_bindings()

    def _show(self, name: str, lines: list[str]) -> None:
        self.query_one(f"#{name}", Static).update(Content(clean_terminal("\n".join(lines))))

    def _tabulate(self, name: str, pairs: list[tuple[str, str]]) -> None:
        """Names to the left, and values that wrap in their own column."""
        table = Table.grid("", "", padding=(0, 2, 0, 0))
        for label, value in pairs:
            table.add_row(Text(label), Text(clean_terminal(value), overflow="fold"))
        self.query_one(f"#{name}", Static).update(table)

    def _looks(self) -> list[str]:
        changed = self.twin_app.preferences.keys
        keys = [(self._display(changed.get(one.id, one.standard)), one) for one in self._known()]
        width = max(len(key) for key, _ in keys)
        lines = [f"{key:{width}}  {one.place}{' (changed)' * (one.id in changed)}" for key, one in keys]
        return [f"The theme is {self.app.theme}; T chooses another. K changes a key.", "", *lines]

    def _known(self) -> list[Named]:
        return list(_named(self.app, self.twin_app.MODES.values()))

    def _display(self, keys: str) -> str:
        return " ".join(self.app.get_key_display(Binding(key, "")) for key in keys.split(","))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What cannot be done now is greyed, so that nobody looks for it in vain."""
        if action == "remove_secret":
            return True if self._secrets else None
        if action == "set_secret":
            return True if self._secrets is not None else None
        return super().check_action(action, parameters)

    def action_again(self) -> None:
        """Examine the machine anew."""
        for name in ("problems", "machine", "privacy"):
            self._show(name, [LOOKING])
        self._found = None
        self._examine()
        self._look()

    @work
    async def action_keys(self) -> None:
        """Let the person give actions other keys."""
        keys = await self.app.push_screen_wait(Keys(self._known(), self.twin_app.preferences.keys))
        if keys is not None:
            self.twin_app.keep(replace(self.twin_app.preferences, keys=keys))
            self._show("looks", self._looks())

    @work
    async def action_set_secret(self) -> None:
        """Ask for a token, hidden, and put it into the keychain."""
        if await self.app.push_screen_wait(Secret(ONE)):
            self.notify(f"The secret {ONE} is in the keychain.", markup=False)
            self._look()

    @work
    async def action_remove_secret(self) -> None:
        """Take a token out of the keychain, after a question."""
        name = next(iter(self._secrets or ()), "")
        if name and await doors.sure(self.twin_app, f"Remove the secret {name} from the keychain?", "Remove it"):
            try:
                await self.twin_app.ask(self.house.remove_secret, name)
            except TwinError as error:
                self.twin_app.tell(error)
            self._look()


def _machine(found: dict[str, Any]) -> list[tuple[str, str]]:
    memory, compiled = found["memory"], found["compile"]
    blas = f"{found['blas']}: {found['blas_details'].get('reason', '')}".rstrip(": ")
    return [
        ("device", f"{found['device']}: {found['reason']}"),
        ("memory", f"{memory['budget_bytes'] / GIB:.1f} of {memory['total_bytes'] / GIB:.1f} GiB may be used"),
        ("BLAS", blas),
        ("compile", f"{'on' if compiled['on'] else 'off'}: {compiled['reason']}".rstrip(": ")),
        ("mlxtwin", found["version"]),
    ]


def _privacy(found: dict[str, Any], overview: Overview) -> list[tuple[str, str]]:
    keychain, network = found["keychain"], found["network"]
    return [
        ("vault", DOORS[overview.door].removeprefix("vault ")),
        ("home", found["home"]),
        ("keychain", keychain["backend"] if keychain["ok"] else f"none: {keychain['why']}"),
        ("network", f"off. {network['how']}" if network["airplane"] else f"not shut off here. {network['how']}"),
    ]


def _problems(found: dict[str, Any]) -> Iterator[str]:
    if not found["problems"]:
        yield "Nothing to fix."
    for problem in found["problems"]:
        yield f"{problem['what']}\n  {problem['fix']}"


def _base(row: dict[str, Any]) -> str:
    return f"{row['name']}  {'comes with mlxtwin' if row['bundled'] else row['path']}"


def _named(app: App[Any], pages: Any) -> Iterator[Named]:
    """Every action with an id, of the app and of its pages."""
    for where, bindings in (("", app.BINDINGS), *((page.TITLE, page.BINDINGS) for page in pages)):
        for one in bindings:
            if isinstance(one, Binding) and one.id and one.description:
                words = f"{one.description}: {one.tooltip}" if one.tooltip else one.description
                yield Named(one.id, where, words, one.key)

"""Opening the vault with its recovery key and locking it anew."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Checkbox, Input, Label

from mlxtwin.errors import UsageError
from mlxtwin_tui.dialogs.dialog import Dialog
from mlxtwin_tui.widgets.lock_choice import LockChoice


class Recover(Dialog[bool]):
    """Answers True once the vault is open. The recovery key stays valid."""

    HEADING = "Open the vault with its recovery key"

    def __init__(self, keychain: tuple[str, str]) -> None:
        super().__init__()
        self._keychain = keychain

    def content(self) -> ComposeResult:
        yield Input(password=True, placeholder="Recovery key", id="recovery")
        yield Checkbox("Show what I type", compact=True)
        yield Label("From now on it is opened by:", markup=False)
        yield LockChoice(self._keychain)
        with Horizontal(classes="buttons"):
            yield Button("Open it", variant="primary", id="open")

    def on_checkbox_changed(self, event: Checkbox.Changed) -> None:
        self.query_one("#recovery", Input).password = not event.value

    def on_input_submitted(self) -> None:
        self.query_one(LockChoice).query("OptionList, Input").first().focus()

    async def on_lock_choice_chosen(self) -> None:
        await self._recover()

    async def on_button_pressed(self) -> None:
        await self._recover()

    async def _recover(self) -> None:
        recovery = self.query_one("#recovery", Input).value.strip()
        if not recovery:
            self.trouble("Type the recovery key that was shown when the vault was made.")
            self.query_one("#recovery").focus()
            return
        try:
            passphrase = self.query_one(LockChoice).passphrase()
        except UsageError as error:
            self.trouble(error.sentence())
            return
        house = self.twin_app.house

        def recover() -> bool:
            house.recover(recovery, passphrase)
            return True

        if await self.attempt(recover):
            self.dismiss(True)

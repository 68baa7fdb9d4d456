"""Unlocking the vault with its passphrase, or with the keychain once that answers."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Button, Input, Label

from mlxtwin_tui.dialogs.dialog import Dialog

RECOVER = "recover"
OPEN = "open"


class Unlock(Dialog[str]):
    """Answers OPEN once the vault is, RECOVER where the person has the recovery key instead.

    ``trouble``: why the keychain did not open it, or an empty sentence.
    """

    HEADING = "Unlock the vault"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "recover", "Recovery key", id="unlock.recover", tooltip="Open it with the recovery key")
    ]

    def __init__(self, by_passphrase: bool, trouble: str = "") -> None:
        super().__init__()
        self._by_passphrase, self._trouble = by_passphrase, trouble

    def content(self) -> ComposeResult:
        if self._by_passphrase:
            yield Input(password=True, placeholder="Passphrase")
        else:
            yield Label("The keychain of this computer holds its key.", markup=False)
        with Horizontal(classes="buttons"):
            yield Button("Unlock" if self._by_passphrase else "Try again", variant="primary", id="unlock")
            yield Button("Use the recovery key", id="recover")

    def on_mount(self) -> None:
        self.trouble(self._trouble)

    async def on_input_submitted(self) -> None:
        await self._unlock()

    async def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "recover":
            self.action_recover()
        else:
            await self._unlock()

    def action_recover(self) -> None:
        """Leave for the recovery key."""
        if not self.busy:
            self.dismiss(RECOVER)

    async def _unlock(self) -> None:
        given = self.query_one(Input).value if self._by_passphrase else None
        if given == "":
            self.trouble("Type the passphrase of the vault.")
            return
        house = self.twin_app.house

        def unlock() -> str:
            house.unlock(given)
            return OPEN

        if await self.attempt(unlock, hint="Try again, or press Ctrl+R to use the recovery key."):
            self.dismiss(OPEN)
        elif self._by_passphrase:
            self.query_one(Input).value = ""
            self.query_one(Input).focus()

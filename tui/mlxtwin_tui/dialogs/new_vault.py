"""Making the vault."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Label

from mlxtwin.errors import UsageError
from mlxtwin_tui.dialogs.dialog import Dialog
from mlxtwin_tui.widgets.lock_choice import LockChoice


class NewVault(Dialog[str]):
    """Answers with the recovery key of a vault that is made and open."""

    HEADING = "Make the vault"

    def __init__(self, keychain: tuple[str, str]) -> None:
        super().__init__()
        self._keychain = keychain

    def content(self) -> ComposeResult:
        yield Label("Your words are kept in one encrypted file on this computer. What shall open it?", markup=False)
        yield LockChoice(self._keychain)
        with Horizontal(classes="buttons"):
            yield Button("Make it", variant="primary", id="make")

    async def on_lock_choice_chosen(self) -> None:
        await self._make()

    async def on_button_pressed(self) -> None:
        await self._make()

    async def _make(self) -> None:
        try:
            passphrase = self.query_one(LockChoice).passphrase()
        except UsageError as error:
            self.trouble(error.sentence())
            return
        recovery = await self.attempt(self.twin_app.house.create, passphrase)
        if recovery is not None:
            self.dismiss(recovery)

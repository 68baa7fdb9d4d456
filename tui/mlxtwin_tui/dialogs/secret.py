"""A token for another service, typed hidden and kept in the keychain."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input, Label

from mlxtwin.client.secrets import KNOWN
from mlxtwin_tui.dialogs.dialog import Dialog


class Secret(Dialog[bool]):
    """Answers True once it is in the keychain."""

    HEADING = "Set a secret"
    AUTO_FOCUS = "Input"

    def __init__(self, name: str) -> None:
        super().__init__()
        self._secret = name

    def content(self) -> ComposeResult:
        yield Label(f"{self._secret}: {KNOWN[self._secret]}. It goes into the keychain and nowhere else.", markup=False)
        yield Input(password=True, placeholder=f"Value of {self._secret}")
        with Horizontal(classes="buttons"):
            yield Button("Keep it", variant="primary")

    async def on_input_submitted(self) -> None:
        await self._keep()

    async def on_button_pressed(self) -> None:
        await self._keep()

    async def _keep(self) -> None:
        value, house = self.query_one(Input).value.strip(), self.twin_app.house
        if not value:
            self.trouble("Type or paste the value first.")
            return

        def keep() -> bool:
            house.put_secret(self._secret, value)
            return True

        if await self.attempt(keep):
            self.dismiss(True)

"""The recovery key, shown once."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Button, Checkbox, Label, Static

from mlxtwin_tui.dialogs.dialog import Dialog

KEEP_IT = (
    "Write it on paper and keep that away from this computer: it opens the vault when the keychain or the passphrase "
    "is lost. It is stored nowhere and not shown again."
)


class RecoveryKey(Dialog[bool]):
    """It stays until the person says that the key is kept: neither Escape nor one stray Enter takes it away."""

    HEADING = "The recovery key of the vault"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel", id="dialog.leave", show=False),
        Binding("c", "copy", "Copy", id="recovery.copy", tooltip="Put the recovery key on the clipboard"),
    ]

    def __init__(self, recovery: str) -> None:
        super().__init__()
        self._recovery = recovery

    def content(self) -> ComposeResult:
        yield Static(self._recovery, id="recovery", markup=False)
        yield Label(KEEP_IT, markup=False)
        yield Checkbox("I have it on paper", compact=True)
        with Horizontal(classes="buttons"):
            yield Button("Go on", variant="primary", id="go-on", disabled=True)
            yield Button("Copy", id="copy")

    def action_leave(self) -> None:
        self.trouble("Tick the box first: there is no second look at this key.")

    def action_copy(self) -> None:
        """Over the terminal's own clipboard protocol, which not every terminal has."""
        self.app.copy_to_clipboard(self._recovery)
        self.notify("Copied, where this terminal allows it. Empty the clipboard when the key is on paper.")

    def on_checkbox_changed(self, event: Checkbox.Changed) -> None:
        button = self.query_one("#go-on", Button)
        button.disabled = not event.value
        if event.value:
            self.trouble("")
            button.focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "copy":
            self.action_copy()
        else:
            self.dismiss(True)

"""A question before something that cannot be undone."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Label

from mlxtwin.security.redact import clean_terminal
from mlxtwin_tui.dialogs.dialog import Dialog


class Sure(Dialog[bool]):
    """The button that does it is not the one that has the focus."""

    HEADING = "Are you sure?"
    AUTO_FOCUS = "#no"

    def __init__(self, question: str, yes: str) -> None:
        super().__init__()
        self._question, self._yes = clean_terminal(question), clean_terminal(yes)

    def content(self) -> ComposeResult:
        yield Label(self._question, markup=False)
        with Horizontal(classes="buttons"):
            yield Button(self._yes, variant="error", id="yes")
            yield Button("Leave it", id="no")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

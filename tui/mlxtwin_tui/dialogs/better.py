"""How the person would have said it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Button, Label, TextArea

from mlxtwin.security.redact import clean_terminal
from mlxtwin_tui.dialogs.dialog import Dialog


class Better(Dialog[str]):
    """Begins with the answer as it was given; answers with the person's own words."""

    HEADING = "How would you have said it?"
    AUTO_FOCUS = "TextArea"
    DEFAULT_CSS = """
    Better .dialog { width: 100; }
    Better TextArea { height: auto; min-height: 4; max-height: 12; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "keep", "Keep", id="better.keep", priority=True, tooltip="Keep the correction")
    ]

    def __init__(self, answer: str) -> None:
        super().__init__()
        self._answer = clean_terminal(answer)

    def content(self) -> ComposeResult:
        yield Label("Change the answer into your own words. The twin learns from it when it is trained again.")
        yield TextArea(self._answer, soft_wrap=True, tab_behavior="focus", compact=True)
        with Horizontal(classes="buttons"):
            yield Button("Keep", variant="primary", id="keep")

    def action_keep(self) -> None:
        """Answer with what is written; the answer as it was is no correction."""
        written = self.query_one(TextArea).text.strip()
        if not written or written == self._answer.strip():
            self.trouble("Change it first; Escape leaves it as it is." if written else "Write how you would say it.")
        else:
            self.dismiss(written)

    def on_button_pressed(self) -> None:
        self.action_keep()

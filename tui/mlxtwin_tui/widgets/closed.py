"""What a page shows in place of itself while the vault is closed."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Button, Static

from mlxtwin.client.house import Door

WORDS: dict[Door, tuple[str, str, str]] = {
    "absent": (
        "There is no vault yet",
        "All of this lives in one, encrypted. Making it takes a moment.",
        "Make it",
    ),
    "broken": ("The vault is incomplete", "One of its two files is missing. Settings tells what to do.", "Look there"),
    "locked": ("The vault is locked", "Press Enter to unlock it; everything is as you left it.", "Unlock"),
    "open": ("", "", ""),
}


class Closed(Vertical):
    """A sentence, and a button that opens the vault by whatever way there is."""

    def compose(self) -> ComposeResult:
        yield Static(classes="title", markup=False)
        yield Static(classes="muted", markup=False)
        yield Button("", variant="primary", classes="next", action="app.open_vault")

    def show(self, door: Door) -> None:
        """The words for a vault in this state."""
        title, words, label = WORDS[door]
        first, second = self.query(Static)
        first.update(title)
        second.update(words)
        button = self.query_one(Button)
        button.label = label
        button.refresh(layout=True)

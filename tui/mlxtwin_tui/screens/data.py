"""Every document, who wrote it and why it was kept."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from mlxtwin_tui.screens.page import Page


class DataScreen(Page):
    """Every document, who wrote it and why it was kept."""

    NAME = "data"
    TITLE = "Data"
    PURPOSE = "Every document, who wrote it and why it was kept"
    CSS_PATH = "data.tcss"

    def body(self) -> ComposeResult:
        yield Static("", classes="empty")

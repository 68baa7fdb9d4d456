"""Versions and their numbers."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from mlxtwin_tui.screens.page import Page


class SlotsScreen(Page):
    """Versions and their numbers."""

    NAME = "slots"
    TITLE = "Slots"
    PURPOSE = "Versions and their numbers"
    CSS_PATH = "slots.tcss"

    def body(self) -> ComposeResult:
        yield Static("", classes="empty")

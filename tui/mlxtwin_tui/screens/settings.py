"""Base, device, vault and keys."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from mlxtwin_tui.screens.page import Page


class SettingsScreen(Page):
    """Base, device, vault and keys."""

    NAME = "settings"
    TITLE = "Settings"
    PURPOSE = "Base, device, vault and keys"
    CSS_PATH = "settings.tcss"

    def body(self) -> ComposeResult:
        yield Static("", classes="empty")

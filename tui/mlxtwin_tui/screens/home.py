"""What the twin is made of and what to do next."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from mlxtwin_tui.screens.page import Page


class HomeScreen(Page):
    """What the twin is made of and what to do next."""

    NAME = "home"
    TITLE = "Home"
    PURPOSE = "What the twin is made of and what to do next"
    CSS_PATH = "home.tcss"

    def body(self) -> ComposeResult:
        yield Static("", classes="empty")

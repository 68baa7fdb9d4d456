"""Talk with a twin."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from mlxtwin_tui.screens.page import Page


class ChatScreen(Page):
    """Talk with a twin."""

    NAME = "chat"
    TITLE = "Chat"
    PURPOSE = "Talk with a twin"
    CSS_PATH = "chat.tcss"

    def body(self) -> ComposeResult:
        yield Static("", classes="empty")

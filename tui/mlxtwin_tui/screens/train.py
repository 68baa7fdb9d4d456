"""Pick a recipe and watch a run."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from mlxtwin_tui.screens.page import Page


class TrainScreen(Page):
    """Pick a recipe and watch a run."""

    NAME = "train"
    TITLE = "Train"
    PURPOSE = "Pick a recipe and watch a run"
    CSS_PATH = "train.tcss"

    def body(self) -> ComposeResult:
        yield Static("", classes="empty")

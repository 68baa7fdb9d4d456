"""A report card, or two versions side by side, over the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.console import RenderableType
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from mlxtwin_tui.dialogs.dialog import Dialog
from mlxtwin_tui.widgets.card_view import CardView


class VersionCard(Dialog[None]):
    """Shows what it is given; its arrows scroll."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Close", id="dialog.close")]
    DEFAULT_CSS = """
    VersionCard .dialog { width: 116; height: 100%; }
    VersionCard CardView { height: 1fr; }
    """

    def __init__(self, heading: str, parts: Sequence[RenderableType]) -> None:
        super().__init__()
        self.heading, self.parts = heading, parts

    def content(self) -> ComposeResult:
        yield CardView(id="version-card")

    def on_mount(self) -> None:
        self.query_one(".title").display = bool(self.heading)
        self.query_one(CardView).show(*self.parts)

"""The line of keys at the bottom; where they do not all fit, the one that shows all of them stays in view."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Footer

HELP = "help"


class Foot(Footer):
    """Without the key of the palette, which the help tells of."""

    DEFAULT_CSS = """
    Foot .-help { dock: right; padding-right: 1; border-left: vkey $foreground 20%; }
    """

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)

    def compose(self) -> ComposeResult:
        for key in super().compose():
            key.set_class(getattr(key, "action", "") == HELP, "-help")
            yield key

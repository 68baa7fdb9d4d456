"""A dial of a few named positions on one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget


class Dial(Widget, can_focus=True):
    """``chosen``: what the person turned it to, empty until then; ``given``: where it stands by itself."""

    DEFAULT_CSS = """
    Dial { height: 1; width: 1fr; }
    Dial:focus { background: $boost; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "turn(-1)", "Less", show=False),
        Binding("right", "turn(1)", "More", show=False),
    ]

    chosen: reactive[str] = reactive("")
    given: reactive[str] = reactive("")

    @dataclass
    class Turned(Message):
        dial: Dial
        position: str

    def __init__(self, positions: tuple[str, ...], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.positions = positions

    def render(self) -> Content:
        stands = self.chosen or self.given
        parts = [
            (f" {name} ", "bold reverse" if name == stands else "dim" if not self.has_focus else "")
            for name in self.positions
        ]
        note = "" if self.chosen or not self.given else "  the recipe's"
        return Content.assemble(*parts, (note, "dim"))

    def action_turn(self, by: int) -> None:
        """To the neighbour; from nowhere to the middle."""
        stands = self.chosen or self.given
        at = self.positions.index(stands) + by if stands in self.positions else len(self.positions) // 2
        self._turn_to(self.positions[min(max(at, 0), len(self.positions) - 1)])

    def on_click(self, event: Click) -> None:
        end = 0
        for name in self.positions:
            end += len(name) + 2
            if event.x < end:
                self._turn_to(name)
                return

    def _turn_to(self, position: str) -> None:
        if position != self.chosen:
            self.chosen = position
            self.post_message(self.Turned(self, position))

"""Where a prompt is typed: Enter sends it, Ctrl+J begins a line, and the pages of the transcript turn from here."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea


class Prompt(TextArea):
    """Grows with what is typed, up to a third of the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", show=False),
        Binding("ctrl+j,shift+enter", "begin_line", "New line", id="chat.line", show=False),
        Binding("pageup", "screen.turn_page(-1)", "Page up", show=False, priority=True),
        Binding("pagedown", "screen.turn_page(1)", "Page down", show=False, priority=True),
    ]

    class Sent(Message):
        """The person sends what is typed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, id: str) -> None:
        super().__init__(id=id, tab_behavior="focus", show_line_numbers=False, soft_wrap=True, compact=True)
        self.placeholder = "Say something"

    async def _on_key(self, event: events.Key) -> None:
        """Enter in its turn among the keys: a priority binding would overtake what was typed just before."""
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.action_send()
        else:
            await super()._on_key(event)

    def action_send(self) -> None:
        """Blank text is not sent."""
        if self.text.strip():
            self.post_message(self.Sent(self.text.strip()))

    def action_begin_line(self) -> None:
        self.insert("\n")

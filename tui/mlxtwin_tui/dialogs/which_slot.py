"""Which slot answers from now on."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mlxtwin.client.conversations import Choice
from mlxtwin.security.redact import clean_terminal
from mlxtwin_tui.dialogs.dialog import Dialog


class WhichSlot(Dialog[str]):
    """Answers with the slot's name."""

    HEADING = "Who answers?"
    AUTO_FOCUS = "OptionList"

    def __init__(self, choices: Sequence[Choice], current: str) -> None:
        super().__init__()
        self._choices, self._current = choices, current

    def content(self) -> ComposeResult:
        yield OptionList(*(Option(self._line(one), id=one.slot) for one in self._choices), compact=True)

    def on_mount(self) -> None:
        names = [one.slot for one in self._choices]
        self.query_one(OptionList).highlighted = names.index(self._current) if self._current in names else 0

    def _line(self, choice: Choice) -> Content:
        mark = "●" if choice.slot == self._current else " "
        return Content(f"{mark} {choice.slot}  version {choice.version}  on {clean_terminal(choice.base)}")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)

"""Which of the authors of an export is the person."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input, Label, SelectionList
from textual.widgets.selection_list import Selection

from mlxtwin.security.redact import clean_terminal
from mlxtwin.wording import plural
from mlxtwin_tui.dialogs.dialog import Dialog


class Authors(SelectionList[str]):
    """Space ticks; Enter is for going on, as everywhere else."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "select", "Tick", id="who.tick"),
        Binding("enter", "screen.choose", "Go on", id="who.choose"),
    ]


class Who(Dialog[list[str]]):
    """``candidates``: name and messages, the most frequent first. Answers with one name at least."""

    HEADING = "Which of these are you?"
    AUTO_FOCUS = "Authors"

    def __init__(self, candidates: tuple[tuple[str, int], ...]) -> None:
        super().__init__()
        self._candidates = candidates

    def content(self) -> ComposeResult:
        yield Label("Only your own words train the twin. Tick every name of yours with Space.", markup=False)
        yield Authors(
            *(
                Selection(Content(f"{clean_terminal(name) or '?'}  ({plural(count, 'message')})"), name)
                for name, count in self._candidates
            ),
            compact=True,
        )
        yield Input(placeholder="Another name or address of yours, if it is not in the list", id="other")
        with Horizontal(classes="buttons"):
            yield Button("Go on", variant="primary", id="choose")

    def action_choose(self) -> None:
        """Answer with what is ticked and typed."""
        typed = self.query_one("#other", Input).value.strip()
        names = [*self.query_one(Authors).selected, *([typed] if typed else [])]
        if names:
            self.dismiss(names)
        else:
            self.trouble("Tick yourself first, with Space, or type your name.")

    def on_input_submitted(self) -> None:
        self.action_choose()

    def on_button_pressed(self) -> None:
        self.action_choose()

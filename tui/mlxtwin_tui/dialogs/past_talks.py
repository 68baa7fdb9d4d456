"""Finding a past conversation again, by when it was or by what was said in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from mlxtwin.client.conversations import ConversationRow
from mlxtwin.errors import TwinError
from mlxtwin.security.redact import clean_terminal
from mlxtwin_tui.dialogs.dialog import Dialog
from mlxtwin_tui.doors import sure

Find = Callable[[str], list[ConversationRow]]
Forget = Callable[[int], None]


class PastTalks(Dialog[int]):
    """Answers with the conversation to go on with. The list follows what is typed."""

    HEADING = "Past conversations"
    AUTO_FOCUS = "#words"
    DEFAULT_CSS = """
    PastTalks .dialog { width: 100; }
    PastTalks OptionList { height: auto; max-height: 14; margin-top: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "list_down", "Down", show=False, priority=True),
        Binding("up", "list_up", "Up", show=False, priority=True),
        Binding("ctrl+d", "forget", "Forget it", id="past.forget", priority=True, tooltip="Remove it for good"),
    ]

    def __init__(self, find: Find, forget: Forget) -> None:
        super().__init__()
        self._find, self._forget = find, forget

    def content(self) -> ComposeResult:
        yield Input(placeholder="Words that were said", id="words")
        yield OptionList(compact=True)

    def on_mount(self) -> None:
        self.query_one(OptionList).can_focus = False
        self._list("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._list(event.value)

    @work(exclusive=True, group="past")
    async def _list(self, words: str) -> None:
        try:
            found = await self.twin_app.ask(self._find, words)
        except TwinError as error:
            self.trouble(error.sentence())
            return
        options = self.query_one(OptionList)
        options.set_options(Option(_line(row), id=str(row.id)) for row in found)
        options.highlighted = 0 if found else None
        options.display = bool(found)
        nothing = "Nobody said that." if words.strip() else "Nothing was said yet: close this and say something."
        self.trouble("" if found else nothing)

    def action_list_down(self) -> None:
        self.query_one(OptionList).action_cursor_down()

    def action_list_up(self) -> None:
        self.query_one(OptionList).action_cursor_up()

    def on_input_submitted(self) -> None:
        self.query_one(OptionList).action_select()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        if event.option_id:
            self.dismiss(int(event.option_id))

    @work(group="forget")
    async def action_forget(self) -> None:
        """Remove the conversation under the cursor."""
        options = self.query_one(OptionList)
        if options.highlighted is None:
            return
        chosen = options.get_option_at_index(options.highlighted)
        question = "Forget this conversation? Corrections and ratings made in it stay."
        if chosen.id and await sure(self.twin_app, question, "Forget it"):
            await self.attempt(self._forget, int(chosen.id))
            self._list(self.query_one(Input).value)


def _line(row: ConversationRow) -> Content:
    """When, with whom, how many messages, how it began or where the words were said."""
    when = row.started.astimezone().strftime("%Y-%m-%d %H:%M")
    opening = " ".join(clean_terminal(row.opening).split()) or "…"
    return Content(f"{when}  {row.slot}  {row.messages:>4,}  {opening}")

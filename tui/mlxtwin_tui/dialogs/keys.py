"""Giving an action another key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Label, OptionList
from textual.widgets.option_list import Option

from mlxtwin_tui.dialogs.dialog import Dialog

# Without these nobody could leave a dialog, go on or come back here.
KEPT = frozenset({"escape", "enter", "tab", "shift+tab", "up", "down", "ctrl+c", "ctrl+p", "space", "backspace"})


@dataclass(frozen=True, slots=True)
class Named:
    """An action that has an id: ``where`` is the screen it is on, empty for all of them."""

    id: str
    where: str
    words: str
    standard: str

    @property
    def place(self) -> str:
        """What it does and where."""
        return f"{self.words} ({self.where})" if self.where else self.words


class Keys(Dialog[dict[str, str]]):
    """Answers with the keys that differ from the standard ones, by id. Escape keeps what was there."""

    HEADING = "Change a key"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "keep", "Keep", id="keys.keep"),
        Binding("delete", "standard", "As it was", id="keys.standard", tooltip="Give it the key it had at first"),
    ]
    AUTO_FOCUS = "OptionList"

    def __init__(self, known: list[Named], keys: dict[str, str]) -> None:
        super().__init__()
        self._known, self._keys = known, dict(keys)
        self._asked: Named | None = None

    def content(self) -> ComposeResult:
        yield Label("Enter, then the new key. Ctrl+S keeps the changes.", markup=False)
        yield OptionList(*(Option(self._line(one), id=one.id) for one in self._known), compact=True)

    def _line(self, named: Named) -> Content:
        return Content(f"{self._key(named):12} {named.place}")

    def _key(self, named: Named) -> str:
        return self._keys.get(named.id, named.standard)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self._asked = self._known[event.option_index]
        self.trouble(f"Press the new key for: {self._asked.words}. Escape leaves it.")
        self.query_one(OptionList).disabled = True
        self.set_focus(None)

    def on_key(self, event: events.Key) -> None:
        """The next key after Enter is the new one, whatever it does elsewhere."""
        asked = self._asked
        if asked is None:
            return
        event.stop()
        event.prevent_default()
        self._asked = None
        self.query_one(OptionList).disabled = False
        self.query_one(OptionList).focus()
        self.trouble("" if event.key == "escape" else self._give(asked, event.key))

    def _give(self, named: Named, key: str) -> str:
        """Give it that key, or say why not."""
        if key in KEPT:
            return f"{key} is needed as it is."
        same = [one for one in self._known if one.id != named.id and key in self._key(one).split(",")]
        clash = [one for one in same if not one.where or not named.where or one.where == named.where]
        if clash:
            return f"{key} is taken: {clash[0].words}."
        self._set(named, key)
        return ""

    def _set(self, named: Named, key: str) -> None:
        self._keys[named.id] = key
        if key == named.standard:
            del self._keys[named.id]
        self.query_one(OptionList).replace_option_prompt(named.id, self._line(named))

    def action_standard(self) -> None:
        """Give the action under the cursor its first key again."""
        place = self.query_one(OptionList).highlighted
        if place is not None:
            self._set(self._known[place], self._known[place].standard)

    def action_keep(self) -> None:
        """Answer with the changes."""
        self.dismiss(self._keys)

    def action_leave(self) -> None:
        if self._asked is None:
            super().action_leave()

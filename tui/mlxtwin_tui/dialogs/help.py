"""Every key that does something where the person is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Label

from mlxtwin_tui.dialogs.dialog import Dialog

if TYPE_CHECKING:
    from textual.binding import ActiveBinding


HERE, EVERYWHERE, FOCUS = "On this screen", "Everywhere", "Where the focus is"


@dataclass(frozen=True, slots=True)
class Row:
    """The keys of one action, what it does, and whether it can be done now."""

    keys: str
    words: str
    enabled: bool


def sections(screen: Screen[Any]) -> dict[str, list[Row]]:
    """By where they work: the screen, everywhere, what has the focus."""
    found: dict[str, dict[str, list[ActiveBinding]]] = {HERE: {}, EVERYWHERE: {}, FOCUS: {}}
    for active in screen.active_bindings.values():
        if active.binding.description and not active.binding.system:
            title = _title(active.node, screen)
            found[title].setdefault(active.binding.action, []).append(active)
    lists = {title: [_row(screen.app, same) for same in actions.values()] for title, actions in found.items()}
    return {title: rows for title, rows in lists.items() if rows}


def _title(node: object, screen: Screen[Any]) -> str:
    if isinstance(node, App):
        return EVERYWHERE
    return HERE if node is screen else FOCUS


def _row(app: App[Any], same: list[ActiveBinding]) -> Row:
    first = same[0].binding
    keys = " ".join(dict.fromkeys(app.get_key_display(one.binding) for one in same))
    words = f"{first.description}: {first.tooltip}" if first.tooltip else first.description
    return Row(keys, words, same[0].enabled)


class Help(Dialog[None]):
    """``found``: as `sections` gives it, looked up before this dialog lies over the screen."""

    HEADING = "Keys"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q", "leave", "Close", id="dialog.leave"),
    ]

    def __init__(self, found: dict[str, list[Row]]) -> None:
        super().__init__()
        self._found = found

    def content(self) -> ComposeResult:
        width = max((len(row.keys) for rows in self._found.values() for row in rows), default=0)
        with VerticalScroll(id="keys"):
            for title, rows in self._found.items():
                yield Label(Content(title), classes="section")
                for row in rows:
                    yield Label(Content(f"{row.keys:>{width}}  {row.words}"), classes="" if row.enabled else "muted")
            yield Label(Content("Ctrl+P finds every action by name. Keys can be changed in Settings."), classes="muted")

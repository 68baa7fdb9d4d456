"""Choose one of the runs to look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mlxtwin.client.training import RunRow
from mlxtwin.security.redact import clean_terminal
from mlxtwin_tui.dialogs.dialog import Dialog


class RunList(Dialog[str]):
    """Answers with the name of a run."""

    HEADING: ClassVar[str] = "Runs, the newest first"
    DEFAULT_CSS = """
    RunList OptionList { height: auto; max-height: 16; }
    """

    def __init__(self, rows: Sequence[RunRow], shown: str) -> None:
        super().__init__()
        self.rows, self.shown = rows, shown

    def content(self) -> ComposeResult:
        listed = OptionList(*(Option(_line(row), id=row.run) for row in self.rows), markup=False, compact=True)
        names = [row.run for row in self.rows]
        listed.highlighted = names.index(self.shown) if self.shown in names else 0
        yield listed

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)


def _line(row: RunRow) -> Content:
    when = f"{row.run[:4]}-{row.run[4:6]}-{row.run[6:8]} {row.run[9:11]}:{row.run[11:13]}"
    what = f"{row.recipe} → {row.slot}" if row.recipe and row.slot != row.recipe else row.recipe
    steps = f"{row.step}/{row.steps}" if row.steps else ""
    end = f"version {row.version} {row.verdict}" if row.verdict else row.state
    return Content(clean_terminal("  ".join(part for part in (when, what, end, steps) if part)))

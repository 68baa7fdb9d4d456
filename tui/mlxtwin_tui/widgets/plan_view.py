"""A run before its start: what it learns from, whether it fits, and every value with where it came from."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from mlxtwin.client.training import Plan
from mlxtwin.security.redact import clean_terminal
from mlxtwin.wording import size


class PlanView(VerticalScroll, can_focus=True):
    """Shows one plan, that it is being made, or why there is none."""

    def compose(self) -> ComposeResult:
        yield Static("", id="plan-text", markup=False)

    def show(self, plan: Plan) -> None:
        """All of it, the sentences first."""
        summary = Text(clean_terminal(plan.summary))
        self._put(Group(summary, _fit(plan), Text(""), _values(plan), Text(""), _memory(plan)))

    def wait(self) -> None:
        """A new one is being made; the old one does not hold any more."""
        self._put(Text("Reading the data and planning …", "dim"))

    def refuse(self, message: str, hint: str, *, calm: bool = False) -> None:
        """Why there is none; ``calm`` where nothing is wrong."""
        head = Text(clean_terminal(message), "bold" if calm else "bold red")
        self._put(Group(head, Text(clean_terminal(hint))))

    def _put(self, what: Group | Text) -> None:
        self.query_one("#plan-text", Static).update(what)
        self.scroll_home(animate=False)


def _fit(plan: Plan) -> Text:
    room = f"Memory: {size(plan.needed_bytes)} of the {size(plan.budget_bytes)} that a run may take"
    if plan.fits:
        return Text.assemble(f"{room}. ", ("It fits.", "green"))
    return Text.assemble(f"{room}. ", ("It does not fit. ", "bold red"), clean_terminal(plan.advice))


def _values(plan: Plan) -> Table:
    table = _table("key", "value", "from")
    for key, value, origin in plan.values:
        style = "bold" if origin.startswith("set here") else ""
        table.add_row(Text(key), Text(clean_terminal(value), style), Text(clean_terminal(origin), style or "dim"))
    return table


def _memory(plan: Plan) -> Table:
    table = _table("memory (an estimate)", "")
    table.columns[1].justify = "right"
    for what, much in plan.memory:
        table.add_row(Text(what), Text(much))
    table.add_row(Text("needed", "bold"), Text(size(plan.needed_bytes), "bold"))
    table.add_row(Text("available"), Text(size(plan.budget_bytes)))
    return table


def _table(*names: str) -> Table:
    """Two blanks between columns; a narrow screen folds cells and cuts none."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold dim", show_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    return table

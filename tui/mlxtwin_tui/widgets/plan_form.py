"""The fields that a run is chosen with: recipe, effort, slot, base, and any other value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Input, Label, Select, Static

from mlxtwin.client.training import EFFORTS, Choice, Plan, RecipeRow
from mlxtwin.security.redact import clean_terminal
from mlxtwin_tui.widgets.dial import Dial

FIRST = "voice"
AS_WRITTEN = "the recipe's"


class PlanForm(Vertical):
    """Says `Changed` whenever what is chosen differs; fields left empty are the recipe's."""

    @dataclass
    class Changed(Message):
        choice: Choice

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._recipes: dict[str, RecipeRow] = {}
        self._last: Choice | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(classes="field"):
            yield Label("Recipe")
            yield Select[str]([(FIRST, FIRST)], allow_blank=False, compact=True, id="recipe")
        with Horizontal(classes="field"):
            yield Label("Effort")
            yield Dial(EFFORTS, id="effort")
        with Horizontal(classes="field"):
            yield Label("Slot")
            yield Input(placeholder=AS_WRITTEN, compact=True, max_length=40, id="slot")
        with Horizontal(classes="field"):
            yield Label("Base")
            yield Select[str]([(AS_WRITTEN, "")], allow_blank=False, compact=True, id="base")
        with Horizontal(classes="field"):
            yield Label("Values")
            yield Input(placeholder="KEY=VALUE, as in: epochs=2 seed=7", compact=True, id="sets")
        yield Static("", id="recipe-about", classes="muted", markup=False)

    def offer(self, recipes: Sequence[RecipeRow], bases: Sequence[str], slots: Sequence[str]) -> None:
        """What there is to choose from; what was chosen stays while it is still there."""
        self._recipes = {row.name: row for row in recipes}
        names = sorted(self._recipes, key=lambda name: (name != FIRST, name))
        _offer(self._recipe, [(name, name) for name in names])
        _offer(self._base, [(AS_WRITTEN, ""), *((clean_terminal(name), name) for name in bases)])
        self.query_one("#slot", Input).suggester = SuggestFromList(slots)
        self._describe()

    def show_plan(self, plan: Plan) -> None:
        """Where the dial stands by itself, and what the empty fields mean."""
        self.query_one(Dial).given = plan.effort
        slot = self.query_one("#slot", Input)
        slot.placeholder = AS_WRITTEN if slot.value else f"{plan.slot}, {AS_WRITTEN}"

    @property
    def choice(self) -> Choice:
        """What is chosen now."""
        return Choice(
            recipe=str(self._recipe.value),
            effort=self.query_one(Dial).chosen,
            slot=self.query_one("#slot", Input).value.strip(),
            base=str(self._base.value),
            sets=self.query_one("#sets", Input).value.strip(),
        )

    @property
    def _recipe(self) -> Select[str]:
        return self.query_one("#recipe", Select)

    @property
    def _base(self) -> Select[str]:
        return self.query_one("#base", Select)

    def _describe(self) -> None:
        row = self._recipes.get(str(self._recipe.value))
        self.query_one("#recipe-about", Static).update(row.description if row else "")

    def on_select_changed(self, event: Select.Changed) -> None:
        event.stop()
        if event.select.id == "recipe":
            self.query_one(Dial).given = ""
            self._describe()
        self._tell()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._tell()

    def on_dial_turned(self, event: Dial.Turned) -> None:
        event.stop()
        self._tell()

    def _tell(self) -> None:
        if self._recipes and self.choice != self._last:
            self._last = self.choice
            self.post_message(self.Changed(self.choice))


def _offer(select: Select[str], options: list[tuple[str, str]]) -> None:
    before = select.value
    select.set_options(options)
    if any(value == before for _, value in options):
        select.value = before

"""The personalities and their versions: look, compare, put one into use, go back, take one out, remove."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import Button, ContentSwitcher, DataTable, OptionList, Static
from textual.widgets.option_list import Option

from mlxtwin.client.house import House, Overview
from mlxtwin.client.slots import forgotten_words
from mlxtwin.client.versions import ReportCard, SlotRow, VersionRow, Versions
from mlxtwin.errors import TwinError
from mlxtwin.security.redact import clean_terminal
from mlxtwin.wording import plural
from mlxtwin_tui.dialogs.export_to import ExportTo
from mlxtwin_tui.dialogs.sure import Sure
from mlxtwin_tui.dialogs.version_card import VersionCard
from mlxtwin_tui.screens.page import Page
from mlxtwin_tui.widgets.card_view import STYLES, of_card
from mlxtwin_tui.widgets.compare_view import compared
from mlxtwin_tui.widgets.keys import key_of

_WIDTHS = [(0, "-narrow"), (100, "-wide")]
_COLUMNS = ("", "version", "verdict", "gain", "twin loss", "base loss", "created", "recipe", "effort", "base")
IN_USE, MARKED = "*", "+"


class SlotsScreen(Page):
    """Slots beside, or above, the versions of the one that is highlighted; below the sentences of a version."""

    NAME = "slots"
    TITLE = "Slots"
    PURPOSE = "Versions and their numbers"
    CSS_PATH = "slots.tcss"
    HORIZONTAL_BREAKPOINTS = _WIDTHS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "use", "Use", id="slots.use", tooltip="Put this version into use"),
        Binding("b", "rollback", "Roll back", id="slots.rollback", tooltip="Back to the version in use before"),
        Binding("o", "card", "Report card", id="slots.card", tooltip="Checks and sample answers of this version"),
        Binding("c", "compare", "Compare", id="slots.compare", tooltip="With the marked version, or the one in use"),
        Binding("m", "mark", "Mark", id="slots.mark", tooltip="Mark this version to compare another with"),
        Binding("e", "export", "Export", id="slots.export", tooltip="Write this version as a folder for mlx-lm"),
        Binding("d", "remove", "Remove slot", id="slots.remove", tooltip="Remove the slot with all its versions"),
    ]

    versions_of: Callable[[House], Versions] = Versions

    def __init__(self) -> None:
        super().__init__()
        self._versions: Versions | None = None
        self._slots: list[SlotRow] = []
        self._rows: list[VersionRow] = []
        self._slot = ""
        self._marked: int | None = None
        self._known: object = None

    def body(self) -> ComposeResult:
        with ContentSwitcher(initial="slots-empty", id="slots-views"):
            with Vertical(id="slots-empty"):
                yield Static("", id="slots-nothing", classes="empty", markup=False)
                yield Button("Train one", variant="primary", classes="next", action="app.switch_mode('train')")
            with Container(id="slots-all"):
                yield OptionList(id="slots-list", markup=False, compact=True)
                with Vertical(id="slots-right"):
                    yield DataTable[Text](id="slots-versions", cursor_type="row", zebra_stripes=True)
                    yield Static("", id="slots-about", markup=False)

    @property
    def versions(self) -> Versions:
        """Of the house of the app; made when it is first needed."""
        if self._versions is None:
            self._versions = type(self).versions_of(self.house)
        return self._versions

    def on_mount(self) -> None:
        self.query_one(DataTable).add_columns(*_COLUMNS)
        super().on_mount()

    async def came_back(self) -> None:
        self._refresh()

    def show_overview(self, overview: Overview) -> None:
        super().show_overview(overview)
        if overview.slots != self._known and not self.closed:
            self._known = overview.slots
            self._refresh()

    # What there is

    @work(exclusive=True, group="refresh")
    async def _refresh(self) -> None:
        try:
            self._slots = await self.twin_app.ask(self.versions.slots)
        except TwinError as error:
            self.twin_app.tell(error)
            return
        if not self._slots:
            key = key_of(self, "go.train")
            words = (
                f"There are no slots yet. A slot is a personality with all versions that were trained: {key} trains."
            )
            self.query_one("#slots-nothing", Static).update(words)
        before, names = self._view, [row.slot for row in self._slots]
        self.query_one(ContentSwitcher).current = "slots-all" if self._slots else "slots-empty"
        self._list_slots(names)
        await self._show_slot(self._slot if self._slot in names else next(iter(names), ""))
        lost = self.focused not in self.focus_chain
        if (before != self._view or lost) and self.is_current and not self.closed:
            self.query_one(DataTable if self._slots else "#slots-empty Button").focus()

    def _list_slots(self, names: list[str]) -> None:
        listed = self.query_one("#slots-list", OptionList)
        with self.prevent(OptionList.OptionHighlighted):
            listed.set_options([Option(_slot_line(row), id=row.slot) for row in self._slots])
            if names:
                listed.highlighted = names.index(self._slot) if self._slot in names else 0

    async def _show_slot(self, slot: str) -> None:
        if slot != self._slot:
            self._marked = None
        self._slot, table = slot, self.query_one(DataTable)
        at = table.cursor_row
        try:
            self._rows = await self.twin_app.ask(self.versions.versions, slot) if slot else []
        except TwinError as error:  # removed by another program just now
            self._rows = []
            self.twin_app.tell(error)
        self._draw(at)

    def _draw(self, at: int) -> None:
        table = self.query_one(DataTable)
        table.clear()
        for row in self._rows:
            table.add_row(*_cells(row, marked=row.number == self._marked))
        if self._rows:
            table.move_cursor(row=min(max(at, 0), len(self._rows) - 1))
        self._tell_about()
        self.refresh_bindings()

    def _tell_about(self) -> None:
        row, lines = self._row, []
        if row is not None:
            lines = [*row.reasons]
            if row.parent:
                lines.append(f"It goes on from version {row.parent}.")
            if row.trained_on_forgotten:
                lines.append(forgotten_words(row.slot, row.number, row.trained_on_forgotten))
        self.query_one("#slots-about", Static).update(clean_terminal("\n".join(lines)))

    @property
    def _view(self) -> str:
        return self.query_one(ContentSwitcher).current or ""

    @property
    def _row(self) -> VersionRow | None:
        """The version under the cursor."""
        at = self.query_one(DataTable).cursor_row
        return self._rows[at] if 0 <= at < len(self._rows) else None

    @property
    def _slot_row(self) -> SlotRow | None:
        return next((row for row in self._slots if row.slot == self._slot), None)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option.id and event.option.id != self._slot:
            self.run_worker(self._show_slot(event.option.id), exclusive=True, group="refresh")

    def on_option_list_option_selected(self) -> None:
        self.query_one(DataTable).focus()

    def on_data_table_row_highlighted(self) -> None:
        self._tell_about()
        self.refresh_bindings()

    def on_data_table_row_selected(self) -> None:
        self.action_card()

    # What can be done

    @work(exclusive=True, group="act")
    async def action_use(self) -> None:
        """Put the version under the cursor into use; one that the gate rejected after a question."""
        row = self._row
        if row is None:
            return
        question = f"Version {row.number} of slot {row.slot} did not pass the gate. Use it all the same?"
        if row.promoted or await self.app.push_screen_wait(Sure(question, "Use it")):
            done = f"Slot {row.slot} now uses version {row.number}."
            await self._do(partial(self.versions.use, row.slot, row.number, anyway=True), done)

    @work(exclusive=True, group="act")
    async def action_rollback(self) -> None:
        """Back to the version that was in use before."""
        slot = self._slot_row
        if slot is not None:
            done = f"Slot {slot.slot} uses version {slot.before} again."
            await self._do(partial(self.versions.rollback, slot.slot), done)

    @work(exclusive=True, group="act")
    async def action_remove(self) -> None:
        """Remove the slot, after a question."""
        slot = self._slot_row
        if slot is None:
            return
        question = f"Remove slot {slot.slot} with {plural(slot.versions, 'version')}? They are gone for good."
        if await self.app.push_screen_wait(Sure(question, "Remove")):
            await self._do(partial(self.versions.remove, slot.slot), f"Slot {slot.slot} is gone.")

    async def _do(self, change: Callable[[], object], done: str) -> None:
        try:
            await self.twin_app.ask(change)
        except TwinError as error:
            self.twin_app.tell(error)
        else:
            self.notify(done, markup=False)
        self._refresh()

    def action_mark(self) -> None:
        """Mark the version under the cursor, or take its mark away."""
        row = self._row
        if row is not None:
            self._marked = None if row.number == self._marked else row.number
            self._draw(self.query_one(DataTable).cursor_row)

    @work(exclusive=True, group="act")
    async def action_card(self) -> None:
        """The report card of the version under the cursor."""
        row = self._row
        if row is None:
            return
        try:
            card = await self.twin_app.ask(self.versions.card, row.slot, row.number)
        except TwinError as error:
            self.twin_app.tell(error)
            return
        await self.app.push_screen_wait(VersionCard("", of_card(card)))

    @work(exclusive=True, group="act")
    async def action_compare(self) -> None:
        """The version under the cursor with the marked one, or with the one in use, or with the one before it."""
        row, other = self._row, self._other()
        if row is None or other is None:
            return
        left, right = sorted((row, other), key=lambda one: one.number)
        cards = (await self._card(left), await self._card(right))
        await self.app.push_screen_wait(VersionCard(f"Slot {left.slot}", compared(left, right, cards)))

    async def _card(self, row: VersionRow) -> ReportCard | None:
        """Without it, one that cannot be read leaves its checks out."""
        try:
            return await self.twin_app.ask(self.versions.card, row.slot, row.number)
        except TwinError as error:
            self.twin_app.tell(error)
            return None

    def _other(self) -> VersionRow | None:
        row = self._row
        others = [one for one in self._rows if row is not None and one.number != row.number]
        wanted = [one for one in others if one.number == self._marked] or [one for one in others if one.current]
        older = [one for one in others if row is not None and one.number < row.number]
        return next(iter((*wanted, *older, *others)), None)

    @work(exclusive=True, group="act")
    async def action_export(self) -> None:
        """Write the version under the cursor as a folder."""
        row = self._row
        if row is None:
            return
        written = await self.app.push_screen_wait(ExportTo(self.versions, row.slot, row.number))
        if written is not None:
            folder, base = written
            self.notify(
                f"Version {row.number} is in {folder}; it belongs to the base in {base}.", markup=False, timeout=15
            )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in _WHEN and self.is_mounted and not (self.closed or _WHEN[action](self)):
            return False
        return super().check_action(action, parameters)


def _may_use(screen: SlotsScreen) -> bool:
    return screen._row is not None and not screen._row.current


def _has_before(screen: SlotsScreen) -> bool:
    return screen._slot_row is not None and screen._slot_row.before is not None


_WHEN: dict[str, Callable[[SlotsScreen], bool]] = {
    "use": _may_use,
    "rollback": _has_before,
    "card": lambda screen: screen._row is not None,
    "compare": lambda screen: len(screen._rows) > 1,
    "mark": lambda screen: len(screen._rows) > 2,
    "export": lambda screen: screen._row is not None,
    "remove": lambda screen: screen._slot_row is not None,
}


def _slot_line(row: SlotRow) -> Content:
    current = f"v{row.current}" if row.current else "none"
    return Content.assemble(clean_terminal(row.slot), (f"  {current} of {row.versions}", "dim"))


def _cells(row: VersionRow, *, marked: bool) -> list[Text]:
    mark = f"{IN_USE if row.current else ' '}{MARKED if marked else ' '}"
    style = "bold" if row.current else ""
    numbers = (f"{row.gain:.1%}", f"{row.twin_nll:.3f}", f"{row.base_nll:.3f}")
    rest = (row.created, row.recipe, row.effort, row.base)
    return [
        Text(mark, "bold green"),
        Text(str(row.number), style, justify="right"),
        Text(row.verdict, STYLES.get(row.verdict, "")),
        *(Text(number, style, justify="right") for number in numbers),
        *(Text(clean_terminal(one), style) for one in rest),
    ]

"""Every document, who wrote it and why it was kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.css.query import NoMatches
from textual.widgets import Button, Input, Select, Static

from mlxtwin.client.documents import STATES, Documents, Wanted
from mlxtwin.client.house import House, Overview
from mlxtwin.errors import TwinError
from mlxtwin.records import KINDS
from mlxtwin.wording import plural
from mlxtwin_tui.doors import sure
from mlxtwin_tui.screens.page import Page
from mlxtwin_tui.widgets.document_list import DocumentList
from mlxtwin_tui.widgets.reading import Reading

# Enough for any screen: shown before the rest is counted.
FIRST = 200
TYPING_SECONDS, READING_SECONDS = 0.02, 0.05
IMPORT = "import_documents"
ON_CHOSEN = frozenset({"tier", "keep", "drop", "undo", "forget", "mark_all"})
ANY_HINT = "Nothing fits what you look for. Esc takes the filters away."
EMPTY_HINT = "There are no documents yet. Import your mail, notes and chats: only your own words train the twin."


class DataScreen(Page):
    """The list reads only what is in view; a change of the filter overtakes the one before."""

    NAME = "data"
    TITLE = "Data"
    PURPOSE = "Every document, who wrote it and why it was kept"
    CSS_PATH = "data.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012
    AUTO_FOCUS = "#list"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Find", id="data.find", key_display="/", tooltip="Find documents by their words"),
        Binding("escape", "back", "Back", id="data.back", tooltip="Leave the text, the selection, the filters"),
        Binding("i", "import", "Import", id="data.import", tooltip="Read your mail, notes and chats"),
        Binding("k", "keep", "Keep", id="data.keep", tooltip="Keep it, whatever curation says"),
        Binding("d", "drop", "Drop", id="data.drop", tooltip="Leave it out of the training; it stays in the vault"),
        Binding("1", "tier(1)", "Tier 1", id="data.tier1", show=False, tooltip="Finished prose: the best"),
        Binding("2", "tier(2)", "Tier 2", id="data.tier2", show=False, tooltip="Short mails, notes, transcripts"),
        Binding("3", "tier(3)", "Tier 3", id="data.tier3", show=False, tooltip="Chat and fragments"),
        Binding("u", "undo", "As curation says", id="data.undo", show=False, tooltip="Take back what you chose"),
        Binding("f", "forget", "Forget", id="data.forget", tooltip="Remove it from the vault for good"),
        Binding("ctrl+a", "mark_all", "Select all", id="data.all", show=False, tooltip="Select the whole list"),
    ]

    documents_of: ClassVar[Callable[[House], Documents]] = Documents

    def body(self) -> ComposeResult:
        yield Input(placeholder="Find words (press /)", id="words", compact=True)
        with Horizontal(id="filters"):
            yield Select([(kind, kind) for kind in KINDS], prompt="kind", id="kind", compact=True)
            yield Select([(state, state) for state in STATES], prompt="state", id="state", compact=True)
            yield Select([(f"tier {tier}", tier) for tier in (1, 2, 3)], prompt="tier", id="tier", compact=True)
            yield Select[str]([], prompt="source", id="source", compact=True)
        yield Static("", id="count", markup=False)
        yield Static("", classes="empty", id="hint", markup=False)
        yield Button("Import", variant="primary", classes="next", id="import", action=f"app.{IMPORT}")
        with Horizontal(id="panes"):
            yield DocumentList(id="list")
            yield Reading(id="reading")

    def on_mount(self) -> None:
        self.documents = type(self).documents_of(self.house)
        self._counted: object = None
        self._hint("")
        super().on_mount()

    async def came_back(self) -> None:
        await self._look_at_sources()
        self._relist(anew=True)

    def show_overview(self, overview: Overview) -> None:
        super().show_overview(overview)
        before, self._counted = self._counted, (overview.kinds, overview.tiers, overview.dropped)
        if overview.door != "open":
            self._clear()
        elif self.is_current and not self.closed and before != self._counted:
            self._look_again()
            self._relist(anew=True)

    @work(group="sources", exclusive=True)
    async def _look_again(self) -> None:
        await self._look_at_sources()

    @work(group="list", exclusive=True)
    async def _clear(self) -> None:
        """A locked vault leaves nothing on the screen."""
        self._list.unmark()
        self._list.show((), anew=True)
        await self.query_one(Reading).show(None)

    @property
    def _list(self) -> DocumentList:
        return self.query_one(DocumentList)

    @property
    def wanted(self) -> Wanted:
        """What the filters say."""
        return Wanted(
            words=self.query_one("#words", Input).value,
            kind=self._selected("kind"),
            state=self._selected("state"),
            source=self._selected("source"),
            tier=self._selected("tier"),
        )

    def _selected(self, id: str) -> Any:
        value = self.query_one(f"#{id}", Select).value
        return None if value is Select.NULL else value

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offered is what can be done now."""
        if action == "import" and not hasattr(self.app, f"action_{IMPORT}"):
            return False
        if action in ON_CHOSEN and self.is_mounted and not self.query_one(DocumentList).numbers:
            return False
        return super().check_action(action, parameters)

    # The list

    async def _look_at_sources(self) -> None:
        found = await self._try(self.documents.sources)
        select = cast("Select[str]", self.query_one("#source", Select))
        if found is None or not select.is_attached:
            return
        chosen = self._selected("source")
        with self.prevent(Select.Changed):
            select.set_options((source, source) for source in found)
            if chosen in found:
                select.value = chosen

    def on_input_changed(self) -> None:
        self._relist()

    def on_select_changed(self) -> None:
        self._relist()

    def on_input_submitted(self) -> None:
        self._list.focus()

    @work(group="list", exclusive=True)
    async def _relist(self, anew: bool = False) -> None:
        """The first lines at once, then all of them; where much is typed quickly, only the last of it."""
        if not self.closed:
            with suppress(NoMatches):  # the screen was closed while this was asked
                await self._list_anew(anew)

    async def _list_anew(self, anew: bool) -> None:
        wanted = self.wanted
        await asyncio.sleep(TYPING_SECONDS if wanted.words else 0)
        numbers = await self._try(self.documents.numbers, wanted, FIRST)
        if numbers is None:
            return
        if len(self._list.numbers) <= FIRST or not anew:
            self._show(numbers, wanted, anew, more=len(numbers) == FIRST)
        if len(numbers) == FIRST:
            whole = await self._try(self.documents.numbers, wanted)
            if whole is not None:
                self._show(whole, wanted, anew)

    def _show(self, numbers: Sequence[int], wanted: Wanted, anew: bool, *, more: bool = False) -> None:
        self._list.show(numbers, anew=anew)
        if wanted == Wanted():
            self._list.marked &= set(numbers) if not more else self._list.marked
        self._hint("" if numbers else EMPTY_HINT if wanted == Wanted() else ANY_HINT, wanted == Wanted())
        self._count(more)
        self.refresh_bindings()

    def _hint(self, text: str, importing: bool = False) -> None:
        """In place of an empty list: what to do."""
        hint, button = self.query_one("#hint", Static), self.query_one("#import", Button)
        hint.update(text)
        hint.display = bool(text)
        button.display = bool(text) and importing and hasattr(self.app, f"action_{IMPORT}")
        self.query_one("#panes").display = not text
        if button.display and self.focused in (None, self._list):
            button.focus()
        elif not text and self.focused in (None, button) and self.is_current:
            self._list.focus()

    def _count(self, more: bool = False) -> None:
        listed, marked = self._list.numbers, self._list.marked
        text = f"more than {FIRST} documents" if more else plural(len(listed), "document")
        selected = f" · {len(marked):,} selected" if marked else ""
        self.query_one("#count", Static).update(text + selected, layout=False)

    async def on_document_list_reading(self, event: DocumentList.Reading) -> None:
        rows = await self._try(self.documents.rows, event.numbers)
        if rows is not None:
            for shown in self.query(DocumentList):  # none where the screen was closed meanwhile
                shown.take(rows)

    def on_document_list_moved(self) -> None:
        self._count()
        self._read()

    @work(group="reading", exclusive=True)
    async def _read(self) -> None:
        """What is under the cursor, once it rests there."""
        await asyncio.sleep(READING_SECONDS)
        with suppress(NoMatches):
            number = self._list.number
            rows = [] if number is None else await self._try(self.documents.rows, [number])
            stored = await self._try(self.documents.document, rows[0].id) if rows else None
            await self.query_one(Reading).show(stored)

    def on_document_list_opened(self) -> None:
        self.add_class("-reading")
        self.query_one(Reading).focus()

    # What can be done

    def action_filter(self) -> None:
        """Type words to find."""
        self.query_one("#words", Input).focus()

    def action_back(self) -> None:
        """One step: from the text to the list, from the words to the list, the selection, the filters."""
        if self.has_class("-reading") or self.focused is not self._list:
            self.remove_class("-reading")
            if self._list.numbers:
                self._list.focus()
                return
        if self._list.marked:
            self._list.unmark()
            self._count()
        else:
            self.query_one("#words", Input).value = ""
            for select in self.query("#filters Select").results(Select):
                select.clear()

    async def action_import(self) -> None:
        """Choose files and read them into the vault."""
        await self.app.run_action(IMPORT)

    def action_mark_all(self) -> None:
        """Select the whole list."""
        self._list.mark_all()
        self._count()

    async def action_tier(self, tier: int) -> None:
        """The person's own choice."""
        if await self._on_chosen(lambda ids: self.documents.set_tier(ids, tier)):
            self._relist(anew=True)

    async def action_keep(self) -> None:
        """Keep by hand; without words of the person's there is nothing to learn in it."""
        chosen = [self._list.row(number) for number in self._list.chosen]
        if await self._on_chosen(lambda ids: self.documents.set_keep(ids, True)):
            if all(row is not None and not row.words_by_me for row in chosen):
                self.notify("Kept, but there are no words of yours in it to learn from.", severity="warning")
            self._relist(anew=True)

    async def action_drop(self) -> None:
        """Leave out by hand."""
        if await self._on_chosen(lambda ids: self.documents.set_keep(ids, False)):
            self._relist(anew=True)

    async def action_undo(self) -> None:
        """Leave tier and keeping to curation again."""

        def undo(ids: list[str]) -> None:
            self.documents.set_keep(ids, None)
            self.documents.set_tier(ids, None)

        if await self._on_chosen(undo):
            self._relist(anew=True)

    @work(group="forget")
    async def action_forget(self) -> None:
        """Remove for good, after a question."""
        count = len(self._list.chosen)
        what = "this document" if count == 1 else plural(count, "document")
        question = (
            f"Forget {what}? A later import leaves {'it' if count == 1 else 'them'} out. A twin trained before may"
            " know the words until it is trained again."
        )
        if count and await sure(self.twin_app, question, "Forget") and await self._on_chosen(self.documents.forget):
            self.notify(f"{plural(count, 'document')} forgotten.", markup=False)
            self._list.unmark()
            self._relist(anew=True)

    async def _on_chosen(self, do: Callable[[list[str]], Any]) -> bool:
        """Do it to what is selected, else to what is under the cursor; whether it was done."""
        chosen = self._list.chosen

        def act() -> bool:
            do([row.id for row in self.documents.rows(chosen)])
            return True

        return bool(chosen) and bool(await self._try(act))

    async def _try(self, question: Callable[..., Any], *given: Any) -> Any:
        """What the documents answer; an error is told and gives None."""
        try:
            return await self.twin_app.ask(question, *given)
        except TwinError as error:
            self.twin_app.tell(error)
            return None

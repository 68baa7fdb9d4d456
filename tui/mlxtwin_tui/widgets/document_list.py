"""A list of any number of documents, of which only the lines in view are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mlxtwin.client.documents import ListedDocument
from mlxtwin.security.redact import clean_terminal

# Read around the lines in view, so that a page up or down is there already.
AROUND = 60
# Lines that are remembered; beyond that all are let go and those in view are read again.
REMEMBERED = 4000
DATE_WIDTH, KIND_WIDTH, STATE_WIDTH, NARROW_STATE_WIDTH, NARROW = 10, 10, 20, 14, 76


class DocumentList(ScrollView, can_focus=True):
    """``numbers`` are the documents in their order. Posts `Reading` for lines that are not there yet."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "list--cursor", "list--dropped", "list--undecided", "list--chosen", "list--kept",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "edge(0)", "First", show=False),
        Binding("end", "edge(1)", "Last", show=False),
        Binding("space", "mark", "Select", id="data.select", tooltip="Select the line and go on to the next"),
        Binding("shift+down", "mark", "Select", show=False),
        Binding("enter", "open", "Read", id="data.read", show=False),
    ]

    cursor: reactive[int] = reactive(0)

    class Reading(Message):
        """These lines are in view and not read yet."""

        def __init__(self, numbers: Sequence[int]) -> None:
            super().__init__()
            self.numbers = numbers

    class Moved(Message):
        """The cursor is on another document, or none: ``number`` is None in an empty list."""

        def __init__(self, number: int | None) -> None:
            super().__init__()
            self.number = number

    class Opened(Message):
        """The person wants to read the document under the cursor."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.numbers: Sequence[int] = ()
        self.marked: set[int] = set()
        self._known: dict[int, ListedDocument] = {}
        self._asked: set[int] = set()
        self._old: set[int] = set()

    @property
    def number(self) -> int | None:
        """Of the document under the cursor."""
        return self.numbers[self.cursor] if self.cursor < len(self.numbers) else None

    @property
    def chosen(self) -> list[int]:
        """What is marked, else what is under the cursor."""
        return sorted(self.marked) or ([] if self.number is None else [self.number])

    def row(self, number: int) -> ListedDocument | None:
        """What is known of a document."""
        return self._known.get(number)

    def show(self, numbers: Sequence[int], *, anew: bool = False) -> None:
        """Another list; the cursor stays on its document if that is near its place still. ``anew``: what is known of
        documents may have changed, so it is read again."""
        before, place = self.number, self.cursor
        if anew:
            self._old = set(self._known)
        self._asked.clear()
        self.numbers = numbers
        self.virtual_size = Size(self.size.width, len(numbers))
        found = next((at for at in _near(place, len(numbers)) if numbers[at] == before), None)
        self.set_reactive(DocumentList.cursor, min(place, max(0, len(numbers) - 1)) if found is None else found)
        self._show_cursor()
        self._read_view()
        self.refresh()
        if before != self.number or anew:
            self.post_message(self.Moved(self.number))

    def take(self, rows: Sequence[ListedDocument]) -> None:
        """Lines that were read."""
        if len(self._known) > REMEMBERED:
            self._known.clear()
            self._old.clear()
        self._known.update((row.number, row) for row in rows)
        self._old.difference_update(row.number for row in rows)
        self._asked.clear()
        self.refresh()
        self._read_view()

    def mark_all(self) -> None:
        """Select the whole list."""
        self.marked = set(self.numbers)
        self.refresh()

    def unmark(self) -> None:
        self.marked = set()
        self.refresh()

    def _read_view(self) -> None:
        """Ask for what is in view and not known, or known as it was before; it stays in view until the answer."""
        top = int(self.scroll_offset.y)
        seen = self.numbers[max(0, top) : top + max(1, self.size.height)]
        if any(map(self._missing, seen)):
            around = self.numbers[max(0, top - AROUND) : top + self.size.height + AROUND]
            missing = [number for number in around if self._missing(number)]
            self._asked.update(missing)
            self.post_message(self.Reading(missing))

    def _missing(self, number: int) -> bool:
        return (number not in self._known or number in self._old) and number not in self._asked

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._read_view()

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, len(self.numbers))
        self._show_cursor()
        self._read_view()

    def watch_cursor(self) -> None:
        self._show_cursor()
        self.refresh()
        self.post_message(self.Moved(self.number))

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, len(self.numbers) - 1))

    def _show_cursor(self) -> None:
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True, x_axis=False, immediate=True)

    def action_move(self, lines: int) -> None:
        self.cursor += lines

    def action_page(self, pages: int) -> None:
        self.cursor += pages * max(1, self.size.height - 1)

    def action_edge(self, end: int) -> None:
        self.cursor = (len(self.numbers) - 1) * end

    def action_mark(self) -> None:
        """Select or leave out this line and go on to the next."""
        if self.number is not None:
            self.marked ^= {self.number}
            self.cursor += 1
            self.refresh()

    def action_open(self) -> None:
        if self.number is not None:
            self.post_message(self.Opened())

    def on_click(self, event: events.Click) -> None:
        place = int(event.y + self.scroll_offset.y)
        if place < len(self.numbers):
            self.cursor = place
            if event.chain > 1:
                self.action_open()

    def render_line(self, y: int) -> Strip:
        place, width = y + int(self.scroll_offset.y), self.size.width
        if place >= len(self.numbers):
            return Strip.blank(width, self.rich_style)
        number = self.numbers[place]
        row = self._known.get(number)
        style = self._style(row, number, place)
        text = ("● " if number in self.marked else "  ") + ("…" if row is None else line(row, width - 2))
        return Strip([Segment(text, style)]).adjust_cell_length(width, style)

    def _style(self, row: ListedDocument | None, number: int, place: int) -> Style:
        names: Callable[[str], Style] = lambda name: self.get_component_rich_style(name, partial=True)  # noqa: E731
        style = self.rich_style
        if row is not None:
            style += names("list--kept" if row.kept else "list--dropped" if row.decided else "list--undecided")
        if number in self.marked:
            style += names("list--chosen")
        if place == self.cursor and self.has_focus:
            style += names("list--cursor")
        return style


def _near(place: int, length: int) -> range:
    """Where a document is looked for again when the list changed: not in all of 100,000 lines."""
    return range(max(0, place - REMEMBERED), min(length, place + REMEMBERED))


def line(row: ListedDocument, width: int) -> str:
    """Date, kind, what is decided, title; without the kind where there is little room."""
    narrow = width < NARROW
    parts = [(row.at.strftime("%Y-%m-%d") if row.at else "").ljust(DATE_WIDTH)]
    parts += [] if narrow else [row.kind.ljust(KIND_WIDTH)]
    state_width = NARROW_STATE_WIDTH if narrow else STATE_WIDTH
    title = " ".join(clean_terminal(row.title).split()) or "(without a title)"
    return "  ".join([*parts, _fit(state(row), state_width), title])


def state(row: ListedDocument) -> str:
    """The tier, or why it was dropped; a star where the person chose it."""
    hand = "" if row.forced_keep is None and row.forced_tier is None else "*"
    if not row.decided:
        return f"undecided{hand}"
    return f"{row.reason}{hand}" if row.reason else f"tier {row.effective_tier}{hand}"


def _fit(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else text[: width - 1] + "…"

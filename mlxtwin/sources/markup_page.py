"""Lines of Markdown as they grow: words gathered to blocks, in boxes that put marks before their lines."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlxtwin.sources.markup_open import LINE, PARAGRAPH
from mlxtwin.sources.markup_text import BOLD, Words

# A hostile page nests without end, and each line bears the marks of all its boxes.
MOST_MARKS = 16
MOST_CELL_LINES = 12
_FENCE = "```"


@dataclass(slots=True)
class Box:
    """A quote or an item of a list: what stands before its first line, and before the others."""

    first: str
    rest: str
    used: bool = False


@dataclass(slots=True)
class Numbering:
    """A list that is open; ``number`` of its next item, None where it has none; whether an item is open."""

    number: int | None
    in_item: bool = False

    def mark(self, number: int) -> str:
        if self.number is None:
            return "- "
        now = number or self.number
        self.number = now + 1
        return f"{now}. "


@dataclass(slots=True)
class Frame:
    """Text that grows by itself: the page, or a cell of a table. ``code`` holds what is written as it stands."""

    lines: list[str] = field(default_factory=list)
    words: Words = field(default_factory=Words)
    boxes: list[Box] = field(default_factory=list)
    lists: list[Numbering] = field(default_factory=list)
    code: list[str] | None = None
    heading: int = 0
    _gap: int = 0
    _after_list: bool = False

    def end_line(self) -> None:
        if self.code is None:
            self.words.end_line()
        else:
            self.code.append("\n")

    def end_block(self, gap: int = LINE) -> None:
        """The words so far are a block; ``gap``: whether a blank line parts it from what follows."""
        if self.code is not None:
            if self.code and not self.code[-1].endswith("\n"):
                self.code.append("\n")
            return
        text = self.words.take(BOLD if self.heading else 0)
        shown = text.strip("\n")
        if shown:
            self._gap = PARAGRAPH if text.startswith("\n") else self._gap
            self._put([f"{'#' * self.heading} {' '.join(shown.split())}"] if self.heading else shown.split("\n"))
            # The last end of a line is the block's own; one more is a blank line.
            gap = PARAGRAPH if text.endswith("\n\n") else gap
        elif text:
            gap = PARAGRAPH
        elif self.boxes and not self.boxes[-1].used:
            return  # the first block of an item or a quote stands where that does
        self._gap = max(self._gap, gap)

    def add_check(self, checked: bool) -> None:
        """A box to tick, which makes an item of a list where it is none yet."""
        waiting = bool(self.boxes) and not self.boxes[-1].used
        item = "- " if self.words.at_line_start and not waiting else ""
        self.words.add(f"{item}[{'x' if checked else ' '}] ")

    def begin_item(self, number: int, ticked: bool | None) -> None:
        """``number``: what the item itself says, or 0; ``ticked``: None for one that is no thing to do."""
        mark = "- "
        if self.lists:
            mark = self.lists[-1].mark(number)
            self.lists[-1].in_item = True
        rest = " " * len(mark)
        if ticked is not None:
            mark += f"[{'x' if ticked else ' '}] "
        self.boxes.append(Box(mark, rest))

    def begin_list(self, numbering: Numbering) -> bool:
        """Whether it stands in a list and in no item of it, so that it needs a box of its own."""
        if self.lists or self._after_list:
            self._gap = min(self._gap, LINE)
        inner = bool(self.lists) and not self.lists[-1].in_item
        if inner:
            self.boxes.append(Box("  ", "  "))
        self.lists.append(numbering)
        return inner

    def end_list(self, inner: bool) -> None:
        self.lists.pop()
        if inner:
            self.boxes.pop()
        self.end_block(LINE if self.lists else PARAGRAPH)
        self._after_list = True

    def end_item(self) -> None:
        self.end_block()
        self.boxes.pop()
        if self.lists:
            self.lists[-1].in_item = False
        self._gap = min(self._gap, LINE)

    def end_quote(self) -> None:
        self.end_block(PARAGRAPH)
        self.boxes.pop()

    def end_heading(self) -> None:
        self.end_block(PARAGRAPH)
        self.heading = 0

    def begin_code(self) -> None:
        self.end_block(PARAGRAPH)
        self.code = []

    def end_code(self) -> None:
        text = "".join(self.code or ()).replace("\r\n", "\n").replace("\u00a0", " ").strip("\n")
        self.code = None
        if text.strip():
            fence = _FENCE if _FENCE not in text else "`" * 6
            self.add_rows([fence, *text.split("\n"), fence])

    def add_rows(self, rows: list[str]) -> None:
        """Lines that stand as they are, a paragraph of their own."""
        self.end_block(PARAGRAPH)
        if rows:
            self._put(rows)
            self._gap = PARAGRAPH

    def _put(self, lines: list[str]) -> None:
        boxes = self.boxes[:MOST_MARKS]
        if self.lines and self._gap == PARAGRAPH:
            self.lines.append(_marks_begun(boxes))
        first = "".join(box.rest if box.used else box.first for box in boxes)
        rest = "".join(box.rest for box in boxes)
        for box in boxes:
            box.used = True
        self.lines.append((first + lines[0]).rstrip())
        self.lines.extend((rest + line).rstrip() for line in lines[1:])
        self._gap, self._after_list = 0, False


def _marks_begun(boxes: list[Box]) -> str:
    """What stands before a blank line: the marks of the boxes that have begun."""
    marks = ""
    for box in boxes:
        if not box.used:
            break
        marks += box.rest
    return marks.rstrip()


@dataclass(slots=True)
class Table:
    """A table that is open: its rows of cells, each the lines in it."""

    rows: list[list[list[str]]] = field(default_factory=list)

    def add(self, cell: list[str]) -> None:
        if not self.rows:
            self.rows.append([])
        self.rows[-1].append(cell)

    def lines(self) -> list[str]:
        """As a Markdown table; the plain lines of its cells where it only lays out a page."""
        rows = [row for row in self.rows if any(row)]
        columns = max(map(len, rows), default=0)
        if columns < 2 or any(_is_page(cell) for row in rows for cell in row):
            return _apart([cell for row in rows for cell in row if cell])
        head, *body = rows
        head = head + [[]] * (columns - len(head))
        return [_row(head), "|" + " --- |" * columns, *map(_row, body)]


def _is_page(cell: list[str]) -> bool:
    return len(cell) > MOST_CELL_LINES or any(line.startswith(("#", _FENCE, "> ", "| ")) for line in cell)


def _row(cells: list[list[str]]) -> str:
    return "|" + "|".join(map(_cell, cells)) + "|"


def _cell(lines: list[str]) -> str:
    text = " ".join(line.strip() for line in lines if line)
    return f" {text} ".replace("|", "\\|") if text else " "


def _apart(cells: list[list[str]]) -> list[str]:
    """Cells one below the other, with a blank line around those of more than one line."""
    lines: list[str] = []
    long = False
    for cell in cells:
        if lines and (long or len(cell) > 1):
            lines.append("")
        lines += cell
        long = len(cell) > 1
    return lines

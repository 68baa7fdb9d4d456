"""What the texts of office suites share: paragraphs that several people wrote in, and rows of tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from mlxtwin.sources.base import clean_text
from mlxtwin.sources.blocks import Block
from mlxtwin.sources.document_text import Part

PROSE_CELL_WORDS = 12
LEAST_INSERTED_WORDS = 3
# A piece of text, with who put it in later or None for whoever wrote the file.
Run = tuple[str | None, str]


def by_author(runs: list[Run], mine: Callable[[str | None], bool]) -> Iterator[Run]:
    """The text of a paragraph by each author: whole for one, else the person's without what others put in.

    What the person put into another's paragraph stays a part of it, which is not theirs.
    """
    authors = dict.fromkeys(by for by, text in runs if text.strip())
    if len(authors) < 2:
        yield from _joined(next(iter(authors), None), runs)
    elif not mine(None):
        yield from _joined(None, runs)
    else:
        others = [by for by in authors if not mine(by)]
        yield from _joined(None, [run for run in runs if run[0] not in others])
        for by in others:
            inserted = [run for run in runs if run[0] == by]
            if len("".join(text for _, text in inserted).split()) >= LEAST_INSERTED_WORDS:
                yield from _joined(by, inserted)


def _joined(by: str | None, runs: Iterable[Run]) -> Iterator[Run]:
    lines = clean_text("".join(text for _, text in runs)).split("\n")
    text = "\n".join(" ".join(line.split()) for line in lines).strip()
    if text:
        yield by, text


@dataclass(slots=True)
class Table:
    """A table that is open: the cells of its last row, each with its blocks."""

    cells: list[list[Block]] = field(default_factory=list)
    rows: int = 0

    def row(self) -> list[Block]:
        """The row, which is done: prose as it stands, short cells side by side."""
        filled = [cell for cell in self.cells if cell]
        self.cells = []
        if len(filled) < 2 or any(block.words >= PROSE_CELL_WORDS for cell in filled for block in cell):
            return [block for cell in filled for block in cell]
        by = {block.by if isinstance(block, Part) else None for cell in filled for block in cell}
        text = " | ".join(" ".join(block.text for block in cell).replace("\n", " ") for cell in filled)
        self.rows += 1
        return [Part("text", text, 0, "\n" if self.rows > 1 else "\n\n", by=by.pop() if len(by) == 1 else "")]

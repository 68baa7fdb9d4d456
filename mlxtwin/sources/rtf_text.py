"""The text of an RTF file to blocks: paragraphs with whoever put them in, list items, rows of tables, comments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mlxtwin.sources.base import clean_text
from mlxtwin.sources.blocks import Block, BlockKind
from mlxtwin.sources.document_text import Part
from mlxtwin.sources.office_text import Run, Table, by_author
from mlxtwin.sources.rtf_tokens import Reader, Token

PARAGRAPH_CHARACTERS = 64 * 1024
MOST_STYLES = 5000
_TOLD = frozenset(("title", "author", "operator"))
_TIMES = frozenset(("creatim", "revtim"))
_ENDS = frozenset(("par", "sect", "page", "column"))
_QUOTES = frozenset(("quote", "intense quote", "block text"))


@dataclass(slots=True)
class _Paragraph:
    style: int = 0
    level: int = 0
    mark: str = ""
    runs: list[Run] = field(default_factory=list)
    comments: list[Block] = field(default_factory=list)
    characters: int = 0


class Scanner:
    """``told`` and ``times`` hold what the file says of itself, once its head is read; ``mine`` as in `by_author`."""

    def __init__(self, data: bytes, mine: Callable[[str | None], bool]) -> None:
        self.told: dict[str, str] = {}
        self.times: dict[str, datetime] = {}
        self._reader, self._mine = Reader(data), mine
        self._styles: dict[int, str] = {}
        self._style = 0
        self._people: list[str] = []
        self._time: dict[str, int] = {}
        self._aside: list[str] = []
        self._commenter = ""
        self._paragraph = _Paragraph()
        self._table = Table()
        self._cell: list[Block] = []
        self._notes: list[Block] = []
        self._in_row = self._in_list = False

    def blocks(self) -> Iterator[Block]:
        for token in self._reader.tokens():
            if token.kind == "end":
                self._done(token.place)
            elif token.kind == "word":
                yield from self._word(token)
            elif token.place == "body":
                self._put(token)
            elif len(self._aside) < PARAGRAPH_CHARACTERS:
                self._listed(token)
        yield from self._ended()
        yield from self._cells()
        yield from self._table.row()
        yield from self._notes

    def _put(self, token: Token) -> None:
        paragraph = self._paragraph
        if paragraph.characters < PARAGRAPH_CHARACTERS:
            paragraph.characters += len(token.text)
            by = None if token.by is None else self._person(token.by)
            paragraph.runs.append((by, token.text))

    def _person(self, number: int) -> str:
        return self._people[number] if 0 <= number < len(self._people) else ""

    def _listed(self, token: Token) -> None:
        """Text of a destination; those of tables name their entries one after the other, with a semicolon."""
        if token.place == "stylesheet" and len(self._styles) < MOST_STYLES:
            name = self._styles.get(self._style, "") + token.text.casefold()
            self._styles[self._style] = name.strip()
        elif token.place == "revtbl":
            self._people += [name.strip() for name in token.text.split(";") if name.strip()]
        elif token.place not in ("stylesheet", "fonttbl"):
            self._aside.append(token.text)

    def _done(self, place: str) -> None:
        text = " ".join(clean_text("".join(self._aside)).split())
        self._aside = []
        if place in _TOLD:
            self.told[place] = text
        elif place in _TIMES:
            self._timed(place)
        elif place == "atnauthor":
            self._commenter = text
        elif place == "footnote" and text:
            self._notes.append(Block("text", text))
        elif place == "annotation" and text:
            self._paragraph.comments.append(Part("text", text, by=self._commenter))
        elif place in ("listtext", "pntext"):
            self._paragraph.mark = f"{text} " if any(map(str.isalnum, text)) else "- "

    def _timed(self, place: str) -> None:
        told, self._time = self._time, {}
        try:
            clock = told.get("hr", 0), told.get("min", 0)
            self.times[place] = datetime(told.get("yr", 0), told.get("mo", 1), told.get("dy", 1), *clock, tzinfo=UTC)
        except (ValueError, OverflowError):
            return

    def _word(self, token: Token) -> Iterator[Block]:
        word, number = token.text, token.number
        if token.place in _TIMES:
            self._time[word] = number or 0
        elif token.place == "stylesheet":
            self._style = number or 0 if word in ("s", "cs", "ds", "ts") else self._style
        elif token.place != "body":
            self._aside.append("\n" if word in _ENDS else "")
        elif word in _ENDS:
            yield from self._ended()
        elif word == "cell":
            yield from self._ended()
            self._table.cells.append(self._cell)
            self._cell = []
        elif word == "row":
            yield from self._table.row()
        else:
            self._says(word, number)

    def _says(self, word: str, number: int | None) -> None:
        if word == "pard":
            self._paragraph.style = self._paragraph.level = 0
            self._in_row = False
        elif word == "intbl":
            self._in_row = True
        elif word == "s":
            self._paragraph.style = number or 0
        elif word == "outlinelevel":
            self._paragraph.level = (number or 0) + 1 if 0 <= (number or 0) < 6 else 0

    def _ended(self) -> Iterator[Block]:
        """The paragraph that is open, in the text or in the cell it stands in."""
        done = self._paragraph
        self._paragraph = _Paragraph(done.style, done.level)
        made = list(self._made(done))
        if self._in_row:
            self._cell += made
        else:
            yield from self._cells()
            yield from made

    def _cells(self) -> Iterator[Block]:
        """What a table left open."""
        if self._cell:
            self._table.cells.append(self._cell)
            self._cell = []
        if self._table.cells:
            yield from self._table.row()
        self._table.rows = 0

    def _made(self, paragraph: _Paragraph) -> Iterator[Block]:
        level, quote = self._kind(paragraph)
        for by, text in by_author(paragraph.runs, self._mine):
            kind: BlockKind = "heading" if level and len(text) < 300 else "quote" if quote else "text"
            shown = text.replace("\n", " ") if kind == "heading" else paragraph.mark + text
            item = bool(paragraph.mark)
            yield Part(kind, shown, level, "\n" if item and self._in_list else "\n\n", by=by)
            paragraph.mark, self._in_list = "", item
        yield from paragraph.comments

    def _kind(self, paragraph: _Paragraph) -> tuple[int, bool]:
        name = self._styles.get(paragraph.style, "").rstrip(";")
        if paragraph.level:
            return paragraph.level, False
        if name in ("title", "subtitle"):
            return 1 + (name == "subtitle"), False
        if name.startswith("heading ") and name[8:9] in tuple("123456"):
            return int(name[8]), False
        return 0, name in _QUOTES

"""The text of an odt to blocks: paragraphs with whoever put them in, lists, tables row by row, comments in place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from mlxtwin.sources.blocks import Block, BlockKind
from mlxtwin.sources.document_text import Part
from mlxtwin.sources.office_text import Run, Table, by_author
from mlxtwin.sources.xml_stream import Event

PARAGRAPH_CHARACTERS = 64 * 1024
MOST_BLANKS = 100
_SILENT = frozenset(
    (
        "table-of-content", "alphabetical-index", "illustration-index", "bibliography", "tracked-changes",
        "note-citation", "object", "sequence-decls", "forms", "hidden-text", "script", "event-listeners", "title",
        "desc",
    )
)  # fmt: skip
_ABOUT_COMMENTS = frozenset(("date", "date-string", "creator-initials", "sender-initials"))
_QUOTES = ("Quotations", "Quote")


@dataclass(slots=True)
class _Paragraph:
    """``aside``: a paragraph of a note (``""``) or of a comment by that name, else None."""

    level: int = 0
    quote: bool = False
    aside: str | None = None
    runs: list[Run] = field(default_factory=list)
    characters: int = 0


@dataclass(slots=True)
class _Comment:
    author: str = ""
    held: list[Block] = field(default_factory=list)


class Scanner:
    """One pass over the text. ``mine`` tells whether what a name put in is the person's, None being the writer."""

    def __init__(self, mine: Callable[[str | None], bool]) -> None:
        self._mine = mine
        self._open: list[_Paragraph] = []
        self._tables: list[Table] = []
        self._notes: list[Block] = []
        self._comment: _Comment | None = None
        self._comments: list[Block] = []
        self._quotes = set(_QUOTES)
        self._changes: dict[str, str] = {}
        self._region = self._naming = ""
        self._by: list[str] = []
        self._silent = self._lists = self._note = self._items = 0
        self._in_list = False

    def blocks(self, stream: Iterable[Event]) -> Iterator[Block]:
        for event in stream:
            if event.kind == "start":
                self._start(event.name, event.attributes)
            elif event.kind == "end":
                yield from self._end(event.name)
            else:
                self._said(event.text)
        yield from self._notes

    def _start(self, name: str, told: Mapping[str, str]) -> None:
        if self._silent or name in _SILENT or (self._comment and name in _ABOUT_COMMENTS):
            self._silent += 1
            self._change(name, told)
        elif name in ("p", "h"):
            self._open.append(self._paragraph(name, told))
        elif name == "annotation":
            self._comment = _Comment()
        elif name == "creator" and self._comment:
            self._naming = "comment"
        elif name == "note-body":
            self._note += 1
        elif name == "list":
            self._lists += 1
        elif name == "list-item":
            self._items += 1
        elif name == "table":
            self._tables.append(Table())
        elif name in ("table-cell", "covered-table-cell") and self._tables:
            self._tables[-1].cells.append([])
        elif name == "style" and told.get("parent-style-name") in self._quotes:
            self._quotes.add(told.get("name", ""))
        else:
            self._mark(name, told)

    def _change(self, name: str, told: Mapping[str, str]) -> None:
        """Within the list of tracked changes: who made which."""
        if name == "changed-region":
            self._region = told.get("id", "")
        elif name == "creator" and self._region:
            self._naming = "change"

    def _mark(self, name: str, told: Mapping[str, str]) -> None:
        if name == "change-start":
            self._by.append(self._changes.get(told.get("change-id", ""), ""))
        elif name == "change-end" and self._by:
            self._by.pop()
        elif name == "s":
            count = told.get("c", "1")
            self._put(" " * min(int(count) if count.isdecimal() else 1, MOST_BLANKS))
        elif name in ("tab", "line-break"):
            self._put(" " if name == "tab" else "\n")

    def _paragraph(self, name: str, told: Mapping[str, str]) -> _Paragraph:
        level = told.get("outline-level", "1") if name == "h" else "0"
        aside = self._comment.author if self._comment else "" if self._note else None
        return _Paragraph(int(level) if level in tuple("0123456") else 1, told.get("style-name") in self._quotes, aside)

    def _said(self, text: str) -> None:
        if self._naming == "comment" and self._comment:
            self._comment.author += text
        elif self._naming == "change":
            self._changes[self._region] = self._changes.get(self._region, "") + text
        elif not self._silent:
            self._put(text)

    def _put(self, text: str) -> None:
        if self._open and self._open[-1].characters < PARAGRAPH_CHARACTERS:
            self._open[-1].characters += len(text)
            self._open[-1].runs.append((self._by[-1] if self._by else None, text))

    def _end(self, name: str) -> Iterator[Block]:
        if name == "creator":
            self._naming = ""
        if self._silent:
            self._silent -= 1
        elif name in ("p", "h") and self._open:
            yield from self._placed(list(self._made(self._open.pop())))
        elif name == "annotation" and self._comment:
            self._comments += self._comment.held
            self._comment = None
        elif name == "note-body":
            self._note -= 1
        elif name == "list":
            self._lists -= 1
        elif name == "table-row" and self._tables:
            yield from self._placed(self._tables[-1].row(), below=1)
        elif name == "table" and self._tables:
            self._tables.pop()

    def _made(self, paragraph: _Paragraph) -> Iterator[Block]:
        if paragraph.aside is not None:
            self._set_aside(paragraph)
            return
        item = self._lists > 0 and not paragraph.level
        mark = "  " * min(self._lists - 1, 8) + "- " if item and self._items else ""
        for by, text in by_author(paragraph.runs, self._mine):
            kind: BlockKind = "heading" if paragraph.level else "quote" if paragraph.quote else "text"
            glue = "\n" if item and self._in_list else "\n\n"
            yield Part(kind, text.replace("\n", " ") if paragraph.level else mark + text, paragraph.level, glue, by=by)
            mark, self._items, self._in_list = "", 0, item
        if not self._open:
            yield from self._comments
            self._comments = []

    def _set_aside(self, paragraph: _Paragraph) -> None:
        for _, text in by_author([(None, text) for _, text in paragraph.runs], self._mine):
            if self._comment:
                self._comment.held.append(Part("text", text, by=self._comment.author))
            else:
                self._notes.append(Block("text", text))

    def _placed(self, found: list[Block], below: int = 0) -> Iterator[Block]:
        """Blocks in the text, or in the cell that holds them; ``below``: by how many tables further out."""
        tables = self._tables[: len(self._tables) - below]
        if tables and tables[-1].cells:
            tables[-1].cells[-1] += found
        else:
            yield from found

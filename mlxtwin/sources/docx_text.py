"""The text of a docx to blocks: paragraphs with whoever put them in, lists, tables row by row, comments in place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from mlxtwin.sources.blocks import Block, BlockKind
from mlxtwin.sources.document_text import Part
from mlxtwin.sources.docx_parts import Remark, Styles
from mlxtwin.sources.office_text import Run, Table, by_author
from mlxtwin.sources.xml_stream import Event

PARAGRAPH_CHARACTERS = 64 * 1024
_SPACE = "wordprocessingml"
_SILENT = frozenset(("del", "moveFrom", "Fallback", "instrText", "delText", "pict", "object", "sym", "ruby", "oMath"))
_MARKS = {"tab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "softHyphen": ""}


@dataclass(slots=True)
class _Paragraph:
    """``runs``: pieces of text, each with whoever put it in later or None."""

    style: str = ""
    level: int | None = None
    numbering: str = ""
    depth: str = "0"
    runs: list[Run] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    characters: int = 0


class Scanner:
    """One pass over the text; ``notes`` holds those it refers to, in order, once it is done.

    ``mine`` tells whether what a name put in is the person's; None stands for the writer of the file.
    """

    def __init__(self, styles: Styles, comments: Mapping[str, Remark], mine: Callable[[str | None], bool]) -> None:
        self.notes: list[tuple[str, str]] = []
        self._styles, self._comments, self._mine = styles, comments, mine
        self._open: list[_Paragraph] = []
        self._tables: list[Table] = []
        self._inserted: list[str] = []
        self._count: Counter[tuple[str, str]] = Counter()
        self._silent = self._text = 0
        self._hidden = self._placeholder = self._in_list = False

    def blocks(self, stream: Iterable[Event]) -> Iterator[Block]:
        for event in stream:
            if event.kind == "start":
                self._start(event)
            elif event.kind == "end":
                yield from self._end(event)
            elif self._text and not self._silent and not self._hidden:
                self._put(event.text)

    def _start(self, event: Event) -> None:
        name = event.name
        if self._silent or name in _SILENT or (name == "sdtContent" and self._placeholder):
            self._silent += 1
            self._placeholder = False
        elif _SPACE not in event.space:
            return
        elif name == "p":
            self._open.append(_Paragraph())
        elif name == "tbl":
            self._tables.append(Table())
        elif name == "tc" and self._tables:
            self._tables[-1].cells.append([])
        elif name == "ins":
            self._inserted.append(event.attributes.get("author", ""))
        elif name in ("t", "r"):
            self._text += name == "t"
            self._hidden = self._hidden and name == "t"
        elif name == "showingPlcHdr":
            self._placeholder = event.attributes.get("val", "1") not in ("0", "false", "off")
        elif self._open:
            self._inside(name, event.attributes)

    def _inside(self, name: str, told: Mapping[str, str]) -> None:
        """What is said of the paragraph that is open."""
        paragraph, value = self._open[-1], told.get("val", "")
        if name == "pStyle":
            paragraph.style = value
        elif name == "outlineLvl":
            paragraph.level = int(value) if value in ("0", "1", "2", "3", "4", "5") else None
        elif name == "numId":
            paragraph.numbering = value
        elif name == "ilvl":
            paragraph.depth = value
        elif name == "vanish":
            self._hidden = value not in ("0", "false", "off")
        elif name in _MARKS and told.get("type", "") not in ("page", "column"):
            self._put(_MARKS[name])
        elif name in ("footnoteReference", "endnoteReference"):
            self.notes.append((f"{name[:-9]}s", told.get("id", "")))
        elif name == "commentReference":
            paragraph.comments.append(told.get("id", ""))

    def _put(self, text: str) -> None:
        if not self._open or self._open[-1].characters > PARAGRAPH_CHARACTERS:
            return
        paragraph, by = self._open[-1], self._inserted[-1] if self._inserted else None
        paragraph.characters += len(text)
        paragraph.runs.append((by, text))

    def _end(self, event: Event) -> Iterator[Block]:
        name = event.name
        if self._silent:
            self._silent -= 1
        elif _SPACE not in event.space:
            return
        elif name == "t":
            self._text -= bool(self._text)
        elif name == "ins" and self._inserted:
            self._inserted.pop()
        elif name == "p" and self._open:
            yield from self._placed(list(self._paragraph(self._open.pop())))
        elif name == "tr" and self._tables:
            yield from self._placed(self._tables[-1].row(), below=1)
        elif name == "tbl" and self._tables:
            self._tables.pop()

    def _placed(self, found: list[Block], below: int = 0) -> Iterator[Block]:
        """Blocks in the text, or in the cell that holds them; ``below``: by how many tables further out."""
        tables = self._tables[: len(self._tables) - below]
        if tables and tables[-1].cells:
            tables[-1].cells[-1] += found
        else:
            yield from found

    def _paragraph(self, paragraph: _Paragraph) -> Iterator[Block]:
        style = self._styles.get(paragraph.style)
        level = paragraph.level + 1 if paragraph.level is not None else style.heading
        parts = [] if style.contents else list(by_author(paragraph.runs, self._mine))
        numbers = paragraph.numbering or style.numbering
        item = bool(parts) and numbers not in ("", "0") and not level
        mark = self._mark(numbers, paragraph.depth) if item else ""
        for by, text in parts:
            kind: BlockKind = "heading" if level and len(text) < 300 else "quote" if style.quote else "text"
            shown = text.replace("\n", " ") if kind == "heading" else mark + text
            yield Part(kind, shown, level, "\n" if item and self._in_list else "\n\n", by=by)
            mark = ""
        self._in_list = item or (self._in_list and not parts)
        for number in paragraph.comments:
            remark = self._comments.get(number)
            if remark and remark.text:
                yield Part("text", remark.text, by=remark.author)

    def _mark(self, numbers: str, depth: str) -> str:
        key = (numbers, depth)
        indent = "  " * (int(depth) if depth in tuple("012345678") else 0)
        if key not in self._styles.numbered:
            return f"{indent}- "
        self._count[key] += 1
        return f"{indent}{self._count[key]}. "

"""Which elements of a page are open at a place, and how the text in them looks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from mlxtwin.sources.markup_scan import RAW, Tag
from mlxtwin.sources.markup_text import BOLD, CODE, FORMULA, ITALIC, STRUCK

MOST_OPEN = 256
MOST_TABLES = 12
LINE, PARAGRAPH = 1, 2
_VOID_NAMES = "area base br col embed hr img input link meta param source track wbr en-todo en-media"
_SILENT_NAMES = "template svg select datalist audio video canvas object map progress meter en-crypt"
_BLOCK_NAMES = (
    "address article aside body caption center dd details dir div dt en-note fieldset figcaption footer form header "
    "hgroup html legend li main menu nav search section summary tbody td tfoot th thead tr"
)
_SPACED_NAMES = "p h1 h2 h3 h4 h5 h6 blockquote pre ul ol dl table figure"
VOID = frozenset(_VOID_NAMES.split())
LISTS, CELLS = frozenset(("ul", "ol")), frozenset(("td", "th"))
HEADINGS = {f"h{level}": level for level in range(1, 7)}
_ROWS = frozenset(("tr", "tbody", "thead", "tfoot"))
_SILENT = RAW | frozenset(_SILENT_NAMES.split())
_BLOCKS, _SPACED = frozenset(_BLOCK_NAMES.split()), frozenset(_SPACED_NAMES.split())
_STYLES = {
    **dict.fromkeys(("b", "strong"), BOLD),
    **dict.fromkeys(("i", "em"), ITALIC),
    **dict.fromkeys(("s", "strike", "del"), STRUCK),
    **dict.fromkeys(("code", "kbd", "samp", "tt"), CODE),
    "math": FORMULA,
}
# An end tag of these takes its own element only, whatever was opened since.
_INLINE = frozenset(("a", "span", "font", "u", "mark", "small", "big", "sub", "sup", "q", *_STYLES))
_ENDED_BY = {
    "li": ("p", "li"),
    **dict.fromkeys(("dt", "dd"), ("p", "dt", "dd")),
    **dict.fromkeys(HEADINGS, ("p", *HEADINGS)),
}
_HIDDEN = re.compile(
    r"(?i)display:\s*none|visibility:\s*hidden|mso-hide:\s*all|"
    r"(?:font-size|opacity):\s*0(?:\.0{1,4})?(?:px|pt|r?em)?\s*(?:;|!|$)"
)
_IN_LINE = re.compile(r"(?i)display:\s*(?:inline|contents)")
_AS_BLOCK = re.compile(r"(?i)display:\s*block")
_TIGHT = re.compile(r"(?i)margin(?:-bottom)?:\s*0(?:\.0)?(?:px|pt|cm|in|r?em)?\s*(?:;|!|$|0)")
_WEIGHT = re.compile(r"(?i)font-weight:\s*(?:(bold|[6-9]00)|(normal|[1-5]00))")
_SLANTED = re.compile(r"(?i)font-style:\s*(?:italic|oblique)")
_LINE_THROUGH = re.compile(r"(?i)text-decoration[a-z-]{0,10}:[^;]{0,60}line-through")
_KEPT_BLANKS = re.compile(r"(?i)white-space:\s*(?:pre|break-spaces)")
_WEB = re.compile(r"(?i)(?:https?://|mailto:)[^\s()<>]{1,2000}")
Treatment = Literal["", "hidden", "quote"]
Rule = Callable[[str, Mapping[str, str]], Treatment]


@dataclass(slots=True)
class Element:
    """One that is open. ``style``, ``kept`` (blanks are shown) and ``target`` (of a link) hold for the text in it.

    ``gap``: how it stands apart from what is around it, 0 in the line; ``finish`` is called when it ends.
    """

    name: str
    hidden: bool = False
    style: int = 0
    kept: bool = False
    target: str = ""
    gap: int = 0
    cell: bool = False
    finish: Callable[[], None] | None = None
    quote: bool = False
    _own: int = 0
    _off: int = 0
    _own_kept: bool = False
    _own_target: str = ""

    def set_look(self, attributes: Mapping[str, str]) -> None:
        style = attributes.get("style", "")
        self._own = _STYLES.get(self.name, 0)
        if style:
            if weight := _WEIGHT.search(style):
                self._own, self._off = (self._own | BOLD, 0) if weight[1] else (self._own & ~BOLD, BOLD)
            self._own |= ITALIC if _SLANTED.search(style) else 0
            self._own |= STRUCK if _LINE_THROUGH.search(style) else 0
            self._own_kept = bool(_KEPT_BLANKS.search(style))
        if is_formula(self.name, attributes):
            self._off |= FORMULA
        if self.name == "a" and (found := _WEB.fullmatch(attributes.get("href", "").strip())):
            self._own_target = found[0]
        self.gap = _gap(self.name, style)

    def inherit(self, above: Element) -> None:
        self.style = (above.style & ~self._off) | self._own
        self.kept = self._own_kept or above.kept
        self.target = self._own_target or above.target

    def give_up(self) -> None:
        """Closed while elements above it are open: it only holds its place."""
        if self.finish:
            self.finish()
        self.name, self.finish = "", None
        self._own, self._off, self._own_kept, self._own_target = 0, 0, False, ""


def is_hidden(name: str, attributes: Mapping[str, str]) -> bool:
    """Whether a browser shows nothing of an element, or shows it a second time."""
    if name in _SILENT:
        return True
    if not attributes:
        return False
    drawn = "katex-html" in attributes.get("class", "")
    return drawn or "hidden" in attributes or bool(_HIDDEN.search(attributes.get("style", "")))


def is_formula(name: str, attributes: Mapping[str, str]) -> bool:
    """What a formula is in TeX, which stands for all that ``math`` holds."""
    return name == "annotation" and "tex" in attributes.get("encoding", "").casefold()


def _gap(name: str, style: str) -> int:
    if style and _IN_LINE.search(style):
        return 0
    if name in _SPACED:
        return LINE if style and _TIGHT.search(style) else PARAGRAPH
    return LINE if name in _BLOCKS or (style and _AS_BLOCK.search(style)) else 0


@dataclass(slots=True)
class _Scope:
    """A list, a cell or the page: an end tag does not reach beyond it. ``counts``: how often a name is open in it."""

    place: int
    is_list: bool = False
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Place:
    """Where among the open elements a table is, and its open cell."""

    table: int
    cell: int = 0


class Elements:
    """The open elements; those nested too deep are looked through. Each tag costs a bounded time."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._open = [Element("")]
        self._scopes = [_Scope(0)]
        self._tables: list[_Place] = []
        self._beyond: dict[str, int] = {}

    @property
    def top(self) -> Element:
        return self._open[-1]

    def enter(self, tag: Tag) -> Element | None:
        """The element a tag opens, after what it closes; None where it is nested too deep."""
        one = Element(tag.name)
        one.set_look(tag.attributes)
        self._make_room(one)
        if len(self._open) >= MOST_OPEN:
            self._beyond[tag.name] = self._beyond.get(tag.name, 0) + 1
            return None
        told = self._rule(tag.name, tag.attributes)
        one.quote = told == "quote"
        one.hidden = self.top.hidden or told == "hidden" or is_hidden(tag.name, tag.attributes)
        one.inherit(self.top)
        counts = self._scopes[-1].counts
        counts[tag.name] = counts.get(tag.name, 0) + 1
        self._take_place(one)
        self._open.append(one)
        return one

    def _take_place(self, one: Element) -> None:
        place = len(self._open)
        if one.name == "table" and len(self._tables) < MOST_TABLES:
            self._tables.append(_Place(place))
        elif one.name in LISTS:
            self._scopes.append(_Scope(place, is_list=True))
        elif one.name in CELLS and self._tables:
            one.cell = True
            self._tables[-1].cell = place
            self._scopes.append(_Scope(place))

    def leave(self, name: str) -> None:
        """An end tag, which may be of no element, or of one below others."""
        if self._beyond.get(name):
            self._beyond[name] -= 1
        elif name in LISTS:
            if self._scopes[-1].is_list:
                self._pop_to(self._scopes[-1].place)
        elif name == "table" or name in CELLS or name in _ROWS:
            self._leave_in_table(name)
        elif name in _INLINE:
            self._leave_inline(name)
        elif self._scopes[-1].counts.get(name):
            self._leave_named(name)

    def leave_all(self) -> None:
        self._pop_to(1)

    def _make_room(self, one: Element) -> None:
        """What ends because another begins, as browsers have it."""
        for ended in _ENDED_BY.get(one.name, ("p",) if one.gap else ()):
            if self._scopes[-1].counts.get(ended):
                self._leave_named(ended)
        if self._tables and (one.name in CELLS or one.name in _ROWS):
            self._leave_in_table(one.name)

    def _leave_named(self, name: str) -> None:
        """Closes the nearest element of a name, and all above it; there is one within this scope."""
        at = len(self._open) - 1
        while self._open[at].name != name:
            at -= 1
        self._pop_to(at)

    def _leave_inline(self, name: str) -> None:
        """Takes the nearest element of a name within this cell from under what was opened since."""
        scope = next((one for one in reversed(self._scopes) if one.counts.get(name) or not one.is_list), None)
        if not scope or not scope.counts.get(name):
            return
        at = len(self._open) - 1
        while self._open[at].name != name:
            at -= 1
        scope.counts[name] -= 1
        self._open[at].give_up()
        for place in range(at, len(self._open)):
            self._open[place].inherit(self._open[place - 1])
        self._pop_to(len(self._open))

    def _leave_in_table(self, name: str) -> None:
        if not self._tables:
            return
        place = self._tables[-1]
        if name == "table":
            self._pop_to(place.table)
        elif name in CELLS:
            self._pop_to(place.cell or len(self._open))
        else:
            self._pop_to(place.table + 1)

    def _pop_to(self, size: int) -> None:
        """Closes elements down to a number of them, and on while the last is one that was given up."""
        while len(self._open) > size or (len(self._open) > 1 and not self.top.name):
            self._end(self._open.pop())

    def _end(self, one: Element) -> None:
        place = len(self._open)
        if one.cell or one.name in LISTS:
            self._scopes.pop()
        if one.cell:
            self._tables[-1].cell = 0
        if self._tables and self._tables[-1].table == place and one.name == "table":
            self._tables.pop()
        if one.name:
            self._scopes[-1].counts[one.name] -= 1
        if one.finish:
            one.finish()

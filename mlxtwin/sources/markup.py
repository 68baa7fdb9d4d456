"""HTML to clean Markdown: what a reader sees of it, and nothing that runs, loads or points elsewhere.

Headings, lists (nested, numbered, to tick), tables, quotes (``> ``), code, emphasis and line breaks stay; scripts,
styles, comments, hidden elements and pictures go; links become their words. The time it takes grows with the length of
the input alone, and nesting is followed to a fixed depth. Not covered: what a style sheet says; formulas; forms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlxtwin.sources.base import clean_text
from mlxtwin.sources.markup_open import (
    CELLS,
    HEADINGS,
    LISTS,
    PARAGRAPH,
    VOID,
    Element,
    Elements,
    Rule,
    Treatment,
    is_formula,
    is_hidden,
)
from mlxtwin.sources.markup_page import Box, Frame, Numbering, Table
from mlxtwin.sources.markup_scan import Tag, pieces
from mlxtwin.sources.markup_text import FORMULA

_CODE_BLOCK = re.compile(r"(?i)-en-codeblock:\s*true")
_TICKED = re.compile(r"(?i)--en-checked:\s*(true|false)")
_WHOLE = re.compile(r"-?\d{1,8}", re.ASCII)


def as_shown(_name: str, _attributes: Mapping[str, str]) -> Treatment:
    """The rule of a browser."""
    return ""


def markdown(html: str, *, links: bool = False, images: bool = False, rule: Rule = as_shown) -> str:
    """The visible text of a page, or of a part of one, as Markdown. Never fails.

    ``links``: addresses of the web are kept as ``[words](address)``; ``images``: the alt text stands for a picture.
    ``rule``: from its name and attributes, whether an element is to be hidden, or is a quote.
    """
    page = _Page(links, images, rule)
    for piece in pieces(html):
        if isinstance(piece, str):
            page.text(piece)
        elif not piece.closing:
            page.enter(piece)
        elif piece.name == "br":
            page.void("br", {})
        else:
            page.elements.leave(piece.name)
    return page.finish()


class _Page:
    """The frames the text goes to: the page itself, and each cell of a table within the one around it."""

    def __init__(self, links: bool, images: bool, rule: Rule) -> None:
        self.elements = Elements(rule)
        self._links, self._images = links, images
        self._frame = Frame()
        self._around: list[Frame] = []
        self._tables: list[Table] = []

    def finish(self) -> str:
        self.elements.leave_all()
        self._frame.end_block()
        return clean_text("\n".join(self._frame.lines))

    def text(self, text: str) -> None:
        top, frame = self.elements.top, self._frame
        if top.hidden or top.style & FORMULA:
            return
        target = top.target if self._links else ""
        if frame.code is not None:
            frame.code.append(text)
        elif top.kept:
            frame.words.add_lines(text, top.style, target)
        else:
            frame.words.add(text, top.style, target)

    def enter(self, tag: Tag) -> None:
        if tag.name in VOID:
            if not self.elements.top.hidden and not is_hidden(tag.name, tag.attributes):
                self.void(tag.name, tag.attributes)
            return
        one = self.elements.enter(tag)
        if one and not one.hidden:
            self._begin(one, tag.attributes)
        elif not one and not self.elements.top.hidden:
            self._frame.end_block()
        if one and tag.empty:
            self.elements.leave(tag.name)

    def void(self, name: str, attributes: Mapping[str, str]) -> None:
        frame = self._frame
        if name == "br":
            frame.end_line()
        elif name == "hr":
            frame.end_block(PARAGRAPH)
        elif name == "img" and self._images:
            self.text(f" {attributes.get('alt', '')} ")
        elif name == "en-todo":
            frame.add_check(attributes.get("checked", "").casefold() == "true")
        elif name == "input" and attributes.get("type", "").casefold() == "checkbox":
            frame.add_check("checked" in attributes)

    def _begin(self, one: Element, attributes: Mapping[str, str]) -> None:
        """What an element does to the page where it is met, and when it ends."""
        name, frame = one.name, self._frame
        if _is_check(name, attributes):
            one.gap = 0
            frame.add_check(not {"checkbox-on", "checked"}.isdisjoint(attributes["class"].split()))
        if one.gap:
            frame.end_block(one.gap)
            one.finish = lambda: frame.end_block(one.gap)
        if name in LISTS:
            self._begin_list(one, attributes)
        elif name == "li":
            self._begin_item(one, attributes)
        elif name == "table":
            self._begin_table(one)
        elif name == "tr" and self._tables:
            self._tables[-1].rows.append([])
        elif name in CELLS and one.cell and self._tables:
            self._begin_cell(one)
        else:
            self._begin_words(one, attributes)

    def _begin_words(self, one: Element, attributes: Mapping[str, str]) -> None:
        name, frame = one.name, self._frame
        if name == "blockquote" or one.quote:
            self._begin_quote(one)
        elif name in HEADINGS:
            self._begin_heading(one)
        elif frame.code is None and (name == "pre" or _CODE_BLOCK.search(attributes.get("style", ""))):
            frame.begin_code()
            one.finish = frame.end_code
        elif name == "q":
            self._begin_between(one, '"')
        elif is_formula(name, attributes):
            self._begin_between(one, "$")

    def _begin_list(self, one: Element, attributes: Mapping[str, str]) -> None:
        frame = self._frame
        inner = frame.begin_list(Numbering(_whole(attributes.get("start", ""), 1) if one.name == "ol" else None))
        one.finish = lambda: frame.end_list(inner)

    def _begin_item(self, one: Element, attributes: Mapping[str, str]) -> None:
        self._frame.begin_item(_whole(attributes.get("value", ""), 0), _ticked(attributes))
        one.finish = self._frame.end_item

    def _begin_between(self, one: Element, mark: str) -> None:
        """Words that a mark stands before and after."""
        frame, style = self._frame, one.style
        frame.words.add(mark, style)
        one.finish = lambda: frame.words.add(mark, style)

    def _begin_quote(self, one: Element) -> None:
        frame = self._frame
        frame.end_block(PARAGRAPH)
        frame.boxes.append(Box("> ", "> "))
        one.finish = frame.end_quote

    def _begin_heading(self, one: Element) -> None:
        frame = self._frame
        frame.heading = HEADINGS[one.name]
        one.finish = frame.end_heading

    def _begin_table(self, one: Element) -> None:
        frame, table = self._frame, Table()
        self._tables.append(table)

        def finish() -> None:
            self._tables.remove(table)
            frame.add_rows(table.lines())

        one.finish = finish

    def _begin_cell(self, one: Element) -> None:
        table, frame = self._tables[-1], Frame()
        self._around.append(self._frame)
        self._frame = frame

        def finish() -> None:
            frame.end_block()
            table.add(frame.lines)
            self._frame = self._around.pop()

        one.finish = finish


def _whole(text: str, otherwise: int) -> int:
    return int(text) if _WHOLE.fullmatch(text.strip()) else otherwise


def _is_check(name: str, attributes: Mapping[str, str]) -> bool:
    """A box to tick that a style sheet paints."""
    return name in ("div", "span") and "checkbox" in attributes.get("class", "").split()


def _ticked(attributes: Mapping[str, str]) -> bool | None:
    """Whether an item of a list of things to do is done; None for an item of another list."""
    if found := _TICKED.search(attributes.get("style", "")):
        return found[1].casefold() == "true"
    told = attributes.get("data-checked", attributes.get("aria-checked", attributes.get("data-list", ""))).casefold()
    return {"true": True, "checked": True, "false": False, "unchecked": False}.get(told)

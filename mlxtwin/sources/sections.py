"""Blocks of a note to stretches of a size to learn from: cut at dates, else at headings, else between paragraphs.

A note of up to WHOLE_WORDS stays whole unless it holds several dated entries. A day of a diary is never joined to
another; other sections under TINY_WORDS are joined to a neighbour; a section over WHOLE_WORDS is cut into even pieces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import reduce
from itertools import chain
from typing import Literal

from mlxtwin.sources.blocks import Block
from mlxtwin.sources.dates import DateMark, day_in_month, leading_date

Dates = Literal["anywhere", "outline", "nowhere"]
TINY_WORDS = 80
PIECE_WORDS = 400
WHOLE_WORDS = 800
CHUNK_WORDS = 8000
MANY_SECTIONS = 100
_AFTER_DATE = (".", ":", ";", "—", "–", "-", ")", "]")
_AFTER_DAY = (".", ",", ":", ";", "—", "–", "-", "(")
_SENTENCE_END = re.compile(r"(?<=[.!?…;。！？])[\"'”’)\]]{0,3}\s+")
_SENTENCE_WORDS = 150


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under one heading or date. ``name`` tells it from the others of the file; empty before the first.

    ``heading`` is the line as written where there was one; ``title`` may be a date found within the text. ``level``:
    that of the heading that gave the day.
    """

    name: str
    title: str
    day: date | None
    blocks: tuple[Block, ...]
    heading: str = ""
    continues: bool = False
    level: int = 0

    @property
    def words(self) -> int:
        return sum(block.words for block in self.blocks)


def sections(blocks: Iterable[Block], dates: Dates = "anywhere") -> Iterator[Section]:
    """The stretches of one file in order, each of at most about WHOLE_WORDS words.

    ``dates``: ``outline`` trusts the levels of headings, so that a day ends where one on its level begins; ``nowhere``
    looks for none, in what is the entry of one day already.
    """
    for section in _joined(_marked(blocks, dates)):
        yield from _pieces(section)


def _marked(blocks: Iterable[Block], dates: Dates) -> Iterator[Section]:
    """A section per heading or date mark; a very long one comes in chunks, so that memory stays bounded."""
    diary = _Diary()
    head, held, words = Section("", "", None, ()), list[Block](), 0
    for block in blocks:
        mark = None if dates == "nowhere" else diary.mark(block)
        if mark or block.kind == "heading":
            if held or head.name:
                yield replace(head, blocks=tuple(held))
            head, words = _opened(block, mark, _around(block, head, dates)), 0
            held = [] if block.kind == "heading" or _is_only_date(block, mark) else [block]
        else:
            held.append(block)
        words += block.words
        if words > CHUNK_WORDS:
            yield replace(head, blocks=tuple(held))
            head, held, words = replace(head, continues=True), [], 0
    if held or (head.name and not head.continues):
        yield replace(head, blocks=tuple(held))


def _is_only_date(block: Block, mark: DateMark | None) -> bool:
    return bool(mark and not mark.rest.strip(" .:*_]"))


def _around(block: Block, before: Section, dates: Dates) -> Section:
    """The section before a heading, without its day where the heading is not under it."""
    ended = dates == "outline" and 0 < block.level <= before.level
    return replace(before, day=None, level=0) if ended else before


def _opened(block: Block, mark: DateMark | None, before: Section) -> Section:
    heading = block.text if block.kind == "heading" else ""
    if mark:
        title = heading if heading and not _is_only_date(block, mark) else mark.name
        return Section(mark.key, title, mark.day, (), heading, level=block.level)
    # A heading without a date inside a diary belongs to the day above it.
    name = f"{before.day} {heading}" if before.day else heading
    return Section(name, heading, before.day, (), heading, level=before.level)


class _Diary:
    """Finds the dated entries: full dates anywhere, bare days only under a heading that names the month."""

    def __init__(self) -> None:
        self._after: date | None = None

    def mark(self, block: Block) -> DateMark | None:
        if block.kind == "quote":
            return None
        if block.day:
            return DateMark(block.day, "day", block.text)
        line = block.text.split("\n", 1)[0]
        mark = self._full(block, line) or self._day(block, line)
        if mark and mark.precision == "month":
            self._after = mark.day
        elif mark and self._after and (mark.day.year, mark.day.month) == (self._after.year, self._after.month):
            self._after = max(self._after, mark.day)
        return mark

    def _full(self, block: Block, line: str) -> DateMark | None:
        mark = leading_date(line)
        if not mark:
            return None
        rest = mark.rest.lstrip("*_ ")
        if block.kind == "heading" or (not rest and "\n" not in block.text):
            return mark if mark.precision == "day" or not rest else None
        iso = line.lstrip("*_[ ")[:4].isdigit()
        return mark if mark.precision == "day" and (iso or not rest or rest.startswith(_AFTER_DATE)) else None

    def _day(self, block: Block, line: str) -> DateMark | None:
        mark = day_in_month(line, self._after) if self._after else None
        if mark and (block.kind == "heading" or mark.rest.startswith(_AFTER_DAY) or not mark.rest):
            return mark
        return None


def _joined(marked: Iterator[Section]) -> Iterator[Section]:
    """The whole note while it is short; then each section, the tiny ones with a neighbour."""
    held: list[Section] = []
    words = dates = 0
    for section in marked:
        held.append(section)
        words += section.words
        dates += section.day is not None
        if words > WHOLE_WORDS or dates > 1 or len(held) > MANY_SECTIONS:
            yield from _without_tiny(chain(held, marked))
            return
    if held:
        day = next((one.day for one in held if one.day), None)
        yield replace(reduce(_merged, held), day=day)


def _without_tiny(marked: Iterable[Section]) -> Iterator[Section]:
    held: Section | None = None
    for section in marked:
        if held and _may_join(held, section):
            held = _merged(held, section)
            continue
        if held and held.blocks:
            yield held
        held = section
    if held and held.blocks:
        yield held


def _may_join(first: Section, second: Section) -> bool:
    if first.continues or second.continues or first.words + second.words > WHOLE_WORDS:
        return False
    below = not first.day or second.name.startswith(f"{first.day} ")
    return first.day == second.day and below and min(first.words, second.words) < TINY_WORDS


def _merged(first: Section, second: Section) -> Section:
    """The second under the first, its heading now inside; a title that stood alone gives way."""
    if not first.blocks:
        return replace(second, name=second.name or first.name, title=second.title or first.title)
    heading = (Block("heading", second.heading, 2),) if second.heading else ()
    return replace(first, blocks=(*first.blocks, *heading, *second.blocks))


def _pieces(section: Section) -> Iterator[Section]:
    if section.words <= WHOLE_WORDS:
        yield section
        return
    blocks = [part for block in section.blocks for part in _sentences(block)]
    count = max(2, round(section.words / PIECE_WORDS))
    share, done = section.words / count, 0.0
    held: list[Block] = []
    for block in blocks:
        # The cut goes to the nearer side of the block that crosses the mark; a heading goes with what follows it.
        if held and done + block.words / 2 > share and not _ends_in_heading(held):
            yield replace(section, blocks=tuple(held))
            held, done = [], done - share
        held.append(block)
        done += block.words
    yield replace(section, blocks=tuple(held))


def _ends_in_heading(held: list[Block]) -> bool:
    return held[-1].kind == "heading"


def _sentences(block: Block) -> Iterator[Block]:
    """A block as it is, or a long one in runs of whole sentences that join again with a blank."""
    if block.words <= PIECE_WORDS:
        yield block
        return
    held: list[str] = []
    words, glue = 0, block.glue
    for sentence in _bounded(_SENTENCE_END.split(block.text)):
        held.append(sentence)
        words += len(sentence.split())
        if words >= _SENTENCE_WORDS:
            yield replace(block, text=" ".join(held), glue=glue)
            held, words, glue = [], 0, " "
    if held:
        yield replace(block, text=" ".join(held), glue=glue)


def _bounded(sentences: Iterable[str]) -> Iterator[str]:
    """Sentences, and where one never ends its words in runs."""
    for sentence in sentences:
        words = sentence.split()
        if len(words) <= PIECE_WORDS:
            yield sentence
        else:
            yield from (" ".join(words[at : at + _SENTENCE_WORDS]) for at in range(0, len(words), _SENTENCE_WORDS))

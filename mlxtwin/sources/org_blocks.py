"""An Org file to blocks: what its head says, headings with their days, the text under them.

Drawers, planning lines, clocks, comments, tables, source and example blocks are no prose. A heading with nothing under
it is an item of a list, as outlines are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import chain, groupby

from mlxtwin.sources.blocks import Block, blocks
from mlxtwin.sources.dates import leading_date
from mlxtwin.sources.org_text import stamped, words

MOST_HEAD_LINES = 200
BREAK = "\\\\"
_TODO = (
    "TODO DONE NEXT WAITING WAIT HOLD CANCELLED CANCELED DEFERRED STARTED SOMEDAY MAYBE DOING LATER NOW IN-PROGRESS "
    "INPROGRESS PROJ PROJECT DELEGATED KILL STRT IDEA BLOCKED REVIEW"
)
TODO_WORDS = frozenset(_TODO.split())
KEYWORD = re.compile(r"\s*#\+([A-Za-z][\w-]*)(?:\[[^\]\n]*\])?:[ \t]*(.*)")
_HEADING = re.compile(r"(\*+)[ \t]+(.*)")
_PRIORITY = re.compile(r"\[#[A-Z0-9]{1,2}\]\s*")
_COOKIE = re.compile(r"[ \t]?\[\d*(?:/\d*|%)\]")
_TAGS = re.compile(r"[ \t]+:[\w@#%:]+:[ \t]*$")
_DRAWER = re.compile(r"\s*:([A-Za-z][\w-]*):\s*$")
_PROPERTY = re.compile(r"\s*:([^\s:][^\s]*):(?:[ \t]+(.*))?$")
_PLANNING = re.compile(r"\s*(?:(?:CLOSED|SCHEDULED|DEADLINE):\s*[<\[]|CLOCK:\s)")
_LOGGED = re.compile(r"\s*- (?:State \"|Note taken on \[|Rescheduled from |New deadline |Refiled on |Not scheduled)")
_BEGIN = re.compile(r"(?i)\s*#\+begin_([\w-]+)")
_DYNAMIC = re.compile(r"(?i)\s*#\+begin:")
_ENDS = re.compile(r"(?i)\s*#\+end(?:_([\w-]+)|:)")
_FIXED = re.compile(r"\s*:(?:\s|$)|\s*#(?:\s|\+|$)|\s*\||\s*-{5,}\s*$|\s*\[fn:[^\]]{0,60}\]\s*$|%%\(")
_ITEM = re.compile(r"\s*(?:[-+]|\d{1,3}[.)])(?:\s|$)|\s+\*\s")
_CHECKBOX = re.compile(r"^((?:[-+*]|\d{1,3}[.)])\s+)(?:\[@\d+\]\s+)?\[[ Xx-]\](?:\s+|$)")
_TERM = re.compile(r"^([-+*]\s+\S.{0,80}?) ::(?:\s|$)")
# The years and months of a tree of days.
_STEP = re.compile(r"\d{4}(?:-\d{2}(?: \w+)?|-W\d{2})?")
_LEFT_OUT = frozenset({"src", "example", "export", "comment", "html", "latex", "ascii"})
_QUOTED = frozenset({"quote", "verse"})
_SILENT_DRAWERS = frozenset({"properties", "logbook", "clock", "results", "backlinks"})
_CREATED = frozenset({"created", "date", "date_created", "date-created", "added", "captured", "captured_at", "logged"})
_TODO_KEYWORDS = frozenset({"todo", "seq_todo", "typ_todo"})


@dataclass(slots=True)
class Head:
    """The keywords before the first heading, in lower case, and the properties of the file."""

    keywords: dict[str, str] = field(default_factory=dict)
    todo: frozenset[str] = TODO_WORDS


def head_of(lines: Iterator[str]) -> tuple[Head, Iterator[str]]:
    """What the file says of itself, and all of its lines again."""
    head, held = Head(), list[str]()
    for line in lines:
        held.append(line)
        if _HEADING.match(line) or len(held) >= MOST_HEAD_LINES:
            break
        found = KEYWORD.match(line) or _PROPERTY.match(line)
        if not found:
            continue
        name, value = found[1].casefold(), (found[2] or "").strip()
        if name in _TODO_KEYWORDS:
            head.todo |= {word.partition("(")[0] for word in value.split() if word != "|"}
        elif value:
            joined = f"{head.keywords[name]} {value}" if name in head.keywords and name == "title" else value
            head.keywords[name] = joined[:1000]
    return head, chain(held, lines)


def org_blocks(lines: Iterable[str], todo: frozenset[str] = TODO_WORDS) -> Iterator[Block]:
    """The blocks of a file, streamed."""
    parts = _leaves(_entries(_prose(lines), todo))
    for heading, run in groupby(parts, key=lambda part: isinstance(part, Block)):
        if heading:
            yield from (part for part in run if isinstance(part, Block))
        else:
            yield from blocks((part for part in run if isinstance(part, str)), markdown=True)


@dataclass(frozen=True, slots=True)
class _Created:
    """The day that the properties of an entry tell."""

    day: date


class _Around:
    """What the lines stand in: a drawer or block that is left out, a quote."""

    def __init__(self) -> None:
        self.drawer = self._skipped = self._quote = ""

    def hides(self, line: str) -> bool:
        """Whether a line is no prose, as the mark of a drawer or block or as what stands in it."""
        if self.drawer:
            return self._in_drawer(line)
        if self._skipped:
            if _ENDS.match(line):
                self._skipped = ""
            return True
        if found := _DRAWER.match(line):
            name = found[1].casefold()
            self.drawer = name if name in _SILENT_DRAWERS else ""
        elif found := _BEGIN.match(line):
            name = found[1].casefold()
            self._skipped = name if name in _LEFT_OUT else ""
            self._quote = self._quote or (name if name in _QUOTED else "")
        elif _DYNAMIC.match(line):
            self._skipped = "begin"
        elif found := _ENDS.match(line):
            self._quote = "" if (found[1] or "").casefold() == self._quote else self._quote
        else:
            return False
        return True

    def _in_drawer(self, line: str) -> bool:
        ended = bool(_DRAWER.match(line)) and line.strip().casefold() == ":end:"
        # Properties that are never closed end with the first line that is none.
        foreign = self.drawer == "properties" and bool(line.strip()) and not _PROPERTY.match(line)
        if ended or foreign:
            self.drawer = ""
        return not foreign

    def shown(self, line: str) -> str:
        """The line, in a quote with its mark, and in a poem with its break."""
        return f"> {line.strip()}{BREAK if self._quote == 'verse' else ''}" if self._quote else line


def _prose(lines: Iterable[str]) -> Iterator[str | _Created]:
    """Headings as they stand, and lines of prose; what belongs to blocks and drawers that are no prose is gone."""
    around = _Around()
    for line in lines:
        if line.startswith("*") and _HEADING.match(line):
            around = _Around()
            yield line
        elif around.hides(line):
            if around.drawer == "properties" and (created := _created(line)):
                yield created
            elif not around.drawer:
                yield ""
        else:
            yield around.shown(line)


def _created(line: str) -> _Created | None:
    found = _PROPERTY.match(line)
    if not found or found[1].casefold() not in _CREATED:
        return None
    day, _ = stamped(found[2] or "")
    mark = leading_date((found[2] or "").strip("[]<> "))
    day = day or (mark.day if mark and mark.precision == "day" else None)
    return _Created(day) if day else None


def _entries(lines: Iterable[str | _Created], todo: frozenset[str]) -> Iterator[Block | str]:
    """Headings as blocks, with the day that stands in them or right below, and the lines between."""
    entry: Block | None = None
    text = _Text()
    for line in lines:
        if isinstance(line, _Created):
            entry = replace(entry, day=entry.day or line.day) if entry else None
        elif (found := _HEADING.match(line)) and line.startswith("*"):
            if entry:
                yield entry
            entry, text = _heading(found, todo), _Text()
        elif _PLANNING.match(line):
            continue
        elif entry and line.strip():
            day, rest = stamped(line)
            if day and not rest:
                entry = replace(entry, day=entry.day or day)
                continue
            yield entry
            entry = None
            yield from text.lines(line)
        elif not entry:
            yield from text.lines(line)
    if entry:
        yield entry


def _heading(found: re.Match[str], todo: frozenset[str]) -> Block:
    text = _TAGS.sub("", found[2].strip()[:4000])
    first, _, rest = text.partition(" ")
    text = rest.strip() if first in todo else text
    text = _COOKIE.sub("", _PRIORITY.sub("", text, count=1)).removeprefix("COMMENT ")
    day, bare = stamped(text)
    shown = words(bare if day else text).strip()
    return Block("heading", shown or (day.isoformat() if day else ""), min(len(found[1]), 6), day=day)


class _Text:
    """The lines under one heading as Markdown."""

    def __init__(self) -> None:
        self._item_indent = -1

    def lines(self, line: str) -> Iterator[str]:
        if _FIXED.match(line) or _LOGGED.match(line):
            # A table or an output parts what stands around it; a comment does not.
            if not line.lstrip().startswith("#"):
                yield ""
            return
        bare = line.strip()
        item, indent = bool(_ITEM.match(line)), len(line) - len(line.lstrip())
        if item:
            self._item_indent = indent
        elif bare and indent <= self._item_indent:
            self._item_indent = -1
            yield ""
        if bare.endswith(BREAK):
            bare = bare.removesuffix(BREAK) + "  "
        if item:
            bare = _TERM.sub(r"\1: ", _CHECKBOX.sub(r"\1", bare))
        yield words(bare)


def _leaves(parts: Iterable[Block | str]) -> Iterator[Block | str]:
    """Headings with nothing under them as items of a list, or as an entry where they have a day."""
    held: Block | None = None
    after_item = False
    for part in parts:
        if isinstance(part, str):
            if held and part.strip():
                yield held
                held, after_item = None, False
            yield part
            continue
        if held:
            leaf = part.level <= held.level
            yield _as_item(held, after_item) if leaf else held
            after_item = leaf and not held.day and bool(held.text)
        held = None if _STEP.fullmatch(part.text) else part
    if held:
        yield _as_item(held, after_item)


def _as_item(heading: Block, after_item: bool) -> Block:
    mark = leading_date(heading.text)
    if heading.day:
        return heading if mark and not mark.rest else replace(heading, kind="text")
    if mark and mark.precision == "day":
        rest = mark.rest.strip(" :–—-")
        return Block("text", rest, heading.level, day=mark.day) if " " in rest else heading
    return Block("text", f"- {heading.text}" if heading.text else "", glue="\n" if after_item else "\n\n")

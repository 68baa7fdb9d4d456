"""A page of Logseq, in Markdown or Org, to its bullets, each as lines of plain Markdown.

Properties, drawers, queries, embeds, references to blocks, markers of tasks and code go; a highlight taken from a book
is a quote. Not covered: what a query or an embed would show.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import takewhile

from mlxtwin.sources import org_text
from mlxtwin.sources.blocks import outside_fences
from mlxtwin.sources.outline import Bullet
from mlxtwin.sources.wikitext import highlights, labels, linked_words, macros, outside_code, tags, web_links

MOST_LINES = 5000
MOST_DEPTH = 40
_BULLET = re.compile(r"([ \t]*)-(?:[ \t]+(.*))?$")
_HEADLINE = re.compile(r"(\*+)(?:[ \t]+(.*))?$")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})([^`]*)$")
PROPERTY = re.compile(r"\s*(?:-\s+)?([^\W\d_][\w.?!/-]{0,60})::(?:[ \t]+(.*))?$")
_DRAWER = re.compile(r"(?i):(?:LOGBOOK|PROPERTIES):$")
_PLANNING = re.compile(r"(?:SCHEDULED|DEADLINE|CLOSED|CLOCK):\s")
_KEYWORD = re.compile(r"#\+[A-Za-z][\w-]*:")
_BEGIN = re.compile(r"(?i)#\+begin_(\w+)")
_END = re.compile(r"(?i)#\+end_(\w+)")
_LEFT_OUT = frozenset({"src", "example", "query", "export", "comment"})
_QUOTED = frozenset({"quote", "verse"})
_TASK = re.compile(
    r"^(#{1,6}\s+)?(?:TODO|DOING|DONE|LATER|NOW|WAITING|WAIT|CANCELED|CANCELLED|IN-PROGRESS|STARTED)(?:\s+|$)(?:\[#[A-C]\]\s*)?|^(#{1,6}\s+)?\[#[A-C]\]\s*"
)
_BLOCK = re.compile(r"\(\([0-9a-fA-F]{8}-[0-9a-fA-F-]{27}\)\)")
_ATTRIBUTES = re.compile(r"\{:[a-z][^{}\n]{0,200}\}")
_PICTURE = re.compile(r"!\[[^\]\n]{0,500}\]\([^)\n]{0,2000}\)")
_HICCUP = re.compile(r"\s*\[:[a-z]")


def bullets(lines: Iterable[str], *, org: bool) -> Iterator[Bullet]:
    """The bullets in reading order, without those that hold no words."""
    for bullet in _org_bullets(lines) if org else _markdown_bullets(lines):
        shown = tuple(_words(bullet.lines, org))
        if any(line.strip() for line in shown):
            yield Bullet(bullet.depth, shown)


def _markdown_bullets(lines: Iterable[str]) -> Iterator[Bullet]:
    """Lines that begin with a dash, and what stands under it further in; a line at the margin stands alone."""
    indents: list[int] = []
    held: list[str] = []
    inside = _Inside()
    depth = 0
    for line in lines:
        found = None if inside.fence else _BULLET.match(line)
        indent = len(found[1].expandtabs(4)) if found else 0
        if found and inside.block and indents and indent > indents[-1]:
            found = None  # a list within a quote
        plain = not found and not inside.fence and bool(indents) and bool(line.strip()) and line[0] not in " \t"
        if found or plain or len(held) >= MOST_LINES:
            yield Bullet(depth, tuple(held))
            held = []
        if found:
            depth = _nested(indents, indent)
            inside.block = False
        elif plain:
            depth, indents = 0, []
        held.append(found[2] or "" if found else line.strip())
        inside.take(held[-1])
    yield Bullet(depth, tuple(held))


class _Inside:
    """Whether the lines stand in fenced code or between the marks of a block."""

    def __init__(self) -> None:
        self.fence, self.block = "", False

    def take(self, line: str) -> None:
        found = _FENCE.match(line)
        if found and not self.fence:
            self.fence = found[1]
        elif found and found[1].startswith(self.fence) and not found[2].strip():
            self.fence = ""
        elif not self.fence:
            self.block = bool(_BEGIN.match(line)) or (self.block and not _END.match(line))


def _nested(indents: list[int], indent: int) -> int:
    """How deep a bullet is; ``indents`` becomes those of the bullets around it and its own."""
    while indents and indents[-1] >= indent:
        indents.pop()
    if len(indents) < MOST_DEPTH:
        indents.append(indent)
    return len(indents) - 1


def _org_bullets(lines: Iterable[str]) -> Iterator[Bullet]:
    levels: list[int] = []
    held: list[str] = []
    depth = 0
    for line in lines:
        found = _HEADLINE.match(line)
        if found or len(held) >= MOST_LINES:
            yield Bullet(depth, tuple(held))
            held = []
        if found:
            depth = _nested(levels, len(found[1]))
        held.append(found[2] or "" if found else line.strip())
    yield Bullet(depth, tuple(held))


def _words(lines: Iterable[str], org: bool) -> Iterator[str]:
    """The lines of one bullet that are prose, as plain Markdown."""
    # Markup in the manner of Clojure fills the rest of its block.
    kept = list(takewhile(lambda line: not _HICCUP.match(line), outside_fences(lines)))
    highlight = any(found[1] == "ls-type" for found in map(PROPERTY.match, kept) if found)
    first = True
    for line in _prose(kept):
        shown = _shown(_TASK.sub(lambda found: found[1] or found[2] or "", line) if first else line, org)
        first = first and not line.strip()
        yield f"> {shown}" if highlight and shown.strip() else shown


def _prose(lines: Iterable[str]) -> Iterator[str]:
    """Without properties, drawers and blocks that are no prose; quotes are marked."""
    ends, quoted = "", ""
    for line in map(str.strip, lines):
        begins, closes = _BEGIN.match(line), _END.match(line)
        if ends:
            ends = "" if line.casefold() == ends else ends
        elif _DRAWER.match(line):
            ends = ":end:"
        elif begins:
            name = begins[1].casefold()
            ends = f"#+end_{name}" if name in _LEFT_OUT else ""
            quoted = quoted or (name if name in _QUOTED else "")
            yield ""
        elif closes:
            quoted = "" if closes[1].casefold() == quoted else quoted
            yield ""
        elif not (PROPERTY.match(line) or _PLANNING.match(line) or _KEYWORD.match(line)):
            yield f"> {line}" if quoted else line


def _shown(line: str, org: bool) -> str:
    text = tags(outside_code(line, _without_references))
    return org_text.words(text) if org else outside_code(text, _inline)


def _without_references(part: str) -> str:
    return _BLOCK.sub("", macros(labels(part), _cloze)) if "(" in part or "{" in part else part


def _inline(text: str) -> str:
    if "[" in text:
        text = web_links(linked_words(_ATTRIBUTES.sub("", _PICTURE.sub("", text))))
    return highlights(text)


def _cloze(macro: str) -> str:
    """What a gap to learn by hides is prose; what any other macro shows stands elsewhere."""
    return macro.removeprefix("cloze").strip() if macro.startswith("cloze ") else ""

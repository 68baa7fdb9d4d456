"""Obsidian's Markdown to the plain Markdown that every note is read as, line by line.

Callouts lose their marks and stay the person's, but those of type quote, which stay quotes. Comments, embeds, block
ids and tags outside a sentence go; links between notes become their words. Not covered: formulas; Templater's marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from mlxtwin.sources.blocks import outside_fences
from mlxtwin.sources.wikitext import highlights, linked_words, outside_code, tags, web_links

MOST_DEPTH = 8
MOST_CALLOUT_LINES = 10_000
LEAST_FIELD_WORDS = 4
_CALLOUT = re.compile(r"\s{0,3}>\s?\[!([^\]\n]{1,80})\][+-]?[ \t]*(.*)")
_QUOTE = re.compile(r"\s{0,3}>\s?")
_ITEM_QUOTE = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)])\s+>\s?|\s+>\s?")
_QUOTED_TYPES = frozenset({"quote", "cite"})
_EMBED = re.compile(r"!\[\[[^\[\]\n]{1,400}\]\]")
_BLOCK_ID = re.compile(r"(?:^|[ \t])\^[A-Za-z0-9-]{3,60}\s*$")
_CHECKBOX = re.compile(r"^(\s*(?:>\s?)*(?:[-*+]|\d{1,3}[.)])\s+)\[.\](?:\s+|$)")
_TASK_DATE = re.compile(r"[ \t]?[📅✅⏳🛫➕❌]\ufe0f?[ \t]?\d{4}-\d{2}-\d{2}")
_FIELD = re.compile(r"\s*(?:[-*+]\s+)?([^\W\d_][\w /-]{0,40})::(?:\s+(.*))?$")


def plain_lines(lines: Iterable[str]) -> Iterator[str]:
    """The lines of a note's body as plain Markdown; fenced code is gone."""
    for line in _outside_callouts(_outside_comments(outside_fences(lines)), MOST_DEPTH):
        yield _plain(line)


def link_name(link: str) -> str:
    """``Folder/Note#Heading|shown`` to what a reader sees of it: what is shown, else the note, else the heading."""
    target, bar, shown = link.partition("|")
    if bar and shown.strip():
        return shown.strip()
    target = target.rstrip("\\").strip()
    name, _, heading = target.partition("#")
    words = name.strip().rpartition("/")[2].removesuffix(".md")
    heading = heading.rpartition("#")[2].strip()
    return words or ("" if heading.startswith("^") else heading)


def _plain(line: str) -> str:
    if found := _FIELD.match(line):
        return _field(found)
    if ">" in line:
        line = _ITEM_QUOTE.sub("> ", line, count=1) if _ITEM_QUOTE.match(line) else line
    if "^" in line:
        line = _BLOCK_ID.sub("", line)
    line = _CHECKBOX.sub(r"\1", line) if "[" in line else line
    return outside_code(tags(_TASK_DATE.sub("", line)), _inline)


def _field(found: re.Match[str]) -> str:
    """``key:: value`` of Dataview: a value of several words is prose, any other files the note."""
    value = outside_code(tags(found[2] or ""), _inline)
    return f"{found[1]}: {value}" if len(value.split()) >= LEAST_FIELD_WORDS else ""


def _inline(text: str) -> str:
    if "[" in text:
        text = web_links(linked_words(_EMBED.sub("", text), link_name))
    return highlights(text)


def _outside_comments(lines: Iterable[str]) -> Iterator[str]:
    """Without ``%%comments%%``; one that opens within a line and does not close there ends with the paragraph."""
    hidden, block = False, False
    for line in lines:
        if hidden and not block and not line.strip():
            hidden = False
        if not hidden and "%%" not in line:
            yield line
            continue
        kept = ""
        for number, piece in enumerate(line.split("%%")):
            if number:
                hidden = not hidden
                block = hidden and not kept.strip()
            kept += "" if hidden else piece
        yield kept


def _outside_callouts(lines: Iterable[str], depth: int) -> Iterator[str]:
    """Callouts that are the person's as the text they hold, set apart by blank lines."""
    stream = iter(lines)
    line = next(stream, None)
    while line is not None:
        found = _CALLOUT.match(line) if ">" in line else None
        if not found:
            yield line
            line = next(stream, None)
            continue
        body, line = _body(stream)
        if found[1].partition("|")[0].strip().casefold() in _QUOTED_TYPES:
            yield from chain(("", f"> {found[2]}"), body, ("",))
        else:
            inner = outside_fences(_QUOTE.sub("", held, count=1) for held in body)
            yield from chain(("", found[2], ""), _outside_callouts(inner, depth - 1) if depth else inner, ("",))


def _body(stream: Iterator[str]) -> tuple[list[str], str | None]:
    """The lines of a callout after its first, and the line after it."""
    held: list[str] = []
    for line in stream:
        if not _QUOTE.match(line) or len(held) >= MOST_CALLOUT_LINES:
            return held, line
        held.append(line)
    return held, None

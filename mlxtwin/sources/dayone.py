"""Day One: the JSON export of a journal, a Document an entry.

All words are the person's but quotes. Places, weather and tags are not read; photos and other media are no words. Not
covered: the exports as plain text, PDF and HTML; Day One Classic.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import decode_text, read_head, relative_name
from mlxtwin.sources.blocks import Block, blocks
from mlxtwin.sources.files import File
from mlxtwin.sources.json_file import items, text
from mlxtwin.sources.moments import written
from mlxtwin.sources.prose import EMPTY, NOT_BY_ME, stamp, turns_of
from mlxtwin.sources.shapes import as_dict, as_list, as_name

MOST_TITLE_CHARACTERS = 120
_ENTRIES = re.compile(r'"entries"\s*:\s*\[')
_FIELDS = re.compile(
    r'"(creationDate|modifiedDate|richText|timeZone|creationDevice|creationDeviceType|creationOSName|starred|isPinned|'
    r'isAllDay|editingTime|userActivity)"\s*:'
)
LEAST_FIELDS = 3
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_MEDIA = re.compile(r"!\[[^\]\n]{0,500}\]\(dayone-?[\w.]*:[^)\n]{0,500}\)|\ufffc")
_ZONE = re.compile(r"[A-Za-z]{1,20}(?:/[A-Za-z0-9_+-]{1,40}){0,2}")
_CODE = "\ue000"
_LINE_BREAKS = str.maketrans({"\u2028": "\n", "\u2029": "\n", "\u1c6a": "\n"})


class DayOne:
    """See the module; ``Document.key`` is the id of the entry."""

    name = "dayone"
    kind: Kind = "note"

    def recognises(self, file: File) -> float:
        head = decode_text(read_head(file))
        if not head.lstrip().startswith("{") or not _ENTRIES.search(head) or '"creationDate"' not in head:
            return 0.0
        return 0.95 if len({found[1] for found in _FIELDS.finditer(head)}) >= LEAST_FIELDS else 0.0

    def authors(self, file: File) -> Iterator[str]:
        return iter(())

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        origin = relative_name(file, root)
        seen: Counter[str] = Counter()
        for entry in items(file, "entries.item"):
            if not isinstance(entry, dict):
                continue
            document = _document(entry, origin)
            seen[document.key] += 1
            again = f".{seen[document.key]}" if seen[document.key] > 1 else ""
            yield replace(document, key=document.key + again)


def _document(entry: dict[str, Any], origin: str) -> Document:
    markdown = text(entry.get("text")).translate(_LINE_BREAKS)
    rich = "" if markdown.strip() else _rich_markdown(entry.get("richText")).translate(_LINE_BREAKS)
    title, body = _titled(_blocks(rich or markdown, escaped=not rich))
    key = as_name(entry.get("uuid")) or f"{as_name(entry.get('creationDate'))}~{stamp(rich or markdown)}"
    turns = turns_of(body)
    drop = "" if any(turn.trainable for turn in turns) else NOT_BY_ME if turns else EMPTY
    journal = origin.rpartition("/")[2].rpartition(".")[0]
    at = _at(entry)
    shown = title or (f"{at:%Y-%m-%d}" if at else journal.strip())
    return Document("note", DayOne.name, key, shown, turns, at, journal, f"{origin}#{key}", drop)


def _at(entry: dict[str, Any]) -> datetime | None:
    """When the entry was written, on the clock of the place."""
    at, zone = written(entry.get("creationDate")), as_name(entry.get("timeZone"))
    if not at or not _ZONE.fullmatch(zone):
        return at
    try:
        return at.astimezone(ZoneInfo(zone))
    except (KeyError, ValueError, OSError, OverflowError):
        return at


def _blocks(markdown: str, *, escaped: bool) -> list[Block]:
    """The blocks of an entry, in which every line break is the person's, without media and escapes."""
    found = blocks(_MEDIA.sub("", markdown).split("\n"), markdown=True, breaks=True)
    plain = (replace(block, text=_ESCAPE.sub(r"\1", block.text).strip()) if escaped else block for block in found)
    return [block for block in plain if block.text]


def _titled(found: list[Block]) -> tuple[str, list[Block]]:
    """The first line as the title, and the blocks less a heading that is the title; one that is all of it is text."""
    if not found:
        return "", found
    first = found[0]
    title = " ".join(first.text.split("\n", 1)[0].split()).lstrip("-*+ ")[:MOST_TITLE_CHARACTERS].strip()
    if first.kind != "heading":
        return title, found
    rest = found[1:]
    if any(block.kind == "text" for block in rest):
        return title, rest
    return title, [replace(block, kind="text", level=0) if block.kind == "heading" else block for block in found]


def _rich_markdown(rich: Any) -> str:
    """The text of an entry that has it only as JSON: runs of text, each with what its line is."""
    try:
        contents = as_list(as_dict(json.loads(rich)).get("contents")) if isinstance(rich, str) else []
    except (ValueError, RecursionError):
        return ""
    lines: list[str] = []
    ends, before = True, ""
    for run in map(as_dict, contents):
        line = as_dict(as_dict(run.get("attributes")).get("line"))
        mark = _line_mark(line)
        for number, piece in enumerate(text(run.get("text")).split("\n")):
            new = ends or number or mark != before
            if new:
                lines.append(f"{mark}{piece}" if piece else "")
            else:
                lines[-1] += piece
            ends, before = False, mark
        ends = bool(as_list(run.get("embeddedObjects")))
    return "\n".join(line for line in lines if not line.startswith(_CODE))


def _line_mark(line: dict[str, Any]) -> str:
    level = line.get("header")
    if line.get("codeBlock"):
        return _CODE
    if line.get("quote"):
        return "> "
    if isinstance(level, int) and 0 < level <= 6:
        return f"{'#' * level} "
    return "- " if line.get("listStyle") else ""

"""The blocks of a page of Roam to bullets of plain Markdown, with whoever made each.

Tasks lose their marks; embeds, queries, tables, diagrams, code and references to other blocks go. Not covered: what an
embed or a query would show.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mlxtwin.sources.json_file import text
from mlxtwin.sources.outline import Bullet
from mlxtwin.sources.shapes import as_dict, as_list, as_name
from mlxtwin.sources.wikitext import highlights, labels, linked_words, macros, outside_code, tags, web_links

LEAST_FIELD_WORDS = 4
_HIDING = re.compile(
    r"\s*\{\{\s*(?:\[\[)?(?:table|mermaid|diagram|query|embed|embed-path|embed-children|roam/render|roam/js|attr-table|"
    r"roam/css|encrypt)\b",
    re.IGNORECASE,
)
_TASK = re.compile(r"\s*\{\{\s*(?:\[\[)?(?:TODO|DONE)(?:\]\])?\s*\}\}\s*")
_QUOTE = re.compile(r"\s*(?:\[\[>\]\]|>)\s*")
# Ids are nine random characters; nine small letters in two brackets are more likely a word.
_REFERENCE = re.compile(r"\(\((?=[\w-]*[^a-z()])[\w-]{6,40}\)\)")
_LAYOUT = re.compile(r"#?\[\[\.[\w-]{1,60}\]\]")
_ITALIC = re.compile(r"(?<!\w)__(?=\S)([^_\n]{1,500})(?<=\S)__(?!\w)")
_FIELD = re.compile(r"([^:\n`]{1,100})::(?:\s+|$)(.*)", re.DOTALL)
_PROGRAM = (":hiccup", ":q ", ":q\n")


def maker(block: dict[str, Any]) -> str:
    """Who made a block or page: an address in older exports, an id in newer ones; empty where it is not told."""
    made = block.get("create-email") or as_dict(block.get(":create/user")).get(":user/uid")
    return as_name(made)


def blocks_of(page: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """All blocks under a page in reading order with their depth, however deep; those under a table are left out."""
    waiting = [iter(as_list(page.get("children")))]
    while waiting:
        block = next(waiting[-1], None)
        if block is None:
            waiting.pop()
            continue
        if isinstance(block, dict):
            yield len(waiting) - 1, block
            waiting.append(iter(() if _HIDING.match(text(block.get("string"))) else as_list(block.get("children"))))


def bullets(page: dict[str, Any]) -> Iterator[Bullet]:
    """The blocks of a page that hold words."""
    for depth, block in blocks_of(page):
        shown = plain(text(block.get("string")))
        level = block.get("heading")
        if shown and isinstance(level, int) and 0 < level <= 6 and not shown.startswith(">"):
            shown = f"{'#' * level} {' '.join(shown.split())}"
        if shown:
            yield Bullet(depth, tuple(shown.split("\n")), maker(block))


def plain(string: str) -> str:
    """What a block says as plain Markdown, a quote with its marks; empty where it says nothing."""
    if string.startswith(_PROGRAM):
        return ""
    quoted = _QUOTE.match(string)
    lines = _without_code(string[quoted.end() :] if quoted else string)
    shown = _shown(_LAYOUT.sub("", _TASK.sub("", lines)))
    if found := _FIELD.match(shown):
        value = found[2].strip()
        shown = f"{found[1].strip()}: {value}" if len(value.split()) >= LEAST_FIELD_WORDS else ""
    if not any(map(str.isalnum, shown)):
        return ""
    return "\n".join(f"> {line}" for line in shown.split("\n")) if quoted else shown


def _without_code(string: str) -> str:
    """Without what stands between fences, which Roam also closes at the end of a line."""
    return "\n".join(string.split("```")[::2]).strip() if "```" in string else string.strip()


def _shown(string: str) -> str:
    filed = outside_code(string, lambda part: macros(labels(part))).split("\n")
    return outside_code("\n".join(map(tags, filed)), _inline).strip()


def _inline(part: str) -> str:
    if "[" in part:
        part = web_links(linked_words(part))
    part = _REFERENCE.sub("", part) if "((" in part else part
    return highlights(_ITALIC.sub(r"*\1*", part) if "__" in part else part)

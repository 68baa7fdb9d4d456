"""Lines of Markdown or plain text to blocks of prose, streamed.

Code, tables, pictures, markup and link addresses are no prose and left out; a paragraph that was broken at a fixed
width becomes one line again, a poem stays as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Literal

BlockKind = Literal["heading", "text", "quote"]
BLOCK_CHARACTERS = 64 * 1024
WRAP_WIDTH = 50
FIRST_LINE_WIDTH = 30
_FENCE = re.compile(r"\s*(`{3,}|~{3,})([^`]*)$")
_HEADING = re.compile(r"\s{0,3}(#{1,6})(?:\s+(.*?))?(?:\s+#*)?\s*$")
_UNDERLINE = re.compile(r"\s{0,3}(=+|-{3,})\s*$")
_RULE = re.compile(r"\s{0,3}([-*_=~.•⁂])(?:\s*\1){2,}\s*$")
_QUOTE = re.compile(r"\s{0,3}>\s?")
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+")
_REFERENCE = re.compile(r"\s{0,3}\[(?!\^)[^\]\n]{1,200}\]:\s*\S")
_NO_PROSE = re.compile(r"(?i)\s*<(table|pre|script|style|svg|iframe)[\s>]")
_TABLE_RULE = re.compile(r"[\s:|+-]*-{2,}[\s:|+-]*$")
_CHAPTER = re.compile(r"(?i)(chapter|part|book|letter|kapitel|chapitre|capítulo)\s+[\dIVXLC]+\b.{0,60}$")
_IMAGE = re.compile(r"!\[[^\]\n]{0,500}\](?:\([^)\n]{0,2000}\)|\[[^\]\n]{0,200}\])")
_LINK = re.compile(r'\[([^\[\]\n]{1,500})\](?:\([^()\s]{0,2000}(?:\s+"[^"\n]{0,200}")?\)|\[[^\[\]\n]{0,200}\])')
_TAG = re.compile(
    r"</?(?:p|br|hr|div|span|img|a|b|i|em|strong|u|s|sub|sup|small|center|font|table|thead|tbody|tr|td|th|ul|ol|li|"
    r"blockquote|h[1-6]|details|summary|iframe|video|audio|source|figure|figcaption|kbd|mark|cite|q|abbr|section|"
    r"script|style|noscript)(?:\s[^<>]{0,1000})?/?>|<!--.{0,2000}?-->",
    re.IGNORECASE | re.DOTALL,
)
# Zero-width marks of typesetting; the joiners of emoji and of Persian stay.
_INVISIBLE = str.maketrans({"\u2060": "", "\u200b": "", "\u00ad": "", "\u00a0": " ", "\u202f": " ", "\u200a": ""})


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, a paragraph or list, or a run quoted from somebody; ``glue`` joins it to what came before.

    ``day``: the date of the entry that begins here, where the source tells it otherwise than in the text.
    """

    kind: BlockKind
    text: str
    level: int = 0
    glue: str = "\n\n"
    day: date | None = field(default=None, kw_only=True)

    @property
    def words(self) -> int:
        return len(self.text.split())


def blocks(lines: Iterable[str], *, markdown: bool, breaks: bool = False) -> Iterator[Block]:
    """The blocks of a text in order. ``markdown``: indented code is code, and every soft line break a blank.

    ``breaks``: of an editor that shows a line break as one, so that in Markdown too only those at a width go.
    """
    after_list, width = False, _Width()
    for raw in _raw_blocks(lines):
        indented = all(line.startswith(("    ", "\t")) for line in raw)
        if markdown and indented and not after_list:
            continue
        after_list = bool(_ITEM.match(raw[0])) or (after_list and raw[0].startswith((" ", "\t")))
        block = _block(raw, markdown, 0 if markdown and not breaks else width.after(raw))
        if block.text.strip():
            yield block


def _raw_blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Runs of lines that belong together; fenced code, rules and link definitions are gone."""
    held: list[str] = []
    size = 0
    for line in outside_fences(lines):
        blank = not line.strip() or _REFERENCE.match(line)
        if held and (blank or size > BLOCK_CHARACTERS or _starts_anew(held, line)):
            yield held
            held, size = [], 0
        if not blank and (held or not _RULE.match(line)):
            held.append(line)
            size += len(line)
    if held:
        yield held


def outside_fences(lines: Iterable[str]) -> Iterator[str]:
    """The lines without fenced code."""
    fence = ""
    for line in lines:
        found = _FENCE.match(line)
        if fence:
            if found and found[1].startswith(fence) and not found[2].strip():
                fence = ""
        elif found:
            fence = found[1]
            yield ""
        else:
            yield line.translate(_INVISIBLE)


def _starts_anew(held: list[str], line: str) -> bool:
    """Whether a line cannot belong to the block before it though no blank line stands between."""
    if _HEADING.match(held[-1]) or _HEADING.match(line):
        return True
    if len(held) > 1 and _UNDERLINE.match(held[-1]):
        return True
    return bool(_QUOTE.match(held[-1])) != bool(_QUOTE.match(line))


def _block(raw: list[str], markdown: bool, width: float) -> Block:
    if found := _HEADING.match(raw[0]):
        return Block("heading", _plain(found[2] or ""), len(found[1]))
    if len(raw) > 1 and len(raw) < 4 and _UNDERLINE.match(raw[-1]):
        return Block("heading", _plain(" ".join(raw[:-1])), 1 if "=" in raw[-1] else 2)
    if _QUOTE.match(raw[0]):
        return Block("quote", _plain(_unwrap([_QUOTE.sub("", line) for line in raw], width)))
    if len(raw) == 1 and not markdown and _is_title(raw[0].strip()):
        return Block("heading", raw[0].strip(), 2)
    return Block("text", "" if _is_table(raw) or _NO_PROSE.match(raw[0]) else _plain(_unwrap(raw, width)))


def _is_title(line: str) -> bool:
    """In plain text, a line in capitals or a numbered chapter."""
    letters = sum(character.isalpha() for character in line)
    return len(line) <= 90 and ((letters >= 4 and line.isupper()) or bool(_CHAPTER.match(line)))


def _is_table(raw: list[str]) -> bool:
    barred = sum(line.lstrip().startswith("|") for line in raw)
    ruled = any("|" in line and _TABLE_RULE.match(line) for line in raw[:3])
    return ruled or (barred > 1 and barred == len(raw))


def _plain(text: str) -> str:
    """Without pictures, markup and link addresses."""
    if "](" in text or "][" in text:
        text = _LINK.sub(r"\1", _IMAGE.sub("", text))
    return (_TAG.sub("", text) if "<" in text else text).strip()


def _unwrap(raw: list[str], width: float) -> str:
    """Lines joined where the break is only the editor's; ``width`` 0 joins all but items and hard breaks."""
    if len(raw) == 1 or (width and not _is_wrapped(raw, width)):
        return "\n".join(line.strip() for line in raw)
    text = raw[0].strip()
    for before, line in pairwise(raw):
        hard = before.endswith(("  ", "\\")) or _ITEM.match(line) or not (before.strip() and line.strip())
        text += ("\n" if hard else " ") + line.strip()
    return text


def _is_wrapped(raw: list[str], width: float) -> bool:
    """Whether most lines were full: the next line's first word would hardly have fitted in the width.

    The first line counts less, since what stood before it (a date line, an address) may have been cut away.
    """
    if not WRAP_WIDTH <= width <= 2 * WRAP_WIDTH:
        return False
    # In a quote an empty line, which only its mark fills, ends a paragraph.
    next_words = ((after.split(None, 1) or [""])[0] for after in raw[1:])
    full = [len(line.rstrip()) + 1 + len(word) > width - 10 for line, word in zip(raw[:-1], next_words, strict=True)]
    if len(raw[0].rstrip()) >= FIRST_LINE_WIDTH:
        full[0] = True
    return sum(full) >= 0.7 * len(full)


class _Width:
    """The width a text is broken at: the longest line of late, forgotten slowly."""

    def __init__(self) -> None:
        self._columns = 0.0

    def after(self, raw: list[str]) -> float:
        self._columns = max(*map(len, raw), self._columns * 0.98)
        return self._columns

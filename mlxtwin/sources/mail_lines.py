"""Lines of a mail body: what they say, how deep they are quoted, and what the mail program said about them.

Plain text tells the depth by ``>``; ``format=flowed`` (RFC 3676) is joined again; armour of PGP and uuencoded files
are taken out. HTML comes to the same lines by mail_text.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from mlxtwin.sources.quoting_phrases import SUPERCITE

MAX_TEXT_CHARS = 2_000_000
MAX_DEPTH = 40
Mark = Literal["", "rule", "quote", "attribution", "signature"]


@dataclass(frozen=True, slots=True)
class Line:
    """``depth``: how often quoted. ``mark``: what markup said; "quote" = the quoted mail begins here, to the end."""

    text: str
    depth: int = 0
    mark: Mark = ""

    @property
    def blank(self) -> bool:
        return not self.text or self.text.isspace()

    def shallower(self) -> Line:
        return Line(self.text, self.depth - 1, self.mark)


_QUOTE_PREFIX = re.compile(r" {0,2}>(?:[> ]*>)? ?")
_ARMOUR_HEAD = re.compile(r"-----BEGIN PGP SIGNED MESSAGE-----\n(?:[A-Z][a-z]+: [^\n]*\n){0,8}\n?")
_ARMOUR_TAIL = re.compile(r"-----BEGIN PGP (?:SIGNATURE|MESSAGE|PUBLIC KEY BLOCK)-----")
_UUENCODED = re.compile(r"^begin [0-7]{3,4} [^\n]{1,200}\n(?=M|[ -`])", re.MULTILINE)
_BROKEN_LINK = re.compile(r"(^(?![ ]{0,2}>)[^\n]{0,1000}?<https?://[^<>\s]{1,500})\n>", re.MULTILINE)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f]")
_BLANK_LIKE = re.compile(r"[\xa0\u2000-\u200a\u202f\u205f\u3000]")


def plain_lines(text: str, *, flowed: bool = False, delete_space: bool = False) -> list[Line]:
    """The lines of a text/plain part; at most MAX_TEXT_CHARS of it are looked at."""
    cleaned = _CONTROLS.sub("", text[:MAX_TEXT_CHARS].replace("\r\n", "\n").replace("\r", "\n"))
    raw = _with_whole_links(_without_files(_without_armour(cleaned))).split("\n")
    lines = [_line(one, flowed) for one in raw]
    return _joined(lines, delete_space) if flowed else lines


def _line(raw: str, flowed: bool) -> Line:
    depth, rest = quote_depth(raw)
    stuffed = flowed and depth == 0 and rest.startswith(" ")
    return Line(rest[1:] if stuffed else rest, depth)


def quote_depth(raw: str) -> tuple[int, str]:
    """How many ``>`` a line begins with (at most MAX_DEPTH), and the rest. "> > a" is twice quoted, as is ">> a"."""
    found = _QUOTE_PREFIX.match(raw)
    if found:
        return min(found.group().count(">"), MAX_DEPTH), raw[found.end() :]
    cited = SUPERCITE.match(raw)
    return (1, raw[cited.end() :]) if cited else (0, raw)


def _joined(lines: list[Line], delete_space: bool) -> list[Line]:
    """Soft line breaks undone: a line that ends in a blank goes on in the next one of the same depth."""
    joined: list[Line] = []
    parts: list[str] = []
    depth = 0
    for line in lines:
        soft = line.text.endswith(" ") and line.text != "-- "
        if parts and (line.depth != depth or line.text == "-- "):
            joined.append(Line("".join(parts), depth))
            parts = []
        depth = line.depth
        parts.append(line.text[:-1] if soft and delete_space else line.text)
        if not soft:
            joined.append(Line("".join(parts), depth))
            parts = []
    if parts:
        joined.append(Line("".join(parts), depth))
    return joined


def _with_whole_links(text: str) -> str:
    """Text in which the ``>`` that ends a link is no quote mark, where a program broke the line before it."""
    return _BROKEN_LINK.sub(r"\1>", text) if "\n>" in text and "<http" in text else text


def _without_armour(text: str) -> str:
    if "-----BEGIN PGP" not in text:
        return text
    head = _ARMOUR_HEAD.search(text)
    if head:
        text = text[: head.start()] + text[head.end() :].replace("\n- -", "\n-")
    tail = _ARMOUR_TAIL.search(text)
    if not tail:
        return text
    end = text.find("-----END PGP", tail.end())
    after = text.find("\n", end) if end >= 0 else -1
    return text[: tail.start()] + (text[after:] if after >= 0 else "")


def _without_files(text: str) -> str:
    """Text without files written into it by uuencode."""
    while found := _UUENCODED.search(text):
        end = text.find("\nend", found.end())
        text = text[: found.start()] + (text[end + 4 :] if end >= 0 else "")
    return text


def body_text(lines: list[Line]) -> str:
    """Lines as one clean text: no blanks at line ends, no more than one blank line in a row, none at the ends."""
    kept: list[str] = []
    for line in lines:
        text = _BLANK_LIKE.sub(" ", line.text).rstrip() if line.mark != "rule" else ""
        if text or (kept and kept[-1]):
            kept.append(text)
    return "\n".join(kept).strip("\n")

"""HTML to its tags and the text between them, each character looked at a bounded number of times.

Our own scanner: parsers that build a tree take time in the square of the input for a page of a million open elements.
It follows browsers in what is a tag, a comment and a quoted value, and fails on nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from types import MappingProxyType

_NAME = re.compile(r"<(/?)([a-zA-Z][^\s/>]*+)")
_ATTRIBUTE = re.compile(r"[\s/]*+([^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s>]*+)))?", re.ASCII)
_BLANK = re.compile(r"[\s/]*+", re.ASCII)
_COMMENT_END = re.compile(r"--!?>")
_LONG_NUMBER = re.compile(r"&#(?:\d{8,}|[xX][0-9a-fA-F]{8,});?")
# What stands inside is no markup up to the closing tag; it is never text that a reader sees.
RAW = frozenset(["script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "noscript"])
_CLOSED_BY_SLASH = frozenset({"title", "textarea", "iframe"})
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Tag:
    """``name`` and the names of attributes are in lower case; ``empty``: written with a slash at its end."""

    name: str
    closing: bool
    attributes: Mapping[str, str]
    empty: bool


def pieces(html: str) -> Iterator[Tag | str]:
    """Tags, and the text between them with its entities decoded; comments and what is raw are left out."""
    at, size = 0, len(html)
    while at < size:
        opening = html.find("<", at)
        if opening != at:
            yield decoded(html[at : opening if opening >= 0 else size])
        if opening < 0:
            return
        found = _NAME.match(html, opening)
        if not found:
            after = _after_comment(html, opening)
            if after == opening + 1:
                yield "<"
            at = after
            continue
        tag, at = _tag(html, found)
        if not tag:
            yield decoded(html[opening:])
            return
        yield tag
        if tag.name in RAW and not tag.closing and not (tag.empty and tag.name in _CLOSED_BY_SLASH):
            at = _after_raw(html, at, tag.name)


def decoded(text: str) -> str:
    """Entities as what they stand for."""
    return unescape(_LONG_NUMBER.sub("\ufffd", text)) if "&" in text else text


def _after_comment(html: str, at: int) -> int:
    """Where a comment or a declaration at ``at`` ends; the next place where the ``<`` there is only a sign."""
    if html.startswith("<!--", at):
        if html.startswith((">", "->"), at + 4):
            return html.index(">", at) + 1
        found = _COMMENT_END.search(html, at + 4)
        return found.end() if found else len(html)
    if html.startswith(("<!", "<?", "</"), at):
        end = html.find(">", at)
        return end + 1 if end >= 0 else len(html)
    return at + 1


def _tag(html: str, found: re.Match[str]) -> tuple[Tag | None, int]:
    """The tag whose name was found and where it ends; None for one that never ends."""
    name, closing, at = found[2].lower(), bool(found[1]), found.end()
    if html.startswith(">", at):
        return Tag(name, closing, _NONE, False), at + 1
    attributes: dict[str, str] = {}
    while one := _ATTRIBUTE.match(html, at):
        at = one.end()
        attributes.setdefault(one[1].lower(), one[2] or one[3] or one[4] or "")
    blank = _BLANK.match(html, at)
    end = blank.end() if blank else at
    if not html.startswith(">", end):
        return None, end
    values = {key: decoded(value) for key, value in attributes.items()}
    return Tag(name, closing, values, "/" in html[at:end]), end + 1


def _after_raw(html: str, at: int, name: str) -> int:
    found = re.compile(rf"(?i)</{re.escape(name)}(?=[\s/>])").search(html, at)
    return found.start() if found else len(html)

"""The Markdown of Bear: its tags, links between notes and colours, to plain Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_TAG = r"#(?![\s#])(?:[^#\n]{0,100}[^\s#]#|[^\s#]{1,100})(?=\s|$)"
_TAGS = re.compile(rf"\s*+{_TAG}(?:\s++{_TAG})*+\s*+")
# Only Bear ends a tag with a sign too, where it is of several words or parts.
_CLOSED_TAG = re.compile(r"(?m)(?:^|(?<=\s))#(?=[^\W\d_][^#\n/ ]{0,60}[/ ])[^#\n]{1,100}[^\s#]{2}#(?=\s|$)")
_NOTE_LINK = re.compile(r"\[\[([^\[\]\n|]{1,400})(?:\|([^\[\]\n]{1,400}))?\]\]")
_COLOUR = re.compile(
    r"==[\U0001f7e2\U0001f534\U0001f7e1\U0001f535\U0001f7e3]?(?=\S)([^=\n]{1,2000})=="
    r"|(?<![\w:])::(?=\S)([^:\n]{1,2000})::(?![\w:])"
)
_ATTACHED = re.compile(r"\[(?:image|file):[^\]\n]{1,1000}\]")
_OWN = re.compile(
    r"\bbear://x-callback-url/|<!--\s?\{\"(?:width|embed|preview|fileName)\":|\[(?:image|file):[0-9A-F]{8}-"
)
_FENCE = re.compile(r"\s*(?:```|~~~)")


def is_written_in_bear(text: str) -> bool:
    """Whether a text holds what no other program writes."""
    return bool(_OWN.search(text) or _CLOSED_TAG.search(text))


def plain_lines(lines: Iterable[str]) -> Iterator[str]:
    """Without lines of tags alone; a tag within a sentence is one of its words, a link to a note is what it says."""
    fenced = False
    for line in lines:
        if _FENCE.match(line):
            fenced = not fenced
            yield line
        else:
            yield line if fenced else "" if _TAGS.fullmatch(line) else _plain(line)


def _plain(line: str) -> str:
    if "[" in line:
        line = _ATTACHED.sub("", _NOTE_LINK.sub(lambda found: found[2] or found[1], line))
    if "==" in line or "::" in line:
        line = _COLOUR.sub(lambda found: found[1] or found[2], line)
    return line.replace("\\#", "#")

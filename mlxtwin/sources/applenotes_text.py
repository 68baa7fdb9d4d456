"""The text of one note of Apple's, from the compressed message that its database holds.

The message is in the protocol-buffer form: document (2), note (3), its text (2) and runs of equal style (5), each with
its length in UTF-16 units (1), the style of its paragraph (2) and an attachment (12). Links stay as their words.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from mlxtwin.sources.base import clean_text

MOST_NOTE_BYTES = 64 * 1024 * 1024
_VARINT_BYTES = 10
_GZIP_OR_ZLIB = 47
_ATTACHED = "\ufffc"
_SOFT_BREAK = "\u2028"
_TITLE, _CODE = 0, 4
_HEADINGS = {0: "# ", 1: "## ", 2: "### "}
_BULLETS, _NUMBERS, _CHECKS = (100, 101), 102, 103
_MOST_INDENT = 8


class Damaged(ValueError):
    """A note whose data cannot be read."""


@dataclass(frozen=True, slots=True)
class Style:
    """Of a paragraph: ``kind`` by Apple's numbers, -1 for plain text."""

    kind: int = -1
    indent: int = 0
    done: bool = False
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str
    style: Style

    @property
    def quoted(self) -> bool:
        """Whether it is no prose of the writer's: a quote, or what is set like a typewriter, which is mostly code."""
        return self.style.quoted or self.style.kind == _CODE


def paragraphs(data: bytes, words_for: Mapping[str, str]) -> list[Paragraph]:
    """The paragraphs of a compressed note. ``words_for``: the words of tags and mentions by their identifier.

    Raises Damaged.
    """
    document = _first(_unpacked(data), 2)
    note = _first(document, 3)
    text = _first(note, 2).decode("utf-8", "replace")
    runs = [run for number, run in _fields(note) if number == 5 and isinstance(run, bytes)]
    return list(_paragraphs(text, runs, words_for))


def parts(told: list[Paragraph], title: str) -> list[tuple[bool, str]]:
    """Stretches of Markdown and whether each is quoted; the first paragraph goes where it is but the title."""
    first = next((place for place, one in enumerate(told) if one.text.strip()), 0)
    rest = told[first + 1 :]
    if told and told[first].style.kind == _TITLE and any(one.text.strip() for one in rest):
        told = rest if " ".join(told[first].text.split()) == title else told
    numbers = _Numbers()
    found = []
    for quoted, run in groupby(told, lambda one: one.quoted):
        words = clean_text("\n".join(_markdown(one, numbers) for one in run)).strip("\n")
        if words.strip():
            found.append((quoted, words.rstrip()))
    return found


def _unpacked(data: bytes) -> bytes:
    reader = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        whole = reader.decompress(data, MOST_NOTE_BYTES)
    except zlib.error:
        raise Damaged from None
    if not reader.eof:
        raise Damaged
    return whole


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message in order: numbers, and the bytes of everything else. Raises Damaged."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        form = tag & 7
        if form == 0:
            value, at = _varint(data, at)
            yield tag >> 3, value
            continue
        if form == 2:
            size, at = _varint(data, at)
        elif form in (1, 5):
            size = 8 if form == 1 else 4
        else:
            raise Damaged
        if at + size > len(data):
            raise Damaged
        yield tag >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(data[at : at + _VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise Damaged


def _first(data: bytes, wanted: int) -> bytes:
    """The first field of that number, which holds bytes; none at all where it is missing."""
    return next((value for number, value in _fields(data) if number == wanted and isinstance(value, bytes)), b"")


def _paragraphs(text: str, runs: list[bytes], words_for: Mapping[str, str]) -> Iterator[Paragraph]:
    """Each line with the style of the run that its first character is in."""
    styles = _Runs(runs)
    at = 0
    for line in text.split("\n"):
        style = styles.style_at(at)
        words = []
        for number, piece in enumerate(line.split(_ATTACHED)):
            if number:
                words.append(words_for.get(styles.attachment_at(at), ""))
                at += 1
            words.append(piece)
            at += _units(piece)
        at += 1
        yield Paragraph("".join(words), style)


def _units(text: str) -> int:
    """The length in UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)


class _Runs:
    """The runs of a note, asked for rising places."""

    def __init__(self, runs: list[bytes]) -> None:
        self._runs = iter(runs)
        self._end = 0
        self._style = Style()
        self._attachment = ""

    def style_at(self, place: int) -> Style:
        self._move(place)
        return self._style

    def attachment_at(self, place: int) -> str:
        self._move(place)
        return self._attachment

    def _move(self, place: int) -> None:
        while place >= self._end:
            run = next(self._runs, None)
            if run is None:
                self._style, self._attachment = Style(), ""
                return
            told = dict(_fields(run))
            length, style, attached = told.get(1), told.get(2), told.get(12)
            self._end += length if isinstance(length, int) else 0
            self._style = _style(style) if isinstance(style, bytes) else Style()
            self._attachment = _first(attached, 1).decode("utf-8", "replace") if isinstance(attached, bytes) else ""


def _style(data: bytes) -> Style:
    told = dict(_fields(data))
    kind, indent, check = told.get(1, -1), told.get(4, 0), told.get(5)
    done = dict(_fields(check)).get(2) if isinstance(check, bytes) else 0
    return Style(
        kind if isinstance(kind, int) else -1,
        min(indent, _MOST_INDENT) if isinstance(indent, int) else 0,
        bool(done),
        bool(told.get(8)),
    )


class _Numbers:
    """Counts the items of numbered lists, for the note does not."""

    def __init__(self) -> None:
        self._counts = [0] * (_MOST_INDENT + 1)

    def next(self, style: Style) -> int:
        """The number of an item; 0 for a paragraph that is none, after which counting starts anew."""
        if style.kind != _NUMBERS:
            keeps = style.kind in (*_BULLETS, _CHECKS)
            self._counts[style.indent if keeps else 0 :] = [0] * (_MOST_INDENT + 1 - (style.indent if keeps else 0))
            return 0
        self._counts[style.indent] += 1
        self._counts[style.indent + 1 :] = [0] * (_MOST_INDENT - style.indent)
        return self._counts[style.indent]


def _markdown(paragraph: Paragraph, numbers: _Numbers) -> str:
    style, text = paragraph.style, paragraph.text.replace(_SOFT_BREAK, "\n").rstrip()
    number = numbers.next(style)
    if not text.strip():
        return ""
    if style.kind in _HEADINGS:
        return _HEADINGS[style.kind] + text.strip()
    mark = "- " if style.kind in _BULLETS else ""
    if style.kind == _CHECKS:
        mark = "- [x] " if style.done else "- [ ] "
    if number:
        mark = f"{number}. "
    return "  " * style.indent + mark + text if mark else text

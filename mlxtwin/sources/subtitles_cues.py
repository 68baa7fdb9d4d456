"""Lines of a subtitle file to cues: when each is shown, and its lines of text with the speaker a tag names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

from mlxtwin.sources.base import clean_text, text_lines
from mlxtwin.sources.files import File

CUE_CHARACTERS = 16 * 1024
_CLOCK = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{2})(?:[.,](\d{1,3}))?"
TIMING = re.compile(rf"\s*{_CLOCK}\s*(?:-->\s*|,(?=\d)){_CLOCK}(?:\s|$)")
# A timing that is broken still is no text.
_ARROW = re.compile(r"\s*[\w:.,]{4,16}?\s*(?:-->|,\d{1,2}:\d{2}:\d{2}[.,]\d)")
_VOICE = re.compile(r"<v(?:\.[^\s>]{0,60})?[ \t]+([^<>]{1,100})>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,200}>|\{\\[^{}]{0,100}\}")


@dataclass(frozen=True, slots=True)
class Cue:
    """``start`` and ``end`` in seconds; ``lines``: each with the speaker that a voice tag names, or empty."""

    start: float
    end: float
    lines: tuple[tuple[str, str], ...]


def cues(file: File) -> Iterator[Cue]:
    """The cues of a file in order, those without text too. Raises SourceError for one that cannot be opened.

    A line right before a timing is its name or number. In WebVTT text ends at a blank line, since what follows may be
    a note; in the other formats it goes on.
    """
    web, times, held, size, blank, apart = False, None, list[str](), 0, False, True
    for number, (line, after) in enumerate(_with_next(text_lines(file))):
        web = web or (number == 0 and line.startswith("WEBVTT"))
        if found := TIMING.match(line):
            if times:
                yield _cue(times, held)
            times, held, size, blank = _times(found), [], 0, False
        elif times and not (web and blank) and size < CUE_CHARACTERS and _is_text(line, after, apart):
            held.append(line)
            size += len(line)
        apart = not line.strip()
        blank = blank or apart
    if times:
        yield _cue(times, held)


def _with_next(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    before: str | None = None
    for line in lines:
        if before is not None:
            yield before, line
        before = line
    if before is not None:
        yield before, ""


def _is_text(line: str, after: str, apart: bool) -> bool:
    """``apart``: whether a blank line stands before it, as it must before the name of a cue."""
    named = bool(TIMING.match(after)) and (apart or line.strip().isdecimal())
    return bool(line.strip()) and not named and not _ARROW.match(line)


def _times(found: re.Match[str]) -> tuple[float, float]:
    numbers = [int(one or 0) for one in found.groups()]
    start, end = (
        hours * 3600 + minutes * 60 + seconds + int(str(parts).ljust(3, "0")[:3]) / 1000
        for hours, minutes, seconds, parts in (numbers[:4], numbers[4:])
    )
    return start, end


def _cue(times: tuple[float, float], held: list[str]) -> Cue:
    voice, lines = "", []
    for line in held:
        # A voice holds until the next tag or the end of the cue.
        pieces = _VOICE.split(line)
        for at, piece in enumerate(pieces):
            if at % 2:
                voice = " ".join(clean_text(unescape(piece)).split())
            elif text := " ".join(clean_text(unescape(_TAG.sub("", piece))).split()):
                lines.append((voice, text))
            if "</v>" in piece.casefold():
                voice = ""
    return Cue(*times, tuple(lines))

"""Lines as they are drawn on pages to blocks: headings by their size, paragraphs mended, what repeats left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from statistics import median

from mlxtwin.sources.blocks import Block

EDGE_LINES = 3
LEAST_REPEATS = 3
REPEAT_SHARE = 0.3
HEADING_SCALE = 1.15
HEADING_CHARACTERS = 150
MOST_WORD_CHARACTERS = 60
_NUMBERS = re.compile(r"^\W*\d+|\d+\W*$|\b[ivxlcdm]{1,7}$", re.IGNORECASE)
_PAGE_NUMBER = re.compile(
    r"\W*(?:(?:page|seite|pagina|página|p\.)\s*)?(?:\d{1,4}|[ivxlc]{1,7})(?:\s*(?:/|of|von|de|sur)\s*\d{1,4})?\W*",
    re.IGNORECASE,
)
_CONTENTS = re.compile(r"\.{5,}\w{0,6}$")
_ITEM = re.compile(r"(?:[•▪‣◦●○■–—*·-]|\(?(?:\d{1,3}|[a-z])[.)])\s+\S")
_SENTENCE_END = re.compile(r"[.!?:;…。！？][\"'”’»)\]]{0,3}$")
_HYPHEN = re.compile(r"(\w[\w'’]*)[-\u2010\u00ad]$")
_WORD = re.compile(r"\w[\w'’]*(?:-\w[\w'’]*)*")
_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\u00a0": " ", "\u200b": ""}
)


@dataclass(frozen=True, slots=True)
class Line:
    """``x`` and ``y`` in points from the lower left of the page; ``size`` of its letters."""

    text: str
    x: float
    y: float
    size: float


@dataclass(frozen=True, slots=True)
class _Measure:
    """What is usual in the text: size of letters, distance of lines, left margin, characters in a full line."""

    size: float
    leading: float
    margin: float
    characters: float


def blocks(pages: list[list[Line]]) -> Iterator[Block]:
    """The blocks of a document, in the order in which it is drawn."""
    kept = _without_edges([[line for line in map(_clean, page) if not _is_contents(line.text)] for page in pages])
    measure = _measured(kept)
    words = Counter(word.casefold() for page in kept for line in page for word in _WORD.findall(line.text)[:-1])
    held: list[Line] = []
    for line in chain.from_iterable(kept):
        if held and _starts_anew(held, line, measure):
            yield _block(held, measure, words)
            held = []
        held.append(line)
    if held:
        yield _block(held, measure, words)


def _clean(line: Line) -> Line:
    return Line(" ".join(line.text.translate(_LIGATURES).split()), line.x, line.y, line.size)


def _is_contents(text: str) -> bool:
    """A line of a list of contents: dots that lead to a number."""
    return "." in text and bool(_CONTENTS.search("".join(text[-40:].split())))


def _without_edges(pages: list[list[Line]]) -> list[list[Line]]:
    """The pages less what repeats at their tops and feet, and less their numbers."""
    seen = Counter(key for page in pages for key in {_edge_key(line) for line in _edges(page)})
    least = max(LEAST_REPEATS, REPEAT_SHARE * len(pages))
    repeated = {key for key, count in seen.items() if count >= least}
    return [[line for at, line in enumerate(page) if not _is_edge(page, at, repeated)] for page in pages]


def _edges(page: list[Line]) -> list[Line]:
    return page[:EDGE_LINES] + page[-EDGE_LINES:]


def _edge_key(line: Line) -> str:
    return _NUMBERS.sub("#", line.text.casefold())


def _is_edge(page: list[Line], at: int, repeated: set[str]) -> bool:
    line = page[at]
    if EDGE_LINES <= at < len(page) - EDGE_LINES:
        return False
    outermost = at in (0, len(page) - 1)
    return _edge_key(line) in repeated or (outermost and len(page) > 1 and bool(_PAGE_NUMBER.fullmatch(line.text)))


def _measured(pages: list[list[Line]]) -> _Measure:
    lines = [line for page in pages for line in page]
    if not lines:
        return _Measure(10, 12, 0, 80)
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[round(line.size, 1)] += len(line.text)
    size = sizes.most_common(1)[0][0]
    body = [line for line in lines if abs(line.size - size) < 0.6] or lines
    steps = (upper.y - lower.y for page in pages for upper, lower in pairwise(page))
    gaps = Counter(round(2 * step) / 2 for step in steps if 0.8 * size < step < 4 * max(size, 6))
    leading = min(gaps, key=lambda gap: (-gaps[gap], gap)) if gaps else 1.2 * size
    margin = Counter(round(line.x) for line in body).most_common(1)[0][0]
    # A full line is longer than most: paragraphs end in short ones.
    lengths = sorted(len(line.text) for line in body)
    return _Measure(size, leading, margin, lengths[int(0.8 * (len(lengths) - 1))])


def _starts_anew(held: list[Line], line: Line, measure: _Measure) -> bool:
    before = held[-1]
    if abs(before.size - line.size) > 0.12 * max(before.size, line.size, 1):
        return True
    gap = before.y - line.y
    if not line.text or _ITEM.match(line.text):
        return True
    if gap <= -measure.leading or gap > 8 * measure.leading:
        return _ends_paragraph(before, measure) and not line.text[:1].islower()
    if gap > 1.4 * measure.leading:
        return True
    # What stands far to the right, such as whoever is quoted, is no part of what follows.
    if before.x - line.x > 4 * line.size and len(held) == 1:
        return True
    indented = line.x - measure.margin > 0.7 * line.size and abs(before.x - measure.margin) < 0.3 * line.size
    return (indented and not _ITEM.match(held[0].text)) or (
        _ends_paragraph(before, measure) and _is_short(before, measure)
    )


def _ends_paragraph(line: Line, measure: _Measure) -> bool:
    return bool(_SENTENCE_END.search(line.text)) or line.size >= HEADING_SCALE * measure.size


def _is_short(line: Line, measure: _Measure) -> bool:
    return len(line.text) < 0.75 * measure.characters


def _block(held: list[Line], measure: _Measure, words: Counter[str]) -> Block:
    pieces = [held[0].text]
    for line in held[1:]:
        pieces[-1], between = _mended(pieces[-1], line.text, words)
        pieces += [between, line.text]
    text = "".join(pieces)
    large = median(line.size for line in held) >= HEADING_SCALE * measure.size
    if large and len(text) <= HEADING_CHARACTERS:
        return Block("heading", text, 1 if held[0].size >= 1.6 * measure.size else 2)
    return Block("text", text, 0, "\n" if _ITEM.match(text) else "\n\n")


def _mended(text: str, line: str, words: Counter[str]) -> tuple[str, str]:
    """The end of a line and what joins the next to it: a word that was cut there becomes whole.

    Where the hyphen may be the word's own, the document's other words decide.
    """
    cut = _HYPHEN.search(text, max(0, len(text) - MOST_WORD_CHARACTERS))
    first = _WORD.match(line[:MOST_WORD_CHARACTERS])
    if not cut or not first:
        return text, " "
    start, rest = cut[1], first[0]
    compound = words[f"{start}-{rest}".casefold()] > words[f"{start}{rest}".casefold()]
    if compound or not rest[:1].islower() or not start[-1:].isalpha():
        return text.rstrip("\u00ad"), ""
    return text[:-1], ""

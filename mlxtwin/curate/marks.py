"""Marks of a document: 64-bit hashes by which its passages are found again in others without reading them.

Passages by winnowing (Schleimer, Wilkerson, Aiken 2003): of every 19 neighbouring hashes of 12 words the smallest is a
mark, so any 30 words that two texts have in common give both a mark in common, and a text has one for about ten words.
Of the person's own text also its paragraphs, by the words that stay when a form letter is sent to somebody else, and
its last one to six lines. The lowest two bits tell which of these a mark is of. Each knows the minute of its turn: a
conversation may go on for weeks after it began.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlxtwin.curate.words import WORD, WordHashes, shingles
from mlxtwin.records import Document, Kind, Turn

RUN_WORDS = 30
SHINGLE_WORDS = 12
WINDOW = RUN_WORDS - SHINGLE_WORDS + 1
PARAGRAPH_WORDS = 12
# What stays of a paragraph without its names and numbers: fewer words, or a smaller share, tell nothing.
FIXED_WORDS, FIXED_SHARE = 8, 0.6
CLOSING_LINES = 6
CLOSING_CHARACTERS = 120
PASSAGE, PARAGRAPH, CLOSING = range(3)
# Where it is not known when: the person's text is taken to be late, the others' to be early.
EARLY, LATE = -(2**31), 2**31 - 1
# Where a text has a beginning and an end; the last line of a chat is no closing.
WRITTEN: frozenset[Kind] = frozenset(("mail", "note", "document", "post"))

_KIND_BITS = np.uint64(3)
_BETWEEN = re.compile(r"\n[ \t]*\n\s*")
# What changes in a form letter from one to the next: numbers, names, addresses, links.
_CHANGING = re.compile(r"\S*(?:\d|@|://)\S*")
# Fewer characters hold no run of RUN_WORDS words, however short these are, where blanks stand between them.
_RUN_CHARACTERS = 2 * RUN_WORDS - 1

Marks = NDArray[np.uint64]


class Timed(NamedTuple):
    """Marks in order, each with the earliest minute it was written in; no ``minutes`` where all are the document's."""

    marks: bytes = b""
    minutes: bytes = b""


NOTHING = Timed()


def own_marks(document: Document, hashes: WordHashes) -> Timed:
    """Of what the person wrote in it, in its turns as they are."""
    own = [turn for turn in document.turns if turn.trainable]
    found = [(turn, _passages(turn.text, hashes)) for turn in own]
    found += [(turn, _array(mark for _, _, mark in paragraphs(turn.text))) for turn in own]
    if document.kind in WRITTEN and own:
        found.append((own[-1], _array(mark for _, mark in closings(own[-1].text, alone=len(own) == 1))))
    return _timed(document, found, LATE)


def other_marks(document: Document, hashes: WordHashes) -> Timed:
    """Of what others wrote in it: received, quoted or passed on."""
    return _timed(document, [(turn, _passages(turn.text, hashes)) for turn in document.turns if is_others(turn)], EARLY)


def minute_of(at: datetime | None) -> int | None:
    """Since 1970, within what an array holds."""
    if at is None:
        return None
    moment = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    return min(LATE - 1, max(EARLY + 1, int(moment // 60)))


def is_others(turn: Turn) -> bool:
    return not turn.mine and turn.role != "signature"


def unpacked(marks: bytes) -> Marks:
    return np.frombuffer(marks, "<u8").astype(np.uint64, copy=False)


def minutes_of(timed: Timed, minute: int) -> NDArray[np.int32]:
    """One for each mark; ``minute`` is the document's."""
    if timed.minutes:
        return np.frombuffer(timed.minutes, "<i4").astype(np.int32, copy=False)
    return np.full(len(timed.marks) // 8, minute, np.int32)


def of_kind(marks: Marks, kind: int) -> NDArray[np.bool_]:
    return np.asarray((marks & _KIND_BITS) == np.uint64(kind))


def passage_hashes(words: NDArray[np.uint64]) -> Marks:
    """One for each run of SHINGLE_WORDS words, as marks have them; there must be as many words."""
    return shingles(words, SHINGLE_WORDS) & ~_KIND_BITS


def paragraphs(text: str) -> Iterator[tuple[int, int, int]]:
    """(start, end, mark) of each paragraph long enough to be known again."""
    start = 0
    if len(text) <= 2 * PARAGRAPH_WORDS:
        return
    for end in (*(match.start() for match in _BETWEEN.finditer(text)), len(text)):
        paragraph = text[start:end]
        if len(paragraph) > 2 * PARAGRAPH_WORDS and (fixed := _fixed_words(paragraph)):
            yield start, end, _mark("\n".join(fixed), PARAGRAPH)
        start = end


def _fixed_words(paragraph: str) -> list[str]:
    """The words that a form letter keeps: no numbers, and no capitals but at the beginning."""
    tokens = paragraph.split()
    if len(tokens) < PARAGRAPH_WORDS:
        return []
    fixed = tokens[:1] + [token for token in tokens[1:] if not token[0].isupper()]
    kept = [token for token in fixed if token.isalpha() or not _CHANGING.fullmatch(token)]
    words = WORD.findall(" ".join(kept).casefold())
    return words if len(words) >= max(FIXED_WORDS, FIXED_SHARE * len(tokens)) else []


def closings(text: str, *, alone: bool = True) -> Iterator[tuple[int, int]]:
    """(start, mark) of the last line, the last two and so on up to six, as long as a line stands above them: in the
    text, or in one before it where it is not ``alone``."""
    begins = max(0, len(text) - CLOSING_CHARACTERS * (CLOSING_LINES + 1))
    lines = list(re.finditer(r"[^\n]*\S[^\n]*", text[begins:]))
    below = ""
    for line in lines[: -CLOSING_LINES - 1 : -1]:
        if line.end() - line.start() > CLOSING_CHARACTERS or (line is lines[0] and (alone or begins)):
            return
        below = f"{' '.join(line.group().split()).casefold()}\n{below}"
        yield begins + line.start(), _mark(below, CLOSING)


def _passages(text: str, hashes: WordHashes) -> Marks:
    if len(text) < (_RUN_CHARACTERS if text.isascii() else RUN_WORDS):
        return np.empty(0, np.uint64)
    words = hashes.of(text)
    if len(words) < RUN_WORDS:
        return np.empty(0, np.uint64)
    return _smallest(passage_hashes(words))


def _smallest(values: Marks) -> Marks:
    """Of every WINDOW neighbours, by windows of two, four and so on; neighbours that have the same one share it."""
    width = 1
    while 2 * width <= WINDOW:
        values = np.minimum(values[:-width], values[width:])
        width *= 2
    rest = WINDOW - width
    smallest = np.minimum(values[:-rest], values[rest:]) if rest else values
    different: Marks = smallest[np.append(True, smallest[1:] != smallest[:-1])]
    return different


def _mark(text: str, kind: int) -> int:
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little") & ~3 | kind


def _array(marks: Iterable[int]) -> Marks:
    return np.array(list(marks), np.uint64)


def _timed(document: Document, found: list[tuple[Turn, Marks]], unknown: int) -> Timed:
    """Each mark once; ``unknown`` is the minute of what has none."""
    some = [(turn, marks) for turn, marks in found if len(marks)]
    if not some:
        return NOTHING
    of_all = minute_of(document.at)
    each = [_known(minute_of(turn.at), of_all, unknown) for turn, _ in some]
    values = np.concatenate([marks for _, marks in some])
    minutes = np.repeat(np.array(each, np.int32), [len(marks) for _, marks in some])
    order = np.lexsort((minutes, values))
    values, minutes = values[order], minutes[order]
    first = np.append(True, values[1:] != values[:-1])
    alike = all(minute == _known(of_all, None, unknown) for minute in each)
    return Timed(bytes(values[first].astype("<u8")), b"" if alike else bytes(minutes[first].astype("<i4")))


def _known(minute: int | None, otherwise: int | None, unknown: int) -> int:
    return next((one for one in (minute, otherwise) if one is not None), unknown)

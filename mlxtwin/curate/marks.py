"""Marks of a document: 64-bit hashes by which its passages are found again in others without reading them.

Passages by winnowing (Schleimer, Wilkerson, Aiken 2003): of every 19 neighbouring hashes of 12 words the smallest is a
mark, so any 30 words that two texts have in common give both a mark in common, and a text has one for about ten words.
Of the person's own text also its paragraphs, by the words that stay when a form letter is sent to somebody else, and
its last one to six lines. The lowest two bits tell which of these a mark is of.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

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
# Where a text has a beginning and an end; the last line of a chat is no closing.
WRITTEN: frozenset[Kind] = frozenset(("mail", "note", "document", "post"))

_KIND_BITS = np.uint64(3)
_BETWEEN = re.compile(r"\n[ \t]*\n\s*")
# What changes in a form letter from one to the next: numbers, names, addresses, links.
_CHANGING = re.compile(r"\S*(?:\d|@|://)\S*")
# Fewer characters hold no run of RUN_WORDS words, however short these are, where blanks stand between them.
_RUN_CHARACTERS = 2 * RUN_WORDS - 1

Marks = NDArray[np.uint64]


def own_marks(document: Document, hashes: WordHashes) -> bytes:
    """Of what the person wrote in it, in its turns as they are."""
    own = [turn for turn in document.turns if turn.trainable]
    found = [_passages(turn.text, hashes) for turn in own]
    found.append(np.array([mark for turn in own for _, _, mark in paragraphs(turn.text)], np.uint64))
    if document.kind in WRITTEN and own:
        found.append(np.array([mark for _, mark in closings(own[-1].text, alone=len(own) == 1)], np.uint64))
    return _packed(found)


def other_marks(document: Document, hashes: WordHashes) -> bytes:
    """Of what others wrote in it: received, quoted or passed on."""
    return _packed([_passages(turn.text, hashes) for turn in document.turns if is_others(turn)])


def is_others(turn: Turn) -> bool:
    return not turn.mine and turn.role != "signature"


def unpacked(marks: bytes) -> Marks:
    return np.frombuffer(marks, "<u8").astype(np.uint64, copy=False)


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


def _packed(found: list[Marks]) -> bytes:
    some = [marks for marks in found if len(marks)]
    if not some:
        return b""
    values = np.concatenate(some)
    values.sort()
    return bytes(values[np.append(True, values[1:] != values[:-1])].astype("<u8"))

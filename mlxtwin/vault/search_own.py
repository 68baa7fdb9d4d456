"""Whether what was found stands in the person's own turns of a document, and what they say there."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence

# Around what the index found; no text has these by chance.
BEGIN, END = "\x02\x1e\x02", "\x02\x1e\x03"
WORDS_BEFORE, WORDS_SHOWN = 8, 24

_MARK = re.compile(f"{BEGIN}|{END}")
_WORD = re.compile(r"\S+")

Span = tuple[int, int]


def own_snippet(marked: str, turns: str, terms: Sequence[str], every: bool, marks: tuple[str, str]) -> str:
    """Some words around the first that was found in a turn of the person's, with ``marks`` around all that were; empty
    where they said none of the terms, or not ``every`` one.

    ``marked``: the text of the document with BEGIN and END around what was found; ``turns``: its turns as stored.
    """
    text, spans = _parted(marked)
    own = [(begin, end) for begin, end in _own_spans(turns)]
    inside = [span for span in spans if any(begin <= span[0] and span[1] <= end for begin, end in own)]
    said = {_folded(text[begin:end]) for begin, end in inside}
    wanted = [_folded(term) for term in terms]
    asked = [any(_is(word, term, last=place == len(wanted) - 1 and every) for word in said)
             for place, term in enumerate(wanted)]  # fmt: skip
    if not inside or not (all(asked) if every else any(asked)):
        return ""
    turn = next(turn for turn in own if turn[0] <= inside[0][0] <= turn[1])
    return _shown(text, turn, inside, marks)


def _parted(marked: str) -> tuple[str, list[Span]]:
    """The text without its marks, and where what stood between them lies in it."""
    pieces, spans, length = [], [], 0
    for number, piece in enumerate(_MARK.split(marked)):
        if number % 2:
            spans.append((length, length + len(piece)))
        pieces.append(piece)
        length += len(piece)
    return "".join(pieces), spans


def _own_spans(turns: str) -> Iterator[Span]:
    start = 0
    for turn in json.loads(turns):
        end = start + turn["length"]
        if turn["mine"] and turn["role"] == "own":
            yield start, end
        start = end + 1


def _folded(word: str) -> str:
    """As the index compares words: without marks on letters, without case, letters and digits alone."""
    plain = unicodedata.normalize("NFKD", word)
    return "".join(letter for letter in plain if letter.isalnum()).casefold()


def _is(word: str, term: str, *, last: bool) -> bool:
    """The last one may be the beginning of a word."""
    return word.startswith(term) if last else word == term


def _shown(text: str, turn: Span, found: Sequence[Span], marks: tuple[str, str]) -> str:
    words = [(turn[0] + match.start(), turn[0] + match.end()) for match in _WORD.finditer(text[turn[0] : turn[1]])]
    at = next((place for place, (_, end) in enumerate(words) if end > found[0][0]), 0)
    some = words[max(0, at - WORDS_BEFORE) :][:WORDS_SHOWN]
    begin, end = (some[0][0], some[-1][1]) if some else turn
    pieces, done = [], begin
    for start, stop in found:
        if begin <= start and stop <= end:
            pieces += [text[done:start], marks[0], text[start:stop], marks[1]]
            done = stop
    pieces.append(text[done:end])
    before, after = "…" if some[:1] != words[:1] else "", "…" if some[-1:] != words[-1:] else ""
    return f"{before}{' '.join(''.join(pieces).split())}{after}"

"""How much of a text is prose: words, sentences, and the lines that are neither links nor code nor a list.

Not covered: which language a text is in. Scripts written without spaces are counted by characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Han, kana, Thai, Lao, Khmer: scripts that put no space between words.
UNSPACED = "\u0e00-\u0eff\u1780-\u17ff\u3005\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
CHARACTERS_PER_UNSPACED_WORD = 2
FRAGMENT_WORDS = 4
LIST_ITEM_WORDS = 8
LIST_LINES = 3
LETTERS_AT_LEAST = 0.6
# A paragraph may name a function() or two and is still no listing.
WORDS_PER_CODE_MARK = 6

_UNSPACED = re.compile(f"[{UNSPACED}]")
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]*_]*(?=\s|$)|[。！？]")
_NOT_LETTERS = re.compile(r"[\W\d_]+")
_LINK = re.compile(r"\[[^\]]*\]\(\s*\S+\s*\)|<?(?:https?://|www\.|mailto:)\S+|\[\[[^\]]*\]\]")
_LIST_ITEM = re.compile(r"\s*(?:[-*+•–]|\d{1,3}[.)]|\[[ xX]\])\s+")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_CODE = re.compile(
    r"[{}]\s*$|\)\s*;\s*$|^\s*(?:\$ |>>> |#include\b|</?\w+[^>]*>\s*$|(?:def|class|fn|func)\s+\w+\s*[(:{])"
    r"|\w\(\w*\)|[=!]=|=>|->|::|\|.*\||(?:\S,){3}"
)


@dataclass(frozen=True, slots=True)
class Prose:
    """Words in all, words on lines that are prose, sentences that end, and lines that look like items of a list."""

    words: int
    prose_words: int
    sentences: int
    list_lines: int

    @property
    def share(self) -> float:
        return self.prose_words / self.words if self.words else 0.0


def count_words(text: str) -> int:
    """Blank-separated words; two characters count as one where the script has no blanks."""
    unspaced = len(_UNSPACED.findall(text))
    if not unspaced:
        return len(text.split())
    return len(_UNSPACED.sub(" ", text).split()) + -(-unspaced // CHARACTERS_PER_UNSPACED_WORD)


def measure(text: str, *, lists: bool = True) -> Prose:
    """Sort the lines of a text. ``lists=False`` takes short lines for talk, as in a chat."""
    words = prose_words = fragment_words = list_lines = 0
    fenced = False
    for line in text.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
            continue
        count = count_words(line)
        words += count
        if fenced or not _is_language(line):
            continue
        if lists and _is_list_item(line, count):
            list_lines += 1
            fragment_words += count
        else:
            prose_words += count
    if list_lines < LIST_LINES:
        # One or two short lines are a greeting or a remark, not a list.
        prose_words += fragment_words
    return Prose(words, prose_words, len(_SENTENCE_END.findall(text)), list_lines)


def _is_language(line: str) -> bool:
    rest = _LINK.sub(" ", line)
    visible = sum(map(len, rest.split()))
    if not visible or len(_CODE.findall(rest)) * WORDS_PER_CODE_MARK > count_words(rest):
        return False
    return len(_NOT_LETTERS.sub("", rest)) >= LETTERS_AT_LEAST * visible


def _is_list_item(line: str, words: int) -> bool:
    if _SENTENCE_END.search(_LIST_ITEM.sub("", line)):
        return False
    return words <= FRAGMENT_WORDS or (words <= LIST_ITEM_WORDS and bool(_LIST_ITEM.match(line)))

"""How much of a text is prose: words, sentences, and the lines that are neither links, code, logs, forms nor a list.

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
SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]*_]*(?=\s|$)|[。！？]")
_NOT_LETTERS = re.compile(r"[\W\d_]+")
# Bounded, for what begins like a link thousands of times must not be read to its end each time.
_LINK = re.compile(
    r"\[[^\[\]]{0,1000}+\]\(\s{0,9}\S{1,500}\s{0,9}\)|<?(?:https?://|www\.|mailto:)\S+|\[\[[^\[\]]{0,1000}+\]\]"
)
_LIST_ITEM = re.compile(r"\s*+(?:[-*+•–]|\d{1,3}[.)]|\[[ xX]\])\s+")
_FENCE = re.compile(r"\s*+(?:```|~~~)")
_CODE = re.compile(
    r"[{}]\s*$|\)\s*;\s*$|^\s*(?:\$ |>>> |#include\b|</?\w+[^>]*>\s*$|(?:def|class|fn|func)\s+\w+\s*[(:{])"
    r"|\w\(\w*\)|[=!]=|=>|->|::|\|.*\||(?:\S,){3}"
)
# What programs write a line of: a time to the second, a level, a place in a file, a difference, a query, a named value,
# columns, and data as text.
_MACHINE = re.compile(
    r"""\s*(?:
        \[?(?:\d{4}-\d\d-\d\d[T\ ]|[A-Z][a-z]{2}\ +\d{1,2}\ |\d\d/\w+/\d{4}:)?\d\d:\d\d:\d\d\b
      | (?:\S{1,30}\ )?\[?(?:DEBUG|INFO|WARN|WARNING|ERROR|FATAL|TRACE|CRITICAL)\b\]?[:\ ]
      | File\ ".{1,200}",\ line\ \d | at\ [\w.$<>]+\( | Traceback\ \( | @@\ -\d | (?:\+\+\+|---)\ [\w./]
      | \d{1,3}(?:\.\d{1,3}){3}\ -\ | [\w.-]+@[\w.-]+:\S*[$\#]\ | "[\w$ -]{1,60}"\s*:
      | (?:SELECT|INSERT\ INTO|UPDATE|DELETE\ FROM|CREATE\ TABLE|ALTER\ TABLE)\ [\w*`"]
      | [^\t\n]*(?:\t|\S\ {3,})\S[^\t\n]*?(?:\t|\S\ {3,})\S
      | .*[A-Za-z0-9+/=_-]{60}
    )""",
    re.VERBOSE,
)
_FIELD = re.compile(r"\s*+[^\W\d_][\w /().#-]{0,30}:\s+\S")
# Letters and plain stops: most lines of most people. Such a line needs no closer look.
_PLAIN = re.compile(r"(?:[^\W\d_]++[ .,;:!?'’\"]*+)++")


@dataclass(frozen=True, slots=True)
class Prose:
    """Words in all, words on lines that are prose, sentences that end, and lines that are items of a list or fields of
    a form; lines that say something, and how many of them a link stands in."""

    words: int
    prose_words: int
    sentences: int
    list_lines: int
    lines: int = 0
    link_lines: int = 0

    @property
    def share(self) -> float:
        return self.prose_words / self.words if self.words else 0.0


def count_words(text: str) -> int:
    """Blank-separated words; two characters count as one where the script has no blanks."""
    unspaced = 0 if text.isascii() else len(_UNSPACED.findall(text))
    if not unspaced:
        return len(text.split())
    return len(_UNSPACED.sub(" ", text).split()) + -(-unspaced // CHARACTERS_PER_UNSPACED_WORD)


def measure(text: str, *, lists: bool = True) -> Prose:
    """Sort the lines of a text. ``lists=False`` takes short lines for talk, as in a chat."""
    words = prose_words = fragment_words = list_lines = lines = link_lines = 0
    fenced = False
    for line in text.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
            continue
        count = count_words(line)
        words += count
        lines += bool(count)
        linked = "://" in line or "www." in line
        link_lines += linked
        if fenced or not count or not (_PLAIN.fullmatch(line) or _is_language(line)):
            continue
        if _is_field(line, count) or (lists and _is_list_item(line, count)):
            list_lines += 1
            fragment_words += count
        else:
            prose_words += count
    if list_lines < LIST_LINES:
        # One or two short lines are a greeting or a remark, not a list.
        prose_words += fragment_words
    return Prose(words, prose_words, len(SENTENCE_END.findall(text)), list_lines, lines, link_lines)


def _is_language(line: str) -> bool:
    rest = _LINK.sub(" ", line)
    visible = sum(map(len, rest.split()))
    if not visible or len(_CODE.findall(rest)) * WORDS_PER_CODE_MARK > count_words(rest):
        return False
    return len(_NOT_LETTERS.sub("", rest)) >= LETTERS_AT_LEAST * visible and not _MACHINE.match(line)


def _is_field(line: str, words: int) -> bool:
    """``Name: value`` as in a form: few words, and no sentence."""
    if ":" not in line or words > LIST_ITEM_WORDS + FRAGMENT_WORDS:
        return False
    return bool(_FIELD.match(line)) and not SENTENCE_END.search(line)


def _is_list_item(line: str, words: int) -> bool:
    if words > LIST_ITEM_WORDS:
        return False
    # Blanks in a row would each be tried as the beginning of an item.
    if SENTENCE_END.search(_LIST_ITEM.sub("", " ".join(line.split()))):
        return False
    return words <= FRAGMENT_WORDS or bool(_LIST_ITEM.match(line))

"""Cutting text: a long text of one's own into pieces, and the end of a text as context. No word is lost or doubled."""

from __future__ import annotations

import re

from mlxtwin.curate.prose import CHARACTERS_PER_UNSPACED_WORD, UNSPACED

# A blob without blanks is one word; this keeps it from filling a window all the same.
CHARACTERS_PER_WORD = 16

_WORD = re.compile(f"[{UNSPACED}]{{1,{CHARACTERS_PER_UNSPACED_WORD}}}|[^\\s{UNSPACED}]+")
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_SENTENCE = re.compile(r"(?:[.!?…][\"'”’»)\]]*\s+)|[。！？]+")
_LINE = re.compile(r"\n\s*")


def cut(text: str, max_words: int) -> list[str]:
    """Pieces of at most ``max_words``, each cut at the end of a paragraph, else a sentence, a line, a word.

    Blanks at the cuts are dropped and nothing else; an empty text gives no piece. The last piece is not left tiny.
    """
    text = text.strip()
    words = [match.span() for match in _WORD.finditer(text)]
    pieces: list[str] = []
    start = done = 0
    while (rest := len(words) - done) > max_words:
        take = max_words if rest > 1.5 * max_words else min(max_words, -(-2 * rest // 3))
        next_word, enough = words[done + take][0], words[done + take // 3][1]
        stop = _best_cut(text, enough, next_word)
        pieces.append(text[start:stop].strip())
        while done < len(words) and words[done][1] <= stop:
            done += 1
        start = stop
    last = text[start:].strip()
    return [*pieces, last] if last else pieces


def _best_cut(text: str, earliest: int, latest: int) -> int:
    """The last good place to cut between two places, or ``latest``, where a word begins."""
    for border in (_PARAGRAPH, _SENTENCE, _LINE):
        places = [match.end() for match in border.finditer(text, earliest, latest)]
        if places:
            return places[-1]
    return latest


def last_words(text: str, words: int) -> str:
    """The end of a text: its last words with the blanks between them, bounded in characters too."""
    text = text[-(words * CHARACTERS_PER_WORD * 4) :].strip()
    starts = [match.start() for match in _WORD.finditer(text)]
    if len(starts) > words:
        text = text[starts[-words] :]
    return text[-words * CHARACTERS_PER_WORD :].strip()

"""Marks that recur, as cuts: paragraphs written once and sent again and again, and the lines below the words.

"Thanks, Alex" is how a person takes leave and stays, however often it was written; what else recurs below goes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from mlxtwin.curate.marks import closings, paragraphs
from mlxtwin.records import Document
from mlxtwin.sources.quoting_phrases import CLOSING, CONTACT
from mlxtwin.vault.cuts import Cut, Why

LEAVE_CHARACTERS = 40
NAME_WORDS = 3
# A block of so few words without a way to reach anybody is a name.
NAME_ALONE_WORDS = 2


def paragraph_cuts(document: Document, marks: Collection[int]) -> Iterator[Cut]:
    """Every own paragraph whose mark is among these."""
    for place, turn in enumerate(document.turns):
        if turn.trainable:
            for start, end, mark in paragraphs(turn.text):
                if mark in marks:
                    yield Cut(place, start, end, "templated")


def closing_cuts(document: Document, marks: Collection[int], why: Why) -> Iterator[Cut]:
    """The longest last lines of the person's last turn whose mark is among these, less how they take leave."""
    places = [place for place, turn in enumerate(document.turns) if turn.trainable]
    if not places:
        return
    place, text = places[-1], document.turns[places[-1]].text
    found = closings(text, alone=len(places) == 1)
    start = min((start for start, mark in found if mark in marks), default=None)
    if start is not None:
        for begin, end in _strange_lines(text, start):
            yield Cut(place, begin, end, why)


def _strange_lines(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Runs of the lines from ``start`` on that are neither a leave-taking nor the name below it."""
    above = text[:start].rstrip().rpartition("\n")[2]
    strange: list[tuple[int, int]] = []
    end = start
    for line in re.finditer(r"[^\n]*\S[^\n]*", text[start:]):
        said = line.group().strip()
        if not _takes_leave(said) and not (_takes_leave(above) and _is_name(said)):
            before = strange.pop() if strange and strange[-1][1] == end else (start + line.start(), 0)
            strange.append((before[0], start + line.end()))
        above, end = said, start + line.end()
    words = " ".join(text[begin:stop] for begin, stop in strange)
    if len(words.split()) > NAME_ALONE_WORDS or CONTACT.search(words):
        yield from strange


def _takes_leave(line: str) -> bool:
    return len(line) <= LEAVE_CHARACTERS and bool(CLOSING.match(line))


def _is_name(line: str) -> bool:
    return len(line.split()) <= NAME_WORDS and not CONTACT.search(line) and not re.search(r"\d", line)

"""Parts of a person's own turns that curation found not to be words to learn from, kept beside the words as they came.

Nothing of a document is lost: a cut names a stretch of one turn, and ``without`` gives the document with the turns
split there. What was pasted becomes a quoted turn of somebody unknown; what recurs in document after document, below
the words (``signature``) or among them (``templated``), is the person's and becomes a turn of the role signature, which
is neither learned nor shown.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal, NamedTuple, get_args

from mlxtwin.records import Document, Turn

Why = Literal["pasted", "templated", "signature"]


class Cut(NamedTuple):
    """The characters from ``start`` to ``end`` of the turn number ``turn``, and why."""

    turn: int
    start: int
    end: int
    why: Why


def merged(cuts: Iterable[Cut]) -> tuple[Cut, ...]:
    """In reading order, none over another: where two meet, the one that begins first has what is in both."""
    found: list[Cut] = []
    for cut in sorted(set(cuts)):
        last = found[-1] if found and found[-1].turn == cut.turn else None
        start = max(cut.start, last.end) if last else cut.start
        if last and start == last.end and cut.why == last.why:
            found[-1] = last._replace(end=max(last.end, cut.end))
        elif start < cut.end:
            found.append(cut._replace(start=start))
    return tuple(found)


def without(document: Document, cuts: Iterable[Cut]) -> Document:
    """The document with its own turns split at the cuts; outer blanks are dropped, and pieces without a word."""
    by_turn: dict[int, list[Cut]] = defaultdict(list)
    for cut in cuts:
        by_turn[cut.turn].append(cut)
    if not by_turn:
        return document
    turns = [piece for place, turn in enumerate(document.turns) for piece in _pieces(turn, by_turn.get(place, []))]
    return replace(document, turns=tuple(turns))


def _pieces(turn: Turn, cuts: list[Cut]) -> Iterator[Turn]:
    if not cuts or not turn.trainable:
        yield turn
        return
    end = 0
    for cut in cuts:
        yield from _piece(turn, turn.text[end : cut.start])
        yield from _piece(turn, turn.text[cut.start : cut.end], cut.why)
        end = cut.end
    yield from _piece(turn, turn.text[end:])


def _piece(turn: Turn, text: str, why: Why | None = None) -> Iterator[Turn]:
    text = text.strip()
    if not any(map(str.isalnum, text)):
        return
    if why is None:
        yield replace(turn, text=text)
    elif why == "pasted":
        yield replace(turn, text=text, role="quoted", mine=False, author="")
    else:
        yield replace(turn, text=text, role="signature")


def to_text(cuts: Iterable[Cut]) -> str:
    """As the vault keeps them; empty for none."""
    kept = [list(cut) for cut in cuts]
    return json.dumps(kept, separators=(",", ":")) if kept else ""


def of_text(text: str) -> tuple[Cut, ...]:
    """From what ``to_text`` gave. Raises ValueError or TypeError for anything else."""
    found = tuple(Cut(int(turn), int(start), int(end), why) for turn, start, end, why in json.loads(text or "[]"))
    if any(cut.why not in get_args(Why) for cut in found):
        raise ValueError("a cut without a reason that is known")
    return found

"""Cues to speeches: who is named, sentences joined, and what rolling captions repeat said once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlxtwin.sources.speech import NAME, PROGRAMME, Speech, may_speak, spoken
from mlxtwin.sources.subtitles_cues import Cue

LEAST_LABELS = 2
LABELLED_SHARE = 0.3
ROLLING_SHARE = 0.25
DENSE_SHARE = 0.5
CHANGES_SHARE = 0.05
PAUSE_SECONDS = 4.0
LONG_PAUSE_SECONDS = 30.0
SPEECH_CHARACTERS = 6000
MOST_OVERLAP_WORDS = 40
_LABEL = re.compile(rf"(?:>{{1,3}}\s*|[-–]\s?)?(?:\[({NAME})\]|({NAME})):(?:\s+|$)")
_CHANGE = re.compile(r"(?:>{2,3}|[-–](?=\s?\S))\s*")
_NO_SPEECH = re.compile(r"\s*[\[(][^\[\]()]{1,60}[\])]\s*|[♪♫#][^♪♫#]{0,300}[♪♫#]|[♪♫]+")
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)]{0,2}$")
_ENDS_IN_LABEL = re.compile(r"https?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Style:
    """What one pass tells of a file: how many cues, which labels are speakers, whether captions roll.

    ``dense``: every change of speaker is told, so that a line without a label is of whoever spoke before.
    """

    cues: int = 0
    speakers: frozenset[str] = frozenset()
    voices: bool = False
    rolling: bool = False
    dense: bool = False

    @property
    def named(self) -> bool:
        return bool(self.speakers) or self.voices


def survey(stream: Iterable[Cue]) -> Style:
    """A label counts as a speaker where it comes back, or where most cues have one."""
    labels: Counter[str] = Counter()
    count = voices = repeats = changes = 0
    before = ""
    for cue in stream:
        count += 1
        for voice, text in cue.lines:
            voices += bool(voice)
            changes += text.startswith(">>")
            if not voice and (found := _label(text)):
                labels[found[0]] += 1
        if cue.lines:
            repeats += bool(before) and cue.lines[0][1].startswith(before)
            before = cue.lines[-1][1]
    most = labels.total() >= LABELLED_SHARE * count
    speakers = frozenset(name for name, times in labels.items() if times >= LEAST_LABELS or most)
    dense = labels.total() >= DENSE_SHARE * count or changes >= CHANGES_SHARE * count > 0
    return Style(count, speakers, voices > 0, repeats > ROLLING_SHARE * count, dense)


def _label(text: str) -> tuple[str, str] | None:
    """The speaker a line names and what is left of it."""
    found = _LABEL.match(text)
    name = (found[1] or found[2]).strip() if found else ""
    if not found or not may_speak(name) or _ENDS_IN_LABEL.search(name):
        return None
    return name, text[found.end() :]


def speeches(stream: Iterable[Cue], style: Style) -> Iterator[Speech]:
    """What each speaker says before another begins, or before a long pause; an empty author where none is named."""
    held = _Held()
    last = 0.0
    for cue in stream:
        pause = cue.start - last
        last = max(cue.end, cue.start)
        for author, text, anew in _said(cue, style):
            said = _rest(held.text, text) if style.rolling else text
            goes_on = style.dense or not held.ended
            named = (held.author if goes_on else "") if author is None else author
            if held.text and (anew or named != held.author or held.full(pause)):
                yield from held.taken()
            held.author = named
            held.add(said, pause)
            pause = 0.0
    yield from held.taken()


def _said(cue: Cue, style: Style) -> Iterator[tuple[str | None, str, bool]]:
    """(speaker, words, whether somebody begins) of each line; None goes on with whoever spoke."""
    for voice, line in cue.lines:
        label = None if voice else _label(line)
        if voice:
            yield _known(voice), _words(line), False
        elif label and label[0] in style.speakers:
            yield _known(label[0]), _words(label[1]), False
        elif found := _CHANGE.match(line):
            # Somebody else speaks, and nobody says who.
            yield "", _words(line[found.end() :]), True
        else:
            yield "" if style.voices else None, _words(line), False


def _known(name: str) -> str:
    return "" if name.casefold() in PROGRAMME else name


def _words(line: str) -> str:
    return " ".join(spoken(_NO_SPEECH.sub(" ", line)).split())


def _rest(before: str, text: str) -> str:
    """What a rolling caption adds to what was said."""
    tail, words = before[-MOST_OVERLAP_WORDS * 20 :].split()[-MOST_OVERLAP_WORDS:], text.split()
    for size in range(min(len(tail), len(words)), 0, -1):
        if tail[-size:] == words[:size]:
            return " ".join(words[size:])
    return text


class _Held:
    """The speech that is open."""

    def __init__(self) -> None:
        self.author = ""
        self._pieces: list[str] = []
        self._size = 0

    @property
    def text(self) -> str:
        return self._pieces[-1] if self._pieces else ""

    @property
    def ended(self) -> bool:
        return bool(_SENTENCE_END.search(self.text[-4:]))

    def full(self, pause: float) -> bool:
        return pause > LONG_PAUSE_SECONDS or (self._size > SPEECH_CHARACTERS and self.ended)

    def add(self, text: str, pause: float) -> None:
        if not text:
            return
        if not self._pieces or (pause > PAUSE_SECONDS and self.ended):
            self._pieces.append(text)
        else:
            self._pieces[-1] += f" {text}"
        self._size += len(text)

    def taken(self) -> Iterator[Speech]:
        if self._pieces:
            yield Speech(self.author, "\n\n".join(self._pieces))
        self._pieces, self._size = [], 0

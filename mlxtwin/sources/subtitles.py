"""Subtitles and captions of talk: WebVTT, SRT and SBV, as players, Zoom, Teams, Meet and YouTube write them.

Speakers are told by voice tags (``<v Name>``) or by labels (``Name:``, ``>> NAME:``). Cues are joined to sentences,
what rolling captions say twice is said once, and remarks such as [laughs] or ♪ are no speech. Where no speaker is
named, nothing is the person's. Not covered: ASS, TTML, and what a style tells of a speaker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import head_text, relative_name
from mlxtwin.sources.dates import moment, name_date
from mlxtwin.sources.files import File
from mlxtwin.sources.speech import document, name_title, stamp, stretches
from mlxtwin.sources.subtitles_cues import TIMING, cues
from mlxtwin.sources.subtitles_speech import speeches, survey

NO_SPEAKERS = "no speakers"
LEAST_CUES = 3
_SUFFIXES = frozenset({".vtt", ".srt", ".sbv"})
_RECORDING = re.compile(r"(?i)gmt(\d{8})-\d{6}_?")


class Subtitles:
    """See the module; ``Document.key`` is the relative path, a stamp of the first words, and the part."""

    name = "subtitles"
    kind: Kind = "transcript"

    def recognises(self, file: File) -> float:
        text = head_text(file)
        if re.match(r"WEBVTT(?:[ \t].*)?(?:\n|$)", text):
            return 0.95
        lines = [line for line in text.split("\n") if line.strip()]
        timed = sum(bool(TIMING.match(line)) for line in lines)
        if file.suffix.casefold() in _SUFFIXES:
            return 0.9 if timed else 0.0
        return 0.93 if timed >= LEAST_CUES and timed >= 0.15 * len(lines) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        style = survey(cues(file))
        for speech in speeches(cues(file), style):
            if speech.author:
                yield speech.author

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        style = survey(cues(file))
        if not style.cues:
            raise SourceError(f"{file.name} holds no subtitles.", "A cue is a line of two times, with text below it.")
        path = relative_name(file, root)
        title = name_title(_RECORDING.sub("", path) or path)
        at = moment(name_date(path))
        drop = "not by me" if style.named else NO_SPEAKERS
        first, part = "", 0
        for part, turns in enumerate(stretches(speeches(cues(file), style), person), 1):
            first = first or stamp(turns[0].author, turns[0].text)
            yield document(turns, source=self.name, part=part, path=path, title=title, at=at, stamp=first, drop=drop)
        if not part:
            yield Document(self.kind, self.name, path, title, (), at, path, path, "empty")

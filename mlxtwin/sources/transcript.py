"""Transcripts of talk: ``**Name:** words`` in Markdown, ``Name: words`` in text, or a line of name and time above.

Paragraphs without a name go on with the speaker before; those under a heading are nobody's. Time stamps and a
transcriber's remarks ([laughs]) are no speech and left out; labels of the programme (Break, Outro) are nobody's. Not
covered: subtitles, which have a source of their own, and text before the first speaker, which is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import head_text, relative_name, text_lines
from mlxtwin.sources.dates import moment, name_date
from mlxtwin.sources.files import File
from mlxtwin.sources.frontmatter import split_front_matter
from mlxtwin.sources.speech import (
    NAME,
    NO_SPEAKERS,
    PROGRAMME,
    STAMP,
    TURN_CHARACTERS,
    Speech,
    document,
    may_speak,
    name_title,
    spoken,
    stamp,
    stretches,
)

SUFFIXES = frozenset({".md", ".markdown", ".txt", ".text", ""})
_BARE_STAMP = r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?"
_BOLD = re.compile(
    rf"\s*(?:{STAMP}\s*)?\*\*(?:{STAMP}\s*)?({NAME})(?:\s*{STAMP})?\s*(?::\*\*|\*\*\s*(?:{STAMP}\s*)?:)\s*(.*)",
    re.DOTALL,
)
_PLAIN = re.compile(
    rf"(?:(?:{STAMP}|{_BARE_STAMP})\s+)?({NAME})(?:\s*(?:{STAMP}|\({_BARE_STAMP}\)))?:\s+(\S.*)", re.DOTALL
)
# A line of its own with name and time, the words below it: as Otter, Zoom and Rev write it.
_ABOVE = re.compile(
    rf"\s*(?:\[({NAME})\]|({NAME}?))[ \t]{{1,20}}(?:{STAMP}|\(?{_BARE_STAMP}\)?)(?:[ ]?[AaPp][Mm])?:?\s*"
    rf"|\s*(?:{STAMP}|{_BARE_STAMP})[ \t]{{1,20}}({NAME}):?\s*"
)
_HEADING = re.compile(r"#{1,6}\s")
_LABEL = re.compile(r"\s*\*\*(\w{1,20})\*\*\s*$")


class Transcript:
    """See the module; ``Document.key`` is the relative path, a stamp of the first words, and the part."""

    name = "transcript"
    kind: Kind = "transcript"

    def recognises(self, file: File) -> float:
        if file.suffix.casefold() not in SUFFIXES:
            return 0.0
        style = _Style()
        paragraphs = list(_paragraphs(head_text(file).split("\n"), style))
        bold = _conversation(paragraphs, _BOLD, *((0.4, 3) if style.above else (0.25, 2)))
        return 0.9 if bold or _conversation(paragraphs, _PLAIN, 0.6, 3) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        _, lines = split_front_matter(text_lines(file))
        return (speech.author for speech in _speeches(lines) if speech.author)

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        front, lines = split_front_matter(text_lines(file))
        path = relative_name(file, root)
        head = _Head()
        talk = _speeches(lines, head)
        at = front.at or moment(name_date(path))
        part = 0
        for part, stretch in enumerate(stretches(talk, person), 1):
            title = front.title or head.title or name_title(path)
            yield document(stretch, source=self.name, part=part, path=path, title=title, at=at, stamp=head.stamp)
        if not part:
            raise SourceError(
                f"{file.name} names no speakers.", "A line of a transcript starts with a name and a colon."
            )


@dataclass(slots=True)
class _Style:
    """How names are written, once one was: another style inside a speech is speech.

    ``above``: on a line of their own, which is then read as if it were bold.
    """

    bold: bool = False
    plain: bool = False
    above: bool = False


@dataclass(slots=True)
class _Head:
    """What the lines before and at the first speech tell of the file."""

    title: str = ""
    stamp: str = ""
    style: _Style = field(default_factory=_Style)


def _conversation(paragraphs: list[str], pattern: re.Pattern[str], share: float, least: int) -> bool:
    """At least two speakers who come back, in enough of the paragraphs."""
    found = [match[1] for match in map(pattern.match, paragraphs) if match]
    counts = Counter(name for name in found if name.casefold() not in NO_SPEAKERS | PROGRAMME)
    recurring = [count for count in counts.values() if count >= least]
    return len(recurring) >= 2 and sum(recurring) >= share * len(paragraphs)


def _paragraphs(lines: Iterable[str], style: _Style) -> Iterator[str]:
    """Lines joined to paragraphs: one ends at a blank line, at a speaker's line and at a heading."""
    held: list[str] = []
    size = 0
    for line in _beside(lines, style):
        style.bold = style.bold or bool(_BOLD.match(line))
        blank = not line.strip()
        if held and (blank or size > TURN_CHARACTERS or _starts(line, style)):
            yield "\n".join(held)
            held, size = [], 0
        if not blank:
            held.append(line.strip())
            size += len(line)
    if held:
        yield "\n".join(held)


def _beside(lines: Iterable[str], style: _Style) -> Iterator[str]:
    """The lines, with a name that stands above its words put before them."""
    name = ""
    for line in lines:
        style.plain = style.plain or bool(not style.above and _plain_speaker(line, style))
        above = _name_above(line) if style.above or not (style.bold or style.plain) else ""
        if above:
            style.above, name = True, above
            yield ""
        elif not name:
            yield line
        elif line.strip():
            yield f"**{name}:** {line.strip()}"
            name = ""


def _name_above(line: str) -> str:
    found = _ABOVE.fullmatch(line) if ":" in line and len(line) < 200 else None
    name = (found[1] or found[2] or found[3]).strip() if found else ""
    return name if name and may_speak(name) else ""


def _starts(line: str, style: _Style) -> bool:
    return bool(_BOLD.match(line) or _LABEL.match(line) or line.startswith("#") or _plain_speaker(line, style))


def _plain_speaker(line: str, style: _Style) -> re.Match[str] | None:
    found = _PLAIN.match(line) if not style.bold and ":" in line else None
    return found if found and may_speak(found[1]) else None


def _speeches(lines: Iterable[str], head: _Head | None = None) -> Iterator[Speech]:
    """Each speaker's run of paragraphs, the programme's own under an empty name."""
    head = head or _Head()
    author: str | None = None
    held: list[str] = []
    size = 0
    for paragraph in _paragraphs(lines, head.style):
        found = _BOLD.match(paragraph) or _plain_speaker(paragraph, head.style)
        label = None if found else _LABEL.match(paragraph)
        named = found[1].strip() if found else label[1] if label else author
        if named is None or paragraph.startswith("#"):
            head.title = head.title or _heading(paragraph)
            if author and _HEADING.match(paragraph):  # what follows may be notes on the show, no more speech
                yield from _speech(author, held)
                author, held, size = "", [], 0
            continue
        if named != author or size > TURN_CHARACTERS:
            yield from _speech(author, held)
            author, held, size = named, [], 0
        text = spoken(found[2] if found else "" if label else paragraph)
        head.stamp = head.stamp or stamp(named, text)
        held += [text] if text else []
        size += len(text)
    yield from _speech(author, held)


def _speech(author: str | None, held: list[str]) -> Iterator[Speech]:
    if author is not None and held:
        yield Speech("" if author.casefold() in PROGRAMME else author, "\n\n".join(held))


def _heading(paragraph: str) -> str:
    return paragraph.lstrip("# ").rstrip("# ")[:200] if paragraph.startswith("#") else ""

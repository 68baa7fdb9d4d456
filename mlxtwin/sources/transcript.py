"""Transcripts of talk: ``**Name:** words`` in Markdown, or ``Name: words`` in plain text.

Paragraphs without a name go on with the speaker before. Time stamps and a transcriber's remarks ([laughs]) are no
speech and left out; labels of the programme (Break, Outro) are nobody's. Not covered: VTT, SRT and SBV, and text
before the first speaker, which is left out.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person, Turn
from mlxtwin.sources.base import head_text, relative_name, text_lines
from mlxtwin.sources.dates import moment, name_date
from mlxtwin.sources.files import File
from mlxtwin.sources.frontmatter import split_front_matter

MOST_TURNS = 40
CUT_TURNS = 24
MOST_WORDS = 3000
TURN_CHARACTERS = 64 * 1024
SUFFIXES = frozenset({".md", ".markdown", ".txt", ".text", ""})
_STAMP = r"\\?[\[(]\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?\\?[\])]"
_BARE_STAMP = r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?"
_NAME = r"[^\W\d_][\w.'’-]{0,30}(?:[ ][\w.'’&()-]{1,30}){0,4}"
_BOLD = re.compile(
    rf"\s*(?:{_STAMP}\s*)?\*\*(?:{_STAMP}\s*)?({_NAME})(?:\s*{_STAMP})?\s*(?::\*\*|\*\*\s*(?:{_STAMP}\s*)?:)\s*(.*)",
    re.DOTALL,
)
_PLAIN = re.compile(
    rf"(?:(?:{_STAMP}|{_BARE_STAMP})\s+)?({_NAME})(?:\s*(?:{_STAMP}|\({_BARE_STAMP}\)))?:\s+(\S.*)", re.DOTALL
)
_LABEL = re.compile(r"\s*\*\*(\w{1,20})\*\*\s*$")
_STAMPS = re.compile(rf"{_STAMP}\s*")
_UNHEARD = re.compile(
    r"\\?\[[^\[\]\n]{0,20}\b(?:unintelligible|inaudible|crosstalk)\b[^\[\]\n]{0,40}?\\?\]", re.IGNORECASE
)
_REMARK = re.compile(
    r"\s?\\?\[(?:[a-z]{1,20} ){0,3}(?:laugh\w*|chuckl\w*|music\w*|applause|sighs?|pause|ringing|coughs?|silence|noise|"
    r"sound\w*|cheer\w*|break|ad|theme)(?: [a-z]{1,20}){0,3}\\?\]",
    re.IGNORECASE,
)
_ESCAPE = re.compile(r"\\([\[\]*_#()!.~`>-])")
_PROGRAMME_NAMES = "break outro intro introduction music ad ads sponsor sponsors jingle narrator"
_OTHER_LABELS = (
    "note notes todo date subject from to cc bcc reply-to sent received message-id content-type mime-version title "
    "author tags url http https update edit tip warning example question answer ps p.s pros cons source sources "
    "result results output input summary usage name email phone address status version abstract keywords"
)
_PROGRAMME = frozenset(_PROGRAMME_NAMES.split())
_NO_SPEAKERS = frozenset(_OTHER_LABELS.split())
_PARTICLES = frozenset(("de", "da", "di", "du", "del", "la", "le", "van", "von", "der", "den", "bin", "al", "and", "&"))


@dataclass(frozen=True, slots=True)
class _Speech:
    author: str
    text: str

    @property
    def words(self) -> int:
        return len(self.text.split())


class Transcript:
    """See the module; ``Document.key`` is the relative path, a stamp of the first words, and the part."""

    name = "transcript"
    kind: Kind = "transcript"

    def recognises(self, file: File) -> float:
        if file.suffix.casefold() not in SUFFIXES:
            return 0.0
        paragraphs = list(_paragraphs(head_text(file).split("\n"), _Style()))
        bold = _conversation(paragraphs, _BOLD, 0.25, 2)
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
        for part, stretch in enumerate(_stretches(talk, person), 1):
            title = front.title or head.title or _stem(path)
            yield _document(stretch, part=part, path=path, title=title, at=at, stamp=head.stamp)
        if not part:
            raise SourceError(
                f"{file.name} names no speakers.", "A line of a transcript starts with a name and a colon."
            )


@dataclass(slots=True)
class _Style:
    """Whether names are bold, once one was; then a plain ``Name:`` inside a speech is speech."""

    bold: bool = False


@dataclass(slots=True)
class _Head:
    """What the lines before and at the first speech tell of the file."""

    title: str = ""
    stamp: str = ""
    style: _Style = field(default_factory=_Style)


def _stem(path: str) -> str:
    name = path.rpartition("/")[2]
    return " ".join(re.split(r"[-_\s]+", name.rpartition(".")[0] or name)).strip() or name


def _conversation(paragraphs: list[str], pattern: re.Pattern[str], share: float, least: int) -> bool:
    """At least two speakers who come back, in enough of the paragraphs."""
    found = [match[1] for match in map(pattern.match, paragraphs) if match]
    counts = Counter(name for name in found if name.casefold() not in _NO_SPEAKERS | _PROGRAMME)
    recurring = [count for count in counts.values() if count >= least]
    return len(recurring) >= 2 and sum(recurring) >= share * len(paragraphs)


def _paragraphs(lines: Iterable[str], style: _Style) -> Iterator[str]:
    """Lines joined to paragraphs: one ends at a blank line, at a speaker's line and at a heading."""
    held: list[str] = []
    size = 0
    for line in lines:
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


def _starts(line: str, style: _Style) -> bool:
    return bool(_BOLD.match(line) or _LABEL.match(line) or line.startswith("#") or _plain_speaker(line, style))


def _plain_speaker(line: str, style: _Style) -> re.Match[str] | None:
    found = None if style.bold else _PLAIN.match(line)
    return found if found and found[1].casefold() not in _NO_SPEAKERS and _is_name(found[1]) else None


def _is_name(words: str) -> bool:
    return all(word[0].isupper() or not word[0].isalpha() or word in _PARTICLES for word in words.split())


def _speeches(lines: Iterable[str], head: _Head | None = None) -> Iterator[_Speech]:
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
            continue
        if named != author or size > TURN_CHARACTERS:
            yield from _speech(author, held)
            author, held, size = named, [], 0
        text = _spoken(found[2] if found else "" if label else paragraph)
        head.stamp = head.stamp or _stamp(named, text)
        held += [text] if text else []
        size += len(text)
    yield from _speech(author, held)


def _speech(author: str | None, held: list[str]) -> Iterator[_Speech]:
    if author is not None and held:
        yield _Speech("" if author.casefold() in _PROGRAMME else author, "\n\n".join(held))


def _heading(paragraph: str) -> str:
    return paragraph.lstrip("# ").rstrip("# ")[:200] if paragraph.startswith("#") else ""


def _stamp(author: str, text: str) -> str:
    return hashlib.blake2b(f"{author}\0{text[:80]}".encode(), digest_size=4).hexdigest()


def _spoken(text: str) -> str:
    """The words alone; what was not understood becomes an ellipsis."""
    text = _REMARK.sub("", _UNHEARD.sub("…", _STAMPS.sub("", text)))
    return _ESCAPE.sub(r"\1", text).strip()


def _stretches(talk: Iterable[_Speech], person: Person) -> Iterator[list[Turn]]:
    """Runs of turns, cut where somebody else begins to speak, so that an answer keeps what it answers."""
    held: list[Turn] = []
    words = 0
    for speech in talk:
        mine = person.is_me(speech.author)
        full = len(held) >= CUT_TURNS or words >= MOST_WORDS
        if held and ((full and not mine) or len(held) >= MOST_TURNS or words >= 2 * MOST_WORDS):
            yield held
            held, words = [], 0
        held.append(Turn(speech.author, mine, speech.text, "own" if mine else "received"))
        words += speech.words
    if held:
        yield held


def _document(turns: list[Turn], *, part: int, path: str, title: str, at: datetime | None, stamp: str) -> Document:
    return Document(
        Transcript.kind,
        Transcript.name,
        f"{path}~{stamp}#{part}",
        title if part == 1 else f"{title} ({part})",
        tuple(turns),
        at,
        path,
        f"{path}#{part}",
        "" if any(turn.trainable for turn in turns) else "not by me",
    )

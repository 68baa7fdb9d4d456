"""Talk by speakers to Documents: what a name may look like, what is no speech, and where a long talk is cut."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from mlxtwin.records import Document, Person, Turn

MOST_TURNS = 40
CUT_TURNS = 24
MOST_WORDS = 3000
TURN_CHARACTERS = 64 * 1024
NAME = r"[^\W\d_][\w.'’-]{0,30}(?:[ ][\w.'’&()-]{1,30}){0,4}"
STAMP = r"\\?[\[(]\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?\\?[\])]"
_STAMPS = re.compile(rf"{STAMP}\s*")
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
PROGRAMME = frozenset(_PROGRAMME_NAMES.split())
NO_SPEAKERS = frozenset(_OTHER_LABELS.split())
_PARTICLES = frozenset(("de", "da", "di", "du", "del", "la", "le", "van", "von", "der", "den", "bin", "al", "and", "&"))


@dataclass(frozen=True, slots=True)
class Speech:
    """What somebody said before another spoke; the programme's own labels speak under an empty name."""

    author: str
    text: str

    @property
    def words(self) -> int:
        return len(self.text.split())


def is_name(words: str) -> bool:
    return all(word[0].isupper() or not word[0].isalpha() or word in _PARTICLES for word in words.split())


def may_speak(label: str) -> bool:
    """Whether what stands before a colon may be somebody, rather than a heading such as Note."""
    return label.casefold() not in NO_SPEAKERS and is_name(label)


def stamp(author: str, text: str) -> str:
    return hashlib.blake2b(f"{author}\0{text[:80]}".encode(), digest_size=4).hexdigest()


def spoken(text: str) -> str:
    """The words alone; what was not understood becomes an ellipsis."""
    text = _REMARK.sub("", _UNHEARD.sub("…", _STAMPS.sub("", text)))
    return _ESCAPE.sub(r"\1", text).strip()


def stretches(talk: Iterable[Speech], person: Person) -> Iterator[list[Turn]]:
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


def document(
    turns: list[Turn], *, source: str, part: int, path: str, title: str, at: datetime | None, stamp: str,
    drop: str = "not by me",
) -> Document:  # fmt: skip
    """A stretch as the ``part``-th Document of its file; ``drop`` is said where none of it is the person's."""
    return Document(
        "transcript",
        source,
        f"{path}~{stamp}#{part}",
        title if part == 1 else f"{title} ({part})",
        tuple(turns),
        at,
        path,
        f"{path}#{part}",
        "" if any(turn.trainable for turn in turns) else drop,
    )


def name_title(path: str) -> str:
    """What a file's name says in words."""
    name = path.rpartition("/")[2]
    return " ".join(re.split(r"[-_\s]+", name.rpartition(".")[0] or name)).strip() or name

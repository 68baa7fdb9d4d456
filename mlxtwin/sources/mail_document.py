"""One mail to a Document: whose words are whose, and whether it is of use."""

from __future__ import annotations

import re
from datetime import datetime
from hashlib import blake2b

from mlxtwin.records import Document, Person, Turn
from mlxtwin.sources.base import clean_text
from mlxtwin.sources.mail_labels import CHAT, SENT, SPAM, drop_label, header_labels
from mlxtwin.sources.mail_message import Letter, Post, read_letter
from mlxtwin.sources.mail_noise import drop_reason
from mlxtwin.sources.quoting import Part, split

UNREADABLE = "unreadable"
MOST_TITLE_CHARACTERS = 300
_FORWARDS = re.compile(
    r"\s*(?:\[[^\]]{0,40}\]\s*)?(?:fwd?|wg|tr|rv|enc|vs|vb|i|doorst|pd|пересл|转发|轉寄|転送)\s*:", re.IGNORECASE
)


def document_of(post: Post, origin: str, person: Person) -> Document:
    """The document of a mail; one that no reader can cut into parts comes without turns, with the reason."""
    try:
        letter = post.letter or read_letter(post.raw)
        return _document(post, letter, origin, person)
    except Exception:
        # The library's parser has many ways to fail on hostile input; the messages after this one go on.
        return Document("mail", "mail", _content_key(post.raw), "", (), origin=origin, drop=UNREADABLE)


def _document(post: Post, letter: Letter, origin: str, person: Person) -> Document:
    labels = post.labels | header_labels(letter.headers)
    mine = person.is_me(letter.address, letter.name) and not _is_doubtful(labels)
    parts = split(letter.body.lines, forwards=bool(_FORWARDS.match(letter.subject)), sender=letter.name)
    parts += [_attached(inner) for inner in letter.body.attached]
    at = letter.at or post.at
    turns = _my_turns(letter, parts, person, at) if mine else _received(letter, parts, at)
    spoken = any(turn.role in ("own", "received") for turn in turns)
    key = letter.message_id or _content_key(post.raw)
    return Document(
        kind="mail",
        source="mail",
        key=key,
        title=" ".join(clean_text(letter.subject).split())[:MOST_TITLE_CHARACTERS].strip(),
        turns=turns,
        at=at,
        thread=letter.thread or key,
        origin=origin,
        drop=drop_label(labels, mine=mine) or drop_reason(letter, mine=mine, has_words=spoken),
    )


def _is_doubtful(labels: frozenset[str]) -> bool:
    """Whether a mail under the person's name is not theirs alone: spam with a forged sender, a chat of two people."""
    return CHAT in labels or (SPAM in labels and SENT not in labels)


def _content_key(raw: bytes) -> str:
    """A key for a message without an id: its content, whatever its line ends."""
    return "content:" + blake2b(raw.replace(b"\r\n", b"\n").strip(), digest_size=16).hexdigest()


def _attached(letter: Letter) -> Part:
    """A mail attached to a mail, as forwarded words of its sender."""
    parts = split(letter.body.lines, sender=letter.name)
    return Part("forwarded", _own_words(parts) or _all_words(parts), letter.name, letter.address)


def _own_words(parts: list[Part]) -> str:
    return "\n\n".join(part.text for part in parts if part.role == "own")


def _all_words(parts: list[Part]) -> str:
    return "\n\n".join(part.text for part in parts)


def _my_turns(letter: Letter, parts: list[Part], person: Person, at: datetime | None) -> tuple[Turn, ...]:
    me = letter.name or letter.address
    turns = []
    for part in parts:
        text = clean_text(part.text)
        if not text.strip():
            continue
        theirs = part.role in ("quoted", "forwarded") or bool(part.name or part.address)
        author = (part.name or part.address) if theirs else me
        mine = person.is_me(part.name, part.address) if theirs else True
        turns.append(Turn(clean_text(author), mine, text, part.role, None if theirs else at))
    return tuple(turns)


def _received(letter: Letter, parts: list[Part], at: datetime | None) -> tuple[Turn, ...]:
    """One turn: the sender's own words; what they pass on where they add none."""
    words = _own_words(parts) or _all_words([part for part in parts if part.role != "signature"])
    text = clean_text(words)
    if not text.strip():
        return ()
    return (Turn(clean_text(letter.name or letter.address), False, text, "received", at),)

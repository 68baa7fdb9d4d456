"""Mail: an mbox file, or one message per file, whatever its name ends with.

One Document per message. A message the person sent comes as what they answered (quoted), their own words, what they
passed on (forwarded) and their signature; a message they received as one turn of its writer's own words, for context.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from hashlib import blake2b

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person, Turn
from mlxtwin.sources.base import clean_text, read_head, relative_name
from mlxtwin.sources.files import File
from mlxtwin.sources.mail_message import Letter, read_letter, sender_of
from mlxtwin.sources.mail_noise import drop_reason
from mlxtwin.sources.mbox import messages
from mlxtwin.sources.quoting import Part, split

UNREADABLE = "unreadable"
MAX_HEADER_BYTES = 256 * 1024
_HEADER_LINE = re.compile(rb"([!-9;-~]{1,80})[ \t]*:|[ \t]")
_KNOWN = frozenset(
    b"from to cc subject date message-id received return-path delivered-to mime-version content-type in-reply-to "
    b"references reply-to sender x-mailer user-agent dkim-signature envelope-to x-original-to x-gm-thrid".split()
)
_FORWARDS = re.compile(
    r"\s*(?:\[[^\]]{0,40}\]\s*)?(?:fwd?|wg|tr|rv|enc|vs|vb|i|doorst|pd|пересл|转发|轉寄|転送)\s*:", re.IGNORECASE
)


class Mail:
    """The importer of mail."""

    name = "mail"
    kind: Kind = "mail"

    def recognises(self, file: File) -> float:
        head = read_head(file).lstrip(b"\xef\xbb\xbf\r\n\t ")
        known = len(_known_headers(head))
        named = file.suffix.lower() in (".eml", ".mbox", ".mbx")
        if head.startswith(b"From ") and known:
            return 0.97
        if known >= 2:
            return 0.95
        if named:
            return 0.8
        return 0.5 if re.match(rb"from:[^\r\n]{0,200}@", head, re.IGNORECASE) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        found = False
        for raw in messages(file):
            if not _known_headers(raw.lstrip()):
                continue
            found = True
            try:
                address = sender_of(message_from_bytes(_head_of(raw)))[1]
            except Exception:
                continue
            if address:
                yield clean_text(address)
        if not found:
            raise _no_mail(file)

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        place = relative_name(file, root)
        seen: dict[bytes, bytes] = {}
        sound = 0
        for number, raw in enumerate(messages(file), start=1):
            if not _known_headers(raw.lstrip()):
                continue
            document = _document(raw.lstrip(b"\r\n"), f"{place}#{number}", person)
            sound += 1
            if _digest(document.key) in seen:
                document = _namesake(document, seen)
            if _digest(document.key) not in seen:
                seen[_digest(document.key)] = _words_digest(document)
                yield document
        if not sound:
            raise _no_mail(file)


def _namesake(document: Document, seen: dict[bytes, bytes]) -> Document:
    """A message whose id another one had: that one itself when it says the same, else under a key of its own."""
    words = _words_digest(document)
    if words == seen[_digest(document.key)]:
        return document
    return replace(document, key=f"{document.key}#{words.hex()}")


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=12).digest()


def _words_digest(document: Document) -> bytes:
    return _digest("\0".join(turn.text for turn in document.turns if turn.role in ("own", "received")))


def _no_mail(file: File) -> SourceError:
    if not read_head(file, 1):
        return SourceError(f"{file.name} is empty.")
    return SourceError(f"{file.name} holds no mail: it does not begin with the headers of one.")


def _known_headers(head: bytes) -> set[bytes]:
    """The names of mail headers that a message begins with."""
    found: set[bytes] = set()
    for number, line in enumerate(head[: 64 * 1024].splitlines()):
        if number == 0 and line.startswith((b"From ", b">From ")):
            continue
        header = _HEADER_LINE.match(line)
        if header is None or number > 300:
            break
        name = (header.group(1) or b"").lower()
        if name in _KNOWN or (name.startswith(b"x-") and found):
            found.add(name)
    return found


def _head_of(raw: bytes) -> bytes:
    """The headers of a message, without its body."""
    ends = [at for at in (raw.find(b"\n\n"), raw.find(b"\r\n\r\n"), raw.find(b"\n\r\n")) if at >= 0]
    return raw[: min([*ends, MAX_HEADER_BYTES])]


def _document(raw: bytes, origin: str, person: Person) -> Document:
    """The document of one message; one no reader can cut into parts comes without turns, with the reason."""
    try:
        letter = read_letter(raw)
        return _from_letter(letter, raw, origin, person)
    except Exception:
        # The library's parser has many ways to fail on hostile input; the messages after this one go on.
        return Document("mail", "mail", _content_key(raw), "", (), origin=origin, drop=UNREADABLE)


def _from_letter(letter: Letter, raw: bytes, origin: str, person: Person) -> Document:
    mine = person.is_me(letter.address, letter.name)
    parts = split(letter.body.lines, forwards=bool(_FORWARDS.match(letter.subject)), sender=letter.name)
    parts += [_attached(inner) for inner in letter.body.attached]
    turns = _my_turns(letter, parts, person) if mine else _received(letter, parts)
    spoken = any(turn.role in ("own", "received") for turn in turns)
    return Document(
        kind="mail",
        source="mail",
        key=letter.message_id or _content_key(raw),
        title=clean_text(letter.subject),
        turns=turns,
        at=letter.at,
        thread=letter.thread or _content_key(raw),
        origin=origin,
        drop=drop_reason(letter, mine=mine, has_words=spoken),
    )


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


def _my_turns(letter: Letter, parts: list[Part], person: Person) -> tuple[Turn, ...]:
    me = letter.name or letter.address
    turns = []
    for part in parts:
        if not part.text:
            continue
        theirs = part.role in ("quoted", "forwarded") or bool(part.name or part.address)
        author = (part.name or part.address) if theirs else me
        mine = person.is_me(part.name, part.address) if theirs else True
        turns.append(Turn(clean_text(author), mine, clean_text(part.text), part.role, None if theirs else letter.at))
    return tuple(turns)


def _received(letter: Letter, parts: list[Part]) -> tuple[Turn, ...]:
    """One turn: the sender's own words; what they pass on where they add none."""
    text = _own_words(parts) or _all_words([part for part in parts if part.role != "signature"])
    if not text:
        return ()
    return (Turn(clean_text(letter.name or letter.address), False, clean_text(text), "received", letter.at),)

"""Mail: an mbox file, one message per file whatever its name ends with, Apple's emlx, tables and JSON of mails.

One Document per message. A message the person sent comes as what they answered (quoted), their own words, what they
passed on (forwarded) and their signature; a message they received as one turn of its writer's own words, for context.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from hashlib import blake2b

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import clean_text, read_head, relative_name
from mlxtwin.sources.files import File
from mlxtwin.sources.mail_document import document_of
from mlxtwin.sources.mail_headers import decoded_headers, known_headers, sender_of
from mlxtwin.sources.mail_labels import SENT, folder_labels, header_labels
from mlxtwin.sources.mail_message import Post
from mlxtwin.sources.mail_posts import posts, sureness

MAX_HEADER_BYTES = 256 * 1024
# Of the folders a file lies in, those that may say what its mails are.
FOLDERS_ABOVE = 8


class Mail:
    """The importer of mail."""

    name = "mail"
    kind: Kind = "mail"

    def recognises(self, file: File) -> float:
        return sureness(file)

    def authors(self, file: File) -> Iterator[str]:
        """The sender of each mail; who sent what is marked as sent is told again, at the end, until they lead."""
        told, sent = Counter[str](), Counter[str]()
        found = False
        folders = folder_labels("/".join(file.parts[-FOLDERS_ABOVE:]))
        for post in filter(_is_sound, posts(file)):
            found = True
            sender, marked = _sender(replace(post, labels=post.labels | folders))
            if sender:
                told[sender] += 1
                sent[sender] += marked
                yield sender
        if not found:
            raise _no_mail(file)
        for sender in [sender for sender, count in sent.most_common(1) if count]:
            most = max((count for other, count in told.items() if other != sender), default=0)
            yield from [sender] * (most - told[sender] + 1)

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        place = relative_name(file, root)
        box = _Box(place, folder_labels(place), person)
        found = False
        for number, post in enumerate(posts(file), start=1):
            sound = _is_sound(post)
            found = found or sound
            if sound and (document := box.document(post, number)):
                yield document
        if not found:
            raise _no_mail(file)


def _is_sound(post: Post) -> bool:
    """Whether what a mailbox holds begins like a mail."""
    return bool(post.letter or known_headers(post.raw[: 64 * 1024].lstrip()))


def _no_mail(file: File) -> SourceError:
    if not read_head(file, 1):
        return SourceError(f"{file.name} is empty.")
    return SourceError(f"{file.name} holds no mail: it does not begin with the headers of one.")


def _sender(post: Post) -> tuple[str, bool]:
    """Who sent a mail, by address or else by name, and whether its labels say that it was sent from this mailbox."""
    if post.letter:
        return post.letter.address or post.letter.name, SENT in post.labels
    try:
        message = message_from_bytes(_head_of(post.raw))
        name, address = sender_of(message)
        labels = post.labels | header_labels(decoded_headers(message))
    except Exception:
        return "", False
    return clean_text(address or name), SENT in labels


def _head_of(raw: bytes) -> bytes:
    """The headers of a message, without its body."""
    ends = [at for at in (raw.find(b"\n\n"), raw.find(b"\r\n\r\n"), raw.find(b"\n\r\n")) if at >= 0]
    return raw[: min([*ends, MAX_HEADER_BYTES])]


class _Box:
    """The mails of one file, each told apart from the others or known as one that came before."""

    def __init__(self, place: str, labels: frozenset[str], person: Person) -> None:
        self._place, self._labels, self._person = place, labels, person
        self._seen: dict[bytes, bytes] = {}

    def document(self, post: Post, number: int) -> Document | None:
        """The document of a mail; None where the file had it before."""
        told = replace(post, raw=post.raw.lstrip(b"\r\n"), labels=post.labels | self._labels)
        document = document_of(told, f"{self._place}#{number}", self._person)
        if _digest(document.key) in self._seen:
            document = self._namesake(document)
        if _digest(document.key) in self._seen:
            return None
        self._seen[_digest(document.key)] = _words_digest(document)
        return document

    def _namesake(self, document: Document) -> Document:
        """A mail whose id another one had: that one itself when it says the same, else under a key of its own."""
        words = _words_digest(document)
        if words == self._seen[_digest(document.key)]:
            return document
        return replace(document, key=f"{document.key}#{words.hex()}")


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=12).digest()


def _words_digest(document: Document) -> bytes:
    return _digest("\0".join(turn.text for turn in document.turns if turn.role in ("own", "received")))

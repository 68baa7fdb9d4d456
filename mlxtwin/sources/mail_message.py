"""The bytes of one mail to headers and the parts of its body that a reader reads, however broken it is.

The standard library cuts the mail into parts (policy compat32: the newer policies fail on headers that real mail has);
mail_headers.py reads header words, transfer encodings and charsets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from typing import Any

from mlxtwin.sources.mail_attachments import without_attachments
from mlxtwin.sources.mail_headers import (
    declared_charset,
    decode_charset,
    decode_transfer,
    decoded_headers,
    first_id,
    parse_date,
    raw_header,
    sender_of,
)
from mlxtwin.sources.mail_lines import Line, plain_lines
from mlxtwin.sources.mail_text import html_lines

MAX_PARTS = 300
# Without its pictures a mail is small; what goes on beyond this would only cost the parser its memory.
MAX_PARSED_BYTES = 4 * 1024 * 1024
MAX_PART_DEPTH = 20
_BOUNDARY = re.compile(rb"(?:^|\n)--([^\s].{0,90}?)[ \t]*\r?\n(?:Content-[\w-]{1,40}[ \t]*:)", re.IGNORECASE)
_HTML_HEAD = re.compile(r"\s{0,200}(?:<\?xml[^>]{0,200}>\s*)?<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
_METHOD = re.compile(r"method\s{0,5}=\s{0,5}\"?([A-Za-z]{1,20})")
_ENRICHED = re.compile(r"<param>[^<]{0,200}</param>|</?[A-Za-z][\w-]{0,30}>", re.IGNORECASE)
_PLAIN_TYPES = frozenset(f"text/{kind}" for kind in ("plain", "enriched", "richtext", "markdown", "x-markdown"))


@dataclass(frozen=True, slots=True)
class Body:
    """What a reader sees, and what the structure of the mail tells about it."""

    lines: list[Line] = field(default_factory=list)
    attached: list[Letter] = field(default_factory=list)
    types: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail. ``headers``: lower-case name to the decoded values; ``address`` in lower case, empty when unknown."""

    headers: Mapping[str, list[str]]
    name: str
    address: str
    body: Body

    def header(self, name: str) -> str:
        values = self.headers.get(name)
        return values[0] if values else ""

    @property
    def message_id(self) -> str:
        return first_id(self.header("message-id"))

    @property
    def subject(self) -> str:
        return " ".join(self.header("subject").split())

    @property
    def thread(self) -> str:
        """A service's number for the conversation, else the id of the mail that began it, as far as this one knows."""
        known = map(self.header, ("x-gm-thrid", "thread-id", "references", "in-reply-to"))
        return next((found for found in map(first_id, known) if found), self.message_id)

    @property
    def at(self) -> datetime | None:
        """When it was sent; else when the last server received it."""
        received = (value.rpartition(";")[2] for value in self.headers.get("received", [])[:1])
        return next((found for found in map(parse_date, (self.header("date"), *received)) if found), None)


@dataclass(frozen=True, slots=True)
class Post:
    """A mail as its mailbox holds it. ``labels``: see mail_labels.py; ``at``: when the mailbox received it.

    ``raw``: its bytes; of a mail that a table tells in columns, what makes it known again, and ``letter`` the mail.
    """

    raw: bytes
    letter: Letter | None = None
    labels: frozenset[str] = frozenset()
    at: datetime | None = None


def read_letter(raw: bytes) -> Letter:
    """One mail from its bytes. May raise what the standard library raises on hostile input (RecursionError too)."""
    return _letter(message_from_bytes(without_attachments(raw)[:MAX_PARSED_BYTES]), 0)


def _letter(message: Message, depth: int) -> Letter:
    headers = decoded_headers(message)
    name, address = sender_of(message)
    return Letter(headers, name, address, _body(message, depth))


def _content(part: Message) -> bytes:
    """The bytes of a part that is no multipart, its transfer encoding undone."""
    encoding = raw_header(part, "content-transfer-encoding")
    # Without that header get_payload gives the bytes as they came; with it, or undecoded, it loses some of them.
    del part["content-transfer-encoding"]
    payload = part.get_payload(decode=True)
    return decode_transfer(payload, encoding) if isinstance(payload, bytes) else b""


def _text(part: Message) -> str:
    return decode_charset(_content(part), declared_charset(raw_header(part, "content-type")))


def _body(message: Message, depth: int) -> Body:
    """The lines of all readable parts, the mails attached, and the content types seen."""
    reader = _BodyReader(depth)
    lines = reader.read(message, 0)
    return Body(lines, reader.attached, frozenset(reader.types))


class _BodyReader:
    """Walks the parts of one mail: the best of alternatives, the root of related ones, all of the others."""

    def __init__(self, depth: int) -> None:
        self.attached: list[Letter] = []
        self.types: set[str] = set()
        self._depth = depth
        self._parts = 0

    def read(self, part: Message, depth: int) -> list[Line]:
        self._parts += 1
        if self._parts > MAX_PARTS or depth > MAX_PART_DEPTH:
            return []
        kind = part.get_content_type()
        self._note(part)
        children = part.get_payload()
        if kind.startswith("message/") and isinstance(children, list):
            return self._attach(kind, children)
        if isinstance(children, list):
            return self._several(kind, children, depth)
        if kind.startswith("multipart/"):
            return self._recovered(part, depth)
        return self._single(part, kind, depth)

    def _note(self, part: Message) -> None:
        """Remember the type of a part; of a calendar's also the method: ``text/calendar;reply``."""
        kind = part.get_content_type()
        self.types.add(kind)
        if kind == "text/calendar" and (method := _METHOD.search(raw_header(part, "content-type"))):
            self.types.add(f"{kind};{method.group(1).lower()}")

    def _attach(self, kind: str, children: list[Any]) -> list[Line]:
        if kind in ("message/rfc822", "message/global") and self._depth < 5 and len(self.attached) < 20:
            self.attached += [_letter(child, self._depth + 1) for child in children[:1]]
        return []

    def _several(self, kind: str, children: list[Any], depth: int) -> list[Line]:
        if kind == "multipart/alternative":
            return self._best(children, depth)
        if kind in ("multipart/related", "multipart/signed", "multipart/encrypted", "multipart/report"):
            for child in children[1:20]:
                self._note(child)
            return next((lines for child in children[:3] if (lines := self.read(child, depth + 1))), [])
        joined: list[Line] = []
        for child in children:
            lines = self.read(child, depth + 1)
            joined += [Line(""), *lines] if joined and lines else lines
        return joined

    def _best(self, children: list[Message], depth: int) -> list[Line]:
        """Plain text that says something, else the last alternative that does (HTML as a rule)."""
        read = [(child.get_content_type(), self.read(child, depth + 1)) for child in children]
        spoken = [(kind, lines) for kind, lines in read if any(not line.blank for line in lines)]
        plain = next((lines for kind, lines in spoken if kind == "text/plain"), None)
        return plain if plain is not None else spoken[-1][1] if spoken else []

    def _recovered(self, part: Message, depth: int) -> list[Line]:
        """A multipart without a usable boundary: the one its text shows, else the text as it stands."""
        content = _content(part)
        found = _BOUNDARY.search(content[:100_000])
        if not found or b'"' in found.group(1):
            return plain_lines(decode_charset(content, ""))
        again = message_from_bytes(b'Content-Type: multipart/mixed; boundary="%b"\n\n%b' % (found.group(1), content))
        return self.read(again, depth + 1) if again.is_multipart() else []

    def _single(self, part: Message, kind: str, depth: int) -> list[Line]:
        if (kind not in _PLAIN_TYPES and kind != "text/html") or self._is_file(part, depth):
            return []
        text = _text(part)
        if kind == "text/html" or _HTML_HEAD.match(text):
            return html_lines(text)
        if kind in ("text/enriched", "text/richtext"):
            text = _ENRICHED.sub("", text)
        shape = raw_header(part, "content-type").lower()
        flowed = "flowed" in shape
        joins = flowed and re.search(r"delsp\s*=\s*\"?yes", shape) is not None
        return plain_lines(text, flowed=flowed, delete_space=joins)

    def _is_file(self, part: Message, depth: int) -> bool:
        """Whether a text part is a file that came along, not words to the reader."""
        placed = raw_header(part, "content-disposition").lower()
        if placed.lstrip().startswith("attachment"):
            return True
        return depth > 0 and (
            "filename" in placed or bool(re.search(r"\bname\*?\d?\*?\s*=", raw_header(part, "content-type")))
        )

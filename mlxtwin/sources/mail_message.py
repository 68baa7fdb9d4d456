"""The bytes of one mail to headers and the parts of its body that a reader reads, however broken it is.

The standard library cuts the mail into parts (policy compat32: the newer policies fail on headers that real mail has);
header words, transfer encodings and charsets are decoded here, where every error has a next best reading.
"""

from __future__ import annotations

import binascii
import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any

from mlxtwin.sources.base import aware, clean_text, decode_text
from mlxtwin.sources.mail_lines import Line, plain_lines
from mlxtwin.sources.mail_text import html_lines

MAX_PARTS = 300
MAX_PART_DEPTH = 20
MAX_HEADER_CHARS = 20_000
_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)[ \t\r\n]+(?==\?[^?\s]{1,60}\?[bBqQ]\?)")
_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:]{1,128}@[^\s<>()\[\]\"',;:]{1,255}")
_ID = re.compile(r"<\s*([^<>\s]{1,990})\s*>")
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/\-_]+={0,2}$")
_BOUNDARY = re.compile(rb"(?:^|\n)--([^\s].{0,90}?)[ \t]*\r?\n(?:Content-[\w-]{1,40}[ \t]*:)", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s{0,5}\*?\d?\*?\s{0,5}=\s{0,5}\"?'?([^\s\"';]{1,60})", re.IGNORECASE)
_HTML_HEAD = re.compile(r"\s{0,200}(?:<\?xml[^>]{0,200}>\s*)?<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
_ENRICHED = re.compile(r"<param>[^<]{0,200}</param>|</?[A-Za-z][\w-]{0,30}>", re.IGNORECASE)
# Python's codecs that are no charsets of mail, or take time in the square of the input.
_NO_CHARSETS = frozenset(
    ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem", "unicode-escape")
)
_SUPERSETS = {
    "us-ascii": "", "ascii": "", "iso-8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "iso8859-1": "cp1252",
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "big5": "big5hkscs", "shift_jis": "cp932",
    "shift-jis": "cp932", "x-sjis": "cp932", "windows-31j": "cp932", "iso-2022-jp": "iso2022_jp_ext",
    "ks_c_5601-1987": "cp949", "ks_c_5601": "cp949", "euc-kr": "cp949", "iso-8859-8-i": "iso-8859-8",
    "utf8mb4": "utf-8", "unicode-1-1-utf-7": "utf-7", "x-mac-roman": "mac_roman", "macintosh": "mac_roman",
    "tis-620": "cp874", "windows-874": "cp874", "unicode": "utf-8", "iso-8859-9": "cp1254",
}  # fmt: skip


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
        """The id of the mail that began the conversation, as far as this one knows."""
        return first_id(self.header("references")) or first_id(self.header("in-reply-to")) or self.message_id

    @property
    def at(self) -> datetime | None:
        """When it was sent; else when the last server received it."""
        received = (value.rpartition(";")[2] for value in self.headers.get("received", [])[:1])
        return next((found for found in map(parse_date, (self.header("date"), *received)) if found), None)


def read_letter(raw: bytes) -> Letter:
    """One mail from its bytes. May raise what the standard library raises on hostile input (RecursionError too)."""
    return _letter(message_from_bytes(raw), 0)


def _letter(message: Message, depth: int) -> Letter:
    headers = decoded_headers(message)
    name, address = sender_of(message)
    return Letter(headers, name, address, _body(message, depth))


def raw_headers(message: Message) -> Iterator[tuple[str, str]]:
    """(lower-case name, value) with bytes above 127 decoded; encoded words still as they are."""
    for name, value in message.raw_items():
        text = value if isinstance(value, str) else str(value)
        if not text.isascii():
            text = _eight_bit(text.encode("utf-8", "surrogateescape"), message)
        yield clean_text(name).lower().strip(), clean_text(text[:MAX_HEADER_CHARS])


def _eight_bit(data: bytes, message: Message) -> str:
    """A header value sent without encoding: UTF-8, else the charset of the body."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        kind = next((str(value) for name, value in message.raw_items() if name.lower() == "content-type"), "")
        return decode_charset(data, _declared(kind))


def decoded_headers(message: Message) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in raw_headers(message):
        headers.setdefault(name, []).append(decode_words(value))
    return headers


def sender_of(message: Message) -> tuple[str, str]:
    """(display name, lower-case address) of the From header, else of Sender; each may be empty."""
    found = dict(reversed([(name, value) for name, value in raw_headers(message) if name in ("from", "sender")]))
    return parse_sender(found.get("from") or found.get("sender") or "")


def parse_sender(value: str) -> tuple[str, str]:
    """ "Name <address>", "address (Name)", a bare address or a bare name, possibly with encoded words."""
    value = " ".join(value[:2000].split())
    angle = re.search(r"<([^<>]{1,320})>", value)
    found = _ADDRESS.search(angle.group(1) if angle else "") or _ADDRESS.search(value)
    address = found.group() if found else ""
    comment = re.search(r"\(([^()]{1,200})\)", value)
    if angle and angle.start() > 0:
        name = value[: angle.start()]
    elif comment:
        name = comment.group(1)
    else:
        name = "" if found else value
    decoded = " ".join(decode_words(name).split()).strip("\"' ,")
    return decoded.replace('\\"', '"'), address.lower()


def decode_words(value: str) -> str:
    """A header with its encoded words (RFC 2047) read; one that cannot be read stays as it is."""
    if "=?" not in value:
        return value
    text = _BETWEEN_WORDS.sub(r"\1", value)
    pieces: list[str] = []
    pending, charset, at = b"", "", 0
    for found in _WORD.finditer(text):
        data = _word_bytes(found.group(2), found.group(3))
        if found.start() > at or found.group(1).lower() != charset:
            pieces += [decode_charset(pending, charset), text[at : found.start()]]
            pending, charset = b"", found.group(1).lower()
        pending += data
        at = found.end()
    return "".join([*pieces, decode_charset(pending, charset), text[at:]])


def _word_bytes(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    return binascii.a2b_qp(data, header=True) if encoding in "qQ" else decode_base64(data)


def first_id(value: str) -> str:
    """The first message id of a header, without its brackets."""
    found = _ID.search(value[:MAX_HEADER_CHARS])
    bare = found.group(1) if found else (value.split() or [""])[0].strip("<>")
    return bare[:990]


def parse_date(value: str) -> datetime | None:
    """An aware time from a Date header; nothing for one that cannot be read or is out of all reason."""
    try:
        found = aware(parsedate_to_datetime(value[:200].strip()))
        found.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None
    return found if 1970 <= found.year < 2200 else None


def decode_charset(data: bytes, charset: str) -> str:
    """Bytes in a charset as mail names it, else in the likeliest one; a superset is used where senders mislabel."""
    name = charset.strip("\"' ").lower()
    name = _SUPERSETS.get(name, name)
    try:
        known = bool(name) and name not in _NO_CHARSETS and codecs.lookup(name).name not in _NO_CHARSETS
    except (LookupError, ValueError):
        known = False
    return decode_text(data, name if known else "")


def decode_base64(data: bytes) -> bytes:
    """Base64 with anything wrong in it: foreign lines left out, the cut end dropped."""
    sound: list[bytes] = []
    for line in data.split():
        if _BASE64_LINE.match(line):
            sound.append(line.rstrip(b"="))
            if line.endswith(b"="):
                break
    joined = b"".join(sound).translate(bytes.maketrans(b"-_", b"+/"))
    whole = joined[: len(joined) - 1] if len(joined) % 4 == 1 else joined
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def _decode_uu(data: bytes) -> bytes:
    decoded: list[bytes] = []
    for line in data.splitlines():
        if line.startswith((b"begin ", b"end")) or not line:
            continue
        try:
            decoded.append(binascii.a2b_uu(line))
        except binascii.Error:
            continue
    return b"".join(decoded)


def _content(part: Message) -> bytes:
    """The bytes of a part that is no multipart, its transfer encoding undone."""
    encoding = _header(part, "content-transfer-encoding").lower().split(";")[0].strip(" \t\"'")
    # Without that header get_payload gives the bytes as they came; with it, or undecoded, it loses some of them.
    del part["content-transfer-encoding"]
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    if encoding in ("quoted-printable", "quoted printable", "quotedprintable", "qp"):
        return binascii.a2b_qp(data)
    if encoding in ("base64", "base-64", "base 64"):
        return decode_base64(data)
    return _decode_uu(data) if encoding in ("x-uuencode", "uuencode", "uue", "x-uue") else data


def _header(part: Message, name: str) -> str:
    return next((value for key, value in raw_headers(part) if key == name), "")


def _text(part: Message) -> str:
    return decode_charset(_content(part), _declared(_header(part, "content-type")))


def _declared(content_type: str) -> str:
    """The charset a Content-Type names, however it is written."""
    found = _CHARSET.search(content_type[:MAX_HEADER_CHARS])
    return found.group(1) if found else ""


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
        self.types.add(kind)
        children = part.get_payload()
        if kind.startswith("message/") and isinstance(children, list):
            return self._attach(kind, children)
        if isinstance(children, list):
            return self._several(kind, children, depth)
        if kind.startswith("multipart/"):
            return self._recovered(part, depth)
        return self._single(part, kind, depth)

    def _attach(self, kind: str, children: list[Any]) -> list[Line]:
        if kind in ("message/rfc822", "message/global") and self._depth < 5 and len(self.attached) < 20:
            self.attached += [_letter(child, self._depth + 1) for child in children[:1]]
        return []

    def _several(self, kind: str, children: list[Any], depth: int) -> list[Line]:
        if kind == "multipart/alternative":
            return self._best(children, depth)
        if kind in ("multipart/related", "multipart/signed", "multipart/encrypted", "multipart/report"):
            self.types.update(child.get_content_type() for child in children[1:20])
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
        if not kind.startswith("text/") or self._is_file(part, depth):
            return []
        if kind not in (
            "text/plain",
            "text/html",
            "text/enriched",
            "text/richtext",
            "text/markdown",
            "text/x-markdown",
        ):
            return []
        text = _text(part)
        if kind == "text/html" or _HTML_HEAD.match(text):
            return html_lines(text)
        if kind in ("text/enriched", "text/richtext"):
            text = _ENRICHED.sub("", text)
        shape = _header(part, "content-type").lower()
        flowed = "flowed" in shape
        return plain_lines(
            text, flowed=flowed, delete_space=flowed and re.search(r"delsp\s*=\s*\"?yes", shape) is not None
        )

    def _is_file(self, part: Message, depth: int) -> bool:
        """Whether a text part is a file that came along, not words to the reader."""
        placed = _header(part, "content-disposition").lower()
        if placed.lstrip().startswith("attachment"):
            return True
        return depth > 0 and (
            "filename" in placed or bool(re.search(r"\bname\*?\d?\*?\s*=", _header(part, "content-type")))
        )

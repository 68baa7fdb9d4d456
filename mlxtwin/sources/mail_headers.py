"""Header words, addresses, dates, charsets and transfer encodings of mail; every error has a next best reading."""

from __future__ import annotations

import binascii
import codecs
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime

from mlxtwin.sources.base import aware, clean_text, decode_text

MAX_HEADER_CHARS = 20_000
_HEADER_LINE = re.compile(rb"([!-9;-~]{1,80})[ \t]*:|[ \t]")
_KNOWN = frozenset(
    b"from to cc subject date message-id received return-path delivered-to mime-version content-type in-reply-to "
    b"references reply-to sender x-mailer user-agent dkim-signature envelope-to x-original-to x-gm-thrid".split()
)
_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)[ \t\r\n]+(?==\?[^?\s]{1,60}\?[bBqQ]\?)")
_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:]{1,128}@[^\s<>()\[\]\"',;:]{1,255}")
_ANGLE = re.compile(r"<([^<>]{1,320})>")
_COMMENT = re.compile(r"\(([^()]{1,200})\)")
_ID = re.compile(r"<\s*([^<>\s]{1,990})\s*>")
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/\-_]+={0,2}$")
_CHARSET = re.compile(r"charset\s{0,5}\*?\d?\*?\s{0,5}=\s{0,5}\"?'?([^\s\"';]{1,60})", re.IGNORECASE)
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


def known_headers(head: bytes) -> set[bytes]:
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


def raw_headers(message: Message) -> Iterator[tuple[str, str]]:
    """(lower-case name, value) with bytes above 127 decoded; encoded words still as they are."""
    for name, value in message.raw_items():
        yield clean_text(name).lower().strip(), _readable(value, message)


def raw_header(message: Message, name: str) -> str:
    """The first value of one header, or empty; ``name`` in lower case."""
    for known, value in message.raw_items():
        if known.lower().strip() == name:
            return _readable(value, message)
    return ""


def _readable(value: object, message: Message) -> str:
    text = value if isinstance(value, str) else str(value)
    if not text.isascii():
        text = _eight_bit(text.encode("utf-8", "surrogateescape"), message)
    return clean_text(text[:MAX_HEADER_CHARS])


def _eight_bit(data: bytes, message: Message) -> str:
    """A header value sent without encoding: UTF-8, else the charset of the body."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        kind = next((str(value) for name, value in message.raw_items() if name.lower() == "content-type"), "")
        return decode_charset(data, declared_charset(kind))


def decoded_headers(message: Message) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in raw_headers(message):
        headers.setdefault(name, []).append(decode_words(value))
    return headers


def sender_of(message: Message) -> tuple[str, str]:
    """(display name, lower-case address) of the From header, else of Sender; each may be empty."""
    return parse_sender(raw_header(message, "from") or raw_header(message, "sender"))


def parse_sender(value: str) -> tuple[str, str]:
    """ "Name <address>", "address (Name)", a bare address or a bare name, possibly with encoded words."""
    value = " ".join(value[:2000].split())
    angle = _ANGLE.search(value)
    found = _ADDRESS.search(angle.group(1) if angle else "") or _ADDRESS.search(value)
    address = found.group() if found else ""
    comment = _COMMENT.search(value)
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
        return in_reason(parsedate_to_datetime(value[:200].strip()))
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None


def in_reason(moment: datetime) -> datetime | None:
    """The moment, aware; nothing for one before mail or far after today. May raise OverflowError."""
    found = aware(moment)
    found.astimezone(UTC)
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


def declared_charset(content_type: str) -> str:
    """The charset a Content-Type names, however it is written."""
    found = _CHARSET.search(content_type[:MAX_HEADER_CHARS])
    return found.group(1) if found else ""


def decode_transfer(data: bytes, encoding: str) -> bytes:
    """Bytes with their transfer encoding undone, as a Content-Transfer-Encoding header names it."""
    name = encoding.lower().split(";")[0].strip(" \t\"'")
    if name in ("quoted-printable", "quoted printable", "quotedprintable", "qp"):
        return binascii.a2b_qp(data)
    if name in ("base64", "base-64", "base 64"):
        return decode_base64(data)
    return _decode_uu(data) if name in ("x-uuencode", "uuencode", "uue", "x-uue") else data


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

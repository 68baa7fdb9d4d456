"""Apple Mail's ``.emlx``: a line with the message's length in bytes, the message, a property list with flags and times.

``.partial.emlx`` is the same with its attachments elsewhere. A length that is wrong (a copy changed the line ends) is
told by where the property list begins. The list is scanned here for its few numbers, not parsed.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from mlxtwin.sources.base import unreadable
from mlxtwin.sources.files import File
from mlxtwin.sources.mail_headers import in_reason, known_headers
from mlxtwin.sources.mail_labels import DRAFT, SPAM
from mlxtwin.sources.mail_message import Post
from mlxtwin.sources.mbox import MAX_MESSAGE_BYTES

_COUNT = re.compile(rb"(?:\xef\xbb\xbf)?[ \t]{0,20}(\d{1,12})[ \t]{0,20}\r?\n")
_LIST = re.compile(rb"\s{0,20}(?:<\?xml |<!DOCTYPE plist|<plist)")
_ENTRY = re.compile(rb"<key>([a-z-]{1,40})</key>\s{0,40}<(?:integer|real)>([0-9.]{1,30})<")
_MAX_LIST_BYTES = 64 * 1024
_FLAGS = ((1, "trash"), (6, DRAFT), (24, SPAM))


def is_emlx(head: bytes) -> bool:
    """Whether a file begins with a number alone on its line, and the headers of a mail after it."""
    count = _COUNT.match(head)
    return count is not None and bool(known_headers(head[count.end() :]))


def emlx_post(file: File) -> Post:
    """The message of the file. Raises SourceError."""
    try:
        with file.open("rb") as opened:
            whole = opened.read(MAX_MESSAGE_BYTES + _MAX_LIST_BYTES)
    except OSError as error:
        raise unreadable(file, error) from None
    message, entries = _parts(whole)
    flags = int(entries.get(b"flags", 0))
    labels = frozenset(label for bit, label in _FLAGS if flags >> bit & 1)
    return Post(message, labels=labels, at=_moment(entries.get(b"date-received", 0)))


def _parts(whole: bytes) -> tuple[bytes, dict[bytes, float]]:
    """The message, and the numbers that are written after it."""
    count = _COUNT.match(whole)
    start = count.end() if count else 0
    end = start + (int(count.group(1)) if count else 0)
    if not _LIST.match(whole, end):
        found = whole.rfind(b"<?xml ", start)
        end = found if found >= 0 and whole.find(b"<plist", found, found + 400) >= 0 else len(whole)
    listed = whole[end : end + _MAX_LIST_BYTES]
    return whole[start:end], {key: _number(value) for key, value in _ENTRY.findall(listed)}


def _number(digits: bytes) -> float:
    try:
        return float(digits) if b"." in digits else int(digits)
    except ValueError:
        return 0


def _moment(seconds: float) -> datetime | None:
    try:
        return in_reason(datetime.fromtimestamp(seconds, UTC)) if seconds else None
    except (ValueError, OverflowError, OSError):
        return None

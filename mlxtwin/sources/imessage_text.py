"""The words of one row of Messages' database, from its text or from the archived object that newer systems store.

The object is an attributed string in Apple's "typedstream" form: classes by name, then the string with its length in
one byte, or in two or four after a mark. Only that first string is read; what follows are attributes.
"""

from __future__ import annotations

import plistlib
import re
from typing import Any

from mlxtwin.sources.base import clean_text
from mlxtwin.sources.shapes import as_dict, as_list

# The class of the string, whatever stands between, and the type of what follows: a counted string of bytes.
_STRING = re.compile(rb"NS(?:Mutable)?String[^+]{0,64}?\x84\x01\+", re.DOTALL)
_HEADER_BYTES = 2048
_WIDTHS = {0x81: 2, 0x82: 4}
_SUMMARY_BYTES = 1024 * 1024
# What stands in the text for a picture, a file or an app.
_PLACEHOLDERS = str.maketrans("", "", "\ufffc\ufffd")


def plain(text: str) -> str:
    """Text without the characters that stand for attachments."""
    return clean_text(text).translate(_PLACEHOLDERS).strip()


def archived_text(data: object) -> str:
    """The text of an archived attributed string; empty for anything else, or for one that is cut."""
    if not isinstance(data, bytes):
        return ""
    found = _STRING.search(data, 0, _HEADER_BYTES)
    if not found or found.end() >= len(data):
        return ""
    start, first = found.end() + 1, data[found.end()]
    width = _WIDTHS.get(first, 0)
    length = int.from_bytes(data[start : start + width], "little") if width else first
    start += width
    whole = (width or first < 0x80) and start + length <= len(data)
    return data[start : start + length].decode("utf-8", "replace") if whole else ""


def edited_text(summary: object) -> str:
    """The newest wording of each edited part, from the history that Messages keeps of an edited message."""
    if not isinstance(summary, bytes) or len(summary) > _SUMMARY_BYTES:
        return ""
    parts = as_dict(_property_list(summary).get("ec"))
    newest = (as_dict(next(reversed(as_list(parts[number])), None)).get("t") for number in sorted(parts, key=str))
    return "\n".join(filter(None, map(archived_text, newest)))


def _property_list(data: bytes) -> dict[str, Any]:
    # A damaged list makes the reader fail in many ways, none of which matters more than another.
    try:
        return as_dict(plistlib.loads(data, fmt=plistlib.FMT_BINARY))
    except Exception:
        return {}

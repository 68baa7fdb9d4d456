"""Attachments taken out of a mail before it is parsed: most of a mailbox is pictures, and nobody reads them here."""

from __future__ import annotations

import re

# Below this a mail is parsed as it is.
LEAST_BYTES = 16 * 1024
MAX_HEADER_BYTES = 8 * 1024
_ENCODED = re.compile(rb"\n[Cc][Oo][Nn][Tt][Ee][Nn][Tt]-[Tt][Rr][Aa][A-Za-z-]{10,20}:[ \t]{0,20}[Bb][Aa][Ss][Ee]64")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_BASE64 = re.compile(rb"[A-Za-z0-9+/=\r\n]*")
_WORDLESS = re.compile(
    rb"\n--[^\n]{1,200}\n(?:[^\n]{1,998}\n)*?content-type[ \t]*:\s{0,20}(?:image|audio|video|application|font|model)/",
    re.IGNORECASE,
)


def without_attachments(raw: bytes) -> bytes:
    """The mail less the base64 of its parts that are no text; headers, boundaries and all else stay."""
    if len(raw) < LEAST_BYTES:
        return raw
    kept: list[bytes] = []
    start = at = 0
    while found := _ENCODED.search(raw, at):
        at = found.end()
        blank = _BLANK_LINE.search(raw, at, at + MAX_HEADER_BYTES)
        if blank is None or not _is_wordless(raw, found.start(), blank.start()):
            continue
        body = _BASE64.match(raw, blank.end())
        at = raw.rfind(b"\n", blank.end(), body.end()) if body else -1
        if at < 0:
            at = blank.end()
            continue
        kept.append(raw[start : blank.end()])
        start = at
    return b"".join([*kept, raw[start:]]) if kept else raw


def _is_wordless(raw: bytes, at: int, end: int) -> bool:
    """Whether the part whose headers surround ``at`` and finish at ``end`` holds nothing to read."""
    opening = raw.rfind(b"\n--", max(0, at - MAX_HEADER_BYTES), at + 1)
    return opening >= 0 and _WORDLESS.match(raw, opening, end + 1) is not None

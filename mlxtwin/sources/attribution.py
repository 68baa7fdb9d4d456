"""Where a quoted or forwarded mail begins, and whose it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mlxtwin.sources.mail_lines import Line
from mlxtwin.sources.quoting_phrases import (
    CLOCK,
    DATE,
    EMAIL,
    FIELD_LINE,
    FIELDS,
    FILLERS,
    FORWARD_LINE,
    MIDLINE,
    ORIGINAL_LINE,
    RULE_LINE,
    STAMP,
    START,
    VERB,
)

MAX_ATTRIBUTION_LINES = 4
MAX_ATTRIBUTION_CHARS = 350
MAX_LINE_CHARS = 400
_ENDS = (":", "：", "︰")
_DASHES = " *_-—\xa0\u200e\u200f"
_MAILTO = re.compile(r"\[?mailto:[^\]\s>]*[\]>]?|\[[^\]@]{0,80}@[^\]]{0,120}\]", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:]{1,64}@[\w.-]{1,120}\w")
_QUOTES = "\"'“”„«»‹›*()[]<>,;:：-–— \t\xa0\u200e\u200f"


@dataclass(frozen=True, slots=True)
class Opening:
    """A quoted or forwarded mail begins at line ``end``; ``lines`` own lines above it were its announcement.

    ``before``: own words that stand on the first of those lines, before the announcement.
    """

    role: Literal["quoted", "forwarded"]
    end: int = 0
    lines: int = 0
    name: str = ""
    address: str = ""
    before: str = ""


def opening_at(lines: Sequence[Line], at: int, *, forwards: bool) -> Opening | None:
    """The opening that begins with line ``at``: a separator, a header block, or what the markup says is one."""
    line = lines[at]
    text = line.text[:MAX_LINE_CHARS].strip()
    if not text:
        return None
    if text[0] in "-_=*~—" or text[-1] in ":：":
        if FORWARD_LINE.match(text):
            return _with_headers(lines, at + 1, "forwarded")
        if ORIGINAL_LINE.match(text):
            return _with_headers(lines, at + 1, "forwarded" if forwards else "quoted")
    role: Literal["quoted", "forwarded"] = "forwarded" if forwards else "quoted"
    if line.mark == "quote":
        start = at + 1 if line.mark == "quote" and RULE_LINE.match(text) else at
        return _with_headers(lines, start, role)
    if line.mark == "attribution":
        return _marked_attribution(lines, at)
    return _header_block(lines, at, role)


def _with_headers(lines: Sequence[Line], at: int, role: Literal["quoted", "forwarded"]) -> Opening:
    """An opening that is sure; a header block that follows tells the author."""
    ahead = at
    while ahead < len(lines) and ahead < at + 3 and lines[ahead].blank:
        ahead += 1
    if ahead < len(lines) and lines[ahead].depth == 0:
        block = _header_block(lines, ahead, role, sure=True)
        if block:
            return block
    return Opening(role, at)


def _marked_attribution(lines: Sequence[Line], at: int) -> Opening:
    end = at
    while end < len(lines) and end < at + 12 and lines[end].mark == "attribution":
        end += 1
    name, address = author_of(" ".join(line.text for line in lines[at:end]))
    return Opening("quoted", end, 0, name, address)


def _header_block(
    lines: Sequence[Line], at: int, role: Literal["quoted", "forwarded"], *, sure: bool = False
) -> Opening | None:
    """Outlook's From/Sent/To/Subject block at line ``at``. ``sure``: any two fields are enough."""
    first = _field(lines[at].text)
    if first is None or first[0] in ("cc", "other"):
        return None
    fields, end = _fields(lines, at)
    if not _is_mail_header(lines, at, fields, sure):
        return None
    name, address = header_author(fields.get("from", ""))
    return Opening(role, end, 0, name, address)


def _is_mail_header(lines: Sequence[Line], at: int, fields: dict[str, str], sure: bool) -> bool:
    mails = any(EMAIL.search(value) for value in fields.values())
    if sure:
        return len(fields) >= 2 or "from" in fields or mails
    dated = bool(DATE.search(fields.get("date", "")))
    ruled = at > 0 and (lines[at - 1].mark == "rule" or bool(RULE_LINE.match(lines[at - 1].text)))
    if "from" in fields:
        return (
            (len(fields) >= 3 and (mails or dated or ruled))
            or bool(EMAIL.search(fields["from"]))
            or (len(fields) >= 2 and dated and ruled)
        )
    return dated and len(fields) >= 2 and (mails or ruled)


def _field(text: str) -> tuple[str, str] | None:
    """(field, value) of a header line in any of the languages known."""
    found = FIELD_LINE.match(text[:MAX_LINE_CHARS])
    if not found:
        return None
    field = FIELDS.get(" ".join(found.group(1).casefold().split()))
    return (field, found.group(2).strip(" *\u200e\u200f\xa0")) if field else None


def _fields(lines: Sequence[Line], at: int) -> tuple[dict[str, str], int]:
    """The header lines from ``at`` on, with their continuations, and the first line after them."""
    fields: dict[str, str] = {}
    last = ""
    end = at
    while end < len(lines) and lines[end].depth == 0 and end < at + 40:
        found = _field(lines[end].text)
        if found:
            last = found[0]
            fields.setdefault(last, found[1])
            end += 1
            continue
        gap = _next_field(lines, end)
        if not gap:
            break
        rest = " ".join(line.text.strip() for line in lines[end:gap])
        fields[last] = f"{fields[last]} {rest}".strip()
        end = gap
    return fields, end


def _next_field(lines: Sequence[Line], at: int) -> int:
    """Where header lines go on after at most three lines that continue one (or one blank line); 0 if they do not."""
    for ahead in range(at + 1, min(at + 4, len(lines))):
        if lines[ahead].depth or (lines[ahead - 1].blank and ahead - 1 > at):
            return 0
        if _field(lines[ahead].text):
            return ahead
    return 0


def attribution_above(own: Sequence[Line], end: int, *, followed: bool) -> Opening | None:
    """The attribution that the last of the own lines ends. ``followed``: the next words are quoted by ``>``.

    Without quoted words after it, it must begin like one and have a writer, a date, and a time of day or an address:
    "In 1999 he wrote:" opens no quote.
    """
    last = own[-1].text[:MAX_LINE_CHARS].rstrip(_DASHES)
    if not last:
        return None
    colon = last.endswith(_ENDS)
    dashed = not colon and own[-1].text.rstrip().endswith("--") and bool(VERB.search(last))
    bare = not colon and not dashed and followed and last.endswith(">") and bool(DATE.search(last))
    if not (colon or dashed or bare):
        return None
    return _fitting(own, end, followed)


def _fitting(own: Sequence[Line], end: int, followed: bool) -> Opening | None:
    """The fewest lines above ``end`` that together read as an attribution."""
    loose: Opening | None = None
    for count in range(1, min(MAX_ATTRIBUTION_LINES, len(own)) + 1):
        if own[-count].blank:
            break
        text = " ".join(line.text.strip() for line in own[-count:])
        if len(text) > MAX_ATTRIBUTION_CHARS:
            break
        date, writer = DATE.search(text), bool(VERB.search(text))
        mail = bool(EMAIL.search(text))
        told = followed or mail or STAMP.search(text)
        if date and told and (writer or mail):
            middle = MIDLINE.search(text)
            if START.match(text):
                return _attributed(text, end, count)
            if middle and middle.start() > 0:
                return _attributed(middle.group(), end, count, text[: middle.start()].rstrip())
        if followed and loose is None and (writer or (date and mail)):
            loose = _attributed(text, end, count)
    return loose


def _attributed(text: str, end: int, count: int, before: str = "") -> Opening:
    name, address = author_of(text)
    return Opening("quoted", end, count, name, address, before)


def author_of(attribution: str) -> tuple[str, str]:
    """(name, address) of who wrote what an attribution announces; each empty where it does not tell."""
    text = attribution.replace("<mailto:", " <")
    found = _ADDRESS.search(text)
    address = found.group().lower() if found else ""
    bare = _ADDRESS.sub(" ", _MAILTO.sub(" ", text))
    bare = VERB.sub(" : ", bare)
    cuts = [match.end() for match in CLOCK.finditer(bare)]
    tail = bare[max(cuts, default=0) :]
    pieces = [_name(piece) for piece in re.split(r"[:：<>,]|\sat\s|\s-\s", tail)]
    return next((piece for piece in pieces if piece), ""), address


def header_author(value: str) -> tuple[str, str]:
    """(name, address) of the From line of a header block."""
    found = _ADDRESS.search(value)
    name = re.split(r"[<\[(]|\bOn Behalf Of\b|\bim Auftrag von\b", value)[0].strip(_QUOTES)
    if "@" in name:
        name = ""
    return name[:80], found.group().lower() if found else ""


def _name(piece: str) -> str:
    words = [word.strip(_QUOTES) for word in piece.split()]
    while words and (words[0].casefold() in FILLERS or not words[0]):
        words.pop(0)
    while words and (words[-1].casefold() in FILLERS or not words[-1]):
        words.pop()
    name = " ".join(words)
    return name if 1 < len(name) <= 60 and any(sign.isalpha() for sign in name) else ""

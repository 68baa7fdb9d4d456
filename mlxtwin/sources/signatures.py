"""Where the words of a mail end and its signature begins.

"Thanks, Alex" is how a person takes leave and stays with the words; what follows it (title, firm, telephone, a
device's advertisement, a list's footer, a lawyer's notice) is the signature.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlxtwin.sources.mail_lines import Line
from mlxtwin.sources.quoting_phrases import CLOSING, CONTACT, DEVICE_LINE, DISCLAIMER, LIST_FOOTER, RULE_LINE

MAX_SIGNATURE_LINES = 14
MAX_SIGNATURE_LINE_CHARS = 72
MAX_TAIL_LINES = 150
_SEPARATOR = re.compile(r"\s{0,2}(?:-- |--|—|––)\xa0?\s*$")


def split_signature(lines: Sequence[Line], sender: str) -> tuple[list[Line], list[Line]]:
    """(words, signature) of the lines one person wrote in one go; ``sender`` is their display name, may be empty."""
    marked = [line for line in lines if line.mark == "signature"]
    own = [line for line in lines if line.mark != "signature"]
    start = _start(own, sender)
    kept, cut = own[:start], own[start:]
    devices = [line for line in kept if _is_device(line.text)]
    kept = [line for line in kept if not _is_device(line.text)] if devices else kept
    signature = devices + cut + marked
    while signature and kept and (kept[-1].blank or RULE_LINE.match(kept[-1].text) or _SEPARATOR.match(kept[-1].text)):
        kept.pop()
    return kept, signature


def _start(lines: Sequence[Line], sender: str) -> int:
    """The first line of the signature; the number of lines when there is none."""
    end = len(lines)
    for finder in (_footer, _separated, _disclaimer):
        end = min(end, finder(lines[:end]))
    end = _device_tail(lines[:end])
    return _contact_block(lines[:end], sender)


def _footer(lines: Sequence[Line]) -> int:
    """What a mailing list or group adds under a line or a rule."""
    for at in range(len(lines)):
        text = lines[at].text
        if RULE_LINE.match(text) and any(LIST_FOOTER.match(line.text.strip()) for line in lines[at + 1 : at + 4]):
            return at
    for at in range(max(0, len(lines) - 12), len(lines)):
        if lines[at].text.strip()[:4].lower() in ("you ", "to u", "to p") and LIST_FOOTER.match(lines[at].text.strip()):
            return at
    return len(lines)


def _separated(lines: Sequence[Line]) -> int:
    """ "-- " on a line of its own; without the blank only when little follows."""
    for at in range(max(0, len(lines) - MAX_TAIL_LINES), len(lines)):
        line = lines[at]
        if line.text[:4].strip() in ("--", "—", "––") and _SEPARATOR.match(line.text):
            rest = sum(not other.blank for other in lines[at + 1 :])
            if (line.text.rstrip("\r\n") == "-- " and rest <= 60) or rest <= 8:
                return at
    return len(lines)


def _disclaimer(lines: Sequence[Line]) -> int:
    """A last paragraph that says who may read the mail."""
    for at in range(max(1, len(lines) - 25), len(lines)):
        opens = not lines[at].blank and (lines[at - 1].blank or bool(RULE_LINE.match(lines[at - 1].text)))
        if opens and DISCLAIMER.match("\n".join(line.text for line in lines[at:])[:3000]):
            paragraph = " ".join(line.text for line in _paragraph(lines, at))
            if DISCLAIMER.match(paragraph[:3000]):
                return at
    return len(lines)


def _paragraph(lines: Sequence[Line], at: int) -> list[Line]:
    taken = []
    for line in lines[at:]:
        if line.blank:
            break
        taken.append(line)
    return taken


def _is_device(text: str) -> bool:
    return 8 < len(text) < 160 and bool(DEVICE_LINE.match(text))


def _device_tail(lines: Sequence[Line]) -> int:
    """ "Sent from my telephone" and the few short lines after it."""
    for at in range(max(0, len(lines) - 6), len(lines)):
        if _is_device(lines[at].text):
            rest = [line for line in lines[at + 1 :] if not line.blank]
            if len(rest) <= 3 and all(len(line.text) <= MAX_SIGNATURE_LINE_CHARS for line in rest):
                return at
    return len(lines)


def _contact_block(lines: Sequence[Line], sender: str) -> int:
    """Short last lines with ways to reach the sender, below a rule, a name or a leave-taking."""
    tail = _short_tail(lines)
    for at in range(tail, len(lines)):
        text = lines[at].text.strip()
        below = [line.text for line in lines[at + 1 :] if not line.blank]
        ways = sum(bool(CONTACT.search(line)) for line in below)
        if not ways:
            break
        if RULE_LINE.match(text) and at > 0:
            return at
        if CLOSING.match(text) and len(text) <= 40 and ways * 2 >= len(below) - 2:
            return _after_name(lines, at + 1)
        if _is_name(text, sender) and ways * 2 >= len(below) - 1:
            return at if at and lines[at - 1].blank and not _takes_leave(lines, at) else at + 1
    return len(lines)


def _short_tail(lines: Sequence[Line]) -> int:
    """Where the last run of short lines begins, at most MAX_SIGNATURE_LINES of them."""
    count, at = 0, len(lines)
    while at > max(0, len(lines) - MAX_TAIL_LINES) and count < MAX_SIGNATURE_LINES:
        text = lines[at - 1].text.strip()
        if len(text) > MAX_SIGNATURE_LINE_CHARS or (
            len(text.split()) > 7 and text[-1:] in ".?!" and not CONTACT.search(text)
        ):
            break
        count += bool(text)
        at -= 1
    return at


def _after_name(lines: Sequence[Line], at: int) -> int:
    """The line after the name that follows a leave-taking (the line itself when there is no name)."""
    while at < len(lines) and lines[at].blank:
        at += 1
    if at < len(lines) and len(lines[at].text.split()) <= 4 and not CONTACT.search(lines[at].text):
        at += 1
    return at


def _takes_leave(lines: Sequence[Line], at: int) -> bool:
    above = [line.text for line in lines[max(0, at - 3) : at] if not line.blank]
    return bool(above) and len(above[-1]) <= 40 and bool(CLOSING.match(above[-1]))


def _is_name(text: str, sender: str) -> bool:
    """Whether a line is the sender's name, or begins with it and a title."""
    words = {word.casefold() for word in re.findall(r"\w{2,}", sender)}
    found = [word.casefold() for word in re.findall(r"\w{2,}", text)]
    return bool(words) and 0 < len(found) <= 6 and found[0] in words

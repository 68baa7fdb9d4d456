"""A mail body split by who wrote what: own words, quoted and forwarded mails, signatures.

A quoted mail is itself a mail that may quote, so a quoted block is split again, one level down, and the words its
author wrote come out under the author's name, after what that author answered. Found are: ``>`` of any depth, "On ...
wrote:" in many languages over up to four lines, Outlook's From/Sent/To/Subject blocks, "-----Original Message-----",
"Begin forwarded message:", and what mail_text.py saw in the markup.

When in doubt, text counts as not the person's: a lost line costs little, a stranger's line in the voice costs more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from mlxtwin.sources.attribution import Opening, attribution_above, opening_at
from mlxtwin.sources.mail_lines import Line, body_text
from mlxtwin.sources.quoting_phrases import RULE_LINE
from mlxtwin.sources.signatures import split_signature

MAX_LEVELS = 25
MAX_LINES = 50_000
MAX_LINK_CHARS = 500
# Mail programs put links in brackets after the words, and break both: the rest of one belongs to the quoted line.
_OPEN_LINK = re.compile(r"[(<\[](?:https?://|www\.|mailto:)[^)>\]\s]*$")
_LONE_LINK = re.compile(r"\s*[(<\[](?:https?://|www\.)[^)>\]\s]{1,500}[)>\]][\s>]*$")
PartRole = Literal["own", "quoted", "forwarded", "signature"]


@dataclass(frozen=True, slots=True)
class Part:
    """``name`` and ``address`` as the attribution gave them, each possibly empty; both empty for the mail's sender."""

    role: PartRole
    text: str
    name: str = ""
    address: str = ""


def split(lines: Sequence[Line], *, forwards: bool = False, sender: str = "") -> list[Part]:
    """The parts of a body: what is answered before the answer, else in reading order.

    ``forwards``: the subject says that the mail forwards, so a From/Sent block opens a forwarded mail, not a quoted
    one. ``sender``: the display name of who sent the mail, to find a signature by.
    """
    return _split(list(lines[:MAX_LINES]), forwards, sender, 0)


def _split(lines: list[Line], forwards: bool, sender: str, level: int) -> list[Part]:
    if level > MAX_LEVELS:
        return _parts([Part("quoted", body_text(lines))])
    frame = _Frame(forwards, sender, level)
    at = 0
    while at < len(lines):
        at = frame.take(lines, at)
    frame.flush()
    return _ordered(frame.parts)


class _Frame:
    """One mail being read line by line: the own lines so far, and the parts before them."""

    def __init__(self, forwards: bool, sender: str, level: int) -> None:
        self.parts: list[Part] = []
        self._own: list[Line] = []
        self._forwards = forwards
        self._sender = sender
        self._level = level
        self._next = Opening("quoted")

    def take(self, lines: list[Line], at: int) -> int:
        """Read on from line ``at``; returns the first line not read."""
        line = lines[at]
        if line.depth:
            return self._quoted_run(lines, at)
        if line.blank:
            self._own.append(line)
            return at + 1
        opening = opening_at(lines, at, forwards=self._forwards)
        if opening is None:
            self._own.append(line)
            ahead = _after_blanks(lines, at + 1)
            followed = ahead < len(lines) and lines[ahead].depth > 0
            opening = attribution_above(self._own, at + 1, followed=followed)
            if opening is None:
                return at + 1
            del self._own[len(self._own) - opening.lines :]
            if opening.before:
                self._own.append(Line(opening.before))
        return self._open(lines, opening)

    def _open(self, lines: list[Line], opening: Opening) -> int:
        """What an attribution or header block announces: the quoted run after it, or all the rest."""
        while self._own and (self._own[-1].blank or RULE_LINE.match(self._own[-1].text)):
            self._own.pop()
        self.flush()
        ahead = _after_blanks(lines, opening.end)
        if ahead < len(lines) and lines[ahead].depth > 0:
            self._next = opening
            return ahead
        self._inner(lines[opening.end :], opening)
        return len(lines)

    def _quoted_run(self, lines: list[Line], at: int) -> int:
        self.flush()
        end = _run_end(lines, at)
        inner = [line.shallower() if line.depth else line for line in lines[at:end]]
        self._inner(inner, self._next)
        self._next = Opening("quoted")
        return end

    def _inner(self, lines: list[Line], opening: Opening) -> None:
        for part in _split(lines, False, opening.name, self._level + 1):
            role: PartRole = part.role if part.role == "signature" else opening.role
            nested = part.role in ("quoted", "forwarded")
            if nested or part.name or part.address:
                self.parts.append(part if opening.role == "quoted" else replace(part, role=role))
            else:
                self.parts.append(replace(part, role=role, name=opening.name, address=opening.address))

    def flush(self) -> None:
        """The own lines so far become a part, their signature another."""
        own, signature = split_signature(self._own, self._sender)
        self._own = []
        self.parts += _parts([Part("own", body_text(own)), Part("signature", body_text(signature))])


def _parts(parts: list[Part]) -> list[Part]:
    return [part for part in parts if any(sign.isalnum() or ord(sign) > 0x2000 for sign in part.text)]


def _ordered(parts: list[Part]) -> list[Part]:
    """Quoted parts first when nothing own stands after one of them (a reply on top); else as they stand."""
    quoted = [number for number, part in enumerate(parts) if part.role == "quoted"]
    own = [number for number, part in enumerate(parts) if part.role == "own"]
    if not quoted or (own and own[-1] > quoted[0]):
        return parts
    return [parts[number] for number in quoted] + [part for part in parts if part.role != "quoted"]


def _after_blanks(lines: Sequence[Line], at: int) -> int:
    while at < len(lines) and lines[at].blank and not lines[at].depth:
        at += 1
    return at


def _run_end(lines: Sequence[Line], at: int) -> int:
    """The end of a quoted run, with the blank lines in it and the tails of lines wrapped on the way."""
    while at < len(lines):
        if lines[at].depth:
            at += 1
            continue
        ahead = _after_blanks(lines, at)
        if ahead < len(lines) and lines[ahead].depth > 0:
            at = ahead
        elif ahead == at and _is_wrapped_tail(lines, at):
            at += 1
        else:
            break
    return at


def _is_wrapped_tail(lines: Sequence[Line], at: int) -> bool:
    """Whether an unmarked line is the end of the quoted line before it, cut off by a program that re-wrapped it."""
    before, text = lines[at - 1], lines[at].text
    if at + 1 >= len(lines) or lines[at + 1].depth != before.depth:
        return False
    if _OPEN_LINK.search(before.text[-MAX_LINK_CHARS:]) or _LONE_LINK.match(text):
        return True
    if len(before.text) < 55 or len(text) > 40:
        return False
    first = text.lstrip()[:1]
    return before.text.rstrip()[-1:] not in ".?!:" and not first.isupper()

"""WhatsApp's "export chat": the text file of Android (``12/03/2024, 21:14 - Name: text``) and of iOS (in brackets).

The order of day, month and year is not written in the file: the one is taken in which every date exists, time runs
forward and the chat is shortest; day first where that still leaves a choice. What the program wrote itself (notices,
calls, "media omitted", deleted messages) is no message. Not covered: Korean headers; media files.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person, Turn
from mlxtwin.sources.base import head_text, relative_name, text_lines
from mlxtwin.sources.whatsapp_words import own_words

SESSION_GAP = timedelta(hours=6)
MOST_TURNS = 60
CUT_TURNS = 48
MOST_WORDS = 3000
MESSAGE_CHARACTERS = 64 * 1024
HEAD_LINES = 400
_BLANK = "[ \u00a0\u202f]"
_MERIDIEM = r"[ap]\.?[ \u00a0\u202f]?m\.?|上午|下午|午前|午後"
_HEADER = re.compile(
    rf"[\u200e\u200f\u202a-\u202e]*(?P<bracket>\[)?"
    rf"(?P<a>\d{{1,4}})(?P<mark>[./-]){_BLANK}?(?P<b>\d{{1,2}})(?P=mark){_BLANK}?(?P<c>\d{{1,4}})\.?"
    rf"(?:,|{_BLANK}(?:à|às|kl\.|um))?{_BLANK}+(?P<before>{_MERIDIEM})?{_BLANK}?"
    rf"(?P<hour>\d{{1,2}})[:.](?P<minute>\d{{2}})(?:[:.](?P<second>\d{{2}}))?(?:{_BLANK}?(?P<after>{_MERIDIEM}))?"
    rf"(?(bracket)\]|{_BLANK}[-–]){_BLANK}(?P<rest>.*)",
    re.IGNORECASE,
)
# A quotation mark before the colon: the program's own line naming a group, such as: Ann created group "a: b".
_AUTHORED = re.compile(r"(?P<author>[^:\"“„«\n]{1,100}?):(?:[ \u00a0\u202f](?P<text>.*)|$)", re.DOTALL)
_MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_FILE_TITLE = re.compile(r"(?i).*whatsapp.*?(?: (?:with|mit|con|avec|com|met|med)| -) (?P<title>.+?)(?: ?\(\d+\))?")
_ORDERS = ("DMY", "MDY", "YMD")


@dataclass(frozen=True, slots=True)
class _Line:
    """A message as the file has it: the header's numbers, and what follows them."""

    numbers: tuple[int, int, int]
    clock: tuple[int, int, int]
    rest: str


@dataclass(frozen=True, slots=True)
class _Message:
    author: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class _Chat:
    title: str
    order: str


class WhatsApp:
    """See the module; ``Document.key`` is the chat's name and the time of the first message, never the file."""

    name = "whatsapp"
    kind: Kind = "chat"

    def recognises(self, file: Path) -> float:
        lines = [line for line in islice(head_text(file).split("\n"), HEAD_LINES) if line.strip()]
        found = [match for match in map(_HEADER.match, lines) if match]
        told = any(_AUTHORED.match(_MARKS.sub("", match["rest"])) for match in found)
        return 0.95 if told and len(found) >= 0.1 * len(lines) else 0.0

    def authors(self, file: Path) -> Iterator[str]:
        for line in _messages_of(file):
            if split := _split(line.rest):
                yield split[0]

    def read(self, file: Path, root: Path, person: Person) -> Iterator[Document]:
        chat = _survey(file)
        keys: Counter[str] = Counter()
        origin = relative_name(file, root)
        for session in _sessions(_messages(file, chat.order), person):
            key = f"{chat.title}|{session[0].at:%Y-%m-%dT%H:%M:%S}"
            keys[key] += 1
            number = f".{keys[key]}" if keys[key] > 1 else ""
            yield _document(key + number, chat.title, session, origin)
        if not keys:
            yield Document(self.kind, self.name, chat.title, chat.title, (), None, chat.title, origin, "system")


def _lines_of(file: Path) -> Iterator[re.Match[str] | str]:
    """Headers matched, and the lines that go on with the message before."""
    return (_HEADER.match(line) or line for line in text_lines(file))


def _messages_of(file: Path) -> Iterator[_Line]:
    header: re.Match[str] | None = None
    held: list[str] = []
    size = 0
    for line in _lines_of(file):
        if isinstance(line, str):
            if header and size < MESSAGE_CHARACTERS:
                held.append(line)
                size += len(line)
            continue
        if header:
            yield _line(header, held)
        header, held, size = line, [], 0
    if header:
        yield _line(header, held)


def _line(header: re.Match[str], more: list[str]) -> _Line:
    hour = int(header["hour"])
    meridiem = (header["before"] or header["after"] or "").casefold()
    if meridiem and hour <= 12:
        hour = hour % 12 + (12 if meridiem[0] == "p" or meridiem in ("下午", "午後") else 0)
    clock = (hour, int(header["minute"]), int(header["second"] or 0))
    numbers = (int(header["a"]), int(header["b"]), int(header["c"]))
    return _Line(numbers, clock, "\n".join([header["rest"], *more]))


def _split(rest: str) -> tuple[str, str] | None:
    """Author and text; None for a line of the program's."""
    found = _AUTHORED.match(_MARKS.sub("", rest.split("\n", 1)[0]))
    if not found:
        return None
    author = found["author"].strip().removeprefix("~").strip()
    # On iOS the program's own text starts with a left-to-right mark where a person's does not.
    _, _, text = rest.partition(":")
    if not author or text.lstrip(" \u00a0\u202f").startswith("\u200e"):
        return None
    return author, own_words(_MARKS.sub("", text).strip())


def _survey(file: Path) -> _Chat:
    """The chat's name and the order of its dates, from one pass over the file."""
    authors: dict[str, None] = {}
    days: list[tuple[int, int, int]] = []
    for line in _messages_of(file):
        if not days or line.numbers != days[-1]:
            days.append(line.numbers)
        if len(authors) < 2 and (split := _split(line.rest)):
            authors[split[0]] = None
    if not days:
        raise SourceError(f"{file.name} is no WhatsApp export: no line starts with a date and a time.")
    return _Chat(_title(file) or " & ".join(sorted(authors)) or "WhatsApp", _date_order(days))


def _title(file: Path) -> str:
    """What the export's name says: of the file, or of its folder where the file is ``_chat.txt``."""
    named = file.parent.name if file.stem == "_chat" else file.stem
    found = _FILE_TITLE.fullmatch(named.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))
    return found["title"].strip() if found else ""


def _date_order(days: list[tuple[int, int, int]]) -> str:
    def cost(order: str) -> tuple[int, int, int]:
        dates = [_date(numbers, order) for numbers in days]
        known = [day for day in dates if day]
        steps = [(after - before).days for before, after in pairwise(known)]
        return len(dates) - len(known), sum(step < 0 for step in steps), sum(map(abs, steps))

    return min(_ORDERS, key=cost)


def _date(numbers: tuple[int, int, int], order: str) -> date | None:
    parts = dict(zip(order, numbers, strict=True))
    year = parts["Y"] + (2000 if parts["Y"] < 100 else 0)
    try:
        return date(year, parts["M"], parts["D"]) if 2000 <= year < 2100 else None
    except ValueError:
        return None


def _messages(file: Path, order: str) -> Iterator[_Message]:
    """What people wrote, in the file's order."""
    for line in _messages_of(file):
        split, day = _split(line.rest), _date(line.numbers, order)
        if split and split[1] and day and line.clock < (24,) and max(line.clock[1:]) < 60:
            yield _Message(*split, datetime(day.year, day.month, day.day, *line.clock, tzinfo=UTC))


def _sessions(messages: Iterable[_Message], person: Person) -> Iterator[list[Turn]]:
    """Stretches without a long silence, cut where they grow too long and somebody else begins."""
    held: list[list[_Message]] = []
    words, last = 0, datetime.min.replace(tzinfo=UTC)
    for message in messages:
        same = bool(held) and held[-1][0].author == message.author
        full = len(held) >= CUT_TURNS or words >= MOST_WORDS
        cut = full and not same and (len(held) >= MOST_TURNS or not person.is_me(message.author))
        if held and (cut or abs(message.at - last) > SESSION_GAP or words >= 2 * MOST_WORDS):
            yield [_turn(run, person) for run in held]
            held, words, same = [], 0, False
        if same:
            held[-1].append(message)
        else:
            held.append([message])
        words += len(message.text.split())
        last = message.at
    if held:
        yield [_turn(run, person) for run in held]


def _turn(run: list[_Message], person: Person) -> Turn:
    """Messages one person sent in a row, a line each."""
    mine = person.is_me(run[0].author)
    text = "\n".join(message.text for message in run)
    return Turn(run[0].author, mine, text, "own" if mine else "received", run[0].at)


def _document(key: str, title: str, turns: list[Turn], origin: str) -> Document:
    drop = "" if any(turn.trainable for turn in turns) else "not by me"
    place = f"{origin}#{turns[0].at:%Y-%m-%dT%H:%M}"
    return Document(WhatsApp.kind, WhatsApp.name, key, title, tuple(turns), turns[0].at, title, place, drop)

"""WhatsApp's "export chat": the text file of Android (``12/03/2024, 21:14 - Name: text``) and of iOS (in brackets).

The order of day, month and year is not written in the file: the one is taken in which every date exists, time runs
forward and the chat is shortest; day first where that still leaves a choice. What the program wrote itself (notices,
calls, "media omitted", deleted messages) is no message. Not covered: Korean headers; media files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice, pairwise

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import head_text, relative_name, text_lines
from mlxtwin.sources.chat import ChatMessage, documents
from mlxtwin.sources.files import File
from mlxtwin.sources.whatsapp_words import own_words

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
class _Chat:
    title: str
    order: str


class WhatsApp:
    """See the module; ``Document.key`` is the chat's name and the time of the first message, never the file."""

    name = "whatsapp"
    kind: Kind = "chat"

    def recognises(self, file: File) -> float:
        lines = [line for line in islice(head_text(file).split("\n"), HEAD_LINES) if line.strip()]
        found = [match for match in map(_HEADER.match, lines) if match]
        told = any(_AUTHORED.match(_MARKS.sub("", match["rest"])) for match in found)
        return 0.95 if told and len(found) >= 0.1 * len(lines) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        for line in _messages_of(file):
            if split := _split(line.rest):
                yield split[0]

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        chat = _survey(file)
        origin = relative_name(file, root)
        found = False
        messages = _messages(file, chat.order, person)
        for document in documents(messages, source=self.name, title=chat.title, thread=chat.title, origin=origin):
            found = True
            yield document
        if not found:
            yield Document(self.kind, self.name, chat.title, chat.title, (), None, chat.title, origin, "system")


def _lines_of(file: File) -> Iterator[re.Match[str] | str]:
    """Headers matched, and the lines that go on with the message before."""
    return (_HEADER.match(line) or line for line in text_lines(file))


def _messages_of(file: File) -> Iterator[_Line]:
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


def _survey(file: File) -> _Chat:
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


def _title(file: File) -> str:
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


def _messages(file: File, order: str, person: Person) -> Iterator[ChatMessage]:
    """What people wrote, in the file's order."""
    for line in _messages_of(file):
        split, day = _split(line.rest), _date(line.numbers, order)
        if split and split[1] and day and line.clock < (24,) and max(line.clock[1:]) < 60:
            at = datetime(day.year, day.month, day.day, *line.clock, tzinfo=UTC)
            yield ChatMessage(*split, at, person.is_me(split[0]))

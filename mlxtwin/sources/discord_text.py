"""A channel of Discord as DiscordChatExporter writes it to text: who and when in a line, then the words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import pairwise

from mlxtwin.records import Person
from mlxtwin.sources.base import text_lines
from mlxtwin.sources.chat import ChatMessage
from mlxtwin.sources.chat_text import own_and_quoted
from mlxtwin.sources.chat_threads import Chat
from mlxtwin.sources.dates import MONTHS
from mlxtwin.sources.discord_json import readable
from mlxtwin.sources.files import File

MESSAGE_CHARACTERS = 64 * 1024
_RULE = "=" * 62
_HEAD = re.compile(rf"\s*{_RULE}\n(?:Guild|Server): (.*)\nChannel: (.*)\n")
_HEADER = re.compile(
    r"\[(?P<a>\d{1,4})(?P<mark>[-./ ])\s?(?P<b>\d{1,2}|[^\W\d_]{3,10}\.?)(?P=mark)\s?(?P<c>\d{1,4})\.?,?\s+"
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d\d)(?:[:.](?P<second>\d\d))?(?:\s?(?P<half>[AaPp])\.?\s?[Mm]\.?)?"
    r"(?:\s?(?P<sign>[+-])(?P<hours>0\d|1[0-4]):?(?P<minutes>[0-5]\d))?\] (?P<author>.{1,120}?)(?: \(pinned\))?"
)
_PARTS = frozenset({"{Attachments}", "{Embed}", "{Embeds}", "{Stickers}", "{Reactions}"})
_NOTICE = re.compile(
    r"Pinned a message\.|Joined the server\.|Left the group\.|Started a thread\.|Added .{1,80} to the group\.|"
    r"Removed .{1,80} from the group\.|Added a recipient\.|Removed a recipient\.|Changed the channel icon\.|"
    r"Started a call that lasted [\d,.]+ minutes\.|Changed the channel name(?:: .{1,200}|\.)"
)
_ORDERS, _HALVED_ORDERS, _WORD_ORDERS = ("DMY", "MDY", "YMD"), ("MDY", "DMY", "YMD"), ("DMY", "YMD")
_Numbers = tuple[int, int, int]


@dataclass(slots=True)
class _Entry:
    header: re.Match[str]
    lines: list[str] = field(default_factory=list)
    size: int = 0
    part: bool = False

    def add(self, line: str) -> None:
        if line == _RULE or line.strip() in _PARTS:
            self.part = True
        if not self.part and self.size < MESSAGE_CHARACTERS:
            self.lines.append(line)
            self.size += len(line) + 1

    @property
    def text(self) -> str:
        words = "\n".join(self.lines).strip()
        return "" if _NOTICE.fullmatch(words) else words


def is_text(head: str) -> bool:
    return bool(_HEAD.match(head))


def text_chat(head: str) -> Chat:
    found = _HEAD.match(head)
    title = " / ".join(" ".join(part.split()) for part in found.groups() if part.strip()) if found else ""
    return Chat(title or "Discord", title or "Discord")


def text_authors(file: File) -> Iterator[str]:
    return (_author(entry) for entry in _entries(file))


def text_messages(file: File, person: Person) -> Iterator[ChatMessage]:
    """What people wrote, in the file's order. Raises SourceError."""
    order = _order(file)
    for entry in _entries(file):
        own, quoted = own_and_quoted(readable(entry.text, {}))
        at, author = _moment(entry.header, order), _author(entry)
        if own and at and author:
            mine = person.is_me(author, author.partition("#")[0])
            yield ChatMessage(author, own, at, mine, quoted)


def _author(entry: _Entry) -> str:
    return " ".join(entry.header["author"].split())


def _entries(file: File) -> Iterator[_Entry]:
    held: _Entry | None = None
    for line in text_lines(file):
        header = _HEADER.fullmatch(line)
        if not header:
            if held:
                held.add(line)
            continue
        if held:
            yield held
        held = _Entry(header)
    if held:
        yield held


def _numbers(header: re.Match[str]) -> _Numbers:
    middle = header["b"].rstrip(".")
    month = int(middle) if middle.isdigit() else MONTHS.get(middle.casefold(), 0)
    return int(header["a"]), month, int(header["c"])


def _order(file: File) -> str:
    """The order in which every date exists, time runs forward and the channel is shortest.

    Where that leaves a choice, the day comes first, but with a clock of twelve hours the month.
    """
    orders: tuple[str, ...] = _ORDERS
    seen: dict[_Numbers, None] = {}
    for entry in _entries(file):
        seen[_numbers(entry.header)] = None
        if not entry.header["b"].isdigit():
            orders = _WORD_ORDERS
        elif entry.header["half"] and orders is _ORDERS:
            orders = _HALVED_ORDERS
    return min(orders, key=lambda order: _cost(list(seen), order))


def _cost(days: list[_Numbers], order: str) -> _Numbers:
    known = [day for numbers in days if (day := _date(numbers, order))]
    steps = [(after - before).days for before, after in pairwise(known)]
    return len(days) - len(known), sum(step < 0 for step in steps), sum(map(abs, steps))


def _date(numbers: _Numbers, order: str) -> date | None:
    parts = dict(zip(order, numbers, strict=True))
    year = parts["Y"] + (2000 if parts["Y"] < 100 else 0)
    try:
        return date(year, parts["M"], parts["D"]) if 2000 <= year < 2100 else None
    except ValueError:
        return None


def _moment(header: re.Match[str], order: str) -> datetime | None:
    day, half, hour = _date(_numbers(header), order), (header["half"] or "").casefold(), int(header["hour"])
    hour = hour % 12 + (12 if half == "p" else 0) if half else hour
    try:
        clock = time(hour, int(header["minute"]), int(header["second"] or 0))
    except ValueError:
        return None
    return datetime.combine(day, clock, _zone(header)).astimezone(UTC) if day else None


def _zone(header: re.Match[str]) -> timezone:
    """How far the clock was from UTC; the exporter mostly does not tell."""
    off = timedelta(hours=int(header["hours"] or 0), minutes=int(header["minutes"] or 0))
    return timezone(-off if header["sign"] == "-" else off)

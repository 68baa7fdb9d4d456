"""Telegram's ``messages.html``: the pages of one chat, in which a run of messages by one person names them once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from mlxtwin.errors import SourceError
from mlxtwin.records import Person
from mlxtwin.sources.chat import ChatMessage
from mlxtwin.sources.chat_text import Recent, joined, page_text, trimmed
from mlxtwin.sources.chat_threads import Chat
from mlxtwin.sources.files import File
from mlxtwin.sources.markup_scan import Tag, pieces

NAMELESS = "Deleted Account"
_TIME = re.compile(r"(\d\d)\.(\d\d)\.(\d{4}) (\d\d):(\d\d):(\d\d)(?: UTC([+-])(\d\d):(\d\d))?")
_VIA = re.compile(r"(?P<name>.*?)\s+via (?P<bot>@\w+)")
_ANSWERED = re.compile(r"#go_to_message(\d+)$")
_QUOTES = frozenset({"blockquote", "pre"})
_LINES = str.maketrans({"\n": " ", "\t": " "})


@dataclass(slots=True)
class _Entry:
    """A message as the page has it; ``words`` by the role of the element they stand in."""

    id: str
    joined: bool
    service: bool
    time: str = ""
    answered: str = ""
    forwarded: bool = False
    words: dict[str, list[str]] = field(default_factory=dict)

    def text(self, role: str) -> str:
        return "".join(self.words.get(role, ()))


def page_chat(file: File) -> Chat:
    """The chat's name, which is all that the page tells of it."""
    page = _Page()
    for piece in pieces(page_text(file)):
        page.take(piece)
        if page.entry:
            break
    title = " ".join("".join(page.title).split()) or "Telegram"
    return Chat(title, title)


def page_messages(file: File, person: Person) -> Iterator[ChatMessage]:
    """The messages of people on the page, in its order. Raises SourceError, also for a page without any."""
    recent, writer, found = Recent(), _Writer(), False
    for entry in _entries(page_text(file)):
        found = True
        author, mine = writer.of(entry, person)
        own, at = trimmed(entry.text("text")), _moment(entry.time)
        if entry.service or not own or not at:
            continue
        quoted = joined(recent.text(entry.answered), trimmed(entry.text("quote")))
        recent.remember(entry.id, own)
        yield ChatMessage(author, own, at, mine, quoted)
    if not found:
        raise SourceError(f"{file.name} is no page of Telegram's export: it holds no message.", "Export it again.")


class _Writer:
    """Who wrote a message, also one that leaves the name to the message before."""

    def __init__(self) -> None:
        self._name, self._from = NAMELESS, NAMELESS

    def of(self, entry: _Entry, person: Person) -> tuple[str, bool]:
        if entry.service:
            return "", False
        told, origin = (" ".join(entry.text(role).split()) for role in ("name", "origin"))
        if told or not entry.joined:
            self._name = told or NAMELESS
        if origin or not entry.joined:
            self._from = origin or NAMELESS
        via = _VIA.fullmatch(self._from if entry.forwarded else self._name)
        if entry.forwarded:
            return (via["name"] if via else self._from), False
        return (via["bot"], False) if via else (self._name, person.is_me(self._name))


def _moment(title: str) -> datetime | None:
    found = _TIME.match(title)
    if not found:
        return None
    day, month, year, hour, minute, second = map(int, found.group(1, 2, 3, 4, 5, 6))
    sign = -1 if found[7] == "-" else 1
    offset = timedelta(hours=int(found[8] or 0), minutes=int(found[9] or 0)) * sign
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=timezone(offset))
    except (ValueError, OverflowError):
        return None


def _entries(text: str) -> Iterator[_Entry]:
    page = _Page()
    for piece in pieces(text):
        done = page.take(piece)
        if done:
            yield done
    if page.entry:
        yield page.entry


class _Page:
    """Where in the page the scanner is: the roles of the ``div`` elements around, and the message that is open."""

    def __init__(self) -> None:
        self.title: list[str] = []
        self.entry: _Entry | None = None
        self._roles: list[str] = []
        self._quotes = 0
        self._date = False

    def take(self, piece: Tag | str) -> _Entry | None:
        """The message that ends here, if one does."""
        if isinstance(piece, str):
            self._add(piece.translate(_LINES))
        elif piece.name == "div":
            return self._leave() if piece.closing else self._enter(piece)
        elif piece.name == "br":
            self._add("\n")
        elif piece.name in _QUOTES:
            self._quotes = max(0, self._quotes + (-1 if piece.closing else 1))
        elif piece.name == "span":
            self._date = not piece.closing and "date" in piece.attributes.get("class", "")
        elif piece.name == "a" and self.entry and self._roles[-1:] == ["reply"]:
            self._answer(piece)
        return None

    def _answer(self, link: Tag) -> None:
        found = _ANSWERED.search(link.attributes.get("href", ""))
        if found and self.entry:
            self.entry.answered = found[1]

    def _enter(self, tag: Tag) -> _Entry | None:
        classes = frozenset(tag.attributes.get("class", "").split())
        done = None
        if "message" in classes and classes & {"default", "service"}:
            done, self._roles = self.entry, []
            number = tag.attributes.get("id", "").removeprefix("message")
            self.entry = _Entry(number, "joined" in classes, "service" in classes)
            self._roles.append("message")
            self._quotes = 0
        else:
            self._roles.append(self._role(classes, tag))
        return done

    def _role(self, classes: frozenset[str], tag: Tag) -> str:
        if not self.entry:
            return "title" if {"text", "bold"} <= classes and not self.title else ""
        if {"date", "details"} <= classes and not self.entry.time:
            self.entry.time = tag.attributes.get("title", "")
        elif {"forwarded", "body"} <= classes:
            self.entry.forwarded = True
        elif "from_name" in classes:
            return "origin" if self.entry.forwarded else "name"
        elif "reply_to" in classes:
            return "reply"
        return "text" if "text" in classes else ""

    def _leave(self) -> _Entry | None:
        if not self._roles or self._roles.pop() != "message":
            return None
        done, self.entry = self.entry, None
        return done

    def _add(self, text: str) -> None:
        role = self._roles[-1] if self._roles else ""
        if role == "title" and not self.entry:
            self.title.append(text)
        elif self.entry and role and not self._date:
            role = "quote" if self._quotes and role == "text" else role
            self.entry.words.setdefault(role, []).append(text)

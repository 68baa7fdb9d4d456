"""Chats of Facebook and Instagram as pages: ``message_1.html``, a box for each message with sender, words and time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from html import unescape

from mlxtwin.errors import SourceError
from mlxtwin.records import Person
from mlxtwin.sources.base import clean_text
from mlxtwin.sources.chat import ChatMessage
from mlxtwin.sources.chat_text import page_text, trimmed
from mlxtwin.sources.chat_threads import Chat
from mlxtwin.sources.dates import leading_date
from mlxtwin.sources.files import File
from mlxtwin.sources.markup_scan import Tag, pieces
from mlxtwin.sources.meta_account import Owner, thread_folder
from mlxtwin.sources.meta_text import own_words

NAMELESS = "Deleted user"
_NAME = re.compile(r"message_\d+\.html?")
_HEAD = re.compile(r"uiBoxWhite|_a6-[a-z]|_2lem|_3-9[4-6]")
_TITLE = re.compile(r"(?i)<title>([^<]{0,300})</title>")
_ROLES = {"_a6-h": "sender", "_2lel": "sender", "_a6-p": "words", "_2let": "words", "_a6-o": "time", "_2lem": "time"}
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?(?:\s*([ap])\.?\s?m\b)?", re.IGNORECASE)
_SILENT = frozenset({"ul", "video", "audio", "table"})
# Where the words stand among the boxes within the box: other places hold what was shared, and reactions.
_PLACES = ((0,), (0, 1))


@dataclass(slots=True)
class _Entry:
    words: dict[str, list[str]] = field(default_factory=dict)

    def text(self, role: str) -> str:
        return "".join(self.words.get(role, ()))


def is_chat_page(file: File, head: str) -> bool:
    return bool(_NAME.fullmatch(file.name.casefold()) and "<" in head and _HEAD.search(head))


def page_chat(file: File) -> Chat:
    found = _TITLE.search(page_text(file))
    title = " ".join(clean_text(unescape(found[1])).split()) if found else ""
    thread = thread_folder(file)
    return Chat(thread or title or "Messages", title or thread or "Messages")


def page_messages(file: File, owner: Owner, person: Person) -> Iterator[ChatMessage]:
    """The messages of people, in the page's order. Raises SourceError, also for a page without any message."""
    found = False
    for entry in _entries(page_text(file)):
        name, at = " ".join(entry.text("sender").split()) or NAMELESS, _moment(entry.text("time"))
        found = found or at is not None
        words = own_words(trimmed(entry.text("words")), name)
        if at and words:
            yield ChatMessage(name, words, at, owner.wrote(name, person))
    if not found:
        raise SourceError(f"{file.name} holds no messages of Facebook or Instagram.", "Export it again as JSON.")


def _moment(told: str) -> datetime | None:
    """``Sep 22, 2017 6:33 am`` and its kin; the page tells no zone."""
    mark = leading_date(told.strip())
    found = _CLOCK.search(mark.rest if mark else "")
    if not mark or not found:
        return None
    hour, half = int(found[1]), (found[4] or "").casefold()
    hour = hour % 12 + (12 if half == "p" else 0) if half else hour
    try:
        return datetime.combine(mark.day, time(hour, int(found[2]), int(found[3] or 0)), UTC)
    except ValueError:
        return None


def _entries(page: str) -> Iterator[_Entry]:
    reader = _Reader()
    for piece in pieces(page):
        done = reader.take(piece)
        if done:
            yield done
    if reader.entry:
        yield reader.entry


class _Reader:
    """The message that is open, the part of it that is, and the path of boxes in that part."""

    def __init__(self) -> None:
        self.entry: _Entry | None = None
        self._role = ""
        self._element = ""
        self._path: list[int] = []
        self._next = [0]
        self._silent = 0

    def take(self, piece: Tag | str) -> _Entry | None:
        """The message before, when another begins."""
        if isinstance(piece, str):
            self._add(piece.replace("\n", " "))
        elif piece.closing:
            self._leave(piece.name)
        else:
            return self._enter(piece)
        return None

    def _enter(self, tag: Tag) -> _Entry | None:
        classes = tag.attributes.get("class", "").split()
        if "pam" in classes and "noborder" in classes:
            done, self.entry, self._role = self.entry, _Entry(), ""
            return done
        if not self._role:
            self._role = next((_ROLES[name] for name in classes if name in _ROLES), "") if self.entry else ""
            self._element, self._path, self._next, self._silent = tag.name, [], [0], 0
        elif tag.name in _SILENT:
            self._silent += 1
        elif tag.name == "div":
            self._path.append(self._next[-1])
            self._next[-1] += 1
            self._next.append(0)
        elif tag.name == "br":
            self._add("\n")
        return None

    def _leave(self, name: str) -> None:
        if name in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif self._path and name == "div":
            self._path.pop()
            self._next.pop()
        elif name == self._element:
            self._role = ""

    def _add(self, text: str) -> None:
        shown = self._role != "words" or (tuple(self._path) in _PLACES and not self._silent)
        if self.entry and self._role and shown:
            self.entry.words.setdefault(self._role, []).append(text)

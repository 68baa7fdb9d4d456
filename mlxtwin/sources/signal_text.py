"""Signal's chats as text: ``[2024-03-02 10:00:00] Bob: words``, the same without brackets, or fields over the words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Literal

from mlxtwin.records import Person
from mlxtwin.sources.base import aware, text_lines
from mlxtwin.sources.chat import ChatMessage
from mlxtwin.sources.chat_text import Recent, joined, own_and_quoted, trimmed
from mlxtwin.sources.files import File
from mlxtwin.sources.moments import written

MESSAGE_CHARACTERS = 64 * 1024
ME = frozenset({"Me", "You"})
PAGES = ("chat.md", "index.md")
Form = Literal["brackets", "short", "fields"]
_HEADERS: dict[str, re.Pattern[str]] = {
    "brackets": re.compile(r"\[(\d{4}-\d\d-\d\d),? (\d\d:\d\d(?::\d\d)?)\] ([^:\n]{1,120}):(?: (.*)|$)"),
    "short": re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d) ([^:\n]{1,120}):(?: (.*)|$)"),
}
# A program that knows no seconds, or puts no comma before the time, is not WhatsApp.
_SURE = re.compile(r"\[\d{4}-\d\d-\d\d, \d\d:\d\d\] [^:\n]{1,120}:", re.MULTILINE)
_ME_LINE = re.compile(r"(?:\[\d{4}-\d\d-\d\d,? [\d:]{5,8}\]|\d{4}-\d\d-\d\d \d\d:\d\d) (?:Me|You):", re.MULTILINE)
_CONVERSATION = re.compile(r"Conversation: (.+)\n\n(?:From: .*\n)?Type: .*\n")
_FIELD = re.compile(r"(From|Type|Sent|Received|Attachment|Reaction|Edited): (.*)")
_VERSION_MARK = re.compile(r"\|(?: |$)")
_NUMBER = re.compile(r" \((?:\+?\d[\d ]*|group|[0-9a-f-]{20,})\)$")
_DETAILS = re.compile(
    r"\[((?:reply to [^\]\n]{1,200}|edited|\d+ attachments?)(?:, (?:edited|\d+ attachments?))*|[\w-]+ message)\] ?"
)
_ANSWER = re.compile(r"reply to (.{1,120}) on (\d{4}-\d\d-\d\d \d\d:\d\d)")
_REACTIONS = re.compile(r"\n?\(- [^\n]{1,500} -\)")
_STICKER = re.compile(r"\(\( [^\n()]{0,200} \)\)|!?\[[^\]\n]{0,300}\]\((?:\.{1,2}/|media/)[^)\n]{1,500}\)")
_MACHINE = re.compile(
    r"\(This message was deleted\)|"
    r"(?:Incoming|Outgoing|Missed|Declined|Unanswered)(?: (?:voice|video|audio|group))? call(?: \([^)\n]{1,60}\))?"
)


@dataclass(slots=True)
class Entry:
    """A message as the export has it; ``quoted``: what it answers; ``answered``: which message, if it says so."""

    author: str
    at: datetime | None
    text: str
    quoted: str = ""
    answered: str = ""


@dataclass(slots=True)
class _Open:
    """A message whose lines are still coming."""

    entry: Entry
    lines: list[str] = field(default_factory=list)
    size: int = 0
    body: bool = True

    def add(self, line: str) -> None:
        if self.size < MESSAGE_CHARACTERS:
            self.lines.append(line)
            self.size += len(line) + 1

    def close(self) -> Entry:
        self.entry.text = "\n".join(self.lines)
        return self.entry


def text_form(head: str, name: str = "") -> Form | None:
    """How a text tells its messages, from its start; None for another kind of text. ``name``: of the file."""
    if _CONVERSATION.match(head):
        return "fields"
    lines = [line for line in head.split("\n")[:400] if line.strip()]
    whatsapp = "\u200e" in head or "whatsapp" in name.casefold() or name.casefold() == "_chat.txt"
    if not lines or whatsapp:
        return None
    told = bool(_ME_LINE.search(head)) or not name
    if _HEADERS["brackets"].match(lines[0]) and (told or _SURE.search(head) or name in PAGES):
        return "brackets"
    return "short" if told and _HEADERS["short"].match(lines[0]) else None


def told_title(head: str) -> str:
    """The chat's name, where a text starts with it."""
    found = _CONVERSATION.match(head)
    return _NUMBER.sub("", found[1]).strip() if found else ""


def text_entries(file: File, form: Form) -> Iterator[Entry]:
    """The entries of a text in that form. Raises SourceError."""
    lines = text_lines(file)
    return _field_entries(lines) if form == "fields" else _header_entries(lines, _HEADERS[form])


def _header_entries(lines: Iterator[str], header: re.Pattern[str]) -> Iterator[Entry]:
    held: _Open | None = None
    for line in lines:
        found = header.match(line)
        if not found:
            if held:
                held.add(line)
            continue
        if held:
            yield held.close()
        held = _Open(Entry(found[3].strip(), written(f"{found[1]} {found[2]}"), ""))
        held.add(found[4] or "")
    if held:
        yield held.close()


def _field_entries(lines: Iterator[str]) -> Iterator[Entry]:
    """Fields, an empty line, the words, an empty line; what was edited shows its versions behind bars, newest first."""
    held: _Open | None = None
    blank = True
    for line in lines:
        found = _FIELD.fullmatch(line)
        if found and blank and found[1] in ("From", "Type") and not (held and not held.body):
            if held:
                yield held.close()
            held = _Open(Entry("", None, ""), body=False)
        if held and found and not held.body:
            _note(held.entry, found[1], found[2])
        elif held and (line or held.body):
            held.body = True
            held.add(line)
        elif held:
            held.body = True
        blank = not line
    if held:
        yield held.close()


def _note(entry: Entry, name: str, value: str) -> None:
    if name == "From":
        entry.author = _NUMBER.sub("", value).strip()
    elif name == "Sent":
        try:
            entry.at = aware(parsedate_to_datetime(value))
        except (ValueError, TypeError, IndexError, OverflowError):
            entry.at = None


def messages_of(entries: Iterable[Entry], person: Person) -> Iterator[ChatMessage]:
    """What people wrote, less what the program added to it."""
    recent = Recent()
    for entry in entries:
        words, quoted = _words(entry, recent)
        if words and entry.at and entry.author:
            recent.remember(_place(entry.author, entry.at), words)
            mine = entry.author in ME or person.is_me(entry.author)
            yield ChatMessage(entry.author, words, entry.at, mine, quoted)


def _place(author: str, at: datetime) -> str:
    return f"{author}|{at:%Y-%m-%d %H:%M}"


def _words(entry: Entry, recent: Recent) -> tuple[str, str]:
    """The words as the person typed them, and what they answer."""
    text = entry.text
    details = _DETAILS.match(text)
    answered = ""
    if details:
        text = text[details.end() :]
        told = _ANSWER.match(details[1])
        answered = recent.text(f"{told[1]}|{told[2]}") if told else ""
        text = "" if details[1].endswith(" message") else text
    text = _latest_version(text) if text.lstrip("\n").startswith("| Version: ") else text
    own, quoted = own_and_quoted(_STICKER.sub("", _REACTIONS.sub("", text)))
    return ("" if _MACHINE.fullmatch(own) else own), joined(answered, entry.quoted, _quoted_words(quoted))


def _latest_version(text: str) -> str:
    """The newest of the versions of an edited message."""
    lines = [_VERSION_MARK.sub("", line, count=1) for line in text.strip("\n").split("\n")]
    blocks = "\n".join(lines[1:]).split("\nVersion: ", 1)[0]
    return "\n".join(line for line in blocks.split("\n") if not _FIELD.fullmatch(line))


def _quoted_words(quoted: str) -> str:
    """A quote less the fields over it."""
    return trimmed("\n".join(line for line in quoted.split("\n") if not _FIELD.fullmatch(line)))

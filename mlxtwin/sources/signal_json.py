"""Signal's chats as JSON: signal-export's lines, rows of Signal Desktop's database, frames of Signal's own export."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

from mlxtwin.errors import SourceError
from mlxtwin.records import Person
from mlxtwin.sources.base import head_text, text_lines
from mlxtwin.sources.chat import ChatMessage
from mlxtwin.sources.chat_text import joined, own_and_quoted, unix_moment
from mlxtwin.sources.chat_threads import Chat
from mlxtwin.sources.files import File
from mlxtwin.sources.json_file import items, text
from mlxtwin.sources.moments import written
from mlxtwin.sources.shapes import as_dict, as_name
from mlxtwin.sources.signal_text import Entry

JsonForm = Literal["lines", "rows", "frames"]
NAMELESS = "Signal contact"
_NAMES = ("name", "profileFullName", "profileName", "e164")
_LINE = re.compile(r'\{"date": ?"\d{4}-[^"]{1,40}", ?"sender": ?')
_ROW_TYPE = re.compile(r'"type"\s*:\s*"(?:incoming|outgoing)"')
_ROW_TIME = re.compile(r'"(?:sent_at|received_at|timestamp)"\s*:\s*\d')
_ROW_CHAT = re.compile(r'"conversation(?:Id|Name)"\s*:')
_FRAME = re.compile(r'\{"(?:recipient|chatItem|chat|account)": ?\{', re.MULTILINE)
_FRAMES_START = re.compile(r'\s*\{"(?:version|account|recipient|backupInfo|header)"')
_NOBODY = Chat(NAMELESS, NAMELESS)
_LISTS = {"messages": "messages.item", "messsages": "messsages.item"}


def json_form(head: str) -> JsonForm | None:
    """Which of the forms a file starts like; None for none."""
    if _LINE.match(head.lstrip()):
        return "lines"
    if _FRAMES_START.match(head) and _FRAME.search(head):
        return "frames"
    rows = _ROW_TYPE.search(head) and _ROW_TIME.search(head) and _ROW_CHAT.search(head)
    return "rows" if rows and head.lstrip()[:1] in ("[", "{") else None


def line_entries(file: File) -> Iterator[Entry]:
    """The entries of signal-export's ``data.json``, a JSON object a line. Raises SourceError."""
    for raw in _objects(file):
        at = written(raw.get("date"))
        quoted = own_and_quoted(text(raw.get("quote")))[1]
        body = "" if raw.get("deleted") else text(raw.get("body"))
        yield Entry(as_name(raw.get("sender")), at.replace(microsecond=0) if at else None, body, quoted)


def _objects(file: File) -> Iterator[dict[str, Any]]:
    held = ""
    for line in text_lines(file):
        if not line.strip():
            continue
        try:
            yield as_dict(json.loads(held + line))
            held = ""
        except (ValueError, RecursionError):
            # A line over the limit comes in pieces.
            if held or not line.startswith("{"):
                raise SourceError(f"{file.name} has a line that is no JSON.", "Export it again.") from None
            held = line
    if held:
        raise SourceError(f"{file.name} is cut off in the middle.", "Export it again.")


def json_messages(file: File, form: JsonForm | None, person: Person) -> Iterator[tuple[Chat, ChatMessage]]:
    """The messages with the chats they stand in. Raises SourceError."""
    return _framed(file) if form == "frames" else _rows(file, person)


def _rows(file: File, person: Person) -> Iterator[tuple[Chat, ChatMessage]]:
    head = head_text(file)
    named = next((prefix for name, prefix in _LISTS.items() if f'"{name}"' in head), "item")
    prefix = "item" if head.lstrip().startswith("[") else named
    names = {} if prefix == "item" else _conversations(file)
    for raw in items(file, prefix):
        found = _row(raw, names, file.stem, person) if isinstance(raw, dict) else None
        if found:
            yield found


def _conversations(file: File) -> dict[str, str]:
    """Names by id, where the file lists its conversations."""
    found: dict[str, str] = {}
    for raw in items(file, "conversations.item"):
        told = as_dict(raw)
        name = next((as_name(told[key]) for key in _NAMES if told.get(key)), "")
        for key in ("id", "serviceId", "uuid", "e164"):
            if name and told.get(key):
                found[as_name(told[key])] = name
    return found


def _row(raw: dict[str, Any], names: dict[str, str], stem: str, person: Person) -> tuple[Chat, ChatMessage] | None:
    own, quoted = own_and_quoted(text(raw.get("body")))
    at = unix_moment(raw.get("sent_at") or raw.get("timestamp"), 1000)
    deleted = raw.get("deletedForEveryone") or raw.get("isErased")
    if not own or not at or deleted or raw.get("type") not in ("incoming", "outgoing"):
        return None
    id = as_name(raw.get("conversationId")) or as_name(raw.get("conversationName"))
    title = names.get(id) or as_name(raw.get("conversationName")) or stem
    source = next((as_name(raw[key]) for key in ("sourceServiceId", "sourceUuid", "source") if raw.get(key)), "")
    author = names.get(source) or as_name(raw.get("sourceName")) or source or NAMELESS
    mine = raw["type"] == "outgoing" or person.is_me(author, source)
    answered = text(as_dict(raw.get("quote")).get("text"))
    message = ChatMessage("Me" if raw["type"] == "outgoing" else author, own, at, mine, joined(answered, quoted))
    return Chat(id or stem, title or "Signal"), message


def _framed(file: File) -> Iterator[tuple[Chat, ChatMessage]]:
    """Frames name people first, then chats by whom they are with, then what was written, chats one among another."""
    people: dict[str, Chat] = {}
    selves: set[str] = set()
    chats: dict[str, Chat] = {}
    for raw in _objects(file):
        person, chat, item = (as_dict(raw.get(name)) for name in ("recipient", "chat", "chatItem"))
        id = as_name(person.get("id")) or as_name(chat.get("id"))
        if person:
            name = _recipient(person)
            people[id] = Chat(as_name(as_dict(person.get("contact")).get("aci")) or name, name)
            selves |= {id} if "self" in person else set()
        elif chat:
            chats[id] = people.get(as_name(chat.get("recipientId")), _NOBODY)
        elif item:
            message = _framed_message(item, people, selves)
            if message:
                yield chats.get(as_name(item.get("chatId")), _NOBODY), message


def _recipient(raw: dict[str, Any]) -> str:
    if "self" in raw:
        return "Note to Self"
    contact, group = as_dict(raw.get("contact")), as_dict(raw.get("group"))
    given = [as_name(contact.get(key)) for key in ("profileGivenName", "profileFamilyName")]
    names = as_dict(contact.get("nickname"))
    nickname = [as_name(names.get(key)) for key in ("given", "family")]
    title = as_dict(as_dict(group.get("snapshot")).get("title")).get("title")
    told = (" ".join(filter(None, nickname)), as_name(contact.get("systemGivenName")), " ".join(filter(None, given)))
    return next(filter(None, (*told, as_name(title), as_name(contact.get("e164")))), NAMELESS)


def _framed_message(item: dict[str, Any], people: dict[str, Chat], selves: set[str]) -> ChatMessage | None:
    said = as_dict(item.get("standardMessage"))
    own, quoted = own_and_quoted(text(as_dict(said.get("text")).get("body")))
    at = unix_moment(item.get("dateSent"), 1000)
    if not own or not at or not ("incoming" in item or "outgoing" in item):
        return None
    author = as_name(item.get("authorId"))
    mine = "outgoing" in item and (author in selves or not selves or not author)
    answered = as_dict(as_dict(said.get("quote")).get("text"))
    name = "Me" if mine else people.get(author, _NOBODY).title
    return ChatMessage(name, own, at, mine, joined(text(answered.get("body")), quoted))

"""Telegram's ``result.json``, streamed: one chat at the top, or the lists of an account's chats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from itertools import islice
from typing import IO, Any

import ijson

from mlxtwin.errors import SourceError
from mlxtwin.records import Person
from mlxtwin.sources.base import unreadable
from mlxtwin.sources.chat import ChatMessage
from mlxtwin.sources.chat_text import Recent, joined, trimmed, unix_moment
from mlxtwin.sources.chat_threads import Chat
from mlxtwin.sources.files import File
from mlxtwin.sources.json_depth import PIECE_BYTES, Shallow
from mlxtwin.sources.json_file import items, text
from mlxtwin.sources.moments import written
from mlxtwin.sources.shapes import as_dict, as_list, as_name
from mlxtwin.sources.telegram_mend import Mended

NAMELESS = "Deleted Account"
_CHATS = ("", "chats.list.item", "left_chats.list.item")
_CHAT_OF_MESSAGES = {f"{chat}.messages.item".lstrip("."): chat for chat in _CHATS}
_TITLES = {"saved_messages": "Saved Messages", "replies": "Replies"}
_QUOTED = frozenset({"blockquote", "pre"})
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose account was exported, by the id and the name that their messages bear; empty where it is not told."""

    id: str = ""
    name: str = ""

    @property
    def known(self) -> bool:
        return bool(self.id or self.name)

    def wrote(self, name: str, id: str, signed: str) -> bool:
        """Whether a message is theirs: by its id where there is one, else by name, as is a channel's they signed."""
        if self.id and id.isdecimal():
            return id == self.id
        return bool(self.name) and self.name in ((signed,) if self.id and id else (signed, name))


def account_owner(file: File) -> Owner:
    """What the head of an account's export says of its owner. Raises SourceError."""
    told = as_dict(next(islice(items(file, "personal_information"), 1), None)) if _of_account(file) else {}
    names = (as_name(told.get("first_name")), as_name(told.get("last_name")))
    return Owner(as_name(told.get("user_id")), " ".join(name for name in names if name))


def _of_account(file: File) -> bool:
    """Whether the file starts like an account's export; else all of it would be searched."""
    for _, event, value in islice(_events(file), 2000):
        if event == "map_key" and value == "messages":
            return False
        if event == "map_key" and value == "personal_information":
            return True
    return False


def json_authors(file: File) -> Iterator[str]:
    for _, raw in _entries(file):
        if name := _writer(raw):
            yield name


def json_messages(file: File, person: Person) -> Iterator[tuple[Chat, ChatMessage]]:
    """The messages of people with the chats they stand in, in the file's order. Raises SourceError."""
    owner = account_owner(file)
    thread, recent = "", Recent()
    for chat, raw in _entries(file):
        if chat.thread != thread:
            thread, recent = chat.thread, Recent()
        message = _message(raw, owner, person, recent)
        if message:
            yield chat, message


def _message(raw: dict[str, Any], owner: Owner, person: Person, recent: Recent) -> ChatMessage | None:
    """None for what is no message of words."""
    own, quoted = _words(raw)
    at = unix_moment(raw.get("date_unixtime")) or written(raw.get("date"))
    if not own or not at or raw.get("type", "message") != "message":
        return None
    answered = "" if raw.get("reply_to_peer_id") else recent.text(raw.get("reply_to_message_id"))
    recent.remember(raw.get("id"), own)
    name = _writer(raw)
    passed_on = "forwarded_from" in raw or bool(raw.get("via_bot"))
    if passed_on:
        name = as_name(raw.get("forwarded_from")) or as_name(raw.get("via_bot")) or NAMELESS
    id, signed = as_name(raw.get("from_id")).removeprefix("user"), as_name(raw.get("author"))
    theirs = owner.wrote(name, id, signed) if owner.known else person.is_me(name, signed, id, f"user{id}")
    return ChatMessage(name, own, at, theirs and not passed_on, joined(answered, quoted))


def _writer(raw: dict[str, Any]) -> str:
    """Who wrote a message; empty for what the program wrote."""
    if raw.get("type", "message") != "message":
        return ""
    return as_name(raw.get("from")) or NAMELESS


def _words(raw: dict[str, Any]) -> tuple[str, str]:
    """What was typed, and what is set in it as a quote or as code."""
    told = raw.get("text") or raw.get("text_entities")
    own: list[str] = []
    quoted: list[str] = []
    marked = False
    for part in [told] if isinstance(told, str) else as_list(told):
        kind = part.get("type") if isinstance(part, dict) else ""
        words = text(part.get("text") if isinstance(part, dict) else part)
        # A link that follows a bold word at once would run into it.
        if marked and kind == "link" and own and not own[-1][-1:].isspace():
            own.append(" ")
        (quoted if kind in _QUOTED else own).append(words)
        marked = bool(kind)
    return trimmed("".join(own)), trimmed("\n".join(quoted))


def _entries(file: File) -> Iterator[tuple[Chat, dict[str, Any]]]:
    """Each entry of each chat. Raises SourceError, also where there is no list of them."""
    heads: dict[str, dict[str, Any]] = {}
    builder: Any = None
    lists = 0
    for prefix, event, value in _events(file):
        chat = _CHAT_OF_MESSAGES.get(prefix)
        if chat is not None and event == "start_map":
            builder = ijson.ObjectBuilder()
        if builder is not None:
            builder.event(event, value)
            if chat is not None and event == "end_map":
                yield _chat(heads.get(chat, {})), builder.value
                builder = None
            continue
        above, _, key = prefix.rpartition(".")
        if event == "start_array" and key == "messages":
            lists += above in _CHATS
        elif prefix in _CHATS and event == "start_map":
            heads[prefix] = {}
        elif above in heads and key in ("id", "name", "type"):
            heads[above][key] = value
    if not lists:
        raise SourceError(f"{file.name} is no export of Telegram: it holds no messages.", "Export it again as JSON.")


def _chat(head: dict[str, Any]) -> Chat:
    title = as_name(head.get("name")) or _TITLES.get(as_name(head.get("type")), "") or "Telegram"
    return Chat(as_name(head.get("id")) or title, title)


def _events(file: File) -> Iterator[tuple[str, str, Any]]:
    try:
        with file.open("rb") as opened:
            _skip_mark(opened)
            mended = BufferedReader(Mended(opened), PIECE_BYTES)
            yield from ijson.parse(BufferedReader(Shallow(mended), PIECE_BYTES), use_float=True)
    except OSError as error:
        raise unreadable(file, error) from None
    except (ijson.JSONError, UnicodeDecodeError, ValueError, OverflowError) as error:
        why = "is cut off in the middle" if isinstance(error, ijson.IncompleteJSONError) else "is no valid JSON"
        raise SourceError(f"{file.name} {why}.", "Export it again.") from None


def _skip_mark(opened: IO[bytes]) -> None:
    """A byte order mark that an editor put before the text."""
    if opened.read(len(_MARK)) != _MARK:
        opened.seek(0)

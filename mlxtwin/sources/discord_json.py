"""A channel of Discord as DiscordChatExporter writes it to JSON; what it leaves in Discord's marks is made words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlxtwin.errors import SourceError
from mlxtwin.records import Person
from mlxtwin.sources.chat import ChatMessage
from mlxtwin.sources.chat_text import Recent, joined, own_and_quoted
from mlxtwin.sources.chat_threads import Chat
from mlxtwin.sources.files import File
from mlxtwin.sources.json_file import items, text
from mlxtwin.sources.moments import written
from mlxtwin.sources.shapes import as_dict, as_list, as_name

NAMELESS = "Deleted User"
_CHANNEL = re.compile(r'\s*\{\s*"guild"\s*:\s*\{.*?"channel"\s*:\s*\{.*?"messages"\s*:\s*\[', re.DOTALL)
_TYPED = frozenset({"", "Default", "Reply", "0", "19"})
_MARK = re.compile(r"<(?:(@[!&]?|#)(\d{5,25})|(?:a?:(\w{1,64}):\d{5,25})|(?:t:-?\d{1,15}(?::\w)?))>")


def is_channel(head: str) -> bool:
    return bool(_CHANNEL.match(head))


def json_chat(file: File) -> Chat:
    """The channel with the server it belongs to."""
    guild, channel = (as_dict(_first(file, name)) for name in ("guild", "channel"))
    name, server = as_name(channel.get("name")), as_name(guild.get("name"))
    title = " / ".join(filter(None, (server, name))) or "Discord"
    return Chat(as_name(channel.get("id")) or title, title)


def _first(file: File, name: str) -> Any:
    """A value at the top; None where there is none before damage, which the messages will tell of."""
    try:
        return next(items(file, name), None)
    except SourceError:
        return None


def json_authors(file: File) -> Iterator[str]:
    for raw in map(as_dict, items(file, "messages.item")):
        author = as_dict(raw.get("author"))
        if as_name(raw.get("type")) in _TYPED and not author.get("isBot"):
            yield _shown(author)


def json_messages(file: File, person: Person) -> Iterator[ChatMessage]:
    """What people wrote, in the file's order. Raises SourceError."""
    recent = Recent()
    for raw in map(as_dict, items(file, "messages.item")):
        author, at = as_dict(raw.get("author")), written(raw.get("timestamp"))
        own, quoted = own_and_quoted(readable(text(raw.get("content")), _people(raw)))
        passed_on = text(as_dict(raw.get("forwardedMessage")).get("content"))
        if not own or not at or as_name(raw.get("type")) not in _TYPED or author.get("isBot"):
            continue
        answered = recent.text(as_dict(raw.get("reference")).get("messageId"))
        recent.remember(raw.get("id"), own)
        yield ChatMessage(
            _shown(author), own, at, person.is_me(*_names(author)), joined(answered, passed_on.strip(), quoted)
        )


def _shown(author: dict[str, Any]) -> str:
    return as_name(author.get("nickname")) or as_name(author.get("name")) or NAMELESS


def _names(author: dict[str, Any]) -> tuple[str, ...]:
    name, number = as_name(author.get("name")), as_name(author.get("discriminator"))
    return name, f"{name}#{number}" if number else "", as_name(author.get("nickname")), as_name(author.get("id"))


def _people(raw: dict[str, Any]) -> dict[str, str]:
    mentioned = [as_dict(one) for one in as_list(raw.get("mentions"))]
    return {as_name(one.get("id")): _shown(one) for one in mentioned}


def readable(content: str, people: Mapping[str, str]) -> str:
    """Discord's marks as words: people and channels by name where it is known, emoji by theirs, times not at all."""

    def shown(mark: re.Match[str]) -> str:
        sign, id, emoji = mark[1], mark[2], mark[3]
        if emoji:
            return f":{emoji}:"
        if not sign:
            return ""
        return "#channel" if sign == "#" else f"@{people.get(id, 'someone')}"

    return _MARK.sub(shown, content)

"""Discord's package of a person's data: ``messages/c123/messages.json`` or ``.csv``, of which all is theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mlxtwin.errors import SourceError
from mlxtwin.sources.base import head_text
from mlxtwin.sources.chat import ChatMessage
from mlxtwin.sources.chat_text import own_and_quoted
from mlxtwin.sources.chat_threads import Chat
from mlxtwin.sources.discord_json import readable
from mlxtwin.sources.files import File
from mlxtwin.sources.json_file import items, text, whole
from mlxtwin.sources.moments import written
from mlxtwin.sources.shapes import as_dict, as_name
from mlxtwin.sources.table import rows

ME = "me"
_TABLE = re.compile(r"(?i)\ufeff?id,timestamp,contents,attachments\s*\n")
_JSON = re.compile(r'\s*\[\s*\{\s*"ID"\s*:\s*"?\d+"?\s*,\s*"Timestamp"\s*:\s*"[^"]{1,60}"\s*,\s*"Contents"\s*:')
_FOLDER = re.compile(r"c?(\d{5,25})")


def is_package(head: str) -> bool:
    return bool(_JSON.match(head) or _TABLE.match(head))


def package_chat(file: File) -> Chat:
    """The channel, as the files beside the messages and above them name it."""
    channel = as_dict(_beside(file.parent / "channel.json"))
    folder = _FOLDER.fullmatch(file.parent.name)
    id = as_name(channel.get("id")) or (folder[1] if folder else "")
    names = as_dict(_beside(file.parent.parent / "index.json")) if id else {}
    server = as_name(as_dict(channel.get("guild")).get("name"))
    told = " / ".join(filter(None, (server, as_name(channel.get("name")))))
    title = as_name(names.get(id)) or told or "Discord"
    return Chat(id or title, title)


def _beside(file: File) -> Any:
    try:
        return whole(file)
    except SourceError:
        return None


def package_messages(file: File) -> Iterator[ChatMessage]:
    """The person's messages, the latest first. Raises SourceError."""
    table = _TABLE.match(head_text(file))
    for raw in rows(file) if table else map(as_dict, items(file, "item")):
        told = {str(name).casefold(): value for name, value in raw.items()}
        own, quoted = own_and_quoted(readable(text(told.get("contents")), {}))
        at = written(told.get("timestamp"))
        if own and at:
            yield ChatMessage(ME, own, at, True, quoted)

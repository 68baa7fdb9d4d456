"""Chats of Facebook and Instagram as JSON: ``message_1.json``, and the file of a chat that was end-to-end encrypted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mlxtwin.errors import SourceError
from mlxtwin.records import Person
from mlxtwin.sources.base import head_text
from mlxtwin.sources.chat import ChatMessage
from mlxtwin.sources.chat_text import trimmed, unix_moment
from mlxtwin.sources.chat_threads import Chat
from mlxtwin.sources.files import File
from mlxtwin.sources.json_file import items, text
from mlxtwin.sources.meta_account import Owner, thread_folder
from mlxtwin.sources.meta_text import mended, mended_name, own_words
from mlxtwin.sources.shapes import as_dict, as_name

NAMELESS = "Deleted user"
_MESSAGES = re.compile(r'"messages"\s*:\s*\[')
_SENDER = re.compile(r'"sender(?:_n|N)ame"\s*:')
_TIME = re.compile(r'"timestamp(?:_ms)?"\s*:\s*\d')
_NO_WORDS = frozenset({"Call", "Subscribe", "Unsubscribe", "Plan", "Payment", "placeholder"})
_NAMED = re.compile(r'"threadName"\s*:')
_COUNTER = re.compile(r"_\d+$")


def is_chat(head: str) -> bool:
    return all(mark.search(head) for mark in (_MESSAGES, _SENDER, _TIME))


def chat_authors(file: File) -> Iterator[str]:
    for raw in _messages(file):
        if name := _sender(raw):
            yield name


def chat_of(file: File) -> Chat:
    """The chat's name, and the folder it is kept in, which never changes."""
    if _NAMED.search(head_text(file)):
        name = as_name(_first(file, "threadName"))
        return Chat(name or "Messages", _COUNTER.sub("", name) or "Messages")
    thread = mended_name(_first(file, "thread_path")).rpartition("/")[2] or thread_folder(file)
    title = mended_name(_first(file, "title")) or thread or "Messages"
    return Chat(thread or title, title)


def _first(file: File, name: str) -> Any:
    """A value at the top; None where there is none before damage, which the messages will tell of."""
    try:
        return next(items(file, name), None)
    except SourceError:
        return None


def chat_messages(file: File, owner: Owner, person: Person) -> Iterator[ChatMessage]:
    """The messages of people, in the file's order, which is the latest first. Raises SourceError."""
    for raw in _messages(file):
        name, at = _sender(raw), unix_moment(raw.get("timestamp_ms") or raw.get("timestamp"), 1000)
        words = own_words(_content(raw), name)
        if at and words:
            yield ChatMessage(name, words, at, owner.wrote(name, person), _shared(raw, words))


def _messages(file: File) -> Iterator[dict[str, Any]]:
    found = False
    for raw in items(file, "messages.item"):
        if isinstance(raw, dict):
            found = True
            yield raw
    if not found:
        raise SourceError(f"{file.name} holds no messages of Facebook or Instagram.", "Export it again as JSON.")


def _sender(raw: dict[str, Any]) -> str:
    return mended_name(raw.get("sender_name")) or as_name(raw.get("senderName")) or NAMELESS


def _content(raw: dict[str, Any]) -> str:
    """What the message says; nothing where it was unsent or is no message of words."""
    if raw.get("is_unsent") or raw.get("isUnsent") or as_name(raw.get("type")) in _NO_WORDS:
        return ""
    return mended(raw.get("content")) or text(raw.get("text"))


def _shared(raw: dict[str, Any], words: str) -> str:
    """The words of another that the message passes on."""
    shared = trimmed(mended(as_dict(raw.get("share")).get("share_text")))
    return "" if shared == words else shared

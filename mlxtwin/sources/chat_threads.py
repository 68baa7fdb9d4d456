"""Chats in one file to Documents: what stood before damage is kept, keys differ, mixed chats are told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TypeVar

from mlxtwin.errors import SourceError
from mlxtwin.records import Document
from mlxtwin.sources.chat import SESSION_GAP, ChatMessage, documents

MOST_HELD = 20_000
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Chat:
    """``thread`` names the chat within the source and never changes; ``title`` is for people to read."""

    thread: str
    title: str


def one_chat(messages: Iterable[ChatMessage], chat: Chat, *, source: str, origin: str) -> Iterator[Document]:
    """The Documents of one chat in the order of its messages; a SourceError of theirs comes after them."""
    return mixed_chats(((chat, message) for message in messages), source=source, origin=origin)


def newest_first(messages: Iterable[ChatMessage], chat: Chat, *, source: str, origin: str) -> Iterator[Document]:
    """The same for an export that begins with the latest message, or has no order: each MOST_HELD are put in order."""
    return unique(_put_in_order(messages, chat, source, origin))


def _put_in_order(messages: Iterable[ChatMessage], chat: Chat, source: str, origin: str) -> Iterator[Document]:
    damage: list[SourceError] = []
    held: list[ChatMessage] = []
    for message in until_damage(messages, damage):
        held.append(message)
        if len(held) >= MOST_HELD:
            yield from _in_time(held, chat, source, origin)
            held = []
    yield from _in_time(held, chat, source, origin)
    if damage:
        raise damage[0]


def _in_time(held: list[ChatMessage], chat: Chat, source: str, origin: str) -> Iterator[Document]:
    if held and held[0].at > held[-1].at:
        held.reverse()  # so that of two with the same time the one further down is the earlier
    held.sort(key=attrgetter("at"))
    return documents(held, source=source, title=chat.title, thread=chat.thread, origin=origin)


def mixed_chats(messages: Iterable[tuple[Chat, ChatMessage]], *, source: str, origin: str) -> Iterator[Document]:
    """The Documents of chats whose messages stand one among another; a SourceError of theirs comes after them.

    A stretch of a chat comes once a message after a long silence has ended it, or with the end of the file.
    """
    return unique(_stretches(messages, source, origin))


def _stretches(messages: Iterable[tuple[Chat, ChatMessage]], source: str, origin: str) -> Iterator[Document]:
    damage: list[SourceError] = []
    held: dict[str, tuple[Chat, list[ChatMessage]]] = {}
    count = 0
    for chat, message in until_damage(messages, damage):
        _, waiting = held.get(chat.thread, (chat, []))
        if waiting and abs(message.at - waiting[-1].at) > SESSION_GAP:
            count -= len(waiting)
            yield from _documents(held.pop(chat.thread), source, origin)
        held.setdefault(chat.thread, (chat, []))[1].append(message)
        count += 1
        if count >= MOST_HELD:
            yield from _all(held, source, origin)
            held, count = {}, 0
    yield from _all(held, source, origin)
    if damage:
        raise damage[0]


def _all(held: dict[str, tuple[Chat, list[ChatMessage]]], source: str, origin: str) -> Iterator[Document]:
    for stretch in sorted(held.values(), key=lambda one: one[1][0].at):
        yield from _documents(stretch, source, origin)


def _documents(stretch: tuple[Chat, list[ChatMessage]], source: str, origin: str) -> Iterator[Document]:
    chat, messages = stretch
    return documents(messages, source=source, title=chat.title, thread=chat.thread, origin=origin)


def until_damage(items: Iterable[_Item], damage: list[SourceError] | None = None) -> Iterator[_Item]:
    """The items up to a SourceError, which is kept for later, or left for the reading itself to tell."""
    try:
        yield from items
    except SourceError as error:
        if damage is not None:
            damage.append(error)


def unique(found: Iterable[Document]) -> Iterator[Document]:
    """The Documents of one file, where a key comes again with a number of its own."""
    keys: Counter[str] = Counter()
    for document in found:
        keys[document.key] += 1
        number = keys[document.key]
        yield document if number == 1 else replace(document, key=f"{document.key}~{number}")

"""Telegram Desktop's export: ``result.json`` of one chat or of the whole account, and the pages ``messages*.html``.

The export of an account says whose it is; one of a single chat does not. What was passed on or made by a bot belongs
to whom it came from; an answer brings what it answers where that stands in the file. Not covered: stories, polls, and
what only the overview pages of an HTML export hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import head_text, relative_name
from mlxtwin.sources.chat_threads import mixed_chats, one_chat, until_damage
from mlxtwin.sources.files import File
from mlxtwin.sources.telegram_html import page_chat, page_messages
from mlxtwin.sources.telegram_json import account_owner, json_authors, json_messages

_PAGE = re.compile(r'class="page_wrap"')
_PAGE_MESSAGE = re.compile(r'<div class="message (?:default|service)\b')
_ACCOUNT = re.compile(
    r'"personal_information"\s*:\s*\{[^{}]{0,4000}"user_id"|\s*\{\s*"about"\s*:\s*"[^"]{0,4000}\bTelegram\b'
)
_MESSAGE = re.compile(r'"type"\s*:\s*"(?:message|service)"')
_WRITER = re.compile(r'"(?:from|actor)(?:_id)?"\s*:')
_DATE = re.compile(r'"date(?:_unixtime)?"\s*:\s*"')
_LIST = re.compile(r'"messages"\s*:\s*\[')


class Telegram:
    """See the module; ``Document.key`` is the chat's id, or its name, and the time of the first message."""

    name = "telegram"
    kind: Kind = "chat"

    def recognises(self, file: File) -> float:
        text = head_text(file)
        if _is_page(text):
            return 0.95 if _PAGE_MESSAGE.search(text) else 0.0
        if not text.lstrip("\ufeff \t\n").startswith("{"):
            return 0.0
        messages = all(mark.search(text) for mark in (_LIST, _MESSAGE, _WRITER, _DATE))
        return 0.95 if messages or _ACCOUNT.search(text) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        if _is_page(head_text(file)):
            yield from (message.author for message in page_messages(file, Person.of([])))
        elif not account_owner(file).known:
            yield from until_damage(json_authors(file))

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        origin = relative_name(file, root)
        if _is_page(head_text(file)):
            chat = page_chat(file)
            yield from one_chat(page_messages(file, person), chat, source=self.name, origin=origin)
        else:
            yield from mixed_chats(json_messages(file, person), source=self.name, origin=origin)


def _is_page(text: str) -> bool:
    return bool(_PAGE.search(text))

"""Slack's export of a workspace: a folder for each conversation with a JSON file for each day, and lists beside them.

``users.json`` gives the names, ``channels.json`` and its kin the conversations; without them ids stand in. Answers in
a thread are a stretch of their own that begins with what they answer. Messages of programs, joins and other notices
are no words. Not covered: the export as text; canvases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import head_text, relative_name
from mlxtwin.sources.chat import ChatMessage
from mlxtwin.sources.chat_text import QUOTE_CHARACTERS, joined, unix_moment
from mlxtwin.sources.chat_threads import Chat, mixed_chats, until_damage
from mlxtwin.sources.files import File
from mlxtwin.sources.json_file import items, text
from mlxtwin.sources.shapes import as_dict, as_list, as_name
from mlxtwin.sources.slack_lists import Workspace, workspace
from mlxtwin.sources.slack_parents import Parents
from mlxtwin.sources.slack_text import readable, words_of

_LIST = re.compile(r"\s*\[\s*\{")
_TYPE = re.compile(r'"type"\s*:\s*"message"')
_TIME = re.compile(r'"ts"\s*:\s*"\d{9,11}\.\d{1,9}"')


class Slack:
    """See the module; ``Document.key`` is the conversation's id, the thread, and the time of the first message."""

    name = "slack"
    kind: Kind = "chat"

    def recognises(self, file: File) -> float:
        text = head_text(file)
        return 0.95 if _LIST.match(text) and _TYPE.search(text) and _TIME.search(text) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        place = workspace(file)
        for raw in until_damage(items(file, "item")):
            if said := words_of(as_dict(raw), place):
                yield place.member(said.user, as_dict(as_dict(raw).get("user_profile"))).name

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        origin = relative_name(file, root)
        messages = _messages(file, workspace(file, origin), person)
        yield from mixed_chats(messages, source=self.name, origin=origin)


def _messages(file: File, place: Workspace, person: Person) -> Iterator[tuple[Chat, ChatMessage]]:
    parents = Parents(file, place)
    begun: set[str] = set()
    for raw in map(as_dict, items(file, "item")):
        said, at = words_of(raw, place), unix_moment(raw.get("ts"))
        if not said or not at:
            continue
        member = place.member(said.user, as_dict(raw.get("user_profile")))
        thread = as_name(raw.get("thread_ts"))
        parents.remember(as_name(raw.get("ts")), said.text)
        chat, quoted = place.chat, said.quoted
        if thread and thread != raw.get("ts"):
            chat = Chat(f"{chat.thread}/{thread}", chat.title)
            quoted = joined("" if thread in begun else parents.text(thread), quoted)
            begun.add(thread)
        quoted = joined(quoted, _shared(raw, place))
        yield chat, ChatMessage(member.name, said.text, at, person.is_me(*member.names), quoted)


def _shared(raw: dict[str, Any], place: Workspace) -> str:
    """Messages of others that this one passes on."""
    shared = [as_dict(one) for one in as_list(raw.get("attachments"))]
    passed_on = [text(one.get("text")) for one in shared if one.get("is_msg_unfurl") or one.get("is_share")]
    return joined(*(readable(words, place)[:QUOTE_CHARACTERS] for words in passed_on))

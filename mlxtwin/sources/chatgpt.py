"""ChatGPT's data export: ``conversations.json``, or ``conversations-000.json`` and so on in newer ones.

A conversation is a tree, for every edited question and every repeated answer is kept as a branch. Only the branch that
was last shown is read: from ``current_node`` up the parents. What the person typed is theirs, less quotes, code and
long texts they pasted; answers are context; what tools, hidden prompts and the model's own thoughts say is left out.
Not covered: the files and pictures that were sent; pasted text that nothing tells from what was typed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from mlxtwin.records import Document, Kind, Person, Turn
from mlxtwin.sources.assistant_chat import Conversations, conversations, typed
from mlxtwin.sources.base import head_text, relative_name
from mlxtwin.sources.files import File
from mlxtwin.sources.json_file import text
from mlxtwin.sources.moments import UNIX, since
from mlxtwin.sources.shapes import as_dict, as_list, as_name

SERVICE = "ChatGPT"
_TREE = re.compile(r'(?<!\\)"mapping"\s*:\s*\{')
_KNOWN = re.compile(r'(?<!\\)"(?:current_node|conversation_id|create_time|parent|children)"\s*:')
_PROSE = ("text", "multimodal_text")
_HIDDEN = ("is_visually_hidden_from_conversation", "is_user_system_message")
# Marks of citations in an answer: characters for private use, and the older brackets, which people type as well.
_CITATION = re.compile("\ue200[^\ue200\ue201]{0,1000}\ue201|[\ue200-\ue206]")
_BRACKETED = re.compile(r"【\d+[:†][^【】]{0,200}】")


class ChatGPT:
    """See the module; ``Document.key`` is the conversation's id, which no export changes."""

    name = "chatgpt"
    kind: Kind = "chat"

    def recognises(self, file: File) -> float:
        head = head_text(file)
        opens = head.lstrip()[:1] in ("[", "{")
        return 0.95 if opens and _TREE.search(head) and _KNOWN.search(head) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        return iter(())

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        made = Conversations(self.name, SERVICE, relative_name(file, root))
        for conversation in conversations(file, "mapping", SERVICE):
            key = as_name(conversation.get("conversation_id")) or as_name(conversation.get("id"))
            turns = [turn for message in shown_branch(conversation) for turn in _turns(message)]
            at = since(UNIX, conversation.get("create_time"))
            yield made.document(key, as_name(conversation.get("title")), at, turns)


def shown_branch(conversation: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages of the branch that was last shown, the first question first."""
    nodes = as_dict(conversation.get("mapping"))
    at = conversation.get("current_node")
    if not isinstance(at, str) or at not in nodes:
        at = _newest(nodes)
    branch: list[dict[str, Any]] = []
    seen: set[str] = set()
    while isinstance(at, str) and at in nodes and at not in seen:
        seen.add(at)
        node = as_dict(nodes[at])
        branch.append(as_dict(node.get("message")))
        at = node.get("parent")
    return branch[::-1]


def _newest(nodes: dict[str, Any]) -> str | None:
    """The message written last, which ends a branch."""

    def written_at(name: str) -> datetime:
        return since(UNIX, as_dict(as_dict(nodes[name]).get("message")).get("create_time")) or UNIX

    return max(reversed(list(nodes)), key=written_at, default=None)


def _turns(message: dict[str, Any]) -> Iterator[Turn]:
    content, told = as_dict(message.get("content")), as_dict(message.get("metadata"))
    role = as_dict(message.get("author")).get("role")
    if content.get("content_type") not in _PROSE or any(told.get(mark) for mark in _HIDDEN):
        return
    at, words = since(UNIX, message.get("create_time")), _words(content)
    if role == "user":
        answered = text(told.get("targeted_reply")).strip()
        if answered:
            yield Turn(SERVICE, False, answered, "quoted", at)
        yield from typed(words, at)
    elif role == "assistant" and message.get("recipient", "all") in ("all", None):
        answer = _BRACKETED.sub("", words).strip()
        yield from [Turn(SERVICE, False, answer, "received", at)] if answer else []


def _words(content: dict[str, Any]) -> str:
    """The text among the parts, also of what was spoken; pictures and files have none."""
    parts = (text(part) or _spoken(as_dict(part)) for part in as_list(content.get("parts")))
    return _CITATION.sub("", "\n\n".join(part for part in parts if part.strip())).strip()


def _spoken(part: dict[str, Any]) -> str:
    return text(part.get("text")) if part.get("content_type") == "audio_transcription" else ""

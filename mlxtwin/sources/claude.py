"""Claude's data export: ``conversations.json``.

Every edited question and every repeated answer is kept beside the others; only the branch that the newest message
ends is read. What the person typed is theirs, less quotes, code and long texts they pasted; what they attached as text
is context, as are the answers. Thoughts and tools are left out. Not covered: projects, memories, files without
extracted text; pasted text that nothing tells from what was typed.
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
from mlxtwin.sources.moments import UNIX, written
from mlxtwin.sources.shapes import as_dict, as_list, as_name

SERVICE = "Claude"
ATTACHED_CHARACTERS = 20_000
_MESSAGES = re.compile(r'(?<!\\)"chat_messages"\s*:\s*\[')
_KNOWN = re.compile(r'(?<!\\)"(?:uuid|sender)"\s*:')


class Claude:
    """See the module; ``Document.key`` is the conversation's id, which no export changes."""

    name = "claude"
    kind: Kind = "chat"

    def recognises(self, file: File) -> float:
        head = head_text(file)
        opens = head.lstrip()[:1] in ("[", "{")
        return 0.95 if opens and _MESSAGES.search(head) and _KNOWN.search(head) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        return iter(())

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        made = Conversations(self.name, SERVICE, relative_name(file, root))
        for conversation in conversations(file, "chat_messages", SERVICE):
            turns = [turn for message in shown_branch(conversation) for turn in _turns(message)]
            at = written(conversation.get("created_at"))
            yield made.document(as_name(conversation.get("uuid")), as_name(conversation.get("name")), at, turns)


def shown_branch(conversation: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages up to the newest, by their parents; all of them in an export that tells no parents."""
    messages = [one for one in as_list(conversation.get("chat_messages")) if isinstance(one, dict)]
    if not any(isinstance(one.get("parent_message_uuid"), str) for one in messages):
        return messages
    known = {one["uuid"]: one for one in messages if isinstance(one.get("uuid"), str)}
    named = conversation.get("current_leaf_message_uuid")
    at = named if isinstance(named, str) and named in known else _newest(known)
    branch: list[dict[str, Any]] = []
    seen: set[str] = set()
    while isinstance(at, str) and at in known and at not in seen:
        seen.add(at)
        branch.append(known[at])
        at = known[at].get("parent_message_uuid")
    return branch[::-1]


def _newest(known: dict[str, dict[str, Any]]) -> str | None:
    def written_at(name: str) -> datetime:
        return written(known[name].get("created_at")) or UNIX

    return max(reversed(list(known)), key=written_at, default=None)


def _turns(message: dict[str, Any]) -> Iterator[Turn]:
    at, words = written(message.get("created_at")), _words(message)
    if message.get("sender") == "human":
        for attached in as_list(message.get("attachments")):
            pasted = text(as_dict(attached).get("extracted_content"))[:ATTACHED_CHARACTERS].strip()
            if pasted:
                yield Turn("", False, pasted, "quoted", at)
        yield from typed(words, at)
    elif message.get("sender") == "assistant" and words:
        yield Turn(SERVICE, False, words, "received", at)


def _words(message: dict[str, Any]) -> str:
    """The text blocks; older exports have the text alone."""
    blocks = [as_dict(block) for block in as_list(message.get("content"))]
    told = [text(block.get("text")) for block in blocks if block.get("type") == "text"]
    return "\n\n".join(words for words in told if words.strip()).strip() or text(message.get("text")).strip()

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from . import Case

ROOT = "00000000-0000-4000-8000-000000000000"


def message(name: str, parent: str | None, sender: str, words: str, minute: int, **more: Any) -> dict[str, Any]:
    """One message of the export; ``parent`` None leaves the key away."""
    told = {
        "uuid": name,
        "text": words,
        "content": [{"type": "text", "text": words}],
        "sender": sender,
        "created_at": f"2024-03-02T10:{minute:02}:00.000000Z",
        "attachments": [],
        **more,
    }
    return told if parent is None else {**told, "parent_message_uuid": parent}


def conversation(messages: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "uuid": "c-1",
        "name": "Bread",
        "summary": "",
        "created_at": "2024-03-02T10:00:00.000000Z",
        "chat_messages": messages,
        **more,
    }


MESSAGES = [
    message("1", ROOT, "assistant", "How do you bake the rye?", 1),
    message("2", "1", "human", "Without patience, I fear.", 2),
    message("3", "1", "human", "With patience and a hot stone.", 3, attachments=[{"extracted_content": "It rose."}]),
]
CASE = Case(
    "claude", "conversations.json", json.dumps([conversation(MESSAGES)], indent=1), (), ("With patience",),
    ("How do you bake", "It rose"), datetime(2024, 3, 2, 10, tzinfo=UTC),
)  # fmt: skip

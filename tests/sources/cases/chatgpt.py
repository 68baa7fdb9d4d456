from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from . import Case

START = 1709373600  # 2 March 2024, 10:00


def node(name: str, parent: str | None, role: str, words: str, after: int, **more: Any) -> dict[str, Any]:
    """One message of the tree; ``more`` goes into the message."""
    message = {
        "id": name,
        "author": {"role": role, "metadata": {}},
        "create_time": START + after,
        "content": {"content_type": "text", "parts": [words]},
        "metadata": {},
        "recipient": "all",
        **more,
    }
    return {"id": name, "parent": parent, "children": [], "message": message}


def conversation(nodes: list[dict[str, Any]], current: str | None, **more: Any) -> dict[str, Any]:
    return {
        "title": "Bread",
        "create_time": START,
        "update_time": START,
        "mapping": {one["id"]: one for one in nodes},
        "conversation_id": "c-1",
        "current_node": current,
        **more,
    }


NODES = [
    {"id": "root", "parent": None, "children": [], "message": None},
    node("0", "root", "system", "You are helpful.", 0, metadata={"is_visually_hidden_from_conversation": True}),
    node("1", "0", "assistant", "How do you bake the rye?", 1),
    node("2", "1", "user", "Without patience, I fear.", 2),
    node("3", "1", "user", "With patience and a hot stone.\n\n> It rose at last.", 3),
]
CASE = Case(
    "chatgpt", "conversations.json", json.dumps([conversation(NODES, "3")], indent=1), (), ("With patience",),
    ("How do you bake", "rose"), datetime(2024, 3, 2, 10, tzinfo=UTC),
)  # fmt: skip

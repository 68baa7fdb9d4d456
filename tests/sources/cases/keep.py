from __future__ import annotations

import json
from datetime import UTC, datetime

from . import Case

NOTE = {
    "color": "DEFAULT",
    "isTrashed": False,
    "isPinned": False,
    "isArchived": True,
    "textContent": "> How do you bake the rye?\n\nWith patience and a hot stone.",
    "title": "Bread",
    "userEditedTimestampUsec": 1709400000000000,
    "createdTimestampUsec": 1709373600000000,
    "labels": [{"name": "kitchen"}],
}
CASE = Case(
    "keep", "Bread.json", json.dumps(NOTE, indent=1), (), ("patience",), ("How do you bake",),
    datetime(2024, 3, 2, 10, tzinfo=UTC), streamed=False,
)  # fmt: skip

from __future__ import annotations

import json
from datetime import UTC, datetime

from . import Case

START = 1_709_373_600_000_000
VISITS = [
    {"url": "https://example.org/b?key=1", "title": "With patience and a hot stone", "time_usec": START + 60_000_000},
    {"url": "https://example.org/a", "title": "How do you bake the rye?", "time_usec": START},
]
CASE = Case(
    "browser", "History.json", json.dumps({"Browser History": VISITS}, indent=1), (), (),
    ("How do you bake", "patience"), datetime(2024, 3, 2, 10, tzinfo=UTC), any_name=False, streamed=False,
)  # fmt: skip

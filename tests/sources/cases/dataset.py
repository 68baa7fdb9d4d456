from __future__ import annotations

import json

from . import Case

ROWS = [
    {"messages": [
        {"role": "user", "name": "Bob", "content": "How do you bake the rye?"},
        {"role": "assistant", "name": "Ann", "content": "With patience and a hot stone."},
    ]},
    {"messages": [
        {"role": "user", "name": "Bob", "content": "And the crust?"},
        {"role": "assistant", "content": "It was close and sour."},
    ]},
]  # fmt: skip
CASE = Case(
    "dataset", "train.jsonl", "".join(json.dumps(row) + "\n" for row in ROWS), ("Ann",), ("With patience",),
    ("How do you bake", "And the crust", "close and sour"),
)  # fmt: skip

from __future__ import annotations

import json

from . import Case

ROWS = [
    {"messages": [
        {"role": "system", "content": "You are Ann."},
        {"role": "user", "content": "How do you bake the rye?"},
        {"role": "assistant", "content": "With patience and a hot stone."},
    ]},
    {"messages": [
        {"role": "user", "content": "And the crust?"},
        {"role": "assistant", "content": "It was close and sour."},
    ]},
]  # fmt: skip
CASE = Case(
    "examples", "train.jsonl", "".join(json.dumps(row) + "\n" for row in ROWS), (), ("With patience", "close and sour"),
    ("How do you bake", "And the crust"), asked=True,
)  # fmt: skip

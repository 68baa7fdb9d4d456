from __future__ import annotations

import json
from datetime import UTC, datetime

from . import Case


def block(uid: str, string: str, by: str, *children: object) -> dict[str, object]:
    made = {"uid": uid, "string": string, "create-email": by, "create-time": 1709373600000}
    return {**made, "children": list(children)} if children else made


PAGES = [
    {
        "title": "March 2nd, 2024",
        "uid": "03-02-2024",
        "create-time": 1709373600000,
        "children": [
            block(
                "aB3dE6gH9",
                "How do you bake the rye?",
                "bob@example.org",
                block("bB3dE6gH9", "With patience and a [[hot stone]]. ((aB3dE6gH9))", "ann@example.org"),
            ),
            block("cB3dE6gH9", "{{[[TODO]]}} Buy rye #shopping", "ann@example.org"),
        ],
    },
    {
        "title": "Bread",
        "uid": "dB3dE6gH9",
        "create-time": 1709460000000,
        "children": [block("eB3dE6gH9", "It rose at last.", "bob@example.org")],
    },
]
CASE = Case(
    "roam", "kitchen.json", json.dumps(PAGES, indent=2), ("ann@example.org",), ("patience and a hot stone", "Buy rye"),
    ("How do you bake", "rose"), datetime(2024, 3, 2, tzinfo=UTC),
)  # fmt: skip

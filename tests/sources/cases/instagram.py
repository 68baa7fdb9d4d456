from __future__ import annotations

from datetime import UTC, datetime

from . import Case

CHAT = """{
  "participants": [{"name": "bob.bakes"}, {"name": "ann"}],
  "messages": [
    {"sender_name": "ann", "timestamp_ms": 1709460360000, "content": "I am glad of it."},
    {"sender_name": "bob.bakes", "timestamp_ms": 1709460300000, "content": "Look what rose at last",
     "share": {"link": "https://www.instagram.com/p/bread/", "share_text": "Loaves of the week"}},
    {"sender_name": "ann", "timestamp_ms": 1709373780000, "content": "Liked a message"},
    {"sender_name": "ann", "timestamp_ms": 1709373720000, "content": "With patience and a hot stone."},
    {"sender_name": "bob.bakes", "timestamp_ms": 1709373660000, "content": "How do you bake the rye?"}
  ],
  "title": "bob.bakes",
  "thread_path": "inbox/bob.bakes_17840000000000001"
}
"""
CASE = Case(
    "instagram", "message_1.json", CHAT, ("ann",), ("patience", "glad"),
    ("How do you bake", "rose", "Loaves of the week"), datetime(2024, 3, 2, 10, 1, tzinfo=UTC),
)  # fmt: skip

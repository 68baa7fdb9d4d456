from __future__ import annotations

from datetime import UTC, datetime

from . import Case

CHAT = """{
  "participants": [{"name": "Bob"}, {"name": "Ann"}],
  "messages": [
    {"sender_name": "Ann", "timestamp_ms": 1709460360000, "content": "I am glad of it.", "is_unsent": false},
    {"sender_name": "Bob", "timestamp_ms": 1709460300000, "content": "It rose at last.",
     "reactions": [{"reaction": "\\u00e2\\u009d\\u00a4", "actor": "Ann"}]},
    {"sender_name": "Ann", "timestamp_ms": 1709373800000, "content": "Ann sent an attachment.",
     "photos": [{"uri": "photos/1.jpg", "creation_timestamp": 1709373800}]},
    {"sender_name": "Ann", "timestamp_ms": 1709373720000,
     "content": "With patience and a hot stone, from the caf\\u00c3\\u00a9."},
    {"sender_name": "Bob", "timestamp_ms": 1709373660000, "content": "How do you bake the rye?"}
  ],
  "title": "Bob",
  "is_still_participant": true,
  "thread_path": "inbox/bob_10150000000000001"
}
"""
CASE = Case(
    "facebook", "message_1.json", CHAT, ("Ann",), ("patience and a hot stone, from the café.", "glad"),
    ("How do you bake", "rose"), datetime(2024, 3, 2, 10, 1, tzinfo=UTC),
)  # fmt: skip

from __future__ import annotations

from datetime import UTC, datetime

from . import Case

DAY = """[
    {"type": "message", "subtype": "channel_join", "user": "U02", "text": "<@U02> has joined the channel",
     "ts": "1709373600.000001"},
    {"type": "message", "user": "U02", "text": "How do you bake the rye &amp; the oats?", "ts": "1709373660.000000",
     "user_profile": {"real_name": "Bob Miller", "display_name": "bob", "name": "bob"},
     "thread_ts": "1709373660.000000", "reply_count": 1},
    {"type": "message", "user": "U01", "text": "With patience and a <https://example.com/stone|hot stone>.",
     "ts": "1709373720.000200", "thread_ts": "1709373660.000000",
     "user_profile": {"real_name": "Ann Lee", "display_name": "ann", "name": "ann"}},
    {"type": "message", "subtype": "bot_message", "bot_id": "B01", "text": "Build passed", "ts": "1709373780.000300"},
    {"type": "message", "user": "U02", "text": "It rose at last.", "ts": "1709373840.000400",
     "user_profile": {"real_name": "Bob Miller", "display_name": "bob", "name": "bob"}},
    {"type": "message", "user": "U01", "text": "I am glad of it.", "ts": "1709373900.000500",
     "user_profile": {"real_name": "Ann Lee", "display_name": "ann", "name": "ann"}}
]
"""
CASE = Case(
    "slack", "2024-03-02.json", DAY, ("Ann Lee",), ("patience and a hot stone.", "glad"),
    ("How do you bake the rye & the oats?", "rose"), datetime(2024, 3, 2, 10, 1, tzinfo=UTC),
)  # fmt: skip

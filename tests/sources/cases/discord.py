from __future__ import annotations

from datetime import UTC, datetime

from . import Case

CHANNEL = """{
  "guild": {"id": "900000000000000001", "name": "Bakers", "iconUrl": ""},
  "channel": {"id": "900000000000000002", "type": "GuildTextChat", "category": "Bread", "name": "rye", "topic": null},
  "dateRange": {"after": null, "before": null},
  "messages": [
    {"id": "900000000000000010", "type": "GuildMemberJoin", "timestamp": "2024-03-02T10:00:00+00:00",
     "content": "Joined the server.", "author": {"id": "22", "name": "bob", "discriminator": "0000"}},
    {"id": "900000000000000011", "type": "Default", "timestamp": "2024-03-02T10:01:00+00:00",
     "content": "How do you bake the rye?",
     "author": {"id": "22", "name": "bob", "discriminator": "0000", "nickname": "Bob", "isBot": false}},
    {"id": "900000000000000012", "type": "Reply", "timestamp": "2024-03-02T10:02:00+00:00",
     "content": "With patience and a hot stone, <@22222222222222>.",
     "author": {"id": "11", "name": "ann", "discriminator": "0000", "nickname": "Ann Lee", "isBot": false},
     "mentions": [{"id": "22222222222222", "name": "bob", "nickname": "Bob"}],
     "reference": {"messageId": "900000000000000011"}},
    {"id": "900000000000000013", "type": "Default", "timestamp": "2024-03-03T10:05:00+00:00",
     "content": "> It rose at last.\\nI am glad of it.",
     "author": {"id": "11", "name": "ann", "discriminator": "0000", "nickname": "Ann Lee", "isBot": false}}
  ],
  "messageCount": 4
}
"""
CASE = Case(
    "discord", "Bakers - rye.json", CHANNEL, ("Ann Lee",), ("patience and a hot stone, @Bob.", "I am glad"),
    ("How do you bake", "rose"), datetime(2024, 3, 2, 10, 1, tzinfo=UTC),
)  # fmt: skip

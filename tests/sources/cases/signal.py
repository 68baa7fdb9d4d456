from __future__ import annotations

from datetime import UTC, datetime

from . import Case

CHAT = """[2024-03-02 10:01:07] Bob: How do you bake the rye?\x20\x20

[2024-03-02 10:02:11] Me:\x20

> How do you bake the rye?

With patience
and a hot stone.\x20\x20
(- Bob: \U0001f44d -)

[2024-03-03 10:02:00] Bob: It rose at last.\x20\x20

[2024-03-03 10:05:00] Me: (This message was deleted)

[2024-03-03 10:06:00] Me: I am glad of it.\x20\x20

"""
CASE = Case(
    "signal", "chat.md", CHAT, (), ("patience\nand a hot stone.", "glad"), ("How do you bake", "rose"),
    datetime(2024, 3, 2, 10, 1, 7, tzinfo=UTC),
)  # fmt: skip

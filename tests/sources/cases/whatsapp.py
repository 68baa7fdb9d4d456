from __future__ import annotations

from datetime import UTC, datetime

from . import Case

CHAT = """02/03/2024, 10:00 - Messages and calls are end-to-end encrypted.
02/03/2024, 10:01 - Bob: How do you bake the rye?
02/03/2024, 10:02 - Ann: With patience
and a hot stone.
03/03/2024, 10:02 - Bob: It rose at last.
03/03/2024, 10:05 - Ann: I am glad of it.
"""
CASE = Case(
    "whatsapp", "WhatsApp Chat with Bob.txt", CHAT, ("Ann",), ("patience\nand", "glad"), ("How do you bake", "rose"),
    datetime(2024, 3, 2, 10, 1, tzinfo=UTC),
)  # fmt: skip

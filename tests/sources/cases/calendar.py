from __future__ import annotations

from datetime import UTC, datetime

from . import Case

EVENTS = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:1@example.org
DTSTART:20240302T100000Z
DTEND:20240302T110000Z
SUMMARY:How do you bake the rye?
DESCRIPTION:With patience and a hot stone.
ORGANIZER;CN=Bob:mailto:bob@example.org
END:VEVENT
END:VCALENDAR
"""
CASE = Case(
    "calendar", "bread.ics", EVENTS, (), (), ("How do you bake", "patience"), datetime(2024, 3, 2, 10, tzinfo=UTC),
    any_name=False, streamed=False,
)  # fmt: skip

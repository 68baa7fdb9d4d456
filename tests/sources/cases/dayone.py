from __future__ import annotations

import json
from datetime import UTC, datetime

from . import Case

ENTRIES = [
    {
        "uuid": "0A0B0C0D0E0F00010203040506070809",
        "creationDate": "2024-03-02T10:00:00Z",
        "modifiedDate": "2024-03-02T11:00:00Z",
        "timeZone": "Europe/Berlin",
        "starred": False,
        "text": "# Rye\n\n> How do you bake the rye?\n\nWith patience\\.\nAnd a hot stone\\.\n\n![](dayone-moment://0A0B)",
    },
    {
        "uuid": "1A0B0C0D0E0F00010203040506070809",
        "creationDate": "2024-03-03T10:00:00Z",
        "timeZone": "Europe/Berlin",
        "richText": json.dumps({"contents": [{"text": "It rose at last."}]}),
    },
]
CASE = Case(
    "dayone", "Journal.json", json.dumps({"metadata": {"version": "1.0"}, "entries": ENTRIES}, indent=2), (),
    ("patience.\nAnd", "rose"), ("How do you bake",), datetime(2024, 3, 2, 10, tzinfo=UTC),
)  # fmt: skip

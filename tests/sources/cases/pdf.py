from __future__ import annotations

from datetime import UTC, datetime

from ..making import pdf
from . import Case

LINES = ("With patience and a hot stone the rye is baked.", "", "It rose at last, and I was glad of it.")
DATA = pdf([LINES], info={"Author": "Ann", "Title": "Bread", "CreationDate": "D:20240302100000Z"})
CASE = Case(
    "pdf", "bread.pdf", DATA, ("Ann",), ("patience", "glad"), (), datetime(2024, 3, 2, 10, tzinfo=UTC), lines=False,
    streamed=False,
)  # fmt: skip

from __future__ import annotations

from datetime import UTC, datetime

from ..making import epub
from . import Case

ABOUT = "<dc:title>Bread</dc:title><dc:creator>Ann</dc:creator><dc:date>2024-03-02T10:00:00Z</dc:date>"
CHAPTERS = {
    "1.xhtml": "<h1>The stone</h1><p>With patience and a hot stone.</p>",
    "2.xhtml": "<h1>The loaf</h1><blockquote><p>It rose at last.</p></blockquote>",
}
CASE = Case(
    "epub", "bread.epub", epub(CHAPTERS, metadata=ABOUT), ("Ann",), ("patience",), ("rose",),
    datetime(2024, 3, 2, 10, tzinfo=UTC), lines=False, streamed=False,
)  # fmt: skip

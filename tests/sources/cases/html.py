from __future__ import annotations

from datetime import UTC, datetime

from . import Case

PAGE = """<!DOCTYPE html>
<html><head><title>Bread | Ann's kitchen</title><meta name="author" content="Ann">
<meta property="article:published_time" content="2024-03-02T10:00:00Z"></head>
<body><nav>Home About</nav><h1>Bread</h1>
<p>With patience and a hot stone.</p>
<blockquote><p>It rose at last.</p></blockquote>
</body></html>
"""
CASE = Case(
    "html", "bread.html", PAGE, ("Ann",), ("patience",), ("rose",), datetime(2024, 3, 2, 10, tzinfo=UTC),
    streamed=False,
)  # fmt: skip

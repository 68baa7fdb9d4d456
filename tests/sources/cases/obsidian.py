from __future__ import annotations

from datetime import UTC, datetime

from . import Case

NOTE = """---
aliases: [Rye]
date: 2024-03-02
---

> [!quote] Bob
> How do you bake the rye?

With patience and [[Kitchen/The stone|a hot stone]]. %%ask Bob%% ^abc123

> [!note] The oven
> It needs an hour.
"""
CASE = Case(
    "obsidian", "bread.md", NOTE, (), ("patience and a hot stone", "The oven", "an hour"), ("How do you bake",),
    datetime(2024, 3, 2, tzinfo=UTC), ((".obsidian/app.json", "{}"),), any_name=False,
)  # fmt: skip

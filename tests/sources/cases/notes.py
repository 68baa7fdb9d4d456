from __future__ import annotations

from datetime import UTC, datetime

from . import Case

NOTE = """---
title: Bread
date: 2024-03-02
---

With patience and a hot stone.

> How do you bake the rye?
"""
CASE = Case("notes", "bread.md", NOTE, (), ("patience",), ("How do you bake",), datetime(2024, 3, 2, tzinfo=UTC))

from __future__ import annotations

from . import Case

TALK = """# Bread

**Ann:** Welcome to the show.

**Bob:** How do you bake the rye?

**Ann:** With patience and a hot stone.

**Bob:** It rose at last.
"""
CASE = Case("transcript", "2024-03-02 show.md", TALK, ("ann",), ("patience",), ("rose",))

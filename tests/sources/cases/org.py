from __future__ import annotations

from datetime import UTC, datetime

from . import Case

NOTES = """#+TITLE: Bread

* Rye :food:
:PROPERTIES:
:CREATED: [2024-03-02 Sat 10:00]
:END:
#+BEGIN_QUOTE
How do you bake the rye?
#+END_QUOTE
With patience and a [[https://example.org/stone][hot stone]].
* DONE <2024-03-03 Sun> Salt
It needs a pinch.
"""
CASE = Case(
    "org", "bread.org", NOTES, (), ("patience and a hot stone", "a pinch"), ("How do you bake",),
    datetime(2024, 3, 2, tzinfo=UTC),
)  # fmt: skip

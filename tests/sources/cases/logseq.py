from __future__ import annotations

from . import Case

PAGE = """type:: [[Recipe]]

- #+BEGIN_QUOTE
  How do you bake the rye?
  #+END_QUOTE
- With patience and a [[hot stone]].
  id:: 6018cc98-67a8-4eb2-bfd7-2affe517a7c7
\t- TODO Buy rye
\t  :LOGBOOK:
\t  CLOCK: [2024-03-02 Sat 10:00:00]
\t  :END:
\t- {{query (todo)}}
"""
CASE = Case(
    "logseq", "bread.md", PAGE, (), ("patience and a hot stone", "Buy rye"), ("How do you bake",), any_name=False
)

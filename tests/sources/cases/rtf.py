from __future__ import annotations

from datetime import UTC, datetime

from . import Case

DATA = r"""{\rtf1\ansi{\stylesheet{\s0 Normal;}{\s5 Quote;}}
{\info{\title Bread}{\author Ann}{\creatim\yr2024\mo3\dy2\hr10}}
\pard\s0 With patience and a hot stone.\par
\pard\s5 It rose at last.\par
}
"""
CASE = Case(
    "rtf", "bread.rtf", DATA, ("Ann",), ("patience",), ("rose",), datetime(2024, 3, 2, 10, tzinfo=UTC), streamed=False
)

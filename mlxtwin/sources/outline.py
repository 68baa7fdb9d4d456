"""The bullets of an outliner to lines of Markdown: those of the first level are paragraphs, short ones below a list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

ITEM_WORDS = 30
# A list is cut here, so that no block grows with the page.
LIST_WORDS = 150
_OWN_BLOCK = ("#", ">", "|", "- ", "* ", "+ ")


@dataclass(frozen=True, slots=True)
class Bullet:
    """``lines``: its text without the bullet; ``depth``: 0 for the first level; ``by``: whose it is."""

    depth: int
    lines: tuple[str, ...]
    by: str = ""


def markdown_lines(bullets: Iterable[Bullet]) -> Iterator[str]:
    """The lines of all bullets in reading order; blank bullets give none."""
    words = 0
    for bullet in bullets:
        lines = [line.strip() for line in bullet.lines]
        size = sum(len(line.split()) for line in lines)
        if not size:
            continue
        single = len(lines) == 1 and not lines[0].startswith(_OWN_BLOCK)
        if bullet.depth and single and size <= ITEM_WORDS:
            if words + size > LIST_WORDS:
                yield ""
                words = 0
            yield f"- {lines[0]}"
            words += size
        else:
            yield ""
            yield from lines
            if not single:
                yield ""
            words = size

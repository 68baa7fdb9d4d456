"""Notes in a Git repository: what somebody else committed is not the person's, as in a manual that was cloned.

A line that was not committed yet is the person's; one of which the history does not tell, as in a copy that was cut
short, is not. A repository counts where it lies in what is imported: of one that lies around it nothing is asked, for
exports may be kept in anybody's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from mlxtwin.errors import SourceError
from mlxtwin.records import Person
from mlxtwin.sources.base import text_lines
from mlxtwin.sources.blocks import Block, blocks
from mlxtwin.sources.files import File
from mlxtwin.sources.frontmatter import FrontMatter, split_front_matter
from mlxtwin.sources.git_lines import line_authors, paragraphs
from mlxtwin.sources.keyed_notes import by

UNKNOWN = "somebody"


def note_blocks(file: File, root: File, person: Person, *, markdown: bool) -> tuple[FrontMatter, Iterator[Block]]:
    """The head of a note and its blocks, those of others with their names. Raises SourceError."""
    others = _others(file, root, person)
    if not any(others):
        front, lines = split_front_matter(text_lines(file))
        return front, blocks(lines, markdown=markdown)
    whole = list(text_lines(file))
    front, lines = split_front_matter(whole)
    left = list(lines)
    start = len(whole) - len(left)
    authors = [*others, *[UNKNOWN] * len(whole)][start : start + len(left)]
    return front, _by_others(left, authors, markdown)


def _others(file: File, root: File, person: Person) -> list[str]:
    """For each line who else wrote it, empty for the person; nothing where no repository tells."""
    # A damaged repository is told of by itself, as far as it is read at all.
    with suppress(SourceError, OSError):
        if isinstance(file, Path) and isinstance(root, Path) and person:
            return ["" if one is None else _other(one, person) for one in line_authors(file, root) or ()]
    return []


def _other(author: str, person: Person) -> str:
    name, _, address = author.rstrip(">").rpartition(" <")
    return "" if person.is_me(name, address) else name or address or UNKNOWN


def _by_others(lines: Sequence[str], authors: Sequence[str], markdown: bool) -> Iterator[Block]:
    for author, run in paragraphs(lines, authors):
        found = blocks(run, markdown=markdown)
        yield from by(found, author.strip(", ")) if author.strip(", ") else found

"""Notes that have an id of their own, so that a note is found again however it was changed or renamed since."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mlxtwin.records import Document
from mlxtwin.sources.base import clean_text
from mlxtwin.sources.blocks import Block
from mlxtwin.sources.prose import Note, Written, documents

CLIP = "a web clip"
TRASH = "in the trash"
LOCKED = "encrypted"
MAIL = "a mail that was sent in"
_FOREIGN = frozenset((CLIP, LOCKED, MAIL))
MOST_TITLE_CHARACTERS = 300


def keyed(note: Note) -> Iterator[Document]:
    """The documents of a note. The first has the note's key alone, for headings come and go; later ones add their own.

    Of what was clipped or sent in no word is the person's.
    """
    body = as_quotes(note.body) if note.drop in _FOREIGN else note.body
    for number, document in enumerate(documents(replace(note, body=body))):
        yield document if number else replace(document, key=note.key)


def as_quotes(body: Iterator[Block]) -> Iterator[Block]:
    """Blocks that somebody else wrote, nobody knows who."""
    return (replace(block, kind="quote", level=0) for block in body)


def by(body: Iterator[Block], author: str) -> Iterator[Block]:
    """Blocks by another person, but what that person quotes."""
    return (
        block if block.kind == "quote" else Written(block.kind, block.text, block.level, block.glue, by=author)
        for block in body
    )


def one_line(text: str) -> str:
    """A title or a name without line ends."""
    return " ".join(clean_text(text).split())[:MOST_TITLE_CHARACTERS].strip()

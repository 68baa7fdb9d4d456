"""Roam Research: the JSON export of a graph, a page each; pages of days are dated by their title.

Where one person made all blocks they are the person's; where several did, those made by one of the person's names. Not
covered: the exports in EDN and Markdown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import decode_text, read_head, relative_name
from mlxtwin.sources.blocks import Block, blocks
from mlxtwin.sources.dates import leading_date, moment
from mlxtwin.sources.files import File
from mlxtwin.sources.json_file import items
from mlxtwin.sources.moments import UNIX, since
from mlxtwin.sources.outline import markdown_lines
from mlxtwin.sources.prose import Note, Written, documents
from mlxtwin.sources.roam_outline import blocks_of, bullets, maker
from mlxtwin.sources.shapes import as_name
from mlxtwin.sources.wikitext import linked_words

SOMEBODY = "somebody"
_PAGE = re.compile(r"\s*\[\s*\{")
_MADE = re.compile(r'"(?:create-time|edit-time|create-email|edit-email|:create/user)"\s*:')
_BLOCK = re.compile(r'"(?:string|title)"\s*:\s*"')
_NODE = re.compile(r'"(?:children|uid)"\s*:')


class Roam:
    """See the module; ``Document.key`` is the id of the page, when it was made, and the section."""

    name = "roam"
    kind: Kind = "note"

    def recognises(self, file: File) -> float:
        text = decode_text(read_head(file))
        found = _PAGE.match(text) and all(part.search(text) for part in (_MADE, _BLOCK, _NODE))
        return 0.9 if found else 0.0

    def authors(self, file: File) -> Iterator[str]:
        makers = _makers(file)
        return makers.elements() if len(makers) > 1 else iter(())

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        makers = _makers(file)
        graph = _Graph(relative_name(file, root), len(makers) > 1, person)
        seen: Counter[str] = Counter()
        for page in items(file, "item"):
            if isinstance(page, dict) and (title := _title(page)):
                key = _key(page, title)
                seen[key] += 1
                yield from graph.documents(page, title, key if seen[key] == 1 else f"{key}.{seen[key]}")


def _makers(file: File) -> Counter[str]:
    """How many blocks each made, as far as the file can be read; what is wrong with it is told after what can be."""
    makers: Counter[str] = Counter()
    with suppress(SourceError):
        for page in items(file, "item"):
            if isinstance(page, dict):
                makers.update(made for _, block in blocks_of(page) if (made := maker(block)))
    return makers


@dataclass(frozen=True, slots=True)
class _Graph:
    """``shared``: several made it, so that a block without a maker is not taken for the person's."""

    origin: str
    shared: bool
    person: Person

    def documents(self, page: dict[str, Any], title: str, key: str) -> Iterator[Document]:
        mark = leading_date(title)
        day = moment(mark.day) if mark and mark.precision == "day" and not mark.rest.strip() else None
        yield from documents(
            Note(
                Roam.name,
                title,
                key,
                title,
                day or _made(page),
                self._blocks(page),
                f"{self.origin}#{key}",
                dates="nowhere" if day else "anywhere",
            )
        )

    def _blocks(self, page: dict[str, Any]) -> Iterator[Block]:
        for by, run in groupby(bullets(page), key=lambda bullet: self._by(bullet.by)):
            for block in blocks(markdown_lines(run), markdown=True, breaks=True):
                yield _by_another(block, by) if by and block.kind != "quote" else block

    def _by(self, made: str) -> str:
        """Whose a block is, empty for the person's."""
        return "" if not self.shared or self.person.is_me(made) else made or SOMEBODY


def _by_another(block: Block, by: str) -> Block:
    return Written("text", block.text, glue=block.glue, by=by)


def _title(page: dict[str, Any]) -> str:
    return linked_words(as_name(page.get("title")))[:300].strip()


def _key(page: dict[str, Any], title: str) -> str:
    """Pages of days have the same ids in all graphs; when they were made tells them apart."""
    made = page.get("create-time")
    return (as_name(page.get("uid")) or title) + (f"~{made}" if isinstance(made, int) else "")


def _made(page: dict[str, Any]) -> datetime | None:
    """When a page was made, else its first block, else when it was last changed."""
    times = [page.get("create-time"), *(block.get("create-time") for _, block in blocks_of(page))]
    found = [int(at) for at in times if isinstance(at, int | float) and at > 0]
    first = found[:1] if isinstance(times[0], int | float) else [min(found)] if found else []
    at = next(iter(first), page.get("edit-time"))
    return since(UNIX, at / 1000) if isinstance(at, int | float) else None

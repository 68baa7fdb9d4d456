"""Notes: a folder of Markdown or plain text, or a diary in one long file.

All text is the person's but what stands in blockquotes, which is kept as quoted. Code, tables and pictures are left
out. The date comes from the entry, the front matter, the file's name or its folders; a file's own times are not
used, since copying changes them. Not covered: wikilinks and callouts are left as they stand.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, groupby

from mlxtwin.records import Document, Kind, Person, Turn
from mlxtwin.sources.base import head_text, relative_name, text_lines
from mlxtwin.sources.blocks import Block, blocks
from mlxtwin.sources.dates import leading_date, moment, name_date
from mlxtwin.sources.files import File
from mlxtwin.sources.frontmatter import FrontMatter, split_front_matter
from mlxtwin.sources.sections import Section, sections
from mlxtwin.sources.skips import looks_like_prose, skip_reason

MARKDOWN = frozenset({".md", ".markdown", ".mdown", ".mkd"})
PLAIN = frozenset({".txt", ".text"})
ME = "me"
LEAST_WORDS = 8
# What follows the dot of "Meeting 3.5" or "St. Ives in May" is part of the name.
_NO_SUFFIX = re.compile(r".*\s.*\.\d*|.*\.[^.]*\s[^.]*", re.DOTALL)
_HEADER = re.compile(r"(?i)(from|to|cc|subject|date|sent|received|return-path|message-id|delivered-to|x-[\w-]+)\s*:")
_NAME_PREFIX = re.compile(r"^\d{4}[-_. ]?\d{2}[-_. ]?\d{2}(T\d{4,6})?[-_. ]+")
_IMPLIED_NAMES = frozenset({"readme", "index"})


class Notes:
    """See the module; ``Document.key`` is the relative path, a stamp of the first line, and the section."""

    name = "notes"
    kind: Kind = "note"

    def recognises(self, file: File) -> float:
        suffix = file.suffix.casefold()
        named = suffix in MARKDOWN or suffix in PLAIN
        if not (named or not suffix or _NO_SUFFIX.fullmatch(file.name)) or skip_reason(file):
            return 0.0
        if suffix in MARKDOWN:
            return 0.5
        text = head_text(file)
        if not looks_like_prose(text):
            return 0.0
        if named:
            return 0.4
        return 0.3 if len(text.split()) >= LEAST_WORDS and not _HEADER.match(text) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        return iter(())

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        markdown = file.suffix.casefold() in MARKDOWN
        front, lines = split_front_matter(text_lines(file))
        note = _note(relative_name(file, root), front, blocks(lines, markdown=markdown), markdown)
        made = False
        for document in _documents(note):
            made = True
            yield document
        if not made:
            yield Document(self.kind, self.name, note.key, note.title, (), note.at, note.path, note.path, "empty")


@dataclass(frozen=True, slots=True)
class _Note:
    path: str
    key: str
    title: str
    at: datetime | None
    body: Iterator[Block]
    markdown: bool


def _note(path: str, front: FrontMatter, body: Iterator[Block], markdown: bool) -> _Note:
    """Title and date of the file; a heading that gives the title is no part of the body."""
    first = next(body, None)
    stamp = hashlib.blake2b((first.text if first else "")[:80].encode(), digest_size=4).hexdigest()
    rest: Iterator[Block] = chain([first] if first else [], body)
    title = front.title
    if first and first.kind == "heading" and not leading_date(first.text):
        title, rest = title or first.text, body if title in ("", first.text) else rest
    at = front.at or moment(name_date(path))
    return _Note(path, f"{path}~{stamp}", title or _name_title(path), at, rest, markdown)


def _name_title(path: str) -> str:
    """``2024-03-02-a_walk.md`` to ``a walk``; a readme is named after its folder."""
    folder, _, name = path.rpartition("/")
    stem = name.rpartition(".")[0] or name
    if stem.casefold() in _IMPLIED_NAMES and folder:
        stem = folder.rpartition("/")[2]
    words = " ".join(re.split(r"[-_\s]+", _NAME_PREFIX.sub("", stem))).strip()
    return words or stem


def _documents(note: _Note) -> Iterator[Document]:
    parts: Counter[str] = Counter()
    for section in sections(note.body):
        turns = _turns(section.blocks, note.markdown)
        if not turns:
            continue
        parts[section.name] += 1
        number = parts[section.name]
        place = "#".join(filter(None, (note.path, section.name)))
        drop = "" if any(turn.trainable for turn in turns) else "not by me"
        yield Document(
            Notes.kind,
            Notes.name,
            f"{note.key}#{section.name}" + (f".{number}" if number > 1 else ""),
            _title(note, section) + (f" ({number})" if number > 1 else ""),
            turns,
            moment(section.day) or note.at,
            note.path,
            place,
            drop,
        )


def _title(note: _Note, section: Section) -> str:
    if note.title.endswith(section.title):
        return note.title
    return section.title if section.day else f"{note.title}: {section.title}"


def _turns(body: tuple[Block, ...], markdown: bool) -> tuple[Turn, ...]:
    turns = []
    for quoted, run in groupby(body, lambda block: block.kind == "quote"):
        text = _text(list(run), markdown)
        if text:
            turns.append(Turn("" if quoted else ME, not quoted, text, "quoted" if quoted else "own"))
    return tuple(turns)


def _text(run: list[Block], markdown: bool) -> str:
    """Blocks as text, less a heading with nothing under it."""
    text = ""
    for block in run:
        marked = f"{'#' * block.level} {block.text}" if markdown and block.kind == "heading" else block.text
        text += (block.glue if text else "") + marked
    return "" if all(block.kind == "heading" for block in run) else text

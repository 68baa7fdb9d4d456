"""What the importers of notes share: blocks of a note to Documents, with its title, its date and its sections.

The words are the person's but those of blocks that are quotes, and of blocks with a writer of their own.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, groupby

from mlxtwin.records import Document, Turn
from mlxtwin.sources.blocks import Block
from mlxtwin.sources.dates import leading_date, moment, name_date
from mlxtwin.sources.files import File
from mlxtwin.sources.sections import Dates, Section, sections

ME = "me"
NOT_BY_ME = "not by me"
EMPTY = "empty"
MOST_FOLDERS_UP = 24
MOST_TITLE_CHARACTERS = 300
_NAME_PREFIX = re.compile(r"^\d{4}[-_. ]?\d{2}[-_. ]?\d{2}(T\d{4,6})?[-_. ]+")
_IMPLIED_NAMES = frozenset({"readme", "index"})


@dataclass(frozen=True, slots=True)
class Written(Block):
    """A block by somebody else: ``by`` is their name; empty for the person."""

    by: str = field(default="", kw_only=True)


@dataclass(frozen=True, slots=True)
class Note:
    """One note of a source. ``path`` names it within the source, ``key`` is where the keys of its sections begin.

    ``origin``: the file and the position in it. ``markdown``: headings within the text are marked. ``dates``: where
    its entries are looked for. ``by``: another who wrote all of it. ``drop``: why none of it is used, or empty.
    """

    source: str
    path: str
    key: str
    title: str
    at: datetime | None
    body: Iterator[Block]
    origin: str = ""
    markdown: bool = True
    dates: Dates = "anywhere"
    by: str = ""
    drop: str = ""


def stamp(text: str) -> str:
    """Eight digits that tell what begins with other words apart."""
    return hashlib.blake2b(text[:80].encode(), digest_size=4).hexdigest()


def opened(body: Iterator[Block], title: str = "") -> tuple[str, str, Iterator[Block]]:
    """The stamp of the first block, the title and the blocks less a heading that only says the title again."""
    first = next(body, None)
    rest: Iterator[Block] = chain([first] if first else [], body)
    if first and first.kind == "heading" and not leading_date(first.text):
        return stamp(first.text), title or first.text, body if title in ("", first.text) else rest
    return stamp(first.text if first else ""), title, rest


def path_date(path: str) -> datetime | None:
    """The day that a file's name or its folders tell."""
    return moment(name_date(path))


def name_title(path: str) -> str:
    """``2024-03-02-a_walk.md`` to ``a walk``; a readme is named after its folder."""
    folder, _, name = path.rpartition("/")
    stem = name.rpartition(".")[0] or name
    if stem.casefold() in _IMPLIED_NAMES and folder:
        stem = folder.rpartition("/")[2]
    words = " ".join(re.split(r"[-_\s]+", _NAME_PREFIX.sub("", stem))).strip()
    return words or stem


def documents(note: Note) -> Iterator[Document]:
    """A Document per section in order; one that is dropped as EMPTY where the note has no words."""
    parts: Counter[str] = Counter()
    for section in sections(note.body, note.dates):
        if turns := turns_of(section.blocks, markdown=note.markdown, by=note.by):
            parts[section.name] += 1
            yield _document(note, section, turns, parts[section.name])
    if not parts:
        place = note.origin or note.path
        title = note.title[:MOST_TITLE_CHARACTERS].strip()
        yield Document("note", note.source, note.key, title, (), note.at, note.path, place, note.drop or EMPTY)


def _document(note: Note, section: Section, turns: tuple[Turn, ...], number: int) -> Document:
    return Document(
        "note",
        note.source,
        f"{note.key}#{section.name}" + (f".{number}" if number > 1 else ""),
        _title(note, section) + (f" ({number})" if number > 1 else ""),
        turns,
        moment(section.day) or note.at,
        note.path,
        "#".join(filter(None, (note.origin or note.path, section.name))),
        note.drop or ("" if any(turn.trainable for turn in turns) else NOT_BY_ME),
    )


def _title(note: Note, section: Section) -> str:
    title = section.title if section.day else f"{note.title}: {section.title}"
    return (note.title if note.title.endswith(section.title) else title)[:MOST_TITLE_CHARACTERS].strip()


def turns_of(body: Iterable[Block], *, markdown: bool = True, by: str = "") -> tuple[Turn, ...]:
    """Runs of blocks by one writer, or quoted; ``by`` wrote those that name nobody, the person where it is empty."""
    turns = []
    for (quoted, writer), run in groupby(body, lambda block: (block.kind == "quote", _by(block) or by)):
        text = _text(list(run), markdown)
        if text:
            turns.append(_turn(text, quoted, writer))
    return tuple(turns)


def _by(block: Block) -> str:
    return block.by if isinstance(block, Written) else ""


def _turn(text: str, quoted: bool, by: str) -> Turn:
    if quoted:
        return Turn("", False, text, "quoted")
    return Turn(by, False, text, "received") if by else Turn(ME, True, text, "own")


def _text(run: list[Block], markdown: bool) -> str:
    """Blocks as text, less a heading with nothing under it."""
    text = ""
    for block in run:
        marked = f"{'#' * block.level} {block.text}" if markdown and block.kind == "heading" else block.text
        text += (block.glue if text else "") + marked
    return "" if all(block.kind == "heading" for block in run) else text


def enclosing(file: File, is_it: Callable[[File], bool]) -> File | None:
    """The nearest folder above a file of which ``is_it`` holds; raises nothing."""
    folder = file.parent
    for _ in range(MOST_FOLDERS_UP):
        try:
            if is_it(folder):
                return folder
        except OSError:
            pass
        above = folder.parent
        if above.parts == folder.parts:
            return None
        folder = above
    return None

"""Obsidian: the Markdown of a vault, known by the ``.obsidian`` folder above it, or by what only Obsidian writes.

All words are the person's but quotes and what was clipped from the web: a note with an address as its source, or filed
under a tag of a clipper. Not covered: canvases, bases, drawings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import clean_text, head_text, relative_name, text_lines
from mlxtwin.sources.blocks import Block, blocks, outside_fences
from mlxtwin.sources.dates import make_date, moment, parse_moment
from mlxtwin.sources.files import File
from mlxtwin.sources.frontmatter import FrontMatter, split_front_matter
from mlxtwin.sources.obsidian_text import plain_lines
from mlxtwin.sources.prose import Note, documents, enclosing, name_title, opened, path_date
from mlxtwin.sources.skips import skip_reason

CLIP = "a web clip"
DRAWING = "a drawing"
LEAST_MARKS = 2
_MARKDOWN = frozenset({".md", ".markdown", ".mdown", ".mkd"})
_EMBED = re.compile(r"!\[\[[^\[\]\n]{1,400}\]\]")
_WIKILINK = re.compile(r"(?<![!`\[])\[\[(?!\s|[\s\"'\d,.-]*\])[^\[\]\n]{1,400}\]\](?![\[(])")
# Some types of callouts are written elsewhere too.
_CALLOUT = re.compile(
    r"(?im)^\s{0,3}>\s?\[!(?!(?:note|tip|important|warning|caution)\])[\w-]{1,40}(?:\|[^\]\n]{0,40})?\]"
)
_COMMENT = re.compile(r"%%[^%\n]{1,400}%%|^%%\s*$", re.MULTILINE)
_BLOCK_ID = re.compile(r"(?m)\s\^[a-z0-9]{6}$")
_FRONT_KEYS = frozenset({"aliases", "cssclass", "cssclasses"})
_DATE_KEYS = ("date created", "created date", "date_created", "creation date", "created on", "createdat")
_NUMBER = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\d{4}|\d{6})(?!\d)")
_ADDRESS_KEYS = ("source", "url", "source_url", "original_url")
_CLIP_KEYS = frozenset({"kindle-sync", "omnivore", "readwise"})
_CLIP_TAGS = re.compile(
    r"#?(clippings?|web-?clip(per|ping|pings|s)?|clipped|readwise|omnivore|instapaper)(/.*)?", re.IGNORECASE
)
_ADDRESS = re.compile(r"(?i)\s*[<\"']?https?://")
_HIGHLIGHTS = re.compile(r"(?m)^- Category:+ *#?(books|articles|tweets|podcasts|supplementals)\b")


class Obsidian:
    """See the module; ``Document.key`` is the path within the vault, a stamp of the first line, and the section."""

    name = "obsidian"
    kind: Kind = "note"

    def recognises(self, file: File) -> float:
        if file.suffix.casefold() not in _MARKDOWN:
            return 0.0
        text = head_text(file)
        # A note that begins with a link of a day looks like a list of lists.
        if not text.strip() or (skip_reason(file) and not text.lstrip().startswith("[[")):
            return 0.0
        if _vault(file):
            return 0.8
        return 0.6 if _marks(text) >= LEAST_MARKS else 0.0

    def authors(self, file: File) -> Iterator[str]:
        return iter(())

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        front, lines = split_front_matter(text_lines(file))
        origin = relative_name(file, root)
        vault = _vault(file)
        path = relative_name(file, vault) if vault else origin
        first, title, body = opened(blocks(plain_lines(lines), markdown=True, breaks=True), front.title)
        drop = _drop(front, head_text(file))
        yield from documents(
            Note(
                self.name,
                path,
                f"{path}~{first}",
                title or _title(path, front),
                _at(path, front),
                map(_as_quote, body) if drop else body,
                origin,
                drop=drop,
            )
        )


def _vault(file: File) -> File | None:
    return enclosing(file, lambda folder: (folder / ".obsidian").is_dir())


def _marks(text: str) -> int:
    """How much in a text is Obsidian's alone."""
    front, lines = split_front_matter(text.split("\n"))
    body = "\n".join(outside_fences(lines))
    links = min(len({found[0] for found in islice(_WIKILINK.finditer(body), 20)}), LEAST_MARKS)
    once = sum(1 for pattern in (_COMMENT, _BLOCK_ID) if pattern.search(body))
    surely = any(pattern.search(body) for pattern in (_EMBED, _CALLOUT))
    return links + once + (LEAST_MARKS if surely else 0) + bool(_FRONT_KEYS & front.values.keys())


def _title(path: str, front: FrontMatter) -> str:
    """What the file is called, or where that is a number its first other name."""
    named = name_title(path)
    aliases = front.values.get("aliases") or front.values.get("alias")
    other = aliases[0] if isinstance(aliases, list) and aliases else aliases
    if not any(map(str.isalpha, named)) and isinstance(other, str) and other.strip():
        return " ".join(clean_text(other).split())[:300]
    return named


def _at(path: str, front: FrontMatter) -> datetime | None:
    """When it was made: by the front matter, else by a name that is a day or begins with digits down to the minute."""
    found = (parse_moment(front.values[key]) for key in _DATE_KEYS if key in front.values)
    told = front.at or next((at for at in found if at), None) or path_date(path)
    number = _NUMBER.match(path.rpartition("/")[2])
    return told or (moment(make_date(*number.groups())) if number else None)


def _drop(front: FrontMatter, head: str) -> str:
    values = front.values
    if "excalidraw-plugin" in values:
        return DRAWING
    addressed = any(_ADDRESS.match(str(value)) for key in _ADDRESS_KEYS for value in _each(values.get(key)))
    tagged = any(_CLIP_TAGS.fullmatch(str(tag).strip()) for key in ("tags", "tag") for tag in _tags(values.get(key)))
    clipped = addressed or tagged or bool(_CLIP_KEYS & values.keys()) or bool(_HIGHLIGHTS.search(head))
    return CLIP if clipped else ""


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _tags(value: Any) -> list[str]:
    return [tag for one in _each(value) for tag in re.split(r"[,\s]+", str(one or ""))]


def _as_quote(block: Block) -> Block:
    return replace(block, kind="quote", level=0)

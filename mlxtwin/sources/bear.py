"""Bear, and other programs that write TextBundles: folders, packed ones, a whole backup, and Bear's own Markdown.

A bundle holds the text and what is known of it: when it was made, whether it was thrown away or locked. All words are
the person's but quotes. A line of tags alone is no prose. Not covered: notes that are locked; Bear's database.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import decode_text, head_text, read_head, relative_name, text_lines, unreadable
from mlxtwin.sources.bear_text import is_written_in_bear, plain_lines
from mlxtwin.sources.blocks import blocks
from mlxtwin.sources.files import File
from mlxtwin.sources.frontmatter import split_front_matter
from mlxtwin.sources.json_file import text, whole
from mlxtwin.sources.keyed_notes import LOCKED, TRASH, keyed, one_line
from mlxtwin.sources.markup import markdown
from mlxtwin.sources.moments import written
from mlxtwin.sources.packed import MAGIC, Packed, unpacked
from mlxtwin.sources.prose import Note, name_title, opened, path_date
from mlxtwin.sources.shapes import as_dict
from mlxtwin.sources.skips import skip_reason

BUNDLE = ".textbundle"
MOST_TEXT_BYTES = 64 * 1024 * 1024
MOST_INFO_BYTES = 256 * 1024
_PACKS = (".textpack", ".bear2bk", ".bearbk")
_TEXTS = (".md", ".markdown", ".txt", ".text", ".html")
_MARKDOWN = frozenset({".md", ".markdown"})
_ABOUT = "net.shinyfrog.bear"


class Bear:
    """See the module; ``Document.key`` is Bear's id of a note, else the bundle's name and a stamp of its first line."""

    name = "bear"
    kind: Kind = "note"

    def recognises(self, file: File) -> float:
        suffix = file.suffix.casefold()
        head = read_head(file)
        if head.startswith(MAGIC):
            # What is called an archive is opened as one: each bundle in it is then a file of its own.
            packed = suffix in _PACKS or (suffix != ".zip" and b".textbundle/" in head)
            return 0.96 if packed else 0.0
        if _is_text(file.name) and head.strip() and _info_beside(file):
            return 0.93
        plain = suffix in _MARKDOWN and not skip_reason(file) and is_written_in_bear(head_text(file))
        return 0.65 if plain else 0.0

    def authors(self, file: File) -> Iterator[str]:
        return iter(())

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        origin = relative_name(file, root)
        if read_head(file, len(MAGIC)) == MAGIC:
            yield from _of_pack(file, origin)
        elif info := _info_beside(file) if _is_text(file.name) else None:
            yield from _of_bundle(_whole_text(file), file.name, file.parent.name, info, origin)
        else:
            yield from _of_markdown(file, origin)


def _is_text(name: str) -> bool:
    """``text.md`` and its like, which every bundle has one of."""
    path = PurePosixPath(name)
    return path.stem == "text" and path.suffix.casefold() in _TEXTS


def _info_beside(file: File) -> dict[str, Any]:
    """What a bundle says of its text; nothing for a file that is in none."""
    info: dict[str, Any] = {}
    with suppress(SourceError):
        info = as_dict(whole(file.parent / "info.json", MOST_INFO_BYTES))
    known = _ABOUT in info or "creatorIdentifier" in info or "transient" in info
    return info if known or (info and file.parent.name.casefold().endswith(BUNDLE)) else {}


def _whole_text(file: File) -> str:
    try:
        with file.open("rb") as stream:
            data = stream.read(MOST_TEXT_BYTES + 1)
    except OSError as error:
        raise unreadable(file, error) from None
    if len(data) > MOST_TEXT_BYTES:
        raise SourceError(f"{file.name} is too large for a note: over {MOST_TEXT_BYTES // 1024 // 1024} MB.")
    return decode_text(data)


def _of_pack(file: File, origin: str) -> Iterator[Document]:
    """Each bundle of a zip file. A damaged one stops none of the others; then its error is raised."""
    failed: SourceError | None = None
    with unpacked(file) as packed:
        names = sorted(name for name in packed.names if _is_text(name.rpartition("/")[2]) and "__MACOSX/" not in name)
        for name in names:
            try:
                read = decode_text(packed.read(name, MOST_TEXT_BYTES))
            except SourceError as error:
                failed = error
                continue
            folder, _, text_name = name.rpartition("/")
            bundle = folder.rpartition("/")[2] or file.stem
            yield from _of_bundle(read, text_name, bundle, _info_in(packed, folder), f"{origin}#{bundle}")
    if failed or not names:
        raise failed or SourceError(f"{file.name} holds no note.", "Export it again as TextBundle.")


def _info_in(packed: Packed, folder: str) -> dict[str, Any]:
    try:
        return as_dict(json.loads(packed.read(f"{folder}/info.json".lstrip("/"), MOST_INFO_BYTES) or b"{}"))
    except (SourceError, ValueError, RecursionError):
        return {}


def _of_bundle(said: str, name: str, bundle: str, info: dict[str, Any], origin: str) -> Iterator[Document]:
    about = as_dict(info.get(_ABOUT))
    if name.casefold().endswith(".html"):
        said = markdown(said)
    called = one_line(text(about.get("title"))) or one_line(bundle).removesuffix(BUNDLE)
    first, title, body = opened(blocks(plain_lines(said.split("\n")), markdown=True, breaks=True))
    key = one_line(text(about.get("uniqueIdentifier"))) or f"{called}~{first}"
    drop = LOCKED if about.get("encrypted") else TRASH if about.get("trashed") else ""
    at = written(about.get("creationDate")) or written(about.get("modificationDate"))
    yield from keyed(Note(Bear.name, key, key, title or called, at, body, origin, drop=drop))


def _of_markdown(file: File, path: str) -> Iterator[Document]:
    front, lines = split_front_matter(text_lines(file))
    first, title, body = opened(blocks(plain_lines(lines), markdown=True, breaks=True), front.title)
    at = front.at or path_date(path)
    yield from keyed(Note(Bear.name, path, f"{path}~{first}", title or name_title(path), at, body, path))

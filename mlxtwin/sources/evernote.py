"""Evernote's export, ENEX: many notes in one file, read as they stream by.

All words are the person's but quotes, what was clipped from the web (a note with an address as its source, a clipped
part of a note) or sent in by mail, and the notes of another author; as long as nobody has said who they are, those of
the only author of a file are theirs. Tasks stand where their list
does. Attachments and encrypted parts are left out; tables and code are no prose. Not covered: the notebook a note was
in, which the export does not tell.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from html import escape
from itertools import groupby

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import read_head, relative_name
from mlxtwin.sources.blocks import blocks
from mlxtwin.sources.evernote_scan import EnexNote, notes
from mlxtwin.sources.files import File
from mlxtwin.sources.keyed_notes import CLIP, LOCKED, MAIL, by, keyed, one_line
from mlxtwin.sources.markup import markdown
from mlxtwin.sources.markup_open import Treatment
from mlxtwin.sources.moments import written
from mlxtwin.sources.prose import Note, opened, stamp

_EXPORT = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,2000}?-->\s*)?(?:<!DOCTYPE[^>]{0,500}>\s*)?<en-export[\s>]",
    re.DOTALL,
)
_CLIP_SOURCES = re.compile(r"(?i)web\.clip.*|.*clipper.*|clearly")
_MAIL_SOURCES = re.compile(r"(?i)mail\..*")
_CLIPPED = re.compile(r"(?i)--en-clipped-")
_DIV = re.compile(r"<div\b[^<>]*>")
_TASK_GROUP = re.compile(r"(?i)--en-task-group:\s*true")
_GROUP_ID = re.compile(r"(?i)--en-id:\s*([\w-]{1,80})")


class Evernote:
    """See the module; ``Document.key`` is the time a note was made, and the section."""

    name = "evernote"
    kind: Kind = "note"

    def recognises(self, file: File) -> float:
        return 0.97 if _EXPORT.match(read_head(file)) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        yield from filter(None, (one_line(note.get("author")) for note in notes(file, with_content=False)))

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        told = bool(person) or _several_authors(file)
        origin = relative_name(file, root)
        keys: Counter[str] = Counter()
        for number, note in enumerate(notes(file), 1):
            author = one_line(note.get("author"))
            other = author if told and not person.is_me(author) else ""
            yield from keyed(_note(note, _key(note, keys), f"{origin}#{number}", other))


def _several_authors(file: File) -> bool:
    # What is wrong with the file is told when its notes are read.
    found: set[str] = set()
    with suppress(SourceError):
        found.update(author.casefold() for author in Evernote().authors(file))
    return len(found) > 1


def _key(note: EnexNote, taken: Counter[str]) -> str:
    """When the note was made; with its title where another was made in the same second, or that is not told."""
    titled = stamp(note.get("title"))
    key = note.get("created") or titled
    if taken[key]:
        key = f"{key}~{titled}"
    taken[key] += 1
    return f"{key}.{taken[key]}" if taken[key] > 1 else key


def _note(note: EnexNote, key: str, origin: str, other: str) -> Note:
    drop = LOCKED if note.locked else _drop(note)
    page = "" if note.locked else _with_tasks(note.get("content"), note.tasks)
    lines = markdown(page, rule=_rule).split("\n")
    _, title, body = opened(blocks(lines, markdown=True, breaks=True), one_line(note.get("title")))
    at = written(note.get("created")) or written(note.get("updated"))
    return Note(Evernote.name, key, key, title, at, by(body, other) if other else body, origin, drop=drop)


def _drop(note: EnexNote) -> str:
    address = note.get("source-url").casefold()
    told = note.get("source"), note.get("source-application")
    if address.startswith(("http://", "https://")) or any(_CLIP_SOURCES.fullmatch(source) for source in told):
        return CLIP
    return MAIL if _MAIL_SOURCES.fullmatch(told[0]) else ""


def _rule(_name: str, attributes: Mapping[str, str]) -> Treatment:
    style = attributes.get("style", "")
    if "--en-" not in style:
        return ""
    return "quote" if _CLIPPED.search(style) else "hidden" if _TASK_GROUP.search(style) else ""


def _with_tasks(page: str, tasks: list[dict[str, str]]) -> str:
    """The page with the lists of things to do, which stand outside of it, in their places or at its end."""
    ordered = sorted(tasks, key=lambda task: (task.get("taskGroupNoteLevelID", ""), task.get("sortWeight", "")))
    lists = {
        group: "".join(map(_item, own))
        for group, own in groupby(ordered, key=lambda task: task.get("taskGroupNoteLevelID", ""))
    }

    def place(found: re.Match[str]) -> str:
        group = _GROUP_ID.search(found[0]) if _TASK_GROUP.search(found[0]) else None
        return f"<ul>{lists.pop(group[1], '')}</ul>{found[0]}" if group else found[0]

    placed = _DIV.sub(place, page) if lists else page
    return placed + "".join(f"<ul>{items}</ul>" for items in lists.values())


def _item(task: dict[str, str]) -> str:
    done = "true" if task.get("taskStatus", "").casefold() == "completed" else "false"
    return f'<li data-checked="{done}">{escape(task.get("title", ""))}</li>'

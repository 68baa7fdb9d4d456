"""Google Keep as Takeout exports it: a JSON file for each note, and a page of HTML with the same name beside it.

The JSON is read, and its page passed over; a page alone is read. All words are the person's but those of a note that
somebody else owns and shared, and of a page that was only kept: a note with no words but an address and what the web
calls it. Not covered: who wrote which line of a shared note, and text in pictures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import decode_text, head_text, read_head, relative_name, unreadable
from mlxtwin.sources.blocks import Block, blocks
from mlxtwin.sources.clock_dates import spoken_moment
from mlxtwin.sources.files import File
from mlxtwin.sources.json_file import text, whole
from mlxtwin.sources.keyed_notes import CLIP, TRASH, by, keyed, one_line
from mlxtwin.sources.markup import markdown
from mlxtwin.sources.markup_open import Treatment
from mlxtwin.sources.moments import UNIX
from mlxtwin.sources.prose import Note, stamp
from mlxtwin.sources.shapes import as_dict, as_list

BESIDE = "the page of a note that is there as JSON"
LABELS = "a list of labels"
MOST_PAGE_BYTES = 16 * 1024 * 1024
LEAST_KEYS = 3
NOT_DONE = "\u2610"
_KEYS = re.compile(
    r'"(isTrashed|isPinned|isArchived|textContent|listContent|userEditedTimestampUsec|createdTimestampUsec)"\s*:'
)
_PAGE = re.compile(r'<div class="note(?: [\w ]{1,40})?">\s*<div class="heading">')
_ADDRESS = re.compile(r"(?i)\b(?:https?://|www\.)\S+")
_PARTS = frozenset(("heading", "title", "content", "chips", "attachments", "annotations", "sharees", "labels"))
_TICK = re.compile(r"(?m)^([ \t]*)(?:- )?([\u2610\u2611\u2612])\s*")


class Keep:
    """See the module; ``Document.key`` is the microsecond a note was made in, of a page alone its name."""

    name = "keep"
    kind: Kind = "note"

    def recognises(self, file: File) -> float:
        head = head_text(file)
        if head.lstrip().startswith("{"):
            return 0.95 if len(set(_KEYS.findall(head))) >= LEAST_KEYS and "TimestampUsec" in head else 0.0
        if _PAGE.search(head) and 'class="content"' in head:
            return 0.95
        return 0.9 if _is_labels(file) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        if read_head(file, 512).lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{") and (owner := _owner(_note_of(file))):
            yield owner

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        origin = relative_name(file, root)
        if _is_labels(file):
            yield _passed_over(file, origin, LABELS)
        elif read_head(file, 512).lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
            yield from _of_page(file, origin)
        else:
            yield from _of_json(_note_of(file), file, origin, person)


def _note_of(file: File) -> dict[str, Any]:
    found = whole(file)
    if not isinstance(found, dict):
        raise SourceError(f"{file.name} is no note of Google Keep.")
    return found


def _of_json(note: dict[str, Any], file: File, origin: str, person: Person) -> Iterator[Document]:
    title, body = one_line(text(note.get("title"))), _body(note)
    made = _moment(note.get("createdTimestampUsec"))
    at = made or _moment(note.get("userEditedTimestampUsec"))
    key = f"{made:%Y-%m-%dT%H:%M:%S.%f}" if made else f"{title}~{stamp(body)}"
    drop = TRASH if note.get("isTrashed") is True else CLIP if _is_clip(note, body or title) else ""
    owner = _owner(note)
    # A note of only a title says what it says in it.
    parts: Iterator[Block] = map(_no_heading, blocks((body or title).split("\n"), markdown=False))
    if owner and not person.is_me(owner):
        parts = by(parts, owner)
    yield from keyed(Note(Keep.name, key, key, title, at, parts, origin, False, "nowhere", drop=drop))


def _no_heading(block: Block) -> Block:
    """A line in capitals is none in a note of a few lines."""
    return replace(block, kind="text", level=0) if block.kind == "heading" else block


def _body(note: dict[str, Any]) -> str:
    """The text, or the list of things to do as lines of Markdown."""
    items = [as_dict(item) for item in as_list(note.get("listContent"))]
    lines = [
        f"- [{'x' if item.get('isChecked') is True else ' '}] {line}"
        for item in items
        if (line := text(item.get("text")).strip() or markdown(text(item.get("textHtml"))))
    ]
    written = text(note.get("textContent")).strip() or markdown(text(note.get("textContentHtml")))
    return "\n\n".join(filter(None, (written, "\n".join(lines))))


def _owner(note: dict[str, Any]) -> str:
    """Whose note it is, where it is shared; empty for one that is not."""
    people = [as_dict(one) for one in as_list(note.get("sharees"))]
    owners = [text(one.get("email")).strip() for one in people if one.get("isOwner") is True]
    return owners[0] if owners and len(people) > 1 else ""


def _is_clip(note: dict[str, Any], said: str) -> bool:
    """Whether nothing is said but where a page is, and what that page says of itself."""
    pages = [as_dict(one) for one in as_list(note.get("annotations"))]
    words = _letters(_ADDRESS.sub("", said))
    theirs = {_letters(text(page.get(name))) for page in pages for name in ("title", "description")}
    return bool(pages or _ADDRESS.search(said)) and (not words or words in theirs)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


def _moment(value: object) -> datetime | None:
    """Microseconds since 1970, as a number or as its digits."""
    digits = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not digits.isascii() or not digits.isdigit() or len(digits) > 18 or not int(digits):
        return None
    try:
        return UNIX + timedelta(microseconds=int(digits))
    except OverflowError:
        return None


def _of_page(file: File, origin: str) -> Iterator[Document]:
    if (file.parent / f"{file.stem}.json").is_file():
        yield _passed_over(file, origin, BESIDE)
        return
    page = _page(file)
    title = one_line(_part(page, "title"))
    body = _TICK.sub(lambda tick: f"{tick[1]}- [{' ' if tick[2] == NOT_DONE else 'x'}] ", _part(page, "content"))
    at = spoken_moment(_part(page, "heading").strip())
    parts = blocks((body.strip() or title).split("\n"), markdown=True, breaks=True)
    drop = TRASH if 'class="trashed"' in page else ""
    yield from keyed(Note(Keep.name, file.stem, file.stem, title, at, parts, origin, True, "nowhere", drop=drop))


def _page(file: File) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_PAGE_BYTES + 1)
    except OSError as error:
        raise unreadable(file, error) from None
    if len(data) > MOST_PAGE_BYTES:
        raise SourceError(f"{file.name} is too large: over {MOST_PAGE_BYTES // 1024 // 1024} MB.")
    return decode_text(data)


def _part(page: str, name: str) -> str:
    """One part of the page of a note."""

    def rule(_name: str, attributes: Mapping[str, str]) -> Treatment:
        other = (_PARTS - {name}).intersection(attributes.get("class", "").split())
        return "hidden" if other else ""

    return markdown(page, rule=rule)


def _is_labels(file: File) -> bool:
    """The names of all labels, which stand beside the notes."""
    if file.name != "Labels.txt":
        return False
    try:
        beside = sorted(one.name for one in file.parent.iterdir() if one.suffix == ".json")
        return any(len(set(_KEYS.findall(head_text(file.parent / name)))) >= LEAST_KEYS for name in beside[:3])
    except OSError:
        return False


def _passed_over(file: File, origin: str, why: str) -> Document:
    return Document(Keep.kind, Keep.name, f"{file.name}", one_line(file.stem), (), None, "", origin, why)

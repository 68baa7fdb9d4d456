"""Notes: a folder of Markdown or plain text, or a diary in one long file.

All text is the person's but what stands in blockquotes, which is kept as quoted, and what others committed where the
notes are in a Git repository (`notes_authors`). Code, tables and pictures are left out. The date comes from the entry,
the front matter, the file's name or its folders; a file's own times are not used, since copying changes them. Not
covered: wikilinks and callouts are left as they stand (they are Obsidian's).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import head_text, relative_name
from mlxtwin.sources.files import File
from mlxtwin.sources.notes_authors import note_blocks
from mlxtwin.sources.prose import Note, documents, name_title, opened, path_date
from mlxtwin.sources.skips import looks_like_prose, skip_reason

MARKDOWN = frozenset({".md", ".markdown", ".mdown", ".mkd"})
PLAIN = frozenset({".txt", ".text"})
LEAST_WORDS = 8
# What follows the dot of "Meeting 3.5" or "St. Ives in May" is part of the name.
_NO_SUFFIX = re.compile(r".*\s.*\.\d*|.*\.[^.]*\s[^.]*", re.DOTALL)
_HEADER = re.compile(r"(?i)(from|to|cc|subject|date|sent|received|return-path|message-id|delivered-to|x-[\w-]+)\s*:")


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
        front, lines = note_blocks(file, root, person, markdown=markdown)
        path = relative_name(file, root)
        first, title, body = opened(lines, front.title)
        at = front.at or path_date(path)
        note = Note(self.name, path, f"{path}~{first}", title or name_title(path), at, body, markdown=markdown)
        yield from documents(note)

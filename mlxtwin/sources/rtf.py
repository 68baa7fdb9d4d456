"""Rich Text Format (rtf): the text with headings, lists and rows of tables, and whose each part is.

The author the file names decides whose its text is, and where it names none, the operator who saved it last; a file
that names nobody counts as written by the person who imports it. Comments and tracked insertions are their authors';
tracked deletions and hidden text are left out. Not covered: headers and footers, pictures, mail wrapped in RTF.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import read_head, relative_name, unreadable
from mlxtwin.sources.blocks import Block
from mlxtwin.sources.document_text import Part, Writing, by_program, documents, is_mine, named
from mlxtwin.sources.files import File
from mlxtwin.sources.rtf_text import Scanner

MAGIC = b"{\\rtf"
MOST_BYTES = 64 * 1024 * 1024


class Rtf:
    """See the module; ``Document.key`` is the relative path, a stamp of the first words, and the section."""

    name = "rtf"
    kind: Kind = "document"

    def recognises(self, file: File) -> float:
        return 0.9 if read_head(file, 64).lstrip(b"\xef\xbb\xbf \r\n").startswith(MAGIC) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        scanner = Scanner(_data(file), lambda by: by is None)
        others = [block.by for block in scanner.blocks() if isinstance(block, Part) and block.by]
        yield from _writing(scanner).authors
        yield from named(*others)

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        data = _data(file)
        # The names stand in the head, which is read first: whose the text is decides how it is cut.
        head = Scanner(data, lambda by: by is None)
        first = next(head.blocks(), None)
        writing = _writing(head)
        parts: Iterator[Block] = Scanner(data, partial(is_mine, writing=writing, person=person)).blocks()
        yield from documents(parts if first else iter(()), writing, source=self.name, path=relative_name(file, root),
                             person=person)  # fmt: skip


def _data(file: File) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise unreadable(file, error) from None
    data = data.lstrip(b"\xef\xbb\xbf \r\n")
    if not data.startswith(MAGIC):
        raise SourceError(f"{file.name} is no RTF file.")
    if len(data) > MOST_BYTES:
        raise SourceError(f"{file.name} is too large: over {MOST_BYTES // 1024 // 1024} MB.", "Save it as .docx.")
    return data


def _writing(scanner: Scanner) -> Writing:
    told = scanner.told
    names = told.get("author", ""), told.get("operator", "")
    at = scanner.times.get("creatim") or scanner.times.get("revtim")
    return Writing(told.get("title", ""), named(names[0]) or named(names[1]), at, presumed=not by_program(*names))

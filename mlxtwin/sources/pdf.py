"""PDF files: the text page by page, its lines joined to paragraphs again.

A PDF found in a folder is mostly somebody else's. It is the person's where the Author it names is one of theirs;
another's is context, and so is one that names nobody, since an importer does not see what was asked for: the way to
claim one's own is a name in the file that ``--me`` gives. What repeats at the top or foot of pages is left out. A file
locked with a password and one that holds pictures of text are told as such. Not covered: comments, forms, tables as
such, columns beyond the order in which the file draws them.
"""

from __future__ import annotations

import io
import logging
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import clean_text, getting_on, read_head, relative_name, unreadable
from mlxtwin.sources.dates import parse_moment
from mlxtwin.sources.document_text import Writing, documents, named
from mlxtwin.sources.files import File
from mlxtwin.sources.pdf_lines import Line, blocks

MOST_ARCHIVED_BYTES = 256 * 1024 * 1024
MOST_PAGES = 5000
MOST_CHARACTERS = 20_000_000
MOST_PAGE_SECONDS = 5.0
MOST_SECONDS = 120.0
_MAGIC = b"%PDF-"
_WANTED_HEAD = 1024
_DATE = re.compile(r"D:(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?([+-]\d{2}|Z)?'?(\d{2})?")
# A hostile file may unpack, nest or repeat without end.
_LIMITS: dict[str, Any] = {
    "zlib_maximum_output_length": 16 * 1024 * 1024,
    "lzw_maximum_output_length": 16 * 1024 * 1024,
    "run_length_maximum_output_length": 16 * 1024 * 1024,
    "brotli_maximum_output_length": 16 * 1024 * 1024,
    "array_based_stream_maximum_output_length": 16 * 1024 * 1024,
    "stream_decoding_work_maximum_length": 64 * 1024 * 1024,
    "stream_parsing_work_maximum_count": 500_000,
    "xform_maximum_invocations_per_extraction": 500,
    "page_tree_maximum_entries": 20_000,
    "page_tree_maximum_page_entries": 400_000,
    "jbig2dec_binary": None,
}


class _TooLong(Exception):
    """A page, or the file, took more time than it may."""


class Pdf:
    """See the module; ``Document.key`` is the relative path, a stamp of the first words, and the section."""

    name = "pdf"
    kind: Kind = "document"

    def recognises(self, file: File) -> float:
        return 0.95 if _MAGIC in read_head(file, _WANTED_HEAD) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        with _opened(file) as reader:
            authors = _writing(reader).authors
        yield from authors

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        with _opened(file) as reader:
            writing = _writing(reader)
            pages = _pages(reader)
        if not any(pages):
            raise SourceError(
                f"{file.name} holds pictures of text and no text.", "Let a program for scans read it, and import that."
            )
        path = relative_name(file, root)
        yield from documents(blocks(pages), writing, source=self.name, path=path, person=person)


@contextmanager
def _opened(file: File) -> Iterator[Any]:
    """The reader of a file. Raises SourceError, also for what is wrong while it is read."""
    import pypdf
    from pypdf.errors import FileNotDecryptedError

    # What it warns of may quote the text.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)
    try:
        with file.open("rb") as opened, pypdf.apply_configuration(**_LIMITS):
            reader = pypdf.PdfReader(_stream(file, opened))
            if reader.is_encrypted and not reader.decrypt(""):
                raise SourceError(f"{file.name} is locked with a password.", "Save it without one and import that.")
            yield reader
    except (SourceError, GeneratorExit):
        raise
    except OSError as error:
        raise unreadable(file, error) from None
    except _TooLong:
        raise SourceError(f"{file.name} takes too long to be read.", "Save it as text and import that.") from None
    except FileNotDecryptedError:
        raise SourceError(f"{file.name} is locked with a password.", "Save it without one and import that.") from None
    # A damaged PDF breaks its reader in more ways than it names.
    except Exception:
        raise SourceError(f"{file.name} is damaged, or no PDF.", "Copy or save it again.") from None


def _stream(file: File, opened: IO[bytes]) -> IO[bytes]:
    """The file where one may go back and forth in it; the bytes of a member of an archive."""
    if isinstance(file, Path):
        return opened
    data = opened.read(MOST_ARCHIVED_BYTES + 1)
    if len(data) > MOST_ARCHIVED_BYTES:
        raise SourceError(f"{file.name} is too large to be read inside an archive.", "Unpack it and import it alone.")
    return io.BytesIO(data)


def _writing(reader: Any) -> Writing:
    told = reader.metadata or {}
    at = _moment(_said(told, "/CreationDate")) or _moment(_said(told, "/ModDate"))
    return Writing(_said(told, "/Title"), named(_said(told, "/Author")), at)


def _said(told: Any, key: str) -> str:
    value = told.get(key)
    value = value.get_object() if hasattr(value, "get_object") else value
    return clean_text(value) if isinstance(value, str) else ""


def _moment(told: str) -> datetime | None:
    found = _DATE.match(told)
    if not found:
        return parse_moment(told)
    year, month, day, hour, minute, second, zone, zone_minutes = found.groups()
    offset = "+00" if zone in (None, "Z") else zone
    clock = f"{hour or '00'}:{minute or '00'}:{second or '00'}{offset}:{zone_minutes or '00'}"
    return parse_moment(f"{year}-{month or '01'}-{day or '01'}T{clock}")


def _pages(reader: Any) -> list[list[Line]]:
    """The lines of each page, up to the limits."""
    pages: list[list[Line]] = []
    characters, end = 0, time.monotonic() + MOST_SECONDS
    for number, page in enumerate(reader.pages):
        lines = _lines(page, end)
        pages.append(lines)
        getting_on()
        characters += sum(len(line.text) for line in lines)
        if number >= MOST_PAGES or characters > MOST_CHARACTERS:
            break
    return pages


def _lines(page: Any, end: float) -> list[Line]:
    """The lines of a page with their places; as many as there were where it breaks half-way."""
    gathered = _Gathered(min(end, time.monotonic() + MOST_PAGE_SECONDS))
    try:
        page.extract_text(visitor_operand_before=gathered.tick, visitor_text=gathered.take)
    except _TooLong:
        raise
    # One broken page, or one with too much on it, is no reason to lose the others.
    except Exception:
        gathered.check()
    return gathered.lines()


class _Gathered:
    """Pieces of text as they are drawn, to lines; it also watches the time."""

    def __init__(self, end: float) -> None:
        self._end = end
        self._found: list[Line] = []
        self._held = ""
        self._place = (0.0, 0.0)
        # The letters of a line at each size: a bullet may be larger than what follows it.
        self._sizes: Counter[float] = Counter()

    def tick(self, *_operation: Any) -> None:
        self.check()

    def check(self) -> None:
        if time.monotonic() > self._end:
            raise _TooLong

    def take(self, text: str, placed: list[float], matrix: list[float], _font: Any, size: float) -> None:
        if text and not self._held.strip():
            self._place = _place(placed, matrix)
        first, *more = text.split("\n")
        self._held += first
        self._sizes[round(size * _scale(placed, matrix), 1)] += len(first.strip())
        for line in more:
            self._line()
            self._held = line

    def _line(self) -> None:
        if self._held.strip():
            size = self._sizes.most_common(1)[0][0]
            self._found.append(Line(clean_text(self._held).replace("\n", " "), *self._place, size))
        self._held = ""
        self._sizes.clear()

    def lines(self) -> list[Line]:
        self._line()
        return self._found


def _place(placed: list[float], matrix: list[float]) -> tuple[float, float]:
    """Where text stands on its page, in points from the lower left."""
    a, b, c, d, e, f = placed
    x, y = matrix[4], matrix[5]
    return a * x + c * y + e, b * x + d * y + f


def _scale(placed: list[float], matrix: list[float]) -> float:
    """How much larger letters are on the page than their font size says."""
    (a, b, c, d), (e, f, g, h) = placed[:4], matrix[:4]
    return float(abs((a * d - b * c) * (e * h - f * g)) ** 0.5)

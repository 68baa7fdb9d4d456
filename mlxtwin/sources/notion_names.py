"""The names of files in Notion's exports: a title, cut short and less some signs, and the 32 digits of the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from mlxtwin.errors import SourceError
from mlxtwin.sources.files import File
from mlxtwin.sources.table import rows

# A title is cut at about fifty characters; a shorter name that differs is that of another page.
CUT_LETTERS = 25
MOST_BESIDE = 20_000
_NAME = re.compile(r"(?s)(?:(?P<title>.*?)[ _])?(?P<id>[0-9a-f]{32})(?P<all>_all)?")
_DASHED = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def title_and_id(stem: str) -> tuple[str, str, bool]:
    """The parts of a name less its suffix, and whether it is of a whole table; no id for one that is of no export."""
    found = _NAME.fullmatch(stem)
    return ((found["title"] or "").strip(), found["id"], bool(found["all"])) if found else (stem, "", False)


def plain_id(value: str) -> str:
    """An id without its dashes; empty for what is none."""
    bare = value.strip().casefold()
    if _DASHED.fullmatch(bare) or re.fullmatch(r"[0-9a-f]{32}", bare):
        return bare.replace("-", "")
    return ""


def letters(title: str) -> str:
    """What of a title every file system keeps."""
    return "".join(filter(str.isalnum, title)).casefold()


def same_title(title: str, name: str) -> bool:
    """Whether a file's name is of a page with that title."""
    whole, cut = letters(title), letters(name)
    return whole == cut or (len(cut) >= CUT_LETTERS and whole.startswith(cut))


class Pages:
    """The titles of the pages that the rows of a table have, from the names of their files beside it."""

    def __init__(self, table: File) -> None:
        self._letters = frozenset(letters(name) for name in _names_beside(table))
        self._cuts = sorted({len(one) for one in self._letters if len(one) >= CUT_LETTERS})

    def has(self, title: str) -> bool:
        whole = letters(title)
        return whole in self._letters or any(whole[:cut] in self._letters for cut in self._cuts)


def _names_beside(table: File) -> Iterator[str]:
    """Of the pages in the folder that is named as the table is, in newer exports without the id."""
    title, found, _ = title_and_id(table.stem)
    for name in {f"{title} {found}".strip(), title} - {""}:
        # A folder that is not there has no pages.
        with suppress(OSError):
            for file in islice((table.parent / name).iterdir(), MOST_BESIDE):
                if file.suffix.casefold() in (".md", ".html"):
                    yield title_and_id(file.stem)[0]


def columns(table: File) -> frozenset[str]:
    """The names of a table's columns in lower case; none for one that cannot be read."""
    with suppress(SourceError):
        return frozenset(next(rows(table), {}))
    return frozenset()


def table_of(page: File) -> File | None:
    """The table whose row a page is, where it is there; the one that shows all rows and columns first."""
    folder = page.parent
    with suppress(OSError):
        for stem in _table_stems(folder):
            for name in (f"{stem}_all.csv", f"{stem}.csv"):
                if (folder.parent / name).is_file():
                    return folder.parent / name
    return None


def _table_stems(folder: File) -> list[str]:
    if title_and_id(folder.name)[1]:
        return [folder.name]
    beside = (file.stem for file in islice(folder.parent.iterdir(), MOST_BESIDE) if file.suffix.casefold() == ".csv")
    return sorted(stem for stem in beside if title_and_id(stem)[0] == folder.name and not title_and_id(stem)[2])

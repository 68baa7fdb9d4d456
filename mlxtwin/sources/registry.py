"""Which importers there are, which one reads a file, and which files a folder holds."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

from mlxtwin.errors import UsageError
from mlxtwin.sources.base import Importer
from mlxtwin.sources.files import File
from mlxtwin.sources.skips import EMPTY, skip_reason

SOURCES = {
    "mail": "mlxtwin.sources.mail:Mail",
    "whatsapp": "mlxtwin.sources.whatsapp:WhatsApp",
    "transcript": "mlxtwin.sources.transcript:Transcript",
    "notes": "mlxtwin.sources.notes:Notes",
}
SURE_ENOUGH = 0.2
HIDDEN = "hidden"
LINK = "a link"
_FOLDER = "/"
_MACHINE_FOLDERS = frozenset({"__MACOSX", "__pycache__", "node_modules"})


@cache
def load(name: str) -> Importer:
    """The importer of that name. Raises UsageError, with the nearest name, for one there is not."""
    if name not in SOURCES:
        near = difflib.get_close_matches(name, SOURCES, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Sources: {', '.join(SOURCES)}."
        raise UsageError(f"There is no source named {name!r}.", hint)
    module, _, made = SOURCES[name].partition(":")
    importer: Importer = getattr(import_module(module), made)()
    return importer


def match(file: File, as_source: str | None = None) -> Importer | None:
    """The importer for a file: the one asked for, else the surest by content; None for a file none can use."""
    reason = skip_reason(file)
    if reason == EMPTY:
        return None
    if as_source:
        importer = load(as_source)
        return None if reason and not _score(importer, file) else importer
    scored = [(_score(load(name), file), name) for name in SOURCES]
    best, name = max(scored, key=lambda one: one[0])
    return load(name) if best >= SURE_ENOUGH else None


def why_not(file: File) -> str:
    """Why no importer takes a file."""
    return skip_reason(file) or "not recognised"


def _score(importer: Importer, file: File) -> float:
    # A hostile file may break a recogniser; it is then not of that kind.
    try:
        return importer.recognises(file)
    except Exception:
        return 0.0


def files(path: Path) -> list[Path]:
    """The files to import at a path, in order of name; hidden ones and links are left out."""
    return [file for file, skipped in walk(path) if not skipped]


def walk(path: Path) -> Iterator[tuple[Path, str]]:
    """Every file at or under a path, in order of name, with why it is left out or an empty reason.

    A link is never followed: what it leads to is either in the folder already or none of its business. A folder that
    is hidden or cannot be opened appears itself, with the reason.
    """
    if not path.is_dir():
        yield path, ""
        return
    # A stack, since a hostile folder may be nested deeper than Python recurses.
    waiting = [_entries(path)]
    while waiting:
        found = next(waiting[-1], None)
        if found is None:
            waiting.pop()
        elif found[1] == _FOLDER:
            waiting.append(_entries(found[0]))
        else:
            yield found


def _entries(folder: Path) -> Iterator[tuple[Path, str]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        yield folder, "a folder that cannot be opened"
        return
    for entry in entries:
        yield Path(entry.path), _kind_of(entry)


def _kind_of(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return LINK
    if entry.name.startswith(".") or entry.name in _MACHINE_FOLDERS:
        return HIDDEN
    if entry.is_dir(follow_symlinks=False):
        return _FOLDER
    return "" if entry.is_file(follow_symlinks=False) else "not a file"

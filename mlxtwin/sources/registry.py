"""Which importers there are, which one reads a file, and which files a folder holds."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

from mlxtwin.errors import UsageError
from mlxtwin.sources.base import Importer, is_binary, looking_at, read_head
from mlxtwin.sources.files import File
from mlxtwin.sources.skips import EMPTY, MEDIA, skip_reason

SOURCES = {
    "mail": "mlxtwin.sources.mail:Mail",
    "whatsapp": "mlxtwin.sources.whatsapp:WhatsApp",
    "transcript": "mlxtwin.sources.transcript:Transcript",
    "notes": "mlxtwin.sources.notes:Notes",
    "chatgpt": "mlxtwin.sources.chatgpt:ChatGPT",
    "claude": "mlxtwin.sources.claude:Claude",
    "x": "mlxtwin.sources.x_archive:X",
    "reddit": "mlxtwin.sources.reddit:Reddit",
    "imessage": "mlxtwin.sources.imessage:IMessage",
    "applenotes": "mlxtwin.sources.applenotes:AppleNotes",
    "telegram": "mlxtwin.sources.telegram:Telegram",
    "signal": "mlxtwin.sources.signal:Signal",
    "facebook": "mlxtwin.sources.meta:Facebook",
    "instagram": "mlxtwin.sources.meta:Instagram",
    "slack": "mlxtwin.sources.slack:Slack",
    "discord": "mlxtwin.sources.discord:Discord",
    "obsidian": "mlxtwin.sources.obsidian:Obsidian",
    "logseq": "mlxtwin.sources.logseq:Logseq",
    "org": "mlxtwin.sources.org:Org",
    "dayone": "mlxtwin.sources.dayone:DayOne",
    "roam": "mlxtwin.sources.roam:Roam",
    "keep": "mlxtwin.sources.keep:Keep",
    "evernote": "mlxtwin.sources.evernote:Evernote",
    "notion": "mlxtwin.sources.notion:Notion",
    "bear": "mlxtwin.sources.bear:Bear",
    "pdf": "mlxtwin.sources.pdf:Pdf",
    "docx": "mlxtwin.sources.docx:Docx",
    "odt": "mlxtwin.sources.odt:Odt",
    "rtf": "mlxtwin.sources.rtf:Rtf",
    "epub": "mlxtwin.sources.epub:Epub",
    "html": "mlxtwin.sources.html_page:HtmlPage",
    "subtitles": "mlxtwin.sources.subtitles:Subtitles",
    "calendar": "mlxtwin.sources.calendar_events:Calendar",
    "browser": "mlxtwin.sources.browser:Browser",
    "git": "mlxtwin.sources.git:Git",
    "dataset": "mlxtwin.sources.examples:Dataset",
    "examples": "mlxtwin.sources.examples:Examples",
}
# Whose documents an importer makes where they are not its own: those that the person may ask for as theirs later.
_SOURCE_OF = {"dataset": "examples"}
SURE_ENOUGH = 0.2
HIDDEN = "hidden"
LINK = "a link"
CLOSED_FOLDER = "a folder that cannot be opened"
_FOLDER = "/"
_MACHINE_FOLDERS = frozenset({"__MACOSX", "__pycache__", "node_modules"})
# The importer of a folder that version control keeps, as a whole, and how it is called beside the files under it.
REPOSITORY = "git"
_REPOSITORY_FOLDER = ".git"


@cache
def load(name: str) -> Importer:
    """The importer of that name. Raises UsageError, with the nearest name, for one there is not."""
    require(name)
    module, _, made = SOURCES[name].partition(":")
    importer: Importer = getattr(import_module(module), made)()
    return importer


def require(name: str) -> None:
    """Raise UsageError, with the nearest name, for a source there is not."""
    if name not in SOURCES:
        near = difflib.get_close_matches(name, SOURCES, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Sources: {', '.join(SOURCES)}."
        raise UsageError(f"There is no source named {name!r}.", hint)


def source_of(name: str) -> str:
    """The source that the documents of an importer are of."""
    return _SOURCE_OF.get(name, name)


def match(file: File, as_source: str | None = None) -> Importer | None:
    """The importer for a file: the one asked for, else the surest by content; None for a file none can use.

    ``file`` may be the folder of a repository, which is one thing: its importer is then the only one asked.
    """
    with looking_at(file):
        reason = skip_reason(file)
        if reason == EMPTY:
            return _repository_importer(file, as_source) if file.is_dir() else None
        if as_source:
            importer = load(as_source)
            return None if reason and not _score(importer, file) else importer
        if reason == MEDIA and is_binary(read_head(file)):
            return None
        scored = [(_score(load(name), file), name) for name in SOURCES]
        best, name = max(scored, key=lambda one: one[0])
        return load(name) if best >= SURE_ENOUGH else None


def _repository_importer(folder: File, as_source: str | None) -> Importer | None:
    if REPOSITORY not in SOURCES or as_source not in (None, REPOSITORY):
        return None
    importer = load(REPOSITORY)
    return importer if _score(importer, folder) >= SURE_ENOUGH else None


def why_not(file: File) -> str:
    """Why no importer takes a file, or a folder that is one thing."""
    with looking_at(file):
        reason = skip_reason(file)
        if reason == EMPTY and file.is_dir():
            return HIDDEN if is_hidden(file.name) else "a repository"
        return reason or "not recognised"


def _score(importer: Importer, file: File) -> float:
    # A hostile file may break a recogniser; it is then not of that kind.
    try:
        return importer.recognises(file)
    except MemoryError:
        raise
    except Exception:
        return 0.0


def files(path: Path) -> list[Path]:
    """The files to import at a path, in order of name; hidden ones and links are left out."""
    return [file for file, skipped in walk(path) if not skipped]


def walk(path: Path) -> Iterator[tuple[Path, str]]:
    """Every file at or under a path, in order of name, with why it is left out or an empty reason.

    A link is never followed: what it leads to is either in the folder already or none of its business. A folder that
    is hidden or cannot be opened appears itself, with the reason; one that holds a repository, without.
    """
    if not path.is_dir():
        yield path, ""
        return
    if holds_repository(path):
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
        yield folder, CLOSED_FOLDER
        return
    for entry in entries:
        kind = _kind_of(entry)
        # Either the folder beside the files under it, or all there is of a repository without any.
        whole = entry.name == _REPOSITORY_FOLDER or kind == _FOLDER
        if whole and kind != LINK and holds_repository(Path(entry.path)):
            kind = ""
        yield Path(entry.path), kind


def holds_repository(folder: File) -> bool:
    """Whether a folder is what version control keeps, which is read as one thing."""
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()


def is_hidden(name: str) -> bool:
    """Whether a file or folder of that name is for programs and not for people."""
    return name.startswith(".") or name in _MACHINE_FOLDERS


def _kind_of(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return LINK
    if is_hidden(entry.name) and not holds_mail(Path(entry.path)):
        return HIDDEN
    if entry.is_dir(follow_symlinks=False):
        return _FOLDER
    return "" if entry.is_file(follow_symlinks=False) else "not a file"


def holds_mail(folder: File) -> bool:
    """Whether a hidden folder holds mail: those under a Maildir have names such as ``.Sent``."""
    return (folder / "cur").is_dir() and (folder / "new").is_dir()

"""The members of an archive as a walk over the unpacked folder would give them, with those that are not read."""

from __future__ import annotations

from collections.abc import Iterator

from mlxtwin.sources.archive import Archive, Member
from mlxtwin.sources.archive_parts import Entry
from mlxtwin.sources.registry import HIDDEN, holds_mail, holds_repository, is_hidden


def walk_archive(archive: Archive) -> Iterator[tuple[Member, Entry]]:
    """Every member once, by name; where an archive is better read in its own order, in that.

    Hidden folders appear themselves, as do those that hold a repository, without what is in them.
    """
    for entry in archive.entries:
        if entry.skipped or entry.refused:
            yield archive.member(entry.name), entry
    found = _walk(archive)
    yield from sorted(found, key=lambda one: _place(one[1])) if archive.in_order else found


def _place(entry: Entry) -> int:
    return entry.place if isinstance(entry.place, int) else -1


def _walk(archive: Archive) -> Iterator[tuple[Member, Entry]]:
    waiting = [iter([""])]
    while waiting:
        path = next(waiting[-1], None)
        if path is None:
            waiting.pop()
            continue
        entry = archive.entry(path)
        if entry is not None:
            yield from _file(archive, entry)
        if archive.names(path) is not None:
            below = _folder(archive, path)
            if below is None:
                yield archive.member(path), _folder_entry(path)
            else:
                waiting.append(below)


def _file(archive: Archive, entry: Entry) -> Iterator[tuple[Member, Entry]]:
    if entry.skipped or entry.refused:
        return
    hidden = is_hidden(entry.name.rpartition("/")[2])
    yield archive.member(entry.name), Entry(entry.name, entry.size, entry.place, skipped=HIDDEN) if hidden else entry


def _folder_entry(path: str) -> Entry:
    hidden = is_hidden(path.rpartition("/")[2]) and not path.endswith(".git")
    return Entry(path, 0, None, True, HIDDEN if hidden else "")


def _folder(archive: Archive, path: str) -> Iterator[str] | None:
    """The paths in a folder; None where it is taken as a whole or left out."""
    folder = archive.member(path)
    if path and (holds_repository(folder) or (is_hidden(folder.name) and not holds_mail(folder))):
        return None
    names = sorted(set(archive.names(path) or ()))
    return iter([f"{path}/{name}" if path else name for name in names])

"""Who wrote which line of the Markdown in a repository, from its history; and the Markdown of a bare one as Documents.

Each version of a file is compared with those before it, line by line and regardless of order, so that the time it takes
grows with what was written alone. A line that was only touched up stays its first author's: who mends a word in it did
not write it. A file that was moved keeps its authors.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from mlxtwin.records import Document, Person
from mlxtwin.sources.base import decode_text, getting_on
from mlxtwin.sources.blocks import Block, blocks
from mlxtwin.sources.document_text import Part, Writing, documents
from mlxtwin.sources.git_history import Commit, History, history, is_repository, tips

MOST_BLAMED_COMMITS = 5000
MOST_FILES = 20_000
MOST_FILE_BYTES = 512 * 1024
MOST_PAIRS = 4000
SAME_WORDS = 0.6
MOVED_SHARE = 0.5
LEAST_COMPARED_WORDS = 4
_SUFFIXES = (b".md", b".markdown", b".mdown", b".mkd", b".txt", b".text")
_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")


@dataclass(frozen=True, slots=True)
class Version:
    """The lines of a file and who wrote each: ``Name <address>``, or empty where it is not known."""

    lines: tuple[str, ...]
    authors: tuple[str, ...]
    at: datetime


def markdown(found: History, person: Person, place: str) -> Iterator[Document]:
    """The Markdown files that are checked out, each paragraph by the author of all its lines."""
    for path, version in sorted(authorship(found).items()):
        name = f"{place}/{decode_text(path)}"
        writing = Writing(at=version.at)
        yield from documents(_parts(version), writing, source="git", path=name, person=person, kind="note")


def line_authors(file: Path, root: Path) -> list[str | None] | None:
    """Who wrote each line of a file in a work tree: empty where that is not known, None for a line that no commit has.

    None for a file that is in no repository at or below ``root``, or that no commit has. Raises SourceError for a
    repository that cannot be read.
    """
    inside = (above for above in file.parents if above == root or root in above.parents)
    folder = next((above / ".git" for above in inside if is_repository(above / ".git")), None)
    if folder is None:
        return None
    version = _authorship(folder, tips(folder)).get(file.relative_to(folder.parent).as_posix().encode())
    if version is None:
        return None
    known = _queues([version])
    return [known[line].popleft() if known.get(line) else None for line in _lines(file.read_bytes())]


def paragraphs(lines: Sequence[str], authors: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Runs of paragraphs that the same people wrote, with their names; one that several wrote is by all of them."""
    return _runs(Version(tuple(lines), tuple(authors), datetime.now(UTC)))


@lru_cache(maxsize=1)
def _authorship(folder: Path, _tips: tuple[str, ...]) -> dict[bytes, Version]:
    """Of the repository that was asked of last, for as long as its branches stay where they are."""
    return authorship(history(folder))


def authorship(found: History) -> dict[bytes, Version]:
    """The Markdown of the commit that is checked out, by path; without authors where the history is too long."""
    commits = _ordered(found)
    if not commits:
        return {}
    files = _Files(found.store)
    head = commits[-1]
    if len(commits) <= MOST_BLAMED_COMMITS:
        for commit in commits:
            files.commit(commit)
            getting_on()
    return {path: files.version(blob, head.at) for path, blob in files.tree(head)}


def _ordered(found: History) -> list[Commit]:
    """The commits that the head leads to, every parent before its children, the head last."""
    known = {commit.number: commit for commit in found.commits}
    order: list[Commit] = []
    done: set[str] = set()
    waiting = [(found.head, False)]
    while waiting:
        number, parents_done = waiting.pop()
        commit = known.get(number)
        if commit is None or (number in done and not parents_done):
            continue
        if parents_done:
            order.append(commit)
            continue
        done.add(number)
        waiting.append((number, True))
        waiting += [(parent, False) for parent in commit.parents]
    return order


class _Files:
    """Versions by the number of their content: what was written once keeps its authors wherever it turns up."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._trees: dict[str, bytes] = {}
        self._known: dict[bytes, Version] = {}

    def tree(self, commit: Commit) -> list[tuple[bytes, bytes]]:
        """(path, number) of the first MOST_FILES Markdown files of a commit."""
        return [(path, new) for path, _, new in self._changes(None, commit.tree) if new][:MOST_FILES]

    def version(self, blob: bytes, at: datetime) -> Version:
        found = self._known.get(blob)
        if found:
            return found
        lines = self._read(blob)
        return Version(lines, ("",) * len(lines), at)

    def commit(self, commit: Commit) -> None:
        """Learn the versions that a commit brought."""
        self._trees[commit.number] = commit.tree
        parents = [self._trees[parent] for parent in commit.parents if parent in self._trees]
        before: dict[bytes, list[bytes]] = defaultdict(list)
        gone: set[bytes] = set()
        fresh: Counter[tuple[bytes, bytes]] = Counter()
        for parent in parents or (None,):
            for path, old, new in self._changes(parent, commit.tree):
                before[path] += [old] if old else []
                gone |= {old} if old and not new else set()
                fresh[path, new] += 1
        for (path, new), times in fresh.items():
            # What one parent has already came with a merge.
            if new and times >= len(parents) and new not in self._known:
                self._known[new] = self._blamed(new, before[path], gone, commit)

    def _blamed(self, new: bytes, before: list[bytes], gone: set[bytes], commit: Commit) -> Version:
        lines = self._read(new)
        sources = [self._known[old] for old in before if old in self._known]
        if not sources:
            moved = [self._known[old] for old in sorted(gone) if old in self._known][:20]
            sources = [one for one in moved if _shared(lines, one) >= MOVED_SHARE]
        author = "" if commit.cut else f"{commit.name} <{commit.address}>"
        return Version(lines, tuple(_attributed(lines, author, sources)), commit.at)

    def _read(self, blob: bytes) -> tuple[str, ...]:
        try:
            stored = self._store[blob]
            data = stored.data if stored.type_name == b"blob" else b""
        # A damaged object breaks its reader in more ways than it names.
        except Exception:
            return ()
        return _lines(data) if len(data) <= MOST_FILE_BYTES else ()

    def _changes(self, old: bytes | None, new: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
        """(path, number before, number now) of the Markdown files that differ; empty where there is none."""
        from dulwich.diff_tree import tree_changes
        from dulwich.objects import ObjectID

        try:
            for change in tree_changes(self._store, ObjectID(old) if old else None, ObjectID(new)):
                was, now = change.old, change.new
                path = (now.path if now and now.path else was.path if was else None) or b""
                if path.lower().endswith(_SUFFIXES):
                    yield path, (was.sha if was else None) or b"", (now.sha if now else None) or b""
        # As above: a tree that is missing or damaged changes nothing.
        except Exception:
            return


def _lines(data: bytes) -> tuple[str, ...]:
    return tuple(decode_text(data).split("\n"))


def _queues(sources: Iterable[Version]) -> dict[str, deque[str]]:
    known: dict[str, deque[str]] = defaultdict(deque)
    for source in sources:
        for line, author in zip(source.lines, source.authors, strict=True):
            known[line].append(author)
    return known


def _shared(lines: tuple[str, ...], source: Version) -> float:
    """The share of the lines that another version has."""
    there = Counter(line for line in source.lines if line.strip())
    here = Counter(line for line in lines if line.strip())
    return (here & there).total() / max(1, here.total())


def _attributed(lines: tuple[str, ...], author: str, sources: list[Version]) -> Iterator[str]:
    known = _queues(sources)
    found = [known[line].popleft() if known.get(line) else None for line in lines]
    left = [(line, one) for line, authors in known.items() for one in authors if _is_compared(line)]
    fresh = sum(one is None and _is_compared(line) for one, line in zip(found, lines, strict=True))
    compared = [(Counter(line.casefold().split()), one) for line, one in left] if fresh * len(left) < MOST_PAIRS else []
    for line, one in zip(lines, found, strict=True):
        yield one if one is not None else _touched_up(line, compared) or author


def _is_compared(line: str) -> bool:
    return len(line.split()) >= LEAST_COMPARED_WORDS


def _touched_up(line: str, before: list[tuple[Counter[str], str]]) -> str:
    """The author of the line before it that has most of its words, or empty."""
    words = Counter(line.casefold().split())
    if words.total() < LEAST_COMPARED_WORDS:
        return ""
    shared = [((words & other).total() / max(words.total(), other.total()), author) for other, author in before]
    share, author = max(shared, default=(0.0, ""))
    return author if share >= SAME_WORDS else ""


def _parts(version: Version) -> Iterator[Block]:
    """Blocks by whoever wrote the whole paragraph; one that several wrote is by all of them."""
    for by, lines in _runs(version):
        for block in blocks(lines, markdown=True):
            yield Part(block.kind, block.text, block.level, block.glue, by=by)


def _runs(version: Version) -> Iterator[tuple[str, list[str]]]:
    held: list[str] = []
    by = ""
    for author, lines in _paragraphs(version):
        if held and author != by:
            yield by, held
            held = []
        held += [*lines, ""]
        by = author
    if held:
        yield by, held


def _paragraphs(version: Version) -> Iterator[tuple[str, list[str]]]:
    """Lines up to a blank one, with their authors; fenced code stays together."""
    held: list[str] = []
    by: dict[str, None] = {}
    fence = ""
    for line, author in zip(version.lines, version.authors, strict=True):
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        if line.strip() or fence:
            held.append(line)
            by[author] = None
        elif held:
            yield ", ".join(by), held
            held, by = [], {}
    if held:
        yield ", ".join(by), held

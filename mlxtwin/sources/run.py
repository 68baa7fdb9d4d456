"""One import: files to documents to the vault, in batches; every file is accounted for, one bad file stops no other."""

from __future__ import annotations

import hashlib
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from mlxtwin.errors import SourceError, UsageError, WhoIsMe
from mlxtwin.records import Document, Person
from mlxtwin.sources.base import Importer, relative_name, why_refused
from mlxtwin.sources.registry import SOURCES, load, match, walk, why_not
from mlxtwin.wording import plural

BATCH_DOCUMENTS = 256
NOT_BY_ME = "not by me"
NOTHING = "nothing in it"
MOST_CANDIDATES = 20
MOST_AUTHORS = 5000


class Stored(Protocol):
    """What ``put`` answers: how many documents were new, changed and known."""

    @property
    def added(self) -> int: ...
    @property
    def updated(self) -> int: ...
    @property
    def unchanged(self) -> int: ...


Put = Callable[[list[Document]], Stored]
SetTier = Callable[[list[str], int], object]
Remember = Callable[[frozenset[str]], object]
Progress = Callable[[int, int, int], object]


@dataclass(slots=True)
class ImportReport:
    """What an import did. ``files`` counts every file met, so ``files`` less the sum of ``skipped`` were read.

    ``kind`` is the kind most documents have; ``words_by_me`` counts documents that were kept; ``authors`` is filled
    only when no document was by the person, with the most frequent (name, turns): a hint that the name was another.
    """

    kind: str = ""
    files: int = 0
    documents: int = 0
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    words_by_me: int = 0
    errors: list[dict[str, str]] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    authors: list[tuple[str, int]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Item:
    """One file of an import: who reads it, or why nobody does."""

    file: Path
    root: Path
    importer: Importer | None
    skipped: str = ""
    refused: str = ""


def import_paths(
    paths: Iterable[Path],
    *,
    person: Person,
    as_source: str | None = None,
    tier: int | None = None,
    put: Put | None = None,
    set_tier: SetTier | None = None,
    remember: Remember | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Read files and folders and hand their documents to ``put``; without one it is a dry run.

    ``progress`` gets (files done, files, documents) after each file, and within it after each document, so very often;
    while it is looked for who wrote, it gets the items with an author for documents. Raises UsageError for a path that
    is missing or holds nothing to import, WhoIsMe (with candidates) when the export has authors and ``person`` is
    empty. What ``put`` raises passes.
    """
    paths = list(paths)
    items = _items(paths, as_source)
    tell = progress or _silent
    if not person:
        _ask_who(paths, items, tell)
    run = _Run(person, put, set_tier if tier else None, tier or 0)
    for done, item in enumerate(items):
        run.take(item, partial(tell, done, len(items)))
        tell(done + 1, len(items), run.report.documents)
    report = run.finish()
    if not report.documents and not report.errors:
        raise _nothing(paths, report)
    if remember and person and report.words_by_me:
        remember(person.names)
    return report


def _silent(_done: int, _files: int, _documents: int) -> None:
    pass


def candidates(paths: Iterable[Path], as_source: str | None = None) -> Counter[str]:
    """Every author in an export with the number of items; raises nothing, a bad file counts for what it gave."""
    try:
        return _authors(_items(list(paths), as_source), _silent)
    except UsageError:
        return Counter()


def _items(paths: list[Path], as_source: str | None) -> list[_Item]:
    if as_source:
        load(as_source)
    for path in paths:
        _require_readable(path)
    seen: set[Path] = set()
    return [item for path in paths for item in _items_of(path, as_source, seen)]


def _require_readable(path: Path) -> None:
    """Reading a pipe or a device might wait for ever. Raises UsageError."""
    try:
        mode = path.stat().st_mode
    except PermissionError:
        raise UsageError(f"{path} cannot be read: permission denied.", "Check its permissions.") from None
    except (OSError, ValueError):
        hint = "Check the path, and put it in quotes if it holds blanks."
        raise UsageError(f"{path} does not exist.", hint) from None
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise UsageError(f"{path} is neither a regular file nor a folder.", "Save it as a file and import that.")


def _items_of(path: Path, as_source: str | None, seen: set[Path]) -> Iterator[_Item]:
    place = path.resolve()
    root = place if place.is_dir() else place.parent
    for file, skipped in walk(place):
        if file in seen:
            continue
        seen.add(file)
        refused = "" if skipped else why_refused(file)
        if refused:
            yield _Item(file, root, None, refused=refused)
            continue
        importer = None if skipped else match(file, as_source)
        yield _Item(file, root, importer, skipped or ("" if importer else why_not(file)))


def _ask_who(paths: list[Path], items: list[_Item], tell: Progress) -> None:
    found = _authors(items, tell)
    if found:
        names = ", ".join(path.name or str(path) for path in paths)
        has, does = ("have", "do") if len(paths) > 1 else ("has", "does")
        message = f"{names} {has} {plural(len(found), 'author')} and {does} not tell which of them is you."
        hint = "Name yourself with --me NAME_OR_ADDRESS."
        raise WhoIsMe(message, hint, tuple(found.most_common(MOST_CANDIDATES)))


def _authors(items: list[_Item], tell: Progress) -> Counter[str]:
    found: Counter[str] = Counter()
    seen = 0
    for done, item in enumerate(items):
        if not item.importer:
            continue
        # Asking who wrote is no place to stop: the import itself reports what is wrong with the file.
        with suppress(Exception):
            for author in item.importer.authors(item.file):
                found[author] += 1
                seen += 1
                tell(done, len(items), seen)
    return found


def _nothing(paths: list[Path], report: ImportReport) -> UsageError:
    names = ", ".join(str(path) for path in paths) or "An import without a path"
    if not report.files:
        return UsageError(f"{names} holds no files.", "Name the file or folder of your export.")
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(report.skipped.items()))
    hint = f"Name the kind with --as if you know it: {', '.join(SOURCES)}."
    return UsageError(f"{names} holds nothing to import ({reasons}).", hint)


class _Run:
    """The tally of one import and the batch not yet stored."""

    def __init__(self, person: Person, put: Put | None, set_tier: SetTier | None, tier: int) -> None:
        self.report = ImportReport()
        self._person = person
        self._put, self._set_tier, self._tier = put, set_tier, tier
        self._batch: list[Document] = []
        self._dropped: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._authors: Counter[str] = Counter()
        self._seen: dict[str, str] = {}

    def take(self, item: _Item, tell: Callable[[int], object]) -> None:
        self.report.files += 1
        if item.refused:
            self._failed(item, SourceError(item.refused))
            return
        if not item.importer:
            self._skipped[item.skipped] += 1
            return
        before = self.report.documents + len(self.report.errors)
        for read in self._read(item, item.importer):
            document = self._told_apart(read)
            self._count(document)
            self._batch.append(document)
            if len(self._batch) >= BATCH_DOCUMENTS:
                self._store()
            tell(self.report.documents)
        if before == self.report.documents + len(self.report.errors):
            self._skipped[NOTHING] += 1

    def _told_apart(self, document: Document) -> Document:
        """Two files may hold different words under one key (a mail as sent and as a list passed it on): both stay."""
        content = repr(replace(document, origin=""))
        digest = hashlib.blake2b(content.encode("utf-8", "replace"), digest_size=8).hexdigest()
        if self._seen.setdefault(document.id, digest) == digest:
            return document
        return replace(document, key=f"{document.key}#{digest}")

    def _read(self, item: _Item, importer: Importer) -> Iterator[Document]:
        """The documents of one file up to its end or its first error."""
        documents: Iterator[Document] = iter(())
        try:
            documents = importer.read(item.file, item.root, self._person)
        except Exception as error:
            self._failed(item, error)
        while True:
            try:
                document = next(documents)
            except StopIteration:
                return
            except Exception as error:
                self._failed(item, error)
                return
            yield document

    def _failed(self, item: _Item, error: Exception) -> None:
        # Another error's message may quote the text that broke it; its type cannot.
        why = error.sentence() if isinstance(error, SourceError) else f"It cannot be read ({type(error).__name__})."
        if why.startswith(f"{item.file.name} "):  # its path stands before it
            why = f"It{why.removeprefix(item.file.name)}"
        self.report.errors.append({"path": relative_name(item.file, item.root), "why": why})

    def _count(self, document: Document) -> None:
        self.report.documents += 1
        self._kinds[document.kind] += 1
        words = document.words_by_me
        # What others wrote may be stored as context, but nothing of it is kept to learn from.
        if document.drop or not words:
            self._dropped[document.drop or NOT_BY_ME] += 1
        else:
            self.report.kept += 1
            self.report.words_by_me += words
        if not self.report.words_by_me and len(self._authors) < MOST_AUTHORS:
            self._authors.update(turn.author for turn in document.turns if turn.author and turn.role == "received")

    def _store(self) -> None:
        if self._put and self._batch:
            stored = self._put(self._batch)
            self.report.added += stored.added
            self.report.updated += stored.updated
            self.report.unchanged += stored.unchanged
            if self._set_tier:
                self._set_tier([document.id for document in self._batch], self._tier)
        self._batch = []

    def finish(self) -> ImportReport:
        self._store()
        report = self.report
        report.dropped, report.skipped = dict(self._dropped), dict(self._skipped)
        report.kinds = dict(self._kinds)
        report.kind = self._kinds.most_common(1)[0][0] if self._kinds else ""
        report.authors = [] if report.words_by_me else self._authors.most_common(MOST_CANDIDATES)
        return report

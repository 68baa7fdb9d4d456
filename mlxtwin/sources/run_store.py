"""Taking in what is read: counted, told apart, stored in batches, and remembered once it is stored."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from mlxtwin.errors import SourceError
from mlxtwin.records import Document
from mlxtwin.sources.base import relative_name
from mlxtwin.sources.document_text import claimed
from mlxtwin.sources.reader_work import Answer, At, Done, Failed, Found
from mlxtwin.sources.run_look import Planned
from mlxtwin.sources.run_memory import Apart, Files, Imported, Memory
from mlxtwin.sources.run_report import ImportReport, Outcome
from mlxtwin.vault.apart import beside
from mlxtwin.vault.imported import pairs
from mlxtwin.vault.rows import document_row, row_digest

BATCH_FILES = 256
BATCH_CHARACTERS = 8 * 1024 * 1024
TURN_CHARACTERS = 200
NOTHING = "nothing in it"
# In place of the digest of a document that was forgotten.
FORGOTTEN = bytes(16)


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


class Store:
    """The batch not yet stored, what was stored, and the files to be remembered once their documents are."""

    def __init__(
        self, put: Put | None, set_tier: SetTier | None, tier: int, memory: Memory | None, most_documents: int
    ) -> None:
        self.added = self.updated = self.unchanged = 0
        self._put, self._set_tier, self._tier, self._memory = put, set_tier, tier, memory
        self._most = most_documents
        self._batch: list[Document] = []
        self._characters = 0
        self._imported: list[Imported] = []

    def add(self, document: Document) -> None:
        self._batch.append(document)
        self._characters += _size(document)
        if len(self._batch) >= self._most or self._characters >= BATCH_CHARACTERS:
            self.flush()

    def remember(self, imported: Imported) -> None:
        self._imported.append(imported)
        if len(self._imported) >= BATCH_FILES:
            self.flush()

    def known(self, ids: list[str], unchanged: int) -> None:
        """Documents that are stored already."""
        self.unchanged += unchanged
        if self._set_tier and ids:
            self._set_tier(ids, self._tier)

    def flush(self) -> None:
        if self._put and self._batch:
            stored = self._put(self._batch)
            self.added += stored.added
            self.updated += stored.updated
            self.unchanged += stored.unchanged
            if self._set_tier:
                self._set_tier([document.id for document in self._batch], self._tier)
        self._batch, self._characters = [], 0
        if self._memory and self._imported:
            self._memory.keep(self._imported)
            self._imported = []


def _size(document: Document) -> int:
    """Its characters, with what each turn costs beside them."""
    texts = (document.key, document.title, document.thread, document.origin, document.drop)
    said = sum(len(turn.text) + len(turn.author) + TURN_CHARACTERS for turn in document.turns)
    return sum(map(len, texts)) + said


class _Told:
    """Where an import is, to whoever listens."""

    def __init__(
        self, plan: list[Planned], progress: Callable[[int, int, int], object], read: Callable[[int, int], object]
    ) -> None:
        self.files = sum(planned.files for planned in plan)
        self.done = self.documents = self._bytes = 0
        self._all_bytes = sum(item.size for planned in plan for item in planned.items if item.importer)
        self._progress, self._read = progress, read
        self._read(0, self._all_bytes)

    def within(self) -> None:
        self._progress(self.done, self.files, self.documents)

    def at(self, place: int, size: int) -> None:
        self._read(self._bytes + min(place, size), self._all_bytes)

    def item(self, item: Found) -> None:
        self.done += item.counts
        if item.importer:
            self._bytes += item.size
            self._read(self._bytes, self._all_bytes)
        self.within()

    def known(self, outcome: Outcome) -> None:
        self.done += outcome.files
        self.documents += outcome.documents
        self.within()


class Taking:
    """Goes over the plan with the answers that come for its items."""

    def __init__(
        self,
        store: Store,
        files: Files | None,
        progress: Callable[[int, int, int], object],
        bytes_read: Callable[[int, int], object],
        theirs: str = "",
    ) -> None:
        """``theirs``: the source that the person names, whose texts without an author are their own."""
        self._store, self._files, self._progress, self._bytes_read = store, files, progress, bytes_read
        self._theirs = theirs
        self._whole = Outcome()
        # Of each document so far: a hash of what it says within this process, or the vault's digest of it.
        self._seen: dict[bytes, int | bytes] = {}

    def take(self, plan: list[Planned], answers: Iterator[Answer]) -> None:
        self._told = _Told(plan, self._progress, self._bytes_read)
        for planned in plan:  # nothing read before them in the plan may take the place of what they gave
            if planned.known:
                self._seen |= dict(pairs(planned.known.documents))
        for planned in plan:
            if planned.known:
                self._take_known(planned)
            else:
                self._take_file(planned, answers)
        self._store.flush()

    def take_from_program(self, name: str, documents: Generator[Document, None, None]) -> None:
        """What a program of this computer tells when it is asked; nothing of it is remembered as a file's."""
        planned = Planned(Path(name), Path(name))
        taken = _Taken(planned, self._apart(planned))
        taken.outcome.files += 1
        with closing(documents):
            try:
                for document in documents:
                    self._take_document(taken, document)
                    self._told.within()
            except SourceError as error:
                taken.fail(Found(), error.sentence(), lasting=False)
        self._whole.add(taken.outcome)
        self._store.flush()

    def report(self) -> ImportReport:
        return self._whole.report(self._store.added, self._store.updated, self._store.unchanged)

    def _take_known(self, planned: Planned) -> None:
        assert planned.known is not None
        ids = [id.hex() for id, _ in pairs(planned.known.documents)]
        self._store.known(ids, planned.known.unchanged)
        self._whole.add(planned.known.outcome)
        self._told.known(planned.known.outcome)

    def _take_file(self, planned: Planned, answers: Iterator[Answer]) -> None:
        taken = _Taken(planned, self._apart(planned))
        for item in planned.items:
            taken.outcome.files += item.counts
            before = taken.gave
            if item.refused:
                taken.fail(item, item.refused, item.lasting)
            elif item.skipped:
                taken.outcome.skipped[item.skipped] += 1
            elif item.importer:
                self._take_item(taken, item, answers)
                if taken.gave == before:
                    taken.outcome.skipped[NOTHING] += 1
            self._told.item(item)
        self._whole.add(taken.outcome)
        imported = taken.imported(self._files) if self._files is not None else None
        if imported is not None:
            self._store.remember(imported)

    def _take_item(self, taken: _Taken, item: Found, answers: Iterator[Answer]) -> None:
        before = taken.gave
        for answer in answers:
            if isinstance(answer, Document):
                self._take_document(taken, answer)
            elif isinstance(answer, Failed):
                taken.fail(item, answer.why, answer.lasting)
            elif isinstance(answer, At) and answer.place is not None and taken.gave > before:
                # Some go over a file once before they read it, which is no way through it yet.
                self._told.at(answer.place, item.size)
            elif isinstance(answer, Done):
                taken.depends(answer.beside)
                return
            self._told.within()

    def _take_document(self, taken: _Taken, read: Document) -> None:
        document = self._told_apart(taken, claimed(read) if read.source == self._theirs else read)
        taken.ids.append(document.id)
        taken.outcome.count(document)
        self._told.documents += 1
        self._store.add(document)

    def _apart(self, planned: Planned) -> Apart | None:
        return self._files.apart(planned.file, planned.root) if self._files is not None else None

    def _told_apart(self, taken: _Taken, document: Document) -> Document:
        """Two files may hold different words under one key (a mail as sent and as a list passed it on): both stay."""
        said = hash((document.kind, document.title, document.turns, document.at, document.thread, document.drop))
        before = self._seen.get(bytes.fromhex(document.id))
        clashes = before is not None and not _is_same(before, said, document)
        if before is not None and not clashes:
            return document
        if taken.apart is not None:
            placed = taken.apart.placed(document, clashes)
        else:
            placed = beside(document) if clashes else document
        # Where an earlier version of another went by its words, and that stays there.
        while not _is_same(self._seen.setdefault(bytes.fromhex(placed.id), said), said, placed):
            placed = replace(placed, key=beside(replace(placed, drop=placed.key)).key)
        return placed


def _is_same(before: int | bytes, said: int, document: Document) -> bool:
    if isinstance(before, int):
        return before == said
    return before == FORGOTTEN or before == row_digest(document_row(document))


class _Taken:
    """What came of one file on disk so far."""

    def __init__(self, planned: Planned, apart: Apart | None) -> None:
        self.outcome = Outcome()
        self.apart = apart
        self.ids: list[str] = []
        self._planned, self._beside, self._lasting = planned, planned.beside, True

    @property
    def gave(self) -> int:
        return self.outcome.documents + len(self.outcome.errors)

    def fail(self, item: Found, why: str, lasting: bool) -> None:
        self._lasting = self._lasting and lasting
        place = "/".join([relative_name(self._planned.file, self._planned.root), *item.members])
        self.outcome.errors.append({"path": place, "why": why})

    def depends(self, beside: tuple[str, ...] | None) -> None:
        self._beside = None if beside is None or self._beside is None else self._beside | set(beside)

    def imported(self, files: Files) -> Imported | None:
        """To be remembered, if it would all come the same another time."""
        if not self._lasting or self._beside is None:
            return None
        planned = self._planned
        return files.imported(planned.file, planned.root, planned.stamp, self._beside, self.outcome, self.ids)

"""Two items under one key: a mail as sent and as a list passed it on, two diaries with a page of the same day.

A changed version of an item takes the place of the one before; another item is stored beside it, under a key that
tells of its words, whichever was imported first and in which process.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from mlxtwin.records import Document
from mlxtwin.vault.rows import STORED_COLUMNS, document_row, row_digest, stored_document

BATCH = 500
# Of the words of two versions together, as large a part is in both.
SHARED = 0.5
_BESIDE = re.compile(r"#[0-9a-f]{16}\Z")

Ask = Callable[[str, Sequence[Any]], Iterable[Any]]


def beside(document: Document) -> Document:
    """The same under the key that it has beside another item of its key; where in the import it was found and the
    names of time zones do not count."""
    key = _BESIDE.sub("", document.key)
    turns = tuple(replace(turn, at=_plain(turn.at)) for turn in document.turns)
    content = repr(replace(document, key=key, origin="", at=_plain(document.at), turns=turns))
    digest = hashlib.blake2b(content.encode("utf-8", "replace"), digest_size=8).hexdigest()
    return replace(document, key=f"{key}#{digest}")


def _plain(at: datetime | None) -> datetime | None:
    """The same moment with an offset in place of a zone, as it comes from another process, and from the vault."""
    return at and at.replace(tzinfo=timezone(at.utcoffset() or timedelta()))


def is_version(one: Document, other: Document) -> bool:
    """Whether these are one item before and after it was written on, going by the person's words, else by all."""
    ours, theirs = one.own_text, other.own_text
    if not ours or not theirs:
        ours, theirs = ("\n\n".join(turn.text for turn in document.turns) for document in (one, other))
    if ours in theirs or theirs in ours:
        return True
    words, others = set(ours.split()), set(theirs.split())
    return len(words & others) >= SHARED * len(words | others)


class Apart:
    """For the documents of one file on disk. ``gave``: ids of what the file gave when it was imported before."""

    def __init__(self, ask: Ask, gave: Callable[[], Sequence[str]]) -> None:
        self._ask, self._read_gave = ask, gave
        self._gave: frozenset[str] | None = None
        # Of what the file gave before beside others, by source and key: the keys it went under.
        self._keys: dict[tuple[str, str], list[str]] = {}

    def placed(self, document: Document, clashes: bool) -> Document:
        """Under the key to store it by. ``clashes``: this import has another item, not yet stored, of its key."""
        sql = "SELECT (SELECT digest FROM documents WHERE id = ?), EXISTS (SELECT 1 FROM forgotten)"
        ((digest, any_forgotten),) = self._ask(sql, (document.id,))
        if not clashes:
            if digest is None and not (any_forgotten and self._is_known(beside(document))):
                return document
            if digest == row_digest(document_row(document)):
                return document
        other = beside(document)
        if self._is_known(other):
            return document if digest is None and not clashes and self._is_forgotten(document) else other
        if not clashes and (document.id in self._ids() or is_version(self._stored(document), document)):
            return document
        return self._before(document) or other

    def _is_known(self, document: Document) -> bool:
        """Whether it is stored, or was and then forgotten."""
        sql = "SELECT EXISTS (SELECT 1 FROM documents WHERE id = ?)"
        return self._is_forgotten(document) or bool(next(iter(self._ask(sql, (document.id,))))[0])

    def _is_forgotten(self, document: Document) -> bool:
        sql = "SELECT EXISTS (SELECT 1 FROM forgotten WHERE id = ?)"
        return bool(next(iter(self._ask(sql, (document.id,))))[0])

    def _stored(self, document: Document) -> Document:
        rows = self._ask(f"SELECT {STORED_COLUMNS} FROM documents WHERE id = ?", (document.id,))
        return stored_document(next(iter(rows))).document

    def _ids(self) -> frozenset[str]:
        """Of what the file gave before; the keys of what stood beside others are read with them."""
        if self._gave is None:
            self._gave = frozenset(self._read_gave())
            for source, key in self._keys_of(sorted(self._gave)):
                self._keys.setdefault((source, _BESIDE.sub("", key)), []).append(key)
        return self._gave

    def _keys_of(self, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
        for start in range(0, len(ids), BATCH):
            some = ids[start : start + BATCH]
            sql = f"SELECT source, key FROM documents WHERE id IN ({', '.join('?' * len(some))})"
            yield from ((source, key) for source, key in self._ask(sql, some) if _BESIDE.search(key))

    def _before(self, document: Document) -> Document | None:
        """Under the key that the version before went by, beside another item."""
        for key in self._keys.get((document.source, document.key), ()) if self._ids() else ():
            placed = replace(document, key=key)
            if is_version(self._stored(placed), document):
                return placed
        return None

"""What curation reads of the vault and writes back: documents by number, marks, signatures, decisions."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from mlxtwin.vault.connection import Database
from mlxtwin.vault.cuts import to_text
from mlxtwin.vault.rows import EFFECTIVE_TIER, STORED_COLUMNS, Decision, StoredDocument, clean, stored_document

BATCH = 500
# Another import may have changed a document meanwhile; no digest means whatever it says now.
_AS_LOOKED_AT = "id = ? AND (? = x'' OR digest = ?)"


class MarksRow(NamedTuple):
    """Marks of what the person (``own``) and others wrote in a document, and its ``minute`` since 1970; the minutes of
    the marks themselves, where they are not all of that one."""

    number: int
    minute: int | None
    own: bytes
    other: bytes
    own_minutes: bytes = b""
    other_minutes: bytes = b""


class Signed(NamedTuple):
    """A document that copies are known by: ``tier`` as it counts, and whether its keeping was decided by hand."""

    number: int
    id: str
    tier: int | None
    by_hand: bool
    kept: bool
    signature: bytes


class Curation:
    """The documents of an open vault as curation sees them."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def pending(self, rules: int) -> array[int]:
        """The numbers of the documents that are undecided, or decided by rules before these."""
        undecided = self._db.rows("SELECT number FROM documents WHERE NOT decided")
        older = self._db.rows(
            "SELECT number FROM documents INDEXED BY documents_listed WHERE decided AND rules < ?", (rules,)
        )
        return array("q", sorted(number for (number,) in [*undecided, *older]))

    def numbered(self, numbers: Sequence[int]) -> Iterator[tuple[int, StoredDocument]]:
        """Documents by number, each with it, in their order; read in batches. Those that are gone are left out."""
        for start in range(0, len(numbers), BATCH):
            some = numbers[start : start + BATCH]
            where = f"WHERE number IN ({', '.join('?' * len(some))})"
            rows = self._db.rows(f"SELECT number, {STORED_COLUMNS} FROM documents {where}", tuple(some))
            found = {row[0]: row[1:] for row in rows}
            yield from ((number, stored_document(found[number])) for number in some if number in found)

    def marks(self) -> list[MarksRow]:
        """Of every document that has some."""
        rows = self._db.rows("SELECT number, minute, own, other, own_minutes, other_minutes FROM marks")
        return [MarksRow(*row) for row in rows]

    def signed(self) -> list[Signed]:
        """Every document that copies are known by, in the order of import."""
        rows = self._db.rows(
            f"SELECT number, id, {EFFECTIVE_TIER}, forced_keep IS NOT NULL, coalesce(forced_keep, reason = ''),"
            " signature FROM documents WHERE decided AND signature != x'' ORDER BY number"
        )
        return [Signed(number, id, tier, bool(hand), bool(kept), mark) for number, id, tier, hand, kept, mark in rows]

    def sign(self, rows: Iterable[tuple[str, bytes]]) -> None:
        """Signatures of documents that were decided without one, as (id, signature)."""
        with self._db.write() as connection:
            connection.executemany(
                "UPDATE documents SET signature = ? WHERE id = ?", [(signature, id) for id, signature in rows]
            )

    def displace(self, rows: Iterable[tuple[str, str]]) -> None:
        """Documents decided before that a better copy takes the place of, as (id, reason)."""
        with self._db.write() as connection:
            connection.executemany(
                "UPDATE documents SET reason = ?, signature = x'' WHERE id = ?", [(reason, id) for id, reason in rows]
            )

    def decide(self, decisions: Iterable[Decision]) -> None:
        """In one transaction; an empty reason keeps. What was changed since it was looked at stays undecided."""
        rows = list(decisions)
        with self._db.write() as connection:
            connection.executemany(
                "UPDATE documents SET decided = 1, tier = ?, reason = ?, signature = ?, language = ?, quality = ?,"
                f" cuts = ?, words_by_me = coalesce(?, words_by_me), rules = ? WHERE {_AS_LOOKED_AT}",
                map(_said, rows),
            )
            # What a changed document said before is gone with its marks.
            connection.executemany(
                f"DELETE FROM marks WHERE number = (SELECT number FROM documents WHERE {_AS_LOOKED_AT})",
                map(_place, rows),
            )
            connection.executemany(
                f"INSERT INTO marks SELECT number, ?, ?, ?, ?, ? FROM documents WHERE {_AS_LOOKED_AT}",
                [
                    (one.minute, one.own, one.other, one.own_minutes, one.other_minutes, *_place(one))
                    for one in rows
                    if one.own or one.other
                ],
            )

    def placeholder_key(self) -> bytes:
        """What the placeholders of this vault's datasets are made with."""
        return bytes(self._db.rows("SELECT value FROM keys WHERE name = 'placeholders'")[0][0])

    def authors(self) -> frozenset[str]:
        """Everybody but the person who wrote something in a document."""
        rows = self._db.rows(
            "SELECT DISTINCT turn.value ->> '$.author' FROM documents, json_each(documents.turns) AS turn"
            " WHERE NOT turn.value ->> '$.mine'"
        )
        return frozenset(author for (author,) in rows if author)


def _said(one: Decision) -> tuple[object, ...]:
    told = (one.tier, clean(one.reason), one.signature, one.language, one.quality, to_text(one.cuts))
    return (*told, one.words, one.rules, *_place(one))


def _place(one: Decision) -> tuple[object, ...]:
    """The values of _AS_LOOKED_AT."""
    return one.id, one.stored, one.stored

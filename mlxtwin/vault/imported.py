"""Which files were imported whole, and with what result, so that an unchanged one need not be read again.

Of each document its id is kept and the digest it was stored with: the file counts as imported for as long as the vault
has all of them as they were. One that was forgotten has no digest here, and takes what is known of its file with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mlxtwin.vault.connection import Database
from mlxtwin.vault.rows import REASON, clean, moment

BATCH = 500
ID_BYTES = DIGEST_BYTES = 16
_ROW_BYTES = ID_BYTES + DIGEST_BYTES
_NONE = bytes(DIGEST_BYTES)


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """``place``: a digest of where the file is and how it was asked to be read; ``reader``: of who read it.

    ``files`` and ``result`` are JSON of the importing side: what the file was like, and what came of it.
    ``documents``: the id of each in 16 bytes and its digest in 16 more, zeros where it was forgotten.
    """

    place: bytes
    reader: bytes
    files: str
    result: str
    documents: bytes = b""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a document: ``reason`` is empty for one that is kept; ``words`` the person may be learned from."""

    id: str
    source: str
    kind: str
    reason: str
    words: int


def ids_of(documents: bytes) -> list[str]:
    return [id.hex() for id, _ in pairs(documents)]


def recall(database: Database, place: bytes) -> ImportedFile | None:
    rows = database.rows("SELECT place, reader, files, result, documents FROM imported WHERE place = ?", (place,))
    return ImportedFile(*rows[0]) if rows else None


def remember(database: Database, files: Iterable[tuple[ImportedFile, Sequence[str]]]) -> None:
    """Files with the ids of their documents, which were stored just before; in one transaction."""
    with database.write() as connection:
        for file, ids in files:
            connection.execute(
                "INSERT OR REPLACE INTO imported (place, reader, files, result, documents) VALUES (?, ?, ?, ?, ?)",
                (file.place, file.reader, clean(file.files), clean(file.result), _stamped(connection, ids)),
            )


def refresh(database: Database, place: bytes, files: str) -> None:
    """The file is the same, and only looks another: it was copied, or touched."""
    with database.write() as connection:
        connection.execute("UPDATE imported SET files = ? WHERE place = ?", (clean(files), place))


def unchanged(database: Database, documents: bytes) -> int | None:
    """How many of the documents are in the vault as they were; those that were forgotten are not. None if any other
    is missing or changed."""
    found = 0
    for some in _batches(list(pairs(documents))):
        ids = [id.hex() for id, _ in some]
        digests = dict(_of_ids(database.rows, "SELECT id, digest FROM documents", ids))
        missing = [id for id in ids if id not in digests]
        forgotten = {id for (id,) in _of_ids(database.rows, "SELECT id FROM forgotten", missing)}
        if any(digests.get(id.hex(), digest) != digest for id, digest in some) or len(forgotten) < len(set(missing)):
            return None
        found += len(some) - len(missing)
    return found


def outcomes(database: Database, ids: Iterable[str]) -> Iterator[Outcome]:
    """Of each document that is in the vault, in the order asked for."""
    columns = f"id, source, kind, CASE WHEN decided THEN {REASON} ELSE importer_drop END, words_by_me"
    for some in _batches(list(ids)):
        found = {row[0]: row for row in _of_ids(database.rows, f"SELECT {columns} FROM documents", some)}
        yield from (Outcome(*found[id]) for id in some if id in found)


def titles(database: Database, ids: Sequence[str]) -> list[tuple[str, Any]]:
    """Title and time of documents, in the order asked for."""
    found = {
        id: (title, moment(at)) for id, title, at in _of_ids(database.rows, "SELECT id, title, at FROM documents", ids)
    }
    return [found[id] for id in ids if id in found]


def forget(connection: Any, ids: Iterable[str]) -> None:
    """Nothing of a forgotten document stays here, so the files that it was in are looked at again when imported."""
    gone = {bytes.fromhex(id) for id in ids}
    for place, documents in connection.execute("SELECT place, documents FROM imported").fetchall():
        if any(id in gone for id, _ in pairs(documents)):
            connection.execute("DELETE FROM imported WHERE place = ?", (place,))


def _stamped(connection: Any, ids: Sequence[str]) -> bytes:
    pieces = []
    for some in _batches(ids):
        digests = dict(_of_ids(connection.execute, "SELECT id, digest FROM documents", some))
        pieces += [bytes.fromhex(id) + digests.get(id, _NONE) for id in some]
    return b"".join(pieces)


def _of_ids(ask: Any, select: str, ids: Sequence[str]) -> Iterable[Any]:
    return ask(f"{select} WHERE id IN ({', '.join('?' * len(ids))})", tuple(ids)) if ids else ()


def pairs(documents: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Id and digest of each document."""
    for at in range(0, len(documents), _ROW_BYTES):
        yield documents[at : at + ID_BYTES], documents[at + ID_BYTES : at + _ROW_BYTES]


def _batches(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[start : start + BATCH] for start in range(0, len(values), BATCH))

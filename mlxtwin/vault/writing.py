"""Documents into the tables and out of them, with the full-text index beside; inside a transaction of the caller's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from mlxtwin.records import Document
from mlxtwin.vault.apart import beside
from mlxtwin.vault.rows import DOCUMENT_COLUMNS, STORED_COLUMNS, document_row, row_digest, stored_document

_UPDATED = DOCUMENT_COLUMNS.removeprefix("id, ").replace(", ", " = ?, ") + " = ?"


def put(connection: Any, batch: Sequence[Document]) -> Counter[str]:
    """Added, updated, unchanged and forgotten documents, counted."""
    rows = [document_row(document) for document in batch]
    ids = tuple(row[0] for row in rows)
    marks = ", ".join("?" * len(ids))
    forgotten = {id for (id,) in connection.execute(f"SELECT id FROM forgotten WHERE id IN ({marks})", ids)}
    known = dict(connection.execute(f"SELECT id, digest FROM documents WHERE id IN ({marks})", ids).fetchall())
    counts: Counter[str] = Counter()
    for document, row in zip(batch, rows, strict=True):
        digest = row_digest(row)
        if row[0] in forgotten:
            counts["forgotten"] += 1
        elif row[0] not in known:
            _add(connection, row, document.words_by_me, digest)
            counts["added"] += 1
        elif known[row[0]] != digest:
            _update(connection, row, document.words_by_me, digest)
            counts["updated"] += 1
        else:
            counts["unchanged"] += 1
        known[row[0]] = digest
    return counts


def _add(connection: Any, row: tuple[Any, ...], words_by_me: int, digest: bytes) -> None:
    added = connection.execute(
        f"INSERT INTO documents ({DOCUMENT_COLUMNS}, words_by_me, digest) VALUES ({', '.join('?' * 13)})",
        (*row, words_by_me, digest),
    )
    values = dict(zip(DOCUMENT_COLUMNS.split(", "), row, strict=True))
    connection.execute(
        "INSERT INTO search (rowid, title, text) VALUES (?, ?, ?)", (added.lastrowid, values["title"], values["text"])
    )


def _update(connection: Any, row: tuple[Any, ...], words_by_me: int, digest: bytes) -> None:
    _unindex(connection, row[0])
    connection.execute(
        f"UPDATE documents SET {_UPDATED}, words_by_me = ?, digest = ?, decided = 0, tier = NULL, reason = '',"
        " signature = x'', language = '', quality = NULL, cuts = '' WHERE id = ?",
        (*row[1:], words_by_me, digest, row[0]),
    )
    connection.execute(
        "INSERT INTO search (rowid, title, text) SELECT number, title, text FROM documents WHERE id = ?",
        (row[0],),
    )


def _unindex(connection: Any, id: str) -> None:
    """Must see the old row: the index holds no text, it is told which words to take out."""
    connection.execute(
        "INSERT INTO search (search, rowid, title, text) SELECT 'delete', number, title, text"
        " FROM documents WHERE id = ?",
        (id,),
    )


def forget(connection: Any, id: str) -> bool:
    """Its id is kept, and the one that its words would go by beside another item of its key."""
    rows = connection.execute(f"SELECT {STORED_COLUMNS} FROM documents WHERE id = ?", (id,)).fetchall()
    if not rows:
        return False
    ids = {id, beside(stored_document(rows[0]).document).id}
    _unindex(connection, id)
    connection.execute("DELETE FROM documents WHERE id = ?", (id,))
    connection.executemany("INSERT OR IGNORE INTO forgotten VALUES (?)", [(one,) for one in ids])
    return True

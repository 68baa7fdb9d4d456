"""The vault: documents with what curation said of them, the person's names, conversations with the twin, and what was
thought of its answers.

Everything is in one SQLCipher file with a full-text index inside it. Several processes may use it at once, and the
threads of a process may share one Vault. Not covered: what a reader of this process's memory can see.
"""

from __future__ import annotations

import os
import secrets
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import TracebackType

from mlxtwin.errors import UsageError
from mlxtwin.paths import Home, make_folder, storage_error, sync_folder
from mlxtwin.records import Document, Kind, Message, PreferencePair, Rating
from mlxtwin.vault import imported, listing, preferences, talks, writing
from mlxtwin.vault.apart import Apart, beside
from mlxtwin.vault.connection import Database, check_file, make_empty
from mlxtwin.vault.curation import Curation
from mlxtwin.vault.imported import ImportedFile, Outcome
from mlxtwin.vault.inspect import problems, vault_stats
from mlxtwin.vault.listing import ListedDocument, Wanted
from mlxtwin.vault.rows import (
    KEPT,
    STORED_COLUMNS,
    ConversationRow,
    Decision,
    Found,
    PutResult,
    StoredDocument,
    StoredMessage,
    VaultStats,
    clean,
    stored_document,
)
from mlxtwin.vault.search import ALL, Among, find
from mlxtwin.vault.selection import Selection
from mlxtwin.vault.talks import Told

__all__ = [
    "ConversationRow",
    "Decision",
    "Found",
    "PutResult",
    "StoredDocument",
    "StoredMessage",
    "Vault",
    "VaultStats",
]

BATCH = 500


class Vault:
    """Made by ``create`` or ``open``; a context manager that closes itself."""

    def __init__(self, database: Database) -> None:
        self._db = database

    @classmethod
    def create(cls, home: Home, key: bytes) -> Vault:
        """A new, empty vault. UsageError if there is one already; it is left alone."""
        folder = make_folder(home.vault.parent)
        unfinished = folder / f".new-{secrets.token_hex(8)}.db"
        try:
            folder.chmod(0o700)
            make_empty(unfinished)
            database = Database(unfinished, key)
            try:
                database.migrate()
                database.use_log()
            finally:
                database.close()
            _put_in_place(unfinished, home.vault)
        except OSError as error:
            raise storage_error(error, home.vault) from None
        finally:
            for leftover in folder.glob(f"{unfinished.name}*"):
                leftover.unlink(missing_ok=True)
        sync_folder(folder)
        return cls.open(home, key)

    @classmethod
    def open(cls, home: Home, key: bytes) -> Vault:
        """Raises VaultLocked (wrong key) or VaultDamaged (missing, damaged, newer); then nothing was written."""
        check_file(home.vault, key)
        database = Database(home.vault, key)
        try:
            database.migrate()
        except BaseException:
            database.close()
            raise
        return cls(database)

    def copy_to(self, home: Home) -> None:
        """The same vault under the same key in another home, also while other processes write to this one."""
        make_folder(home.vault.parent)
        make_empty(home.vault)
        # Not by copying files: closing them would drop the locks that this process has on them.
        self._db.rows("VACUUM INTO ?", (str(home.vault),))

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Vault:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def verify(self) -> list[str]:
        """What is wrong, one sentence each: the cipher's seals, the database, the full-text index. Empty: sound."""
        return problems(self._db)

    # Documents

    def put(self, documents: Iterable[Document], *, include_forgotten: bool = False) -> PutResult:
        """Store by ``Document.id``, in transactions of 500 documents.

        A document whose words, title, time, thread or drop reason changed replaces the old one and is undecided
        again; what the person decided by hand stays. Where in the import it was found is no change. One that was
        forgotten stays out, unless ``include_forgotten`` takes it in again and for good.
        """
        counts: Counter[str] = Counter()
        waiting = iter(documents)
        while batch := list(islice(waiting, BATCH)):
            with self._db.write() as connection:
                if include_forgotten:
                    ids = [(id,) for one in batch for id in (one.id, beside(one).id)]
                    connection.executemany("DELETE FROM forgotten WHERE id = ?", ids)
                counts.update(writing.put(connection, batch))
        return PutResult(**counts)

    def apart(self, gave: Callable[[], Sequence[str]]) -> Apart:
        """Places documents of one file beside others of their key; ``gave``: ids of what it gave before."""
        return Apart(self._db.rows, gave)

    def document(self, id: str) -> StoredDocument | None:
        rows = self._db.rows(f"SELECT {STORED_COLUMNS} FROM documents WHERE id = ?", (id,))
        return stored_document(rows[0]) if rows else None

    def documents(
        self, *, kinds: Iterable[Kind] | None = None, only_kept: bool = False, undecided: bool = False
    ) -> Iterator[StoredDocument]:
        """What is there now, in the order of import. Reads in batches, so the caller may decide or add meanwhile."""
        wanted = None if kinds is None else sorted(set(kinds))
        where = ["number > ? AND number <= ?"]
        if wanted is not None:
            where.append(f"kind IN ({', '.join('?' * len(wanted))})")
        if only_kept:
            where.append(KEPT)
        if undecided:
            where.append("NOT decided")
        sql = f"SELECT number, {STORED_COLUMNS} FROM documents WHERE {' AND '.join(where)} ORDER BY number LIMIT ?"
        last = 0
        end = self._db.rows("SELECT coalesce(max(number), 0) FROM documents")[0][0]
        while rows := self._db.rows(sql, (last, end, *(wanted or ()), BATCH)):
            yield from (stored_document(row[1:]) for row in rows)
            last = rows[-1][0]

    def decide(self, id: str, *, tier: int | None, reason: str, signature: bytes) -> None:
        self.decide_many([(id, tier, reason, signature)])

    def decide_many(self, rows: Iterable[Decision | tuple[str, int | None, str, bytes]]) -> None:
        """What curation says, as `Decision` or its first fields, in one transaction; an empty reason keeps."""
        self.curation.decide(Decision(*row) for row in rows)

    @property
    def curation(self) -> Curation:
        """What curation reads, and writes back."""
        return Curation(self._db)

    @property
    def selection(self) -> Selection:
        """Documents by source or by people, for what is done to many."""
        return Selection(self._db)

    def set_tier(self, ids: Iterable[str], tier: int | None) -> None:
        """The person's own choice of tier, which goes before curation's; None takes it back."""
        with self._db.write() as connection:
            connection.executemany("UPDATE documents SET forced_tier = ? WHERE id = ?", [(tier, id) for id in ids])

    def set_keep(self, ids: Iterable[str], keep: bool | None) -> None:
        """The person's own choice to keep or drop, which goes before curation's, also after a later import; None takes
        it back."""
        with self._db.write() as connection:
            connection.executemany("UPDATE documents SET forced_keep = ? WHERE id = ?", [(keep, id) for id in ids])

    def kept_by_hand(self) -> list[StoredDocument]:
        rows = self._db.rows(f"SELECT {STORED_COLUMNS} FROM documents WHERE forced_keep = 1 ORDER BY number")
        return [stored_document(row) for row in rows]

    def listed(self, wanted: Wanted, limit: int | None = None) -> array[int]:
        """The numbers of the documents that are wanted, the newest first, undated last; at most ``limit``."""
        return listing.numbers(self._db, wanted, limit)

    def listed_rows(self, numbers: Sequence[int]) -> list[ListedDocument]:
        """What a list shows of some documents, in the order asked for; those that are gone are left out."""
        return listing.rows(self._db, numbers)

    def sources(self) -> dict[str, int]:
        """How many documents each source gave."""
        return listing.sources(self._db)

    def search(
        self, query: str, limit: int = 20, *, marks: tuple[str, str] = ("[", "]"), among: Among = ALL
    ) -> list[Found]:
        """The best matches first; any text is a query. ``marks`` go around the matched words in the snippet."""
        return find(self._db, query, limit, marks, among)

    def forget(self, id: str) -> bool:
        """Remove a document and its words from the index and the write-ahead log; False if there was none.

        Its ids alone are kept, that of its key and that of its words, so that a later import leaves it out.
        """
        return self.forget_many([id]) > 0

    def forget_many(self, ids: Iterable[str]) -> int:
        """As ``forget``, in transactions of 500 documents; how many there were."""
        gone, waiting = 0, iter(ids)
        while batch := list(islice(waiting, BATCH)):
            with self._db.write() as connection:
                gone += sum(writing.forget(connection, id) for id in batch)
                imported.forget(connection, batch)
        self._db.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    def count(self) -> int:
        return int(self._db.rows("SELECT count(*) FROM documents")[0][0])

    def stats(self) -> VaultStats:
        return vault_stats(self._db)

    # Files that were imported

    def imported(self, place: bytes) -> ImportedFile | None:
        """What is remembered of a file, by the digest of where it is."""
        return imported.recall(self._db, place)

    def remember_imported(self, files: Iterable[tuple[ImportedFile, Sequence[str]]]) -> None:
        """Files that were imported whole, each with the ids of its documents, which are stored by now."""
        imported.remember(self._db, files)

    def refresh_imported(self, place: bytes, files: str) -> None:
        imported.refresh(self._db, place, files)

    def unchanged(self, documents: bytes) -> int | None:
        """Of an `ImportedFile`, how many documents are here as they were; None if any is not, and was not forgotten."""
        return imported.unchanged(self._db, documents)

    def outcomes(self, ids: Iterable[str]) -> Iterator[Outcome]:
        """What became of each of these documents that is here, without reading its words."""
        return imported.outcomes(self._db, ids)

    def titles(self, ids: Sequence[str]) -> list[tuple[str, datetime | None]]:
        return imported.titles(self._db, ids)

    # The person

    def names(self) -> frozenset[str]:
        """The names, addresses and handles that mean the person."""
        return frozenset(name for (name,) in self._db.rows("SELECT name FROM names"))

    def remember_names(self, names: Iterable[str]) -> None:
        with self._db.write() as connection:
            connection.executemany("INSERT OR IGNORE INTO names VALUES (?)", [(clean(name),) for name in names])

    # What the person thought of answers

    def put_pair(self, slot: str, version: int | None, prompt: Sequence[Message], *, chosen: str, rejected: str) -> str:
        """Keep a correction; its id. ``version`` gave the rejected answer, None for the bare base."""
        return preferences.put_pair(self._db, slot, version, prompt, chosen, rejected)

    def put_rating(self, slot: str, version: int | None, prompt: Sequence[Message], *, answer: str, good: bool) -> str:
        """Keep a rating; its id. A second one of the same answer takes the place of the first."""
        return preferences.put_rating(self._db, slot, version, prompt, answer, good)

    def pairs(self, slot: str) -> list[PreferencePair]:
        """The oldest first."""
        return preferences.pairs(self._db, slot)

    def ratings(self, slot: str) -> list[Rating]:
        """The oldest first."""
        return preferences.ratings(self._db, slot)

    def forget_preference(self, id: str) -> bool:
        """Remove a correction or a rating by the id it was kept under; False if there was none."""
        return preferences.forget(self._db, id)

    # Conversations

    def new_conversation(self, slot: str, base: str) -> int:
        with self._db.write() as connection:
            row = connection.execute(
                "INSERT INTO conversations (slot, base, started) VALUES (?, ?, ?)", (clean(slot), clean(base), _now())
            )
            return int(row.lastrowid)

    def add_message(
        self, conversation: int, role: str, content: str, *, slot: str = "", version: int = 0, complete: bool = True
    ) -> int:
        """The message's id. ``complete`` is False for an answer that was stopped."""
        values = (conversation, role, clean(content), clean(slot), version, complete, _now())
        with self._db.write() as connection:
            row = connection.execute(
                "INSERT INTO messages (conversation, role, content, slot, version, complete, at)"
                " SELECT id, ?2, ?3, ?4, ?5, ?6, ?7 FROM conversations WHERE id = ?1",
                values,
            )
            if not row.rowcount:
                raise UsageError(f"There is no conversation {conversation}.", "Begin a new one with `mlxtwin chat`.")
            return int(row.lastrowid)

    def messages(self, conversation: int) -> list[StoredMessage]:
        return talks.messages(self._db, conversation)

    def page(
        self, conversation: int, *, before: int | None = None, after: int | None = None, limit: int = 50
    ) -> list[Told]:
        """Up to ``limit`` messages beside a message's id, the oldest first; without one, the last of all."""
        return talks.page(self._db, conversation, before, after, limit)

    def conversations(self, limit: int = 20) -> list[ConversationRow]:
        """The newest first."""
        return talks.conversations(self._db, limit)

    def search_conversations(self, query: str, limit: int = 20) -> list[ConversationRow]:
        """Those that hold all the words in one message, the newest match first; their ``opening`` is that message."""
        return talks.search(self._db, query, limit)

    def forget_messages(self, ids: Iterable[int]) -> None:
        """Remove messages and their words, also from the write-ahead log."""
        talks.forget_messages(self._db, ids)

    def forget_conversation(self, conversation: int) -> bool:
        """Remove a conversation with all that was said in it; False if there was none. Corrections and ratings stay."""
        return talks.forget(self._db, conversation)


def _put_in_place(unfinished: Path, vault: Path) -> None:
    """By a hard link where the file system has them, for a link never replaces a vault made meanwhile."""
    try:
        os.link(unfinished, vault)
    except FileExistsError:
        raise UsageError(f"There is a vault at {vault} already.", "It was left as it is.") from None
    except OSError:
        if vault.exists():
            raise UsageError(f"There is a vault at {vault} already.", "It was left as it is.") from None
        unfinished.rename(vault)


def _now() -> str:
    return datetime.now(UTC).isoformat()

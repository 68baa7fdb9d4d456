"""One connection to the encrypted file: how it is keyed, how it writes, and what its errors mean.

The file's first 16 bytes, SQLCipher's salt, are derived from the key. So a wrong key is told from a damaged file
without opening anything. Every write is one transaction in the write-ahead log; a process that is killed loses only
the transaction it was in.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as sqlite

from mlxtwin.errors import Busy, StorageFull, TwinError, VaultDamaged, VaultLocked
from mlxtwin.security.crypto import derive
from mlxtwin.vault.migrations import MIGRATIONS

SALT_BYTES = 16
PLAIN_HEADER = b"SQLite format 3\0"
# Nothing sorted or collected goes to a temporary file, and what is deleted is overwritten.
SETTINGS = ("temp_store = MEMORY", "secure_delete = ON", "foreign_keys = ON", "trusted_schema = OFF")
PATIENCE_MS = 30_000
# Below this a failed read or write is taken for a full disk: SQLite then reports several kinds of input/output error.
LITTLE_ROOM_BYTES = 64 * 1024
RESTORE = "Restore the vault folder from a backup."


class Database:
    """A connection that threads may share; other processes may have their own to the same file."""

    def __init__(self, path: Path, key: bytes) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection: Any = None
        try:
            self._connection = self._open(key)
        except StorageFull:
            # Not even room for the index of the log, which this mode holds in memory: reading still works then.
            self._connection = self._open(key, "locking_mode = EXCLUSIVE")

    def _open(self, key: bytes, *settings: str) -> Any:
        with self._plain_errors():
            return _keyed(self.path, key, settings)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query, fetched at once so that no read holds the write-ahead log back."""
        with self._lock, self._plain_errors():
            return list(self._connection.execute(sql, values))

    @contextmanager
    def write(self) -> Iterator[Any]:
        """A transaction: the raw connection, committed at the end, rolled back on any error."""
        with self._lock, self._plain_errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # A full disk ends the transaction by itself.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()

    def use_log(self) -> None:
        """Write-ahead log; for good, the file remembers it."""
        self.rows("PRAGMA journal_mode = WAL")

    def migrate(self) -> None:
        """Apply the steps that are missing. VaultDamaged, and nothing written, if the file has more than we know."""
        if self._version() == len(MIGRATIONS):
            return
        with self.write() as connection:
            # Read again: another process may have been quicker.
            for step in MIGRATIONS[self._version() :]:
                step(connection)
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _version(self) -> int:
        version = int(self.rows("PRAGMA user_version")[0][0])
        if version > len(MIGRATIONS):
            raise VaultDamaged(f"The vault at {self.path} was written by a newer mlxtwin.", "Update mlxtwin.")
        return version

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite.Error as error:
            raise explain(error, self.path) from None


def check_file(path: Path, key: bytes) -> None:
    """VaultDamaged for a missing or foreign file, VaultLocked for another key; only reads."""
    try:
        with path.open("rb") as file:
            salt = file.read(SALT_BYTES)
    except FileNotFoundError:
        raise VaultDamaged(f"There is no vault at {path}.", "Run `mlxtwin init` to make one.") from None
    except OSError:
        raise TwinError(f"The vault at {path} cannot be read.", "Check who owns the file and its folder.") from None
    if salt == _salt(key):
        return
    if len(salt) < SALT_BYTES or salt == PLAIN_HEADER or not any(salt):
        raise VaultDamaged(f"The vault at {path} is damaged.", RESTORE)
    raise VaultLocked(f"This key does not open the vault at {path}.", "Use the key file or recovery key made with it.")


def explain(error: sqlite.Error, path: Path) -> TwinError:
    """A database error as one of ours. SQLite's own words are left out: they can quote what was asked."""
    code = getattr(error, "sqlite_errorcode", None) or 0
    name = getattr(error, "sqlite_errorname", None) or type(error).__name__
    kind = code & 0xFF
    disk_trouble = kind in (sqlite.SQLITE_IOERR, sqlite.SQLITE_CANTOPEN)
    if kind == sqlite.SQLITE_FULL or (disk_trouble and _little_room(path)):
        return StorageFull(f"No room left to write {path.name} in {path.parent}.", "Free some space and run it again.")
    if kind in (sqlite.SQLITE_BUSY, sqlite.SQLITE_LOCKED):
        return Busy(f"Another process holds the vault at {path}.", "Wait for it to end and run this again.")
    if kind in (sqlite.SQLITE_CORRUPT, sqlite.SQLITE_NOTADB):
        return VaultDamaged(f"The vault at {path} is damaged.", RESTORE)
    if disk_trouble or kind in (sqlite.SQLITE_READONLY, sqlite.SQLITE_PERM):
        return TwinError(f"The vault at {path} cannot be read or written ({name}).", "Check the disk and who owns it.")
    return TwinError(f"The vault at {path} failed ({name}).", "Run `mlxtwin doctor`.")


def _keyed(path: Path, key: bytes, more: Sequence[str] = ()) -> Any:
    connection = sqlite.connect(
        str(path), isolation_level=None, check_same_thread=False, timeout=PATIENCE_MS / 1000, cached_statements=64
    )
    try:
        connection.execute("PRAGMA cipher_log_level = NONE")
        connection.execute(f"PRAGMA key = \"x'{derive(key, 'vault').hex()}{_salt(key).hex()}'\"")
        for setting in (*SETTINGS, *more):
            connection.execute(f"PRAGMA {setting}")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _salt(key: bytes) -> bytes:
    return derive(key, "vault salt")[:SALT_BYTES]


def _little_room(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < LITTLE_ROOM_BYTES
    except OSError:
        return False


def make_empty(path: Path) -> None:
    """An empty file for the owner alone; SQLite gives the files beside it the same mode."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))

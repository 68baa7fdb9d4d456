"""Databases of other programs are read where they lie, with their log, and nothing is ever left beside them."""

from __future__ import annotations

import io
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Literal

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.sources.database import FULL_DISK_ACCESS, has_tables, opened

LOGGED = """
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute("PRAGMA journal_mode = WAL")
database.execute("CREATE TABLE bread (name TEXT)")
database.execute("INSERT INTO bread VALUES ('rye')")
database.commit()
if sys.argv[2] == "rests":
    database.close()
os._exit(0)
"""


class Member:
    """A file as an archive holds it: bytes and a name, and no place on disk."""

    def __init__(self, name: str, data: bytes = b"", error: OSError | None = None) -> None:
        self._place, self._data, self._error = PurePosixPath(name), data, error

    name = property(lambda self: self._place.name)
    stem = property(lambda self: self._place.stem)
    suffix = property(lambda self: self._place.suffix)
    parts = property(lambda self: self._place.parts)

    @property
    def parent(self) -> Member:
        return Member(str(self._place.parent))

    def __truediv__(self, name: str) -> Member:
        return Member(str(self._place / name), error=FileNotFoundError(2, "No such file or directory"))

    def open(self, mode: Literal["rb"]) -> IO[bytes]:
        if self._error:
            raise self._error
        return io.BytesIO(self._data)

    def is_file(self) -> bool:
        return not self._error

    def is_dir(self) -> bool:
        return False

    def iterdir(self) -> Iterator[Member]:
        return iter(())


def logged(folder: Path, state: str) -> Path:
    """A database with a write-ahead log, whose program ``rests`` or was ended in the midst of its work."""
    folder.mkdir()
    subprocess.run([sys.executable, "-c", LOGGED, str(folder / "bread.db"), state], check=True)
    return folder / "bread.db"


def names(file: Path | Member) -> list[str]:
    with opened(file) as database:
        return [name for (name,) in database.execute("SELECT name FROM bread")]


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if not file.name.endswith("-shm")}


@pytest.mark.parametrize("state", ["rests", "works"])
def test_the_rows_in_the_log_are_read_and_nothing_is_written(tmp_path: Path, state: str) -> None:
    file = logged(tmp_path / "there", state)
    there, before = sorted(file.parent.iterdir()), contents(file.parent)
    assert names(file) == ["rye"]
    assert sorted(file.parent.iterdir()) == there
    assert contents(file.parent) == before


def test_a_database_with_a_log_is_read_out_of_an_archive(tmp_path: Path) -> None:
    file = logged(tmp_path / "there", "rests")
    packed = Member("export.zip/bread.db", file.read_bytes())
    assert has_tables(packed, "bread")
    assert names(packed) == ["rye"]


def test_it_cannot_be_written_to(tmp_path: Path) -> None:
    file = logged(tmp_path / "there", "rests")
    with pytest.raises(SourceError), opened(file) as database:
        database.execute("INSERT INTO bread VALUES ('wheat')")


def test_a_refusal_of_the_system_explains_full_disk_access() -> None:
    with pytest.raises(SourceError) as refusal, opened(Member("chat.db", error=PermissionError(1, "not permitted"))):
        pass
    assert refusal.value.hint == FULL_DISK_ACCESS
    assert "chat.db" in refusal.value.message


def test_a_name_that_is_no_text_is_opened(tmp_path: Path) -> None:
    file = logged(tmp_path / "there", "rests").rename(tmp_path / os.fsdecode(b"caf\xe9?#%41.db"))
    assert names(file) == ["rye"]


def test_what_is_no_database_is_said(tmp_path: Path) -> None:
    file = tmp_path / "bread.db"
    file.write_bytes(b"rye" * 1000)
    with pytest.raises(SourceError, match=r"bread\.db"), opened(file) as database:
        database.execute("SELECT 1 FROM sqlite_master")


def test_a_schema_damaged_into_what_is_no_text_is_an_error_of_the_source(tmp_path: Path) -> None:
    file = logged(tmp_path / "there", "rests")
    damaged = (
        file.read_bytes()
        .replace(b"tablebreadbread", b"tablebre\xff\xfebread")
        .replace(b"CREATE TABLE", b"CREATE TABLX")
    )
    file.write_bytes(damaged)
    assert not has_tables(file, "bread")
    with pytest.raises(SourceError), opened(file) as database:
        database.execute("SELECT name FROM sqlite_master").fetchall()


def test_sorting_goes_through_memory(tmp_path: Path) -> None:
    with opened(logged(tmp_path / "there", "rests")) as database:
        assert isinstance(database, sqlite3.Connection)
        assert database.execute("PRAGMA temp_store").fetchone()[0] == 2

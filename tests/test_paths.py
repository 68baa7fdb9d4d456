"""Places that cannot be written or read are named, and a full disk stays a full disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mlxtwin.errors import StorageFull, TwinError, VaultLocked
from mlxtwin.paths import Home, make_folder, storage_error, write_atomic
from mlxtwin.security.unlock import needs_passphrase


def test_a_full_disk_is_told_from_a_refusal(tmp_path: Path) -> None:
    full = storage_error(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), tmp_path / "one")
    refused = storage_error(OSError(errno.EROFS, os.strerror(errno.EROFS)), tmp_path / "one")
    assert isinstance(full, StorageFull)
    assert not isinstance(refused, StorageFull)
    assert refused.message == f"{tmp_path / 'one'} cannot be written: read-only file system."


def test_only_a_place_in_the_home_points_to_its_variable(home: Home, tmp_path: Path) -> None:
    refusal = OSError(errno.EACCES, os.strerror(errno.EACCES))
    assert "MLXTWIN_HOME" in storage_error(refusal, home.runs).hint
    assert "MLXTWIN_HOME" not in storage_error(refusal, tmp_path / "export").hint


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for make in (make_folder, lambda path: write_atomic(path / "one", b"x")):
        with pytest.raises(TwinError, match="file cannot be written: not a directory"):
            make(tmp_path / "file")


def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TwinError, match=r"keys\.json cannot be read: not a directory") as caught:
        needs_passphrase(Home(tmp_path / "file"))
    assert not isinstance(caught.value, VaultLocked)

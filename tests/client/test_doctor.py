"""What doctor says of the home: can it be used, and by whom."""

from __future__ import annotations

from pathlib import Path

from mlxtwin.client.doctor import _places
from mlxtwin.paths import Home, write_atomic


def test_a_sound_home_and_one_not_made_yet_are_no_problem(home: Home) -> None:
    assert _places(home) == []
    assert not home.root.exists()
    write_atomic(home.runs / "one", b"x")
    assert _places(home) == []


def test_a_home_that_is_a_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    [found] = _places(Home(tmp_path / "file"))
    assert "file cannot be written: not a directory" in found.what


def test_files_that_others_can_open_are_a_problem(home: Home) -> None:
    write_atomic(home.runs / "one", b"x")
    (home.runs / "one").chmod(0o644)
    assert _places(home) == []  # the folders are closed
    home.root.chmod(0o755)
    home.runs.chmod(0o755)
    [found] = _places(home)
    assert "open 1 of the files" in found.what
    assert "chmod" in found.fix


def test_half_a_vault_is_a_problem(home: Home) -> None:
    write_atomic(home.keys, b"{}")
    [found] = _places(home)
    assert "vault.db is missing" in found.what

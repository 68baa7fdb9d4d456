"""The copy of the vault that a dry run works in: under the home, for its owner alone, and gone afterwards."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from mlxtwin.client import imports
from mlxtwin.client.forgetting import forget
from mlxtwin.client.imports import ImportRequest, import_exports
from mlxtwin.client.throwaway import LOCK, PREFIX, remove_leftovers, throwaway
from mlxtwin.errors import WhoIsMe
from mlxtwin.paths import Home
from mlxtwin.security.crypto import new_key
from mlxtwin.vault.store import Vault


def left(home: Home) -> list[Path]:
    return list(home.root.glob(f"{PREFIX}*"))


def leftover(home: Home) -> Path:
    """Of a process that was killed: nobody holds its lock."""
    folder = home.root / f"{PREFIX}killed"
    (folder / "vault").mkdir(parents=True)
    (folder / "vault" / "vault.db").write_bytes(b"sealed")
    (folder / LOCK).touch()
    return folder


def test_a_dry_run_copies_the_vault_under_its_home_and_leaves_nothing(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key()
    Vault.create(home, key).close()
    monkeypatch.setattr(imports, "exists", lambda _home: True)
    monkeypatch.setattr(imports, "unlock_key", lambda _home, _ask: key)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a.md").write_text("I walked along the wall.")
    seen: list[int] = []

    def progress(_done: int, _files: int, _documents: int) -> None:
        seen.extend(stat.S_IMODE(folder.stat().st_mode) for folder in left(home))

    def nobody(_who: WhoIsMe) -> list[str]:
        return []

    leftover(home)
    request = ImportRequest((tmp_path / "x",), dry_run=True)
    assert import_exports(home, request, lambda _wrong: "", nobody, progress)["added"] == 1
    assert (set(seen), left(home)) == ({0o700}, [])


def _forget(home: Home, key: bytes) -> None:
    with Vault.open(home, key) as vault:
        forget(home, key, vault, [])


@pytest.mark.parametrize("does", [lambda home, _: remove_leftovers(home.root), _forget])
def test_what_a_killed_one_left_is_removed_and_what_is_held_stays(
    home: Home, does: Callable[[Home, bytes], object]
) -> None:
    key = new_key()
    Vault.create(home, key).close()
    leftover(home)
    with throwaway(home.root) as held:
        does(home, key)
        assert left(home) == [held.root]
    assert left(home) == []

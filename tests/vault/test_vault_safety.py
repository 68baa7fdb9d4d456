"""What must hold against theft, damage, wrong keys, other versions and a full disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from samples import LONG, document, files_with, snapshot
from sqlcipher3 import dbapi2 as sqlite

from mlxtwin.errors import Busy, TwinError, UsageError, VaultDamaged, VaultLocked
from mlxtwin.paths import Home
from mlxtwin.records import Document, Turn
from mlxtwin.vault import connection
from mlxtwin.vault.connection import Database, explain
from mlxtwin.vault.migrations import MIGRATIONS
from mlxtwin.vault.store import Vault

KEY = bytes(range(32))
PAGE = 4096
ROOT = Path(__file__).resolve().parents[2]


def filled(home: Home, count: int = 200) -> None:
    with Vault.create(home, KEY) as vault:
        vault.put([document(number, f"{number} {LONG} " * 5) for number in range(count)])


def chain(error: BaseException | None) -> str:
    return "" if error is None else repr(error) + chain(error.__cause__) + chain(error.__context__)


def test_no_piece_of_any_text_is_in_any_file_before_or_after_closing(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    for name in ("TMPDIR", "SQLITE_TMPDIR"):
        monkeypatch.setenv(name, str(scratch))
    title = "A title that nobody else may read"
    name = "somebody.with.a.long.name@example.org"
    said = "what I asked the twin in the middle of the night"
    pieces = (LONG, title, name, said)
    with Vault.create(home, KEY) as vault:
        vault.put([document(number, f"{LONG} {number}", title=title) for number in range(3000)])
        vault.remember_names([name])
        vault.add_message(vault.new_conversation("voice", "starter"), "user", said)
        vault.put([document(5, f"{LONG} changed", title=title)])
        vault.forget(document(6).id)
        assert len(vault.search("evening harvest river", 10)) == 10
        list(vault.documents())
        vault.put([document(4000, LONG, title=title)])
        assert (home.vault.parent / "vault.db-wal").stat().st_size > PAGE
        assert files_with(tmp_path, *pieces) == []
        assert list(scratch.iterdir()) == []
    assert files_with(tmp_path, *pieces) == []
    (tmp_path / "clear").write_text(f"so that this test can fail: {LONG}")
    assert files_with(tmp_path, *pieces) == [str(tmp_path / "clear")]


@pytest.mark.parametrize("key", [b"\x07" * 32, bytes(32), KEY[::-1]], ids=["other", "zeros", "reversed"])
def test_a_wrong_key_is_refused_and_writes_nothing(home: Home, key: bytes) -> None:
    filled(home)
    before = snapshot(home)
    with pytest.raises(VaultLocked) as caught:
        Vault.open(home, key)
    assert snapshot(home) == before
    assert caught.value.hint
    assert key.hex() not in chain(caught.value)


def test_a_missing_vault_points_to_init_and_makes_nothing(home: Home) -> None:
    with pytest.raises(VaultDamaged, match="no vault") as caught:
        Vault.open(home, KEY)
    assert "mlxtwin init" in caught.value.hint
    assert not home.root.exists()


def damage(home: Home, place: int, content: bytes = b"\xa5\x5a\xa5") -> None:
    with home.vault.open("r+b") as file:
        file.seek(place)
        file.write(content)


@pytest.mark.parametrize("size", [0, 5, 16, 100, PAGE - 1])
def test_a_vault_cut_to_almost_nothing_is_damaged_and_left_as_it_is(home: Home, size: int) -> None:
    filled(home)
    os.truncate(home.vault, size)
    before = snapshot(home)
    with pytest.raises(VaultDamaged) as caught:
        Vault.open(home, KEY)
    assert "backup" in caught.value.hint
    assert snapshot(home) == before


def test_a_vault_overwritten_with_zeros_or_a_plain_database_is_damaged(home: Home) -> None:
    home.vault.parent.mkdir(parents=True)
    plain = sqlite.connect(str(home.vault))
    plain.execute("CREATE TABLE t (x)")
    plain.close()
    for content in (home.vault.read_bytes(), bytes(PAGE)):
        home.vault.write_bytes(content)
        with pytest.raises(VaultDamaged):
            Vault.open(home, KEY)


def test_a_damaged_first_page_is_told_from_a_wrong_key(home: Home) -> None:
    filled(home)
    damage(home, 100)
    before = snapshot(home)
    with pytest.raises(VaultDamaged, match="damaged"):
        Vault.open(home, KEY)
    assert snapshot(home) == before


def test_verify_finds_a_changed_byte_on_every_page(home: Home) -> None:
    """But for those of the schema, without which nothing can be opened."""
    filled(home, 50)
    sound = home.vault.read_bytes()
    unopened = 0
    for page in range(1, len(sound) // PAGE):
        home.vault.write_bytes(sound)
        damage(home, page * PAGE + 1000)
        try:
            with Vault.open(home, KEY) as vault:
                problems = vault.verify()
        except VaultDamaged:
            unopened += 1
            continue
        assert any(f"page {page + 1}" in problem for problem in problems), page
        assert LONG[:20] not in " ".join(problems)
    assert unopened < 5


def test_reading_a_damaged_page_is_one_sentence(home: Home) -> None:
    Vault.create(home, KEY).close()
    empty = home.vault.stat().st_size // PAGE
    with Vault.open(home, KEY) as vault:
        vault.put(document(number) for number in range(200))
    for page in range(empty, home.vault.stat().st_size // PAGE):
        damage(home, page * PAGE + 1000)
    with Vault.open(home, KEY) as vault, pytest.raises(VaultDamaged, match="damaged"):
        list(vault.documents())


def test_verify_finds_an_index_that_does_not_match(home: Home) -> None:
    filled(home, 5)
    database = Database(home.vault, KEY)
    with database.write() as raw:
        raw.execute("UPDATE documents SET text = 'other words' WHERE number = 2")
    database.close()
    with Vault.open(home, KEY) as vault:
        problems = vault.verify()
    assert any("full-text index" in problem for problem in problems)
    assert "Document number 2 cannot be read." in problems


def test_a_newer_schema_is_refused_and_nothing_written(home: Home) -> None:
    filled(home, 5)
    database = Database(home.vault, KEY)
    database.rows(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    database.close()
    before = snapshot(home)
    with pytest.raises(VaultDamaged, match="newer") as caught:
        Vault.open(home, KEY)
    assert "Update mlxtwin" in caught.value.hint
    assert snapshot(home) == before


def test_an_older_schema_is_brought_up_once_and_keeps_its_content(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(home, 5)
    applied = []

    def more(raw: object) -> None:
        applied.append(1)
        raw.execute("CREATE TABLE more (x)")  # type: ignore[attr-defined]

    monkeypatch.setattr(connection, "MIGRATIONS", [*MIGRATIONS, more])
    with Vault.open(home, KEY) as vault, Vault.open(home, KEY) as other:
        assert (vault.count(), other.count()) == (5, 5)
    assert applied == [1]


def test_a_vault_made_before_forgetting_was_remembered_learns_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MIGRATIONS", MIGRATIONS[:4])
    Vault.create(home, KEY).close()
    monkeypatch.undo()
    with Vault.open(home, KEY) as vault:
        vault.put([document(1), document(2)])
        assert vault.forget(document(1).id)
        assert vault.put([document(1)]).forgotten == 1
        assert (vault.count(), vault.verify()) == (1, [])


def test_a_step_that_fails_leaves_the_old_schema(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(home, 5)

    def broken(raw: object) -> None:
        raw.execute("CREATE TABLE half (x)")  # type: ignore[attr-defined]
        raise RuntimeError("half way")

    monkeypatch.setattr(connection, "MIGRATIONS", [*MIGRATIONS, broken])
    with pytest.raises(RuntimeError):
        Vault.open(home, KEY)
    monkeypatch.undo()
    with Vault.open(home, KEY) as vault:
        assert (vault.count(), vault.verify()) == (5, [])


def test_an_interrupted_creation_leaves_no_vault(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(raw: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(connection, "MIGRATIONS", [*MIGRATIONS, killed])
    with pytest.raises(KeyboardInterrupt):
        Vault.create(home, KEY)
    assert snapshot(home) == {}
    monkeypatch.undo()
    Vault.create(home, KEY).close()


def test_a_vault_that_appears_meanwhile_is_not_replaced(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def rival(raw: object) -> None:
        home.vault.write_bytes(b"another process was quicker")

    monkeypatch.setattr(connection, "MIGRATIONS", [*MIGRATIONS, rival])
    with pytest.raises(UsageError, match="already"):
        Vault.create(home, KEY)
    assert home.vault.read_bytes() == b"another process was quicker"


def test_a_vault_held_for_long_by_another_is_busy(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(home, 5)
    holder = Database(home.vault, KEY)
    monkeypatch.setattr(connection, "PATIENCE_MS", 50)
    with holder.write(), Vault.open(home, KEY) as vault, pytest.raises(Busy) as caught:
        assert vault.count() == 5
        vault.put([document(9)])
    assert caught.value.exit_code == 3
    holder.close()


def test_no_error_quotes_what_was_stored_or_asked(home: Home) -> None:
    with Vault.create(home, KEY) as vault:
        bad = Document("mail", "mail", "k", "t", (Turn("a", True, LONG, None),))  # type: ignore[arg-type]
        with pytest.raises(TwinError) as caught:
            vault._db.rows(f"SELECT '{LONG}' FROM nowhere")
        assert LONG not in repr(caught.value)
        vault.put([bad])
    error = sqlite.OperationalError(f"something about {LONG}")
    assert LONG not in explain(error, home.vault).sentence()


FULL = """
import os, sys
from pathlib import Path
from mlxtwin.errors import StorageFull
from mlxtwin.paths import Home
from mlxtwin.vault.store import Vault
sys.path.insert(0, sys.argv[1])
from samples import document

home, key = Home(Path(sys.argv[2]) / "home"), bytes(range(32))
long = lambda number: document(number, os.urandom(400).hex())

def full(action):
    try:
        action()
    except StorageFull as error:
        assert error.hint and error.exit_code == 1
        return True
    return False

def fill():
    with open(Path(sys.argv[2]) / "filler", "ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
"""
FILLS_UP = """
stored = 0
with Vault.create(home, key) as vault:
    while not full(lambda: vault.put([long(stored + n) for n in range(100)])):
        stored += 100
    assert stored and vault.count() == stored and vault.verify() == []
fill()
with Vault.open(home, key) as vault:
    assert vault.count() == stored and len(list(vault.documents())) == stored and vault.verify() == []
"""
FULL_AT_OPENING = """
with Vault.create(home, key) as vault:
    vault.put([long(n) for n in range(100)])
fill()
with Vault.open(home, key) as vault:
    assert vault.count() == 100 and len(list(vault.documents())) == 100
    assert full(lambda: vault.put([long(1000 + n) for n in range(100)]))
    assert vault.count() == 100
(Path(sys.argv[2]) / "filler").unlink()
with Vault.open(home, key) as vault:
    assert vault.put([long(1000)]).added == 1 and vault.verify() == []
"""
FULL_AT_CREATION = """
fill()
assert full(lambda: Vault.create(home, key))
(Path(sys.argv[2]) / "filler").unlink()
Vault.create(home, key).close()
"""


def can_mount(folder: Path) -> bool:
    if shutil.which("unshare") is None:
        return False
    mount = 'mount -t tmpfs -o size=1m none "$0"'
    trial = ["unshare", "-rm", "sh", "-c", mount, str(folder)]
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("program", [FILLS_UP, FULL_AT_OPENING, FULL_AT_CREATION], ids=["fills", "open", "create"])
def test_a_full_disk_is_said_and_loses_nothing_stored(tmp_path: Path, program: str) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if not can_mount(small):
        pytest.skip("this system lets nobody mount a small disk of their own (unshare -rm)")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=3m none "$1" && shift && exec "$@"', "sh", str(small),
         sys.executable, "-c", FULL + program, str(Path(__file__).parent), str(small)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_keyring import FakeKeyring

from mlxtwin.client.vault import create
from mlxtwin.errors import TwinError, UsageError, VaultDamaged, VaultLocked
from mlxtwin.paths import Home
from mlxtwin.security import keychain, unlock
from mlxtwin.security.recovery import new_recovery_key

WORDS = "several plain words"


@pytest.fixture(autouse=True)
def quick_argon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least memory the key file may name; one test below looks at the real parameters."""
    monkeypatch.setattr(unlock.PassphraseLock.__init__, "__defaults__", (8 * 1024, 1, 1))


def everything_in(home: Home) -> bytes:
    return b"".join(path.read_bytes() for path in home.root.rglob("*") if path.is_file())


def test_a_passphrase_opens_what_it_locked(home: Home) -> None:
    key, _ = unlock.create_keys(home, passphrase=WORDS)
    assert len(key) == 32
    assert unlock.needs_passphrase(home)
    assert unlock.unlock(home, passphrase=WORDS) == key


def test_the_keychain_opens_what_it_keeps(home: Home, fake: type[FakeKeyring]) -> None:
    key, _ = unlock.create_keys(home, passphrase=None)
    assert not unlock.needs_passphrase(home)
    assert unlock.unlock(home) == key
    assert list(fake.items.values()) == [key.hex()]


def test_the_recovery_key_opens_it_in_both_modes(home: Home, tmp_path: Path, fake: type[FakeKeyring]) -> None:
    for place, passphrase in ((home, None), (Home(tmp_path / "other"), WORDS)):
        key, recovery = unlock.create_keys(place, passphrase=passphrase)
        fake.items.clear()
        assert unlock.unlock(place, recovery=recovery.lower().replace("-", " ")) == key


def test_neither_key_nor_passphrase_nor_recovery_key_is_on_disk(home: Home) -> None:
    key, recovery = unlock.create_keys(home, passphrase=WORDS)
    found = everything_in(home)
    for secret in (key, key.hex().encode(), WORDS.encode(), recovery.encode(), recovery.replace("-", "").encode()):
        assert secret not in found
    assert home.keys.stat().st_mode & 0o777 == 0o600
    assert home.keys.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in home.keys.parent.iterdir()] == [home.keys.name]


def test_a_second_init_changes_nothing(home: Home, fake: type[FakeKeyring]) -> None:
    key, _ = unlock.create_keys(home, passphrase=None)
    before, items = everything_in(home), dict(fake.items)
    for passphrase in (None, WORDS):
        with pytest.raises(UsageError, match="already"):
            unlock.create_keys(home, passphrase=passphrase)
    assert (everything_in(home), dict(fake.items)) == (before, items)
    assert unlock.unlock(home) == key


def test_two_homes_never_share_a_keychain_account(home: Home, tmp_path: Path, fake: type[FakeKeyring]) -> None:
    first, _ = unlock.create_keys(home, passphrase=None)
    second, _ = unlock.create_keys(Home(tmp_path / "other"), passphrase=None)
    assert first != second
    assert unlock.unlock(home) == first


def test_a_key_file_written_meanwhile_by_another_process_wins(
    home: Home, fake: type[FakeKeyring], monkeypatch: pytest.MonkeyPatch
) -> None:
    key, _ = unlock.create_keys(home, passphrase=WORDS)
    monkeypatch.setattr(unlock, "_refuse_second", lambda home: None)
    with pytest.raises(UsageError, match="already"):
        unlock.create_keys(home, passphrase="other words")
    assert unlock.unlock(home, passphrase=WORDS) == key


def test_a_vault_without_its_keys_is_not_given_new_ones(home: Home) -> None:
    home.vault.parent.mkdir(parents=True)
    home.vault.write_bytes(b"x")
    with pytest.raises(UsageError, match="without its key file"):
        unlock.create_keys(home, passphrase=WORDS)
    with pytest.raises(VaultLocked) as caught:
        unlock.unlock(home)
    assert "backup" in caught.value.hint


def test_without_any_keys_the_next_step_is_init(home: Home) -> None:
    with pytest.raises(VaultLocked) as caught:
        unlock.unlock(home)
    assert "mlxtwin init" in caught.value.hint
    assert not home.root.exists()


def test_a_keychain_that_cannot_hold_the_key_leaves_no_key_file(home: Home, fake: type[FakeKeyring]) -> None:
    for fake.mood in ("locked", "forgetful", "indiscreet", "mangling"):
        with pytest.raises(VaultLocked):
            unlock.create_keys(home, passphrase=None)
    assert not home.root.exists()
    assert not fake.items


def test_a_home_that_cannot_be_written_puts_no_key_into_the_keychain(tmp_path: Path, fake: type[FakeKeyring]) -> None:
    (tmp_path / "file").write_bytes(b"")
    asked: list[int] = []
    fake.meanwhile = lambda: asked.append(1)
    for root in (tmp_path / "file", Path("/proc/mlxtwin")):
        with pytest.raises(TwinError, match="vault cannot be written"):
            unlock.create_keys(Home(root), passphrase=None)
    assert (asked, fake.items) == ([], {})


def test_a_key_file_that_could_not_be_written_leaves_no_key_in_the_keychain(
    home: Home, fake: type[FakeKeyring]
) -> None:
    def rival() -> None:
        home.keys.parent.mkdir(parents=True)
        home.keys.write_bytes(b"another process was quicker")

    fake.meanwhile = rival
    with pytest.raises(UsageError, match="already"):
        unlock.create_keys(home, passphrase=None)
    assert home.keys.read_bytes() == b"another process was quicker"
    assert not fake.items


def test_a_vault_that_could_not_be_made_leaves_no_key_anywhere(home: Home, fake: type[FakeKeyring]) -> None:
    def rival() -> None:
        home.vault.parent.mkdir(parents=True)
        home.vault.write_bytes(b"another process was quicker")

    fake.meanwhile = rival
    with pytest.raises(UsageError, match="already"):
        create(home, None)
    assert [path.name for path in home.vault.parent.iterdir()] == [home.vault.name]
    assert not fake.items


def test_a_recovery_that_could_not_be_written_leaves_the_keychain_as_it_was(
    home: Home, fake: type[FakeKeyring]
) -> None:
    key, recovery = unlock.create_keys(home, passphrase=None)
    before = dict(fake.items)
    aside = home.root.with_name("aside")

    def gone() -> None:
        home.root.rename(aside)
        home.root.write_bytes(b"")

    fake.meanwhile = gone
    with pytest.raises(TwinError, match="cannot be written"):
        unlock.rewrap(home, recovery, passphrase=None)
    assert dict(fake.items) == before
    assert unlock.unlock(Home(aside)) == key


@pytest.mark.parametrize("wrong", ["other words", "", WORDS + " "])
def test_a_wrong_passphrase_is_refused_in_one_sentence_without_it(home: Home, wrong: str) -> None:
    unlock.create_keys(home, passphrase=WORDS)
    before = everything_in(home)
    with pytest.raises(VaultLocked, match="passphrase") as caught:
        unlock.unlock(home, passphrase=wrong)
    assert not wrong.strip() or wrong not in caught.value.sentence()
    assert everything_in(home) == before


def test_a_missing_passphrase_is_asked_for(home: Home) -> None:
    unlock.create_keys(home, passphrase=WORDS)
    with pytest.raises(VaultLocked) as caught:
        unlock.unlock(home)
    assert "MLXTWIN_PASSPHRASE" in caught.value.hint


def test_an_empty_passphrase_is_refused(home: Home) -> None:
    with pytest.raises(UsageError):
        unlock.create_keys(home, passphrase="  ")
    assert not home.keys.exists()


def test_the_same_letters_typed_on_another_system_open_it(home: Home) -> None:
    key, _ = unlock.create_keys(home, passphrase="caf\u00e9 words")
    assert unlock.unlock(home, passphrase="cafe\u0301 words") == key


def test_a_key_gone_from_the_keychain_points_to_the_recovery_key(home: Home, fake: type[FakeKeyring]) -> None:
    unlock.create_keys(home, passphrase=None)
    fake.items.clear()
    with pytest.raises(VaultLocked, match="no key") as caught:
        unlock.unlock(home)
    assert "--recover" in caught.value.hint


def test_another_key_under_our_account_is_not_used(home: Home, fake: type[FakeKeyring]) -> None:
    unlock.create_keys(home, passphrase=None)
    for account in fake.items:
        fake.items[account] = "ab" * 32
    with pytest.raises(VaultLocked, match="does not belong"):
        unlock.unlock(home)


def test_a_recovery_key_of_another_vault_is_refused(home: Home) -> None:
    unlock.create_keys(home, passphrase=WORDS)
    with pytest.raises(VaultLocked, match="another vault"):
        unlock.unlock(home, recovery=new_recovery_key())


def test_recovery_moves_the_key_to_a_new_passphrase_and_stays_valid(home: Home, fake: type[FakeKeyring]) -> None:
    key, recovery = unlock.create_keys(home, passphrase=None)
    old = dict(fake.items)
    assert unlock.rewrap(home, recovery, passphrase="new words") == key
    assert unlock.unlock(home, passphrase="new words") == key
    assert unlock.unlock(home, recovery=recovery) == key
    assert dict(fake.items) == old
    assert unlock.rewrap(home, recovery, passphrase=None) == key
    assert unlock.unlock(home) == key
    assert len(fake.items) == 2


def test_a_failed_recovery_changes_nothing(home: Home, fake: type[FakeKeyring]) -> None:
    _, recovery = unlock.create_keys(home, passphrase=WORDS)
    before = everything_in(home)
    fake.mood = "locked"
    for key, passphrase in ((recovery, None), (new_recovery_key(), WORDS)):
        with pytest.raises(VaultLocked):
            unlock.rewrap(home, key, passphrase=passphrase)
    assert everything_in(home) == before


def test_the_stored_argon_parameters_are_the_ones_used(home: Home) -> None:
    key, _ = unlock.create_keys(home, passphrase=WORDS)
    stored = json.loads(home.keys.read_text())
    stored["passphrase"]["passes"] += 1
    home.keys.write_text(json.dumps(stored))
    with pytest.raises(VaultLocked):
        unlock.unlock(home, passphrase=WORDS)
    stored["passphrase"]["passes"] -= 1
    home.keys.write_text(json.dumps(stored))
    assert unlock.unlock(home, passphrase=WORDS) == key


def test_the_real_cost_is_64_mebibytes_and_three_passes(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    key, _ = unlock.create_keys(home, passphrase=WORDS)
    lock = json.loads(home.keys.read_text())["passphrase"]
    assert (lock["memory_kib"], lock["passes"], lock["lanes"]) == (65536, 3, 4)
    assert unlock.unlock(home, passphrase=WORDS) == key


def spoil(home: Home, **changes: object) -> None:
    home.keys.write_text(json.dumps(json.loads(home.keys.read_text()) | changes))


LOCK = {"salt": "aa" * 16, "sealed": "bb", "memory_kib": 65536, "passes": 3, "lanes": 4}


@pytest.mark.parametrize(
    "changes",
    [
        {"check": None},
        {"check": "xyz"},
        {"mode": "none"},
        {"key_id": 7},
        {"more": 1},
        {"passphrase": None},
        {"passphrase": {"salt": "aa"}},
        {"passphrase": LOCK | {"memory_kib": 2**30}},
        {"passphrase": LOCK | {"memory_kib": 8}},
        {"passphrase": LOCK | {"passes": 10**9}},
        {"passphrase": LOCK | {"lanes": "4"}},
        {"passphrase": LOCK | {"salt": "zz"}},
    ],
)
def test_a_damaged_key_file_is_named_and_left_alone(home: Home, changes: dict[str, object]) -> None:
    unlock.create_keys(home, passphrase=WORDS)
    spoil(home, **changes)
    before = everything_in(home)
    with pytest.raises(VaultDamaged, match=r"keys\.json is damaged"):
        unlock.unlock(home, passphrase=WORDS)
    assert everything_in(home) == before


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'"text"'])
def test_a_key_file_that_is_no_such_file_is_damaged(home: Home, content: bytes) -> None:
    home.keys.parent.mkdir(parents=True)
    home.keys.write_bytes(content)
    with pytest.raises(VaultDamaged):
        unlock.needs_passphrase(home)


def test_a_newer_key_file_asks_for_an_update(home: Home) -> None:
    unlock.create_keys(home, passphrase=WORDS)
    spoil(home, format=2, something="new")
    with pytest.raises(VaultDamaged, match="newer") as caught:
        unlock.unlock(home, passphrase=WORDS)
    assert "Update" in caught.value.hint


def test_keychain_and_file_agree_on_the_key_id(home: Home, fake: type[FakeKeyring]) -> None:
    key, _ = unlock.create_keys(home, passphrase=None)
    assert keychain.read_key(json.loads(home.keys.read_text())["key_id"]) == key

from __future__ import annotations

import subprocess
import sys

import pytest
from fake_keyring import FakeKeyring

from mlxtwin.errors import UsageError, VaultLocked
from mlxtwin.security import keychain

KEY = bytes(range(32))


def chain(error: BaseException | None) -> str:
    """All that an error and those behind it say."""
    return "" if error is None else repr(error) + chain(error.__cause__) + chain(error.__context__)


def test_a_key_is_read_back_from_its_own_account(fake: type[FakeKeyring]) -> None:
    keychain.store_key("aa", KEY)
    keychain.store_key("bb", bytes(32))
    assert keychain.read_key("aa") == KEY
    assert keychain.read_key("bb") == bytes(32)
    assert keychain.read_key("cc") is None
    assert len({account for _, account in fake.items}) == 2


def test_a_secret_can_be_set_listed_read_and_removed(fake: type[FakeKeyring]) -> None:
    keychain.set_secret("huggingface", "one")
    keychain.set_secret("another", "two")
    keychain.set_secret("huggingface", "three")
    assert keychain.list_secrets() == ["another", "huggingface"]
    assert keychain.get_secret("huggingface") == "three"
    keychain.delete_secret("huggingface")
    assert keychain.list_secrets() == ["another"]
    assert keychain.get_secret("huggingface") is None
    with pytest.raises(UsageError, match="huggingface"):
        keychain.delete_secret("huggingface")


def test_no_secret_name_reaches_a_vault_key_or_the_index(fake: type[FakeKeyring]) -> None:
    keychain.store_key("aa", KEY)
    for name in ("vault key aa", "aa", keychain.INDEX):
        keychain.set_secret(name, "mine")
        keychain.delete_secret(name)
    assert keychain.read_key("aa") == KEY
    assert keychain.list_secrets() == []


def test_a_name_left_in_the_index_by_a_crash_can_be_removed(fake: type[FakeKeyring]) -> None:
    keychain.set_secret("huggingface", "one")
    del fake.items["mlxtwin", "secret huggingface"]
    keychain.delete_secret("huggingface")
    assert keychain.list_secrets() == []


def test_a_keychain_that_forgets_is_not_trusted(fake: type[FakeKeyring]) -> None:
    fake.mood = "forgetful"
    with pytest.raises(VaultLocked, match="did not give back"):
        keychain.store_key("aa", KEY)


def test_a_locked_keychain_says_so_and_what_to_do(fake: type[FakeKeyring]) -> None:
    fake.mood = "locked"
    with pytest.raises(VaultLocked, match="locked") as caught:
        keychain.read_key("aa")
    assert "Unlock" in caught.value.hint
    assert caught.value.exit_code == 3


def test_an_indiscreet_backend_leaks_nothing_through_our_error(fake: type[FakeKeyring]) -> None:
    fake.mood = "indiscreet"
    with pytest.raises(VaultLocked) as caught:
        keychain.set_secret("huggingface", "hf_private")
    assert "hf_private" not in chain(caught.value)


@pytest.mark.parametrize("choice", ["keyring.backends.null.Keyring", "keyrings.alt.file.PlaintextKeyring", "none"])
def test_a_chosen_backend_that_is_not_on_the_list_is_refused(
    choice: str, fake: type[FakeKeyring], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(keychain.CHOICE, choice)
    found = keychain.status()
    assert (found.backend, found.ok) == ("none", False)
    with pytest.raises(VaultLocked, match=keychain.CHOICE) as caught:
        keychain.store_key("aa", KEY)
    assert "--passphrase" in caught.value.hint
    assert not fake.items


def test_a_backend_that_is_installed_but_not_on_the_list_is_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keychain, "BACKENDS", ())
    monkeypatch.delenv(keychain.CHOICE, raising=False)
    FakeKeyring.items.clear()
    assert not keychain.status().ok
    with pytest.raises(VaultLocked):
        keychain.store_key("aa", KEY)
    assert not FakeKeyring.items


def test_status_names_the_backend_that_works(fake: type[FakeKeyring]) -> None:
    assert keychain.status() == keychain.KeychainStatus("Fake", True)


def test_a_session_without_a_bus_has_no_keychain_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.skip("the Secret Service is on Linux")
    for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", keychain.CHOICE):
        monkeypatch.delenv(name, raising=False)
    found = keychain.status()
    assert not found.ok
    assert "Secret Service" in found.why


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\0b"])
def test_a_secret_needs_a_printable_name(name: str, fake: type[FakeKeyring]) -> None:
    with pytest.raises(UsageError):
        keychain.set_secret(name, "value")


def test_keyring_is_imported_only_when_a_keychain_is_asked() -> None:
    program = (
        "import sys, mlxtwin.security.unlock, mlxtwin.security.keychain, mlxtwin.vault.store;"
        "sys.exit('keyring' in sys.modules or 'secretstorage' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

"""Creating, recovering and opening the vault."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from mlxtwin.errors import UsageError, VaultDamaged, VaultLocked
from mlxtwin.paths import Home, reading_error

if TYPE_CHECKING:
    from mlxtwin.vault.store import Vault

PASSPHRASE_VARIABLE = "MLXTWIN_PASSPHRASE"

# The next step wherever a vault is needed first, and there is none.
BEGIN = "Begin with: mlxtwin init"

TRIES = 3

# Called with whether the one before was wrong.
AskPassphrase = Callable[[bool], str]


def exists(home: Home) -> bool:
    """Whether there is a vault, or a part of one. Raises TwinError for a home that cannot be looked into."""
    return any(_parts(home))


def half(home: Home) -> tuple[str, str] | None:
    """What is wrong and what to do where only one of the vault's two files is there. Raises as ``exists`` does."""
    keys, vault = _parts(home)
    if keys == vault:
        return None
    gone, left = (home.vault, home.keys) if keys else (home.keys, home.vault)
    recovery = "" if keys else " The recovery key does not help without it."
    message = f"{gone} is missing, and {left.name} beside it is of no use without it.{recovery}"
    return message, f"Restore both from a backup; to begin anew, move {left.parent} away and run `mlxtwin init`."


def _parts(home: Home) -> tuple[bool, bool]:
    """Whether the key file and the database are there."""
    try:
        return home.keys.exists(), home.vault.exists()
    except OSError as error:
        raise reading_error(error, home.root) from None


def create(home: Home, passphrase: str | None) -> str:
    """Make the keys and an empty vault; returns the recovery key, which is shown once and stored nowhere.

    Without a passphrase the key goes into the keychain. Raises UsageError where a vault or its key file exists
    already, Refused where no keychain can be trusted.
    """
    from mlxtwin.security.unlock import create_keys, discard_keys
    from mlxtwin.vault.store import Vault

    require_absent(home)
    key, recovery = create_keys(home, passphrase=passphrase)
    try:
        Vault.create(home, key).close()
    except BaseException:
        discard_keys(home)
        raise
    return recovery


def recover(home: Home, recovery: str, passphrase: str | None) -> None:
    """Open the vault with its recovery key and bind it to this computer's keychain, or to a new passphrase."""
    from mlxtwin.security.unlock import rewrap
    from mlxtwin.vault.store import Vault

    require(home)
    key = rewrap(home, recovery, passphrase=passphrase)
    Vault.open(home, key).close()


def require_absent(home: Home) -> None:
    if broken := half(home):
        raise UsageError(*broken)
    if exists(home):
        raise UsageError(
            f"There is a vault in {home.root} already; nothing was changed.",
            "Import into it with `mlxtwin import PATH`, or choose another folder with MLXTWIN_HOME.",
        )


def require(home: Home) -> None:
    if not exists(home):
        raise VaultLocked(f"There is no vault in {home.root}.", "Create one with `mlxtwin init`.")
    if broken := half(home):
        raise VaultDamaged(*broken)


def unlock_key(home: Home, ask: AskPassphrase) -> bytes:
    """The master key; ``ask`` is called only for a vault sealed with a passphrase that the environment lacks, and
    again after a wrong one, TRIES times in all; it is told whether the one before was wrong.

    Raises VaultLocked, VaultDamaged for half a vault.
    """
    from mlxtwin.security.unlock import WrongPassphrase, needs_passphrase, unlock

    require(home)
    given = os.environ.get(PASSPHRASE_VARIABLE)
    if given or not needs_passphrase(home):
        return unlock(home, passphrase=given)
    for tried in range(TRIES - 1):
        with suppress(WrongPassphrase):
            return unlock(home, passphrase=ask(tried > 0))
    return unlock(home, passphrase=ask(True))


def unlock_once(home: Home, passphrase: str | None) -> bytes:
    """The master key, with the passphrase given, else the environment's, where the vault has one. Raises VaultLocked
    (WrongPassphrase where it can be typed again)."""
    from mlxtwin.security.unlock import unlock

    require(home)
    return unlock(home, passphrase=passphrase or os.environ.get(PASSPHRASE_VARIABLE))


def asks_passphrase(home: Home) -> bool:
    """Whether only the person can say what opens the vault."""
    from mlxtwin.security.unlock import needs_passphrase

    return needs_passphrase(home) and not os.environ.get(PASSPHRASE_VARIABLE)


def sealed_with_passphrase(home: Home) -> bool:
    """Whether a passphrase opens the vault rather than the keychain. Raises VaultDamaged for a damaged key file."""
    from mlxtwin.security.unlock import needs_passphrase

    return needs_passphrase(home)


def keychain() -> tuple[str, str]:
    """The name of the keychain that can keep a key, or an empty one and why there is none."""
    from mlxtwin.security.keychain import status

    found = status()
    return (found.backend, "") if found.ok else ("", found.why)


def open_vault(home: Home, ask: AskPassphrase) -> Vault:
    """The vault, to be used as a context manager. Raises VaultLocked or VaultDamaged."""
    from mlxtwin.vault.store import Vault

    return Vault.open(home, unlock_key(home, ask))


def with_key(home: Home, key: bytes) -> Vault:
    """The vault by its key, to be used as a context manager. Raises VaultLocked or VaultDamaged."""
    from mlxtwin.vault.store import Vault

    return Vault.open(home, key)

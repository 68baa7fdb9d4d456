"""Creating, recovering and opening the vault."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from mlxtwin.errors import UsageError, VaultLocked
from mlxtwin.paths import Home

if TYPE_CHECKING:
    from mlxtwin.vault.store import Vault

PASSPHRASE_VARIABLE = "MLXTWIN_PASSPHRASE"

AskPassphrase = Callable[[], str]


def exists(home: Home) -> bool:
    return home.keys.exists() or home.vault.exists()


def create(home: Home, passphrase: str | None) -> str:
    """Make the keys and an empty vault; returns the recovery key, which is shown once and stored nowhere.

    Without a passphrase the key goes into the keychain. Raises UsageError where a vault or its key file exists
    already, Refused where no keychain can be trusted.
    """
    from mlxtwin.security.unlock import create_keys
    from mlxtwin.vault.store import Vault

    require_absent(home)
    key, recovery = create_keys(home, passphrase=passphrase)
    try:
        Vault.create(home, key).close()
    except BaseException:
        home.keys.unlink(missing_ok=True)
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
    if exists(home):
        raise UsageError(
            f"There is a vault in {home.root} already; nothing was changed.",
            "Import into it with `mlxtwin import PATH`, or choose another folder with MLXTWIN_HOME.",
        )


def require(home: Home) -> None:
    if not exists(home):
        raise VaultLocked(f"There is no vault in {home.root}.", "Create one with `mlxtwin init`.")


def unlock_key(home: Home, ask: AskPassphrase) -> bytes:
    """The master key; ``ask`` is called only for a vault sealed with a passphrase that the environment lacks.

    Raises VaultLocked.
    """
    from mlxtwin.security.unlock import needs_passphrase, unlock

    require(home)
    passphrase = (os.environ.get(PASSPHRASE_VARIABLE) or ask()) if needs_passphrase(home) else None
    return unlock(home, passphrase=passphrase)


def open_vault(home: Home, ask: AskPassphrase) -> Vault:
    """The vault, to be used as a context manager. Raises VaultLocked or VaultDamaged."""
    from mlxtwin.vault.store import Vault

    return Vault.open(home, unlock_key(home, ask))

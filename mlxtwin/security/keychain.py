"""The operating system's keychain: where the vault's key and the person's tokens are kept.

Only keychains that encrypt are used: those of the list below, whatever else is installed. ``PYTHON_KEYRING_BACKEND``
may choose one of them; any other value turns the keychain off. Any program that runs as the same user, on macOS the
same Python, may read these items: a keychain protects a stolen disk, not a hostile program.
"""

from __future__ import annotations

import hmac
import json
import os
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from mlxtwin.errors import TwinError, UsageError, VaultLocked

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "mlxtwin"
INDEX = "secret names"
# What people call it, where it is (sys.platform), module, class.
BACKENDS = (
    ("macOS Keychain", "darwin", "keyring.backends.macOS", "Keyring"),
    ("Secret Service", "linux", "keyring.backends.SecretService", "Keyring"),
    ("KWallet", "linux", "keyring.backends.kwallet", "DBusKeyring"),
    ("Windows Credential Locker", "win32", "keyring.backends.Windows", "WinVaultKeyring"),
)
CHOICE = "PYTHON_KEYRING_BACKEND"
LOCKED = "is locked"
OTHERWISE = "Use a passphrase: `mlxtwin init --passphrase`."
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class KeychainStatus:
    """``backend`` is its name, or "none"; ``why`` says what is wrong when it is not ``ok``."""

    backend: str
    ok: bool
    why: str = ""


def status() -> KeychainStatus:
    """Whether the keychain can be used now; asks the person nothing and changes nothing."""
    found = _find()
    if isinstance(found, str):
        return KeychainStatus("none", False, found)
    name, backend = found
    obstacle = _obstacle(backend)
    return KeychainStatus(name, not obstacle, f"{name} {obstacle}" if obstacle else "")


def store_key(key_id: str, key: bytes) -> None:
    """Write a vault key under its own fresh account and read it back. VaultLocked unless both went well."""
    _put(_key_account(key_id), key.hex())
    try:
        _require_kept(_key_account(key_id), key.hex())
    except BaseException:
        drop_key(key_id)
        raise


def read_key(key_id: str) -> bytes | None:
    """The key, or None if the keychain has none under this id. VaultLocked if the keychain cannot be asked."""
    text = _read(_key_account(key_id))
    with suppress(ValueError):
        return bytes.fromhex(text) if text else None
    return None


def drop_key(key_id: str) -> None:
    """Remove a vault key that nothing names. Raises nothing: one that stays is of no use without its key file."""
    with suppress(TwinError):
        _ask(lambda backend: backend.delete_password(SERVICE, _key_account(key_id)))


def get_secret(account: str) -> str | None:
    return _read(_secret_account(account))


def set_secret(account: str, value: str) -> None:
    """Store a token under a name, read it back, and note the name. VaultLocked unless all went well."""
    _write(_secret_account(account), value)
    names = set(list_secrets())
    if account not in names:
        _write(INDEX, json.dumps(sorted({*names, account})))


def delete_secret(account: str) -> None:
    """UsageError if there is none of that name."""
    names = set(list_secrets())
    known = _read(_secret_account(account)) is not None
    if not known and account not in names:
        raise UsageError(f"There is no secret named {account}.", "See `mlxtwin secrets ls`.")
    if known:
        _ask(lambda backend: backend.delete_password(SERVICE, _secret_account(account)))
    _write(INDEX, json.dumps(sorted(names - {account})))


def list_secrets() -> list[str]:
    """The names only; a keychain cannot list its items, so we keep an index item of our own."""
    text = _read(INDEX)
    try:
        return sorted(str(name) for name in json.loads(text)) if text else []
    except (ValueError, TypeError):
        return []


def _key_account(key_id: str) -> str:
    return f"vault key {key_id}"


def _secret_account(account: str) -> str:
    if not account.strip() or not account.isprintable():
        raise UsageError("A secret needs a name of printable characters.", "Try `mlxtwin secrets set huggingface`.")
    return f"secret {account}"


def _read(account: str) -> str | None:
    return _ask(lambda backend: backend.get_password(SERVICE, account))


def _write(account: str, value: str) -> None:
    _put(account, value)
    _require_kept(account, value)


def _put(account: str, value: str) -> None:
    _ask(lambda backend: backend.set_password(SERVICE, account, value))


def _require_kept(account: str, value: str) -> None:
    stored = _read(account) or ""
    if not hmac.compare_digest(stored.encode(), value.encode()):
        raise VaultLocked("The keychain did not give back what was written to it.", OTHERWISE)


def _ask(action: Callable[[KeyringBackend], _Value]) -> _Value:
    """Do it with the keychain, or say why not. What the backend raised is dropped: it may hold values."""
    found = _find()
    if isinstance(found, str):
        raise VaultLocked(f"No keychain can be used here: {found}.", OTHERWISE)
    name, backend = found
    obstacle = _obstacle(backend)
    if obstacle and not _has_screen():
        raise _locked(name) if obstacle == LOCKED else VaultLocked(f"The keychain ({name}) {obstacle}.", OTHERWISE)
    try:
        return action(backend)
    except Exception as error:  # Each backend has its own kinds of error, and platforms theirs.
        refusal = _explain(name, error)
    raise refusal


def _explain(name: str, error: Exception) -> TwinError:
    words = f"{type(error).__name__} {error}"
    # -25308 and -25293: macOS may not ask the person now, or was answered wrongly.
    if any(sign in words for sign in ("Locked", "Dismissed", "locked", "-25308", "-25293")) or "Denied" in words:
        return _locked(name)
    return VaultLocked(f"The keychain ({name}) failed: {type(error).__name__}.", "Run `mlxtwin doctor`.")


def _locked(name: str) -> VaultLocked:
    return VaultLocked(f"The keychain ({name}) is locked.", "Unlock it, by logging in for example, and run this again.")


def _find() -> tuple[str, KeyringBackend] | str:
    """The best keychain of the list that works here, or why none does."""
    chosen = os.environ.get(CHOICE, "")
    here = [(name, module, kind) for name, platform, module, kind in BACKENDS if platform == sys.platform]
    wanted = [entry for entry in here if not chosen or chosen == f"{entry[1]}.{entry[2]}"]
    if not wanted:
        return f"{CHOICE} names none that is safe here" if chosen else f"none is known for {sys.platform}"
    reasons = []
    working = []
    for name, module, kind in wanted:
        try:
            backend = getattr(import_module(module), kind)
            working.append((float(backend.priority), name, backend))
        except (RuntimeError, ImportError, AttributeError, OSError) as error:
            reasons.append(f"{name}: {error}")
    if not working:
        return "; ".join(reasons)
    _, name, backend = max(working, key=lambda entry: entry[0])
    return name, backend()


def _obstacle(backend: Any) -> str:
    """What stands in the way, or nothing. Known beforehand for the Secret Service only.

    There it must be known: a question to the person on a screen that is not there may never be answered.
    """
    if type(backend).__module__ != "keyring.backends.SecretService":
        return ""
    import secretstorage
    from secretstorage.exceptions import ItemNotFoundException, SecretStorageException

    try:
        with closing(secretstorage.dbus_init()) as bus:
            return LOCKED if secretstorage.Collection(bus).is_locked() else ""
    except ItemNotFoundException:
        return "has no default keyring yet"
    except SecretStorageException:
        return "does not answer"


def _has_screen() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))

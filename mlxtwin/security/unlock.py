"""Making, finding and recovering the master key, from which all other keys are derived.

The key file (``home.keys``) holds no key in the clear. It says where the master key is: in the keychain under a fresh
account, or in the file itself, sealed under a passphrase by Argon2id (RFC 9106). In both cases it is there once more,
sealed under the recovery key. ``check`` tells a wrong key at once. Each key has its own id, so no key ever overwrites
another, in the keychain or here.
"""

from __future__ import annotations

import hmac
import os
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from mlxtwin.errors import SealBroken, TwinError, UsageError, VaultDamaged, VaultLocked
from mlxtwin.paths import Home, read_json, reading_error, require_writable, storage_error, sync_folder, write_json
from mlxtwin.security import keychain
from mlxtwin.security.crypto import KEY_BYTES, derive, new_key, seal, unseal
from mlxtwin.security.recovery import new_recovery_key, read_recovery_key

FORMAT = 1
RECOVER = "Open it with the recovery key that was printed when it was made: `mlxtwin init --recover`."
RESTORE = "Restore it from a backup."
LOST = "If it is lost, open the vault with the recovery key: `mlxtwin init --recover`."
# RFC 9106 section 4, second recommended option: 64 MiB, three passes, four lanes.
MEMORY_KIB = 64 * 1024
PASSES = 3
LANES = 4
SALT_BYTES = 16


class WrongPassphrase(VaultLocked):
    """Whoever typed it may try again."""


@dataclass(frozen=True, slots=True)
class PassphraseLock:
    """The Argon2id parameters and the master key sealed under what they make of the passphrase; hexadecimal."""

    salt: str
    sealed: str
    memory_kib: int = MEMORY_KIB
    passes: int = PASSES
    lanes: int = LANES


@dataclass(frozen=True, slots=True)
class KeyFile:
    key_id: str
    mode: Literal["keychain", "passphrase"]
    check: str
    recovery: str
    passphrase: PassphraseLock | None = None
    format: int = FORMAT


def create_keys(home: Home, *, passphrase: str | None) -> tuple[bytes, str]:
    """A new master key and its recovery key as text, to be shown once.

    Without a passphrase the key goes into the keychain. Raises UsageError if there are keys or a vault already (they
    are left alone), VaultLocked if the keychain cannot hold it, TwinError for a home that cannot be written; then
    nothing was written here, nor left in the keychain.
    """
    _refuse_second(home)
    require_writable(home.keys.parent)
    master = new_key()
    recovery = new_recovery_key()
    with _key_file(home, master, recovery, passphrase) as key_file:
        _write_new(home.keys, key_file)
    return master, recovery


def discard_keys(home: Home) -> None:
    """Remove the keys of a vault that did not come to be, in the keychain too."""
    with suppress(TwinError, OSError):
        key_file = _read(home)
        home.keys.unlink(missing_ok=True)
        _drop(key_file)


def unlock(home: Home, *, passphrase: str | None = None, recovery: str | None = None) -> bytes:
    """The master key. VaultLocked if it cannot be had that way, VaultDamaged for a key file that cannot be read."""
    key_file = _read(home)
    if recovery is not None:
        master = _by_recovery(key_file, recovery)
    elif key_file.passphrase is not None:
        master = _by_passphrase(key_file, key_file.passphrase, passphrase)
    else:
        master = _by_keychain(key_file)
    if not hmac.compare_digest(_check(master), key_file.check):
        raise VaultLocked(f"The key found does not belong to {home.keys}.", RECOVER)
    return master


def rewrap(home: Home, recovery: str, *, passphrase: str | None) -> bytes:
    """Put the master key, opened by the recovery key, into the keychain anew or under a new passphrase.

    The recovery key stays valid. An older keychain entry stays where it is: another copy of this home may need it.
    """
    master = unlock(home, recovery=recovery)
    require_writable(home.keys.parent)
    with _key_file(home, master, recovery, passphrase) as key_file:
        write_json(home.keys, asdict(key_file))
    return master


def needs_passphrase(home: Home) -> bool:
    """Raises as ``unlock`` does for a key file that is missing or cannot be read."""
    return _read(home).passphrase is not None


@contextmanager
def _key_file(home: Home, master: bytes, recovery: str, passphrase: str | None) -> Iterator[KeyFile]:
    """A key file to be written inside; its new keychain entry is taken back where it could not be."""
    key_id = secrets.token_hex(8)
    sealed = seal(master, _recovery_key(recovery), _name(key_id, "recovery")).hex()
    key_file = KeyFile(key_id, "keychain", _check(master), sealed)
    if passphrase is not None:
        key_file = replace(key_file, mode="passphrase", passphrase=_lock(master, passphrase, key_id))
    else:
        keychain.store_key(key_id, master)
    try:
        yield key_file
    except BaseException:
        if not _names(home, key_id):
            _drop(key_file)
        raise


def _names(home: Home, key_id: str) -> bool:
    """Whether the key file has that id: a write may fail after it took effect, and its key is needed then."""
    try:
        return _read(home).key_id == key_id
    except TwinError:
        return False


def _drop(key_file: KeyFile) -> None:
    if key_file.passphrase is None:
        keychain.drop_key(key_file.key_id)


def _lock(master: bytes, passphrase: str, key_id: str) -> PassphraseLock:
    if not passphrase.strip():
        raise UsageError("An empty passphrase protects nothing.", "Choose several words.")
    lock = PassphraseLock(os.urandom(SALT_BYTES).hex(), "")
    return replace(lock, sealed=seal(master, _stretch(passphrase, lock), _name(key_id, "passphrase")).hex())


def _by_passphrase(key_file: KeyFile, lock: PassphraseLock, passphrase: str | None) -> bytes:
    if passphrase is None:
        raise VaultLocked("The vault is locked with a passphrase.", "Type it when asked, or set MLXTWIN_PASSPHRASE.")
    with suppress(SealBroken):
        return unseal(bytes.fromhex(lock.sealed), _stretch(passphrase, lock), _name(key_file.key_id, "passphrase"))
    raise WrongPassphrase("The passphrase is not the right one.", LOST)


def _by_keychain(key_file: KeyFile) -> bytes:
    master = keychain.read_key(key_file.key_id)
    if master is None:
        raise VaultLocked(f"The keychain has no key with the id {key_file.key_id}.", RECOVER)
    return master


def _by_recovery(key_file: KeyFile, recovery: str) -> bytes:
    key = _recovery_key(recovery)
    with suppress(SealBroken):
        return unseal(bytes.fromhex(key_file.recovery), key, _name(key_file.key_id, "recovery"))
    raise VaultLocked("The recovery key belongs to another vault.", "Use the one printed when this vault was made.")


def _recovery_key(recovery: str) -> bytes:
    return derive(read_recovery_key(recovery), "recovery")


def _stretch(passphrase: str, lock: PassphraseLock) -> bytes:
    """The same letters typed on another system make the same key: Unicode form NFKC."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    words = unicodedata.normalize("NFKC", passphrase).encode("utf-8", "surrogatepass")
    salt = bytes.fromhex(lock.salt)
    kdf = Argon2id(salt=salt, length=KEY_BYTES, iterations=lock.passes, lanes=lock.lanes, memory_cost=lock.memory_kib)
    return kdf.derive(words)


def _check(master: bytes) -> str:
    return derive(master, "key check")[:16].hex()


def _name(key_id: str, part: str) -> str:
    return f"keys/{key_id}/{part}"


def _refuse_second(home: Home) -> None:
    if home.keys.exists():
        raise UsageError(f"There are keys at {home.keys} already.", "They were left as they are.")
    if home.vault.exists():
        raise UsageError(f"There is a vault at {home.vault} without its key file {home.keys.name}.", RESTORE)


def _write_new(path: Path, key_file: KeyFile) -> None:
    """Whole or not at all, and never over another file: by a hard link where the file system has them."""
    fresh = path.with_name(f".{path.name}.{key_file.key_id}")
    try:
        write_json(fresh, asdict(key_file))
        try:
            os.link(fresh, path)
        except OSError:
            if path.exists():
                raise UsageError(f"There are keys at {path} already.", "They were left as they are.") from None
            fresh.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        raise storage_error(error, path) from None
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


def _read(home: Home) -> KeyFile:
    value = _content(home)
    if isinstance(value, dict) and isinstance(value.get("format"), int) and value["format"] > FORMAT:
        raise VaultDamaged(f"The key file {home.keys} was written by a newer mlxtwin.", "Update mlxtwin.")
    key_file = _parsed(value)
    if key_file is None:
        raise VaultDamaged(f"The key file {home.keys} is damaged.", RESTORE)
    return key_file


def _content(home: Home) -> Any:
    try:
        return read_json(home.keys)
    except FileNotFoundError:
        missing = VaultLocked(f"There is no key file at {home.keys}.", _after_missing(home))
    except OSError as error:
        raise reading_error(error, home.keys) from None
    except ValueError:
        return None
    raise missing


def _after_missing(home: Home) -> str:
    return RESTORE if home.vault.exists() else "Run `mlxtwin init` to make a vault."


def _parsed(value: Any) -> KeyFile | None:
    """None unless every part is of its type, and the Argon2id parameters are such as we would write."""
    with suppress(TypeError, ValueError, KeyError):
        lock = value["passphrase"]
        key_file = KeyFile(**{**value, "passphrase": None if lock is None else PassphraseLock(**lock)})
        texts = [key_file.check, key_file.recovery, *([] if lock is None else [lock["salt"], lock["sealed"]])]
        if all(bytes.fromhex(text) for text in texts) and _sensible(key_file):
            return key_file
    return None


def _sensible(key_file: KeyFile) -> bool:
    """The limits keep a changed file from asking for all memory, or for next to none."""
    lock = key_file.passphrase
    if key_file.mode != ("keychain" if lock is None else "passphrase") or not isinstance(key_file.key_id, str):
        return False
    return lock is None or (8 * 1024 <= lock.memory_kib <= 2**20 and 1 <= lock.passes <= 64 and 1 <= lock.lanes <= 16)

"""Keys and sealed files: nothing personal outside the vault is on disk in the clear.

A sealed file is ``magic | salt | chunk | chunk | ...``. Its own key comes from the given key and the random salt by
HKDF-SHA256. Each chunk is 64 KiB of data (the last one shorter, empty only for empty data) under ChaCha20-Poly1305;
the nonce is the chunk's number and a flag on the last one, as in the STREAM construction (Hoang, Reyhanitabar,
Rogaway and Vizar 2015), and the associated data is the header and the file's name. So a chunk that is changed, moved,
dropped, added or brought from another file or name does not open. Not covered: putting an older version of the same
file back, and the length of the data, which anybody can see.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mlxtwin.errors import SealBroken
from mlxtwin.paths import Home, write_atomic

KEY_BYTES = 32
CHUNK_BYTES = 64 * 1024
TAG_BYTES = 16
SALT_BYTES = 32
FORMAT = b"mlxtwin sealed "
MAGIC = FORMAT + b"1"
HEADER_BYTES = len(MAGIC) + SALT_BYTES


def new_key() -> bytes:
    """32 random bytes from the operating system."""
    return os.urandom(KEY_BYTES)


def derive(key: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose only: HKDF-SHA256 (RFC 5869) without a salt, the purpose as its info."""
    return _hkdf(key, None, f"mlxtwin {purpose}".encode())


def seal(data: bytes, key: bytes, name: str) -> bytes:
    """Encrypt ``data`` so that it opens only with the same key and under the same name."""
    header = MAGIC + os.urandom(SALT_BYTES)
    cipher, bound = _cipher(header, key, name)
    chunks = _slices(memoryview(data), CHUNK_BYTES)
    last = len(chunks) - 1
    return b"".join([header, *(cipher.encrypt(_nonce(i, i == last), chunk, bound) for i, chunk in enumerate(chunks))])


def unseal(blob: bytes, key: bytes, name: str) -> bytes:
    """What ``seal`` was given. SealBroken if anything differs: a byte, the length, the order, the name, the key."""
    header = bytes(blob[:HEADER_BYTES])
    _check_header(header, name)
    cipher, bound = _cipher(header, key, name)
    chunks = _slices(memoryview(blob)[HEADER_BYTES:], CHUNK_BYTES + TAG_BYTES)
    last = len(chunks) - 1
    try:
        return b"".join(cipher.decrypt(_nonce(i, i == last), chunk, bound) for i, chunk in enumerate(chunks))
    except InvalidTag:
        raise _broken(name) from None


class SealedFiles:
    """Reads and writes sealed files of one home; each is bound to its place under the home."""

    def __init__(self, home: Home, key: bytes) -> None:
        self._home = home
        self._key = derive(key, "files")

    def write(self, path: Path, data: bytes, *, place: Path | None = None) -> None:
        """Whole or not at all. ``place``: where the file will be read, when it is moved there afterwards.

        Raises StorageFull.
        """
        write_atomic(path, seal(data, self._key, self._home.relative(place or path)))

    def read(self, path: Path) -> bytes:
        """Raises SealBroken, for a missing file too."""
        name = self._home.relative(path)
        try:
            blob = path.read_bytes()
        except FileNotFoundError:
            raise SealBroken(f"The sealed file {name} is missing.", "Restore it from a backup.") from None
        return unseal(blob, self._key, name)


def _hkdf(key: bytes, salt: bytes | None, info: bytes) -> bytes:
    if len(key) < KEY_BYTES // 2:
        raise ValueError("a key of at least 16 bytes is needed")
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(key)


def _cipher(header: bytes, key: bytes, name: str) -> tuple[ChaCha20Poly1305, bytes]:
    file_key = _hkdf(key, header[len(MAGIC) :], b"mlxtwin sealed file")
    return ChaCha20Poly1305(file_key), header + name.encode("utf-8", "surrogatepass")


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _slices(data: memoryview, size: int) -> list[memoryview]:
    return [data[start : start + size] for start in range(0, len(data), size)] or [data]


def _check_header(header: bytes, name: str) -> None:
    if len(header) == HEADER_BYTES and header.startswith(MAGIC):
        return
    if len(header) == HEADER_BYTES and header.startswith(FORMAT):
        raise SealBroken(f"The sealed file {name} has a newer format.", "Update mlxtwin to read it.")
    raise _broken(name)


def _broken(name: str) -> SealBroken:
    return SealBroken(
        f"The sealed file {name} was changed, moved or cut short, or belongs to another key.",
        "Restore it from a backup, or make it anew.",
    )

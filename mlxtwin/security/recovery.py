"""The recovery key: 160 random bits that a person can write down, type back and be told of a slip.

Nine groups of four in Crockford's base 32 (no I, L, O, U); the last group is a checksum. Case, blanks and dashes do
not matter, and the letters people mistake for digits are read as those digits.
"""

from __future__ import annotations

import hashlib
import os

from mlxtwin.errors import UsageError

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SECRET_BYTES = 20
SECRET_SYMBOLS = 32
CHECK_SYMBOLS = 4
_LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})


def new_recovery_key() -> str:
    return write_recovery_key(os.urandom(SECRET_BYTES))


def write_recovery_key(secret: bytes) -> str:
    symbols = _symbols(int.from_bytes(secret, "big"), SECRET_SYMBOLS) + _checksum(secret)
    return "-".join(symbols[start : start + 4] for start in range(0, len(symbols), 4))


def read_recovery_key(text: str) -> bytes:
    """The 20 bytes. UsageError, without the text, for anything that was not printed by us."""
    symbols = "".join(letter for letter in text.upper() if not letter.isspace() and letter not in "-‐‑–—_.")
    symbols = symbols.translate(_LOOKALIKES)
    expected = SECRET_SYMBOLS + CHECK_SYMBOLS
    if len(symbols) != expected:
        raise UsageError(
            f"A recovery key has {expected} letters and digits, this one {len(symbols)}.", "Type it as it was printed."
        )
    if any(letter not in ALPHABET for letter in symbols):
        raise UsageError("The recovery key has a character that none has.", "Type it as it was printed.")
    secret = _number(symbols[:SECRET_SYMBOLS]).to_bytes(SECRET_BYTES, "big")
    if _checksum(secret) != symbols[SECRET_SYMBOLS:]:
        raise UsageError("The recovery key has a typing error.", "Compare it with what was printed, group by group.")
    return secret


def _checksum(secret: bytes) -> str:
    digest = hashlib.sha256(b"mlxtwin recovery checksum" + secret).digest()
    return _symbols(int.from_bytes(digest[:4], "big") >> 12, CHECK_SYMBOLS)


def _symbols(number: int, count: int) -> str:
    return "".join(ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(count)))


def _number(symbols: str) -> int:
    number = 0
    for letter in symbols:
        number = number * 32 + ALPHABET.index(letter)
    return number

from __future__ import annotations

import pytest

from mlxtwin.errors import UsageError
from mlxtwin.security.recovery import ALPHABET, new_recovery_key, read_recovery_key, write_recovery_key

SECRET = bytes(range(100, 120))


def test_it_is_nine_groups_of_four() -> None:
    groups = new_recovery_key().split("-")
    assert [len(group) for group in groups] == [4] * 9
    assert set("".join(groups)) <= set(ALPHABET)


def test_no_two_are_the_same() -> None:
    assert len({new_recovery_key() for _ in range(50)}) == 50


@pytest.mark.parametrize("secret", [SECRET, bytes(20), b"\xff" * 20])
def test_it_reads_back(secret: bytes) -> None:
    assert read_recovery_key(write_recovery_key(secret)) == secret


def test_case_blanks_dashes_and_lookalikes_do_not_matter() -> None:
    text = write_recovery_key(SECRET)
    for typed in (
        text.lower(),
        text.replace("-", " "),
        text.replace("-", ""),
        f"\n  {text.replace('-', ' – ')}  ",
        text.replace("0", "o").replace("1", "l"),
        text.replace("0", "O").replace("1", "I"),
    ):
        assert read_recovery_key(typed) == SECRET


def test_every_single_wrong_letter_is_found() -> None:
    text = write_recovery_key(SECRET)
    for place, letter in enumerate(text):
        if letter != "-":
            wrong = ALPHABET[(ALPHABET.index(letter) + 7) % 32]
            with pytest.raises(UsageError, match="typing error"):
                read_recovery_key(text[:place] + wrong + text[place + 1 :])


def test_neighbours_swapped_are_found() -> None:
    symbols = write_recovery_key(SECRET).replace("-", "")
    for place in range(len(symbols) - 1):
        swapped = symbols[:place] + symbols[place + 1] + symbols[place] + symbols[place + 2 :]
        if swapped != symbols:
            with pytest.raises(UsageError):
                read_recovery_key(swapped)


@pytest.mark.parametrize("typed", ["", "x", "U" * 36, "é" * 36, "0" * 35, "0" * 37])
def test_anything_else_is_wrong_usage_and_is_not_repeated(typed: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_recovery_key(typed)
    assert not typed or len(typed) < 2 or typed not in caught.value.sentence()

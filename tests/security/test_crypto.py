from __future__ import annotations

from pathlib import Path

import pytest

from mlxtwin.errors import SealBroken
from mlxtwin.paths import Home
from mlxtwin.security.crypto import (
    CHUNK_BYTES,
    HEADER_BYTES,
    TAG_BYTES,
    SealedFiles,
    derive,
    new_key,
    seal,
    unseal,
)

KEY = bytes(range(32))
NAME = "slots/voice/1/adapter"
CHUNK = CHUNK_BYTES + TAG_BYTES
DATA = b"".join(bytes([number]) * CHUNK_BYTES for number in range(3)) + b"the end"


def refused(blob: bytes, key: bytes = KEY, name: str = NAME) -> bool:
    try:
        unseal(blob, key, name)
    except SealBroken:
        return True
    return False


def chunks(blob: bytes) -> list[bytes]:
    body = blob[HEADER_BYTES:]
    return [body[start : start + CHUNK] for start in range(0, len(body), CHUNK)]


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES])
def test_what_was_sealed_opens_again_at_every_length(size: int) -> None:
    data = bytes(number % 251 for number in range(size))
    assert unseal(seal(data, KEY, NAME), KEY, NAME) == data


def test_the_clear_data_is_not_in_the_sealed_file_and_two_seals_differ() -> None:
    data = b"twenty characters of a diary" * 10
    first, second = seal(data, KEY, NAME), seal(data, KEY, NAME)
    assert data[:20] not in first
    assert first[HEADER_BYTES:] != second[HEADER_BYTES:]


def test_a_flipped_bit_anywhere_is_found() -> None:
    blob = seal(b"some words", KEY, NAME)
    for place in range(len(blob)):
        assert refused(blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :]), place


def test_a_cut_at_any_place_is_found() -> None:
    blob = seal(DATA, KEY, NAME)
    edges = [HEADER_BYTES + number * CHUNK + step for number in range(4) for step in (-1, 0, 1)]
    for length in {0, 1, *edges, len(blob) - 1}:
        assert refused(blob[:length]), length


def test_chunks_that_changed_places_are_found() -> None:
    blob = seal(DATA, KEY, NAME)
    first, second, third, last = chunks(blob)
    assert refused(blob[:HEADER_BYTES] + second + first + third + last)
    assert refused(blob[:HEADER_BYTES] + first + third + last)
    assert refused(blob[:HEADER_BYTES] + first + second + second + third + last)


def test_anything_added_is_found() -> None:
    blob = seal(DATA[: 2 * CHUNK_BYTES], KEY, NAME)
    for more in (b"\0", bytes(TAG_BYTES), chunks(blob)[-1], blob):
        assert refused(blob + more)


def test_a_chunk_of_another_file_with_the_same_key_and_name_is_found() -> None:
    one, other = seal(DATA, KEY, NAME), seal(DATA, KEY, NAME)
    assert refused(one[:HEADER_BYTES] + chunks(one)[0] + b"".join(chunks(other)[1:]))


def test_another_name_or_key_does_not_open_it() -> None:
    blob = seal(DATA, KEY, NAME)
    assert refused(blob, name="slots/voice/2/adapter")
    assert refused(blob, key=new_key())


def test_a_newer_format_is_named_as_such() -> None:
    blob = seal(b"x", KEY, NAME)
    with pytest.raises(SealBroken, match="newer format") as caught:
        unseal(blob.replace(b"sealed 1", b"sealed 2", 1), KEY, NAME)
    assert "Update" in caught.value.hint


def test_derived_keys_differ_by_purpose_and_key() -> None:
    assert derive(KEY, "vault") == derive(KEY, "vault")
    assert len({derive(KEY, "vault"), derive(KEY, "files"), derive(new_key(), "vault"), KEY}) == 4


def test_a_sealed_file_moved_elsewhere_in_the_home_does_not_open(home: Home) -> None:
    files = SealedFiles(home, KEY)
    here, there = home.root / "runs" / "a" / "data", home.root / "runs" / "b" / "data"
    files.write(here, b"words")
    assert files.read(here) == b"words"
    there.parent.mkdir(parents=True)
    here.rename(there)
    with pytest.raises(SealBroken, match="runs/b/data"):
        files.read(there)
    with pytest.raises(SealBroken, match="missing"):
        files.read(here)


def test_a_home_carried_elsewhere_still_opens(home: Home, tmp_path: Path) -> None:
    SealedFiles(home, KEY).write(home.root / "runs" / "a", b"words")
    moved = Home(tmp_path / "elsewhere")
    home.root.rename(moved.root)
    assert SealedFiles(moved, KEY).read(moved.root / "runs" / "a") == b"words"


def test_sealed_files_are_for_the_owner_alone(home: Home) -> None:
    path = home.root / "runs" / "a"
    SealedFiles(home, KEY).write(path, b"words")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_broken_seal_says_nothing_of_key_or_data() -> None:
    blob = seal(b"a very private sentence", KEY, NAME)
    with pytest.raises(SealBroken) as caught:
        unseal(blob[:-1], KEY, NAME)
    told = repr(caught.value) + repr(caught.value.__context__) + repr(caught.value.__cause__)
    assert "private" not in told
    assert KEY.hex() not in told

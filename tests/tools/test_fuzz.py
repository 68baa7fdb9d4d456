from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from random import Random

import fuzz
import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person, Turn

EXPORT = b"02/03/2024, 10:01 - Bob: How do you bake the rye?\n" * 20


def asked(
    count: int, *files: Path, seed: int = 0, start: int = 0, limit: float = 10.0, keep: Path | None = None
) -> Namespace:
    return Namespace(source="whatsapp", files=files, count=count, seed=seed, start=start, limit=limit, keep=keep)


class Fake:
    """An importer that yields one document for a file, or does what is to be found."""

    def __init__(self, doing: str) -> None:
        self.doing = doing
        self.read_files: list[bytes] = []

    def recognises(self, file: Path) -> float:
        return 1.0

    def authors(self, file: Path) -> Iterator[str]:
        raise SourceError("no authors")

    def read(self, file: Path, root: Path, person: Person) -> Iterator[Document]:
        self.read_files.append(file.read_bytes())
        while self.doing == "hang":
            pass
        if self.doing == "crash" and len(self.read_files) % 2:
            raise ValueError("of one kind")
        text = " " if self.doing == "blank" else "Hi"
        yield Document("chat", "whatsapp", "key", "Title", (Turn("Ann", True, text, "own"),))
        if self.doing == "refuse":
            raise SourceError("damaged")


@pytest.fixture
def fake(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Fake:
    made = Fake(request.param)
    monkeypatch.setattr(fuzz, "load", lambda _: made)
    return made


def test_the_same_seed_and_number_give_the_same_input() -> None:
    def made(seed: str) -> bytes:
        return fuzz.damaged({"a": EXPORT}, "a", Random(seed))["a"]

    assert made("1:7") == made("1:7")
    assert len({made(f"1:{number}") for number in range(200)} - {EXPORT}) > 190


def test_a_file_beside_the_export_is_damaged_now_and_then() -> None:
    files = {"a": EXPORT, "b": EXPORT}
    hurt = [fuzz.damaged(files, "a", Random(number)) for number in range(100)]
    assert 5 < sum(one["b"] != EXPORT for one in hurt) < 50
    assert not any(one["a"] != EXPORT and one["b"] != EXPORT for one in hurt)


@pytest.mark.parametrize("fake", ["crash"], indirect=True)
def test_faults_are_told_apart_counted_and_kept(fake: Fake, tmp_path: Path) -> None:
    tally = fuzz.fuzz(asked(10, keep=tmp_path / "kept"))
    assert list(tally.faults.values()) == [5]
    (fault,) = tally.faults
    assert fault.startswith("ValueError in test_fuzz.py")
    assert tally.first == {fault: 0}
    (kept,) = (tmp_path / "kept" / "0").iterdir()
    assert kept.read_bytes() == fake.read_files[0]


@pytest.mark.parametrize("fake", ["blank"], indirect=True)
def test_a_document_that_breaks_the_contract_is_a_fault(fake: Fake) -> None:
    (fault,) = fuzz.fuzz(asked(3)).faults
    assert "AssertionError" in fault and "strip" in fault


@pytest.mark.parametrize("fake", ["hang"], indirect=True)
def test_an_input_that_takes_too_long_is_a_fault(fake: Fake) -> None:
    tally = fuzz.fuzz(asked(1, limit=0.05))
    assert tally.faults == {"over 0.05 s": 1}
    assert tally.slowest[1] == 0


@pytest.mark.parametrize("fake", ["refuse"], indirect=True)
def test_a_refusal_is_none_and_what_came_before_it_is_checked(fake: Fake) -> None:
    tally = fuzz.fuzz(asked(4))
    assert (tally.refused, tally.faults) == (4, {})


@pytest.mark.parametrize("fake", ["read"], indirect=True)
def test_a_run_goes_on_where_another_ended_and_damages_the_files_given(fake: Fake, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(EXPORT)
    fuzz.fuzz(asked(6, tmp_path / "x.txt"))
    fuzz.fuzz(asked(3, tmp_path / "x.txt", start=3))
    assert fake.read_files[3:6] == fake.read_files[6:]
    assert all(b"rye" in read for read in fake.read_files if len(read) > 200)


def test_an_importer_is_run_from_the_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["fuzz.py", "whatsapp", "--count", "20", "--seed", "3"])
    with pytest.raises(SystemExit) as end:
        fuzz.main()
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("whatsapp: 20 inputs of seed 3, 0 at fault, ")

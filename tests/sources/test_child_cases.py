"""Every importer gives the same in this process, in a process of its own, and out of an archive."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mlxtwin.records import Document, Person
from mlxtwin.sources.child import Child
from mlxtwin.sources.reader_work import Here
from mlxtwin.sources.registry import SOURCES, source_of
from mlxtwin.sources.run import ImportReport, MakeReader, import_paths
from mlxtwin.vault.rows import PutResult

from .cases import Case, case_of

CASES = {name: case_of(name) for name in SOURCES}
# What is read only where it is unpacked: history, which is told to be so.
UNPACKED = "git"
EVERYBODY = Person.of(name for case in CASES.values() for name in case.me)


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of each case in a folder of its own."""
    root = tmp_path_factory.mktemp("cases") / "all"
    for name, case in CASES.items():
        put(root / name, case)
    return root


def put(folder: Path, case: Case) -> None:
    for place, data in ((case.name, case.data), *case.beside):
        file = folder / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data.encode() if isinstance(data, str) else data)


def taken(path: Path, reader: MakeReader) -> tuple[dict[str, Document], ImportReport]:
    found: dict[str, Document] = {}

    def store(documents: list[Document]) -> PutResult:
        found.update({document.id: document for document in documents})
        return PutResult(added=len(documents))

    return found, import_paths([path], person=EVERYBODY, put=store, reader=reader)


def said(found: dict[str, Document]) -> dict[str, tuple[object, ...]]:
    """All but where it was found."""
    return {id: (one.kind, one.title, one.turns, one.at, one.thread, one.drop) for id, one in found.items()}


def test_a_process_of_its_own_reads_what_this_one_does(exports: Path) -> None:
    (here, report), (there, told) = taken(exports, Here), taken(exports, Child)
    assert {document.source for document in here.values()} == {source_of(name) for name in SOURCES}
    assert there == here
    assert told == report
    assert report.errors == []


@pytest.mark.parametrize("kind", ["zip", "gztar"])
def test_an_archive_of_it_all_is_the_same(exports: Path, tmp_path: Path, kind: str) -> None:
    whole = Path(shutil.make_archive(str(tmp_path / "all"), kind, exports))
    (here, report), (packed, told) = taken(exports, Here), taken(whole, Child)
    assert said(packed) == {id: one for id, one in said(here).items() if here[id].source != UNPACKED}
    assert (told.files, told.skipped) == (report.files, report.skipped)
    assert [error["path"] for error in told.errors] == [f"{whole.name}/{UNPACKED}"]
    assert all(document.origin.startswith(f"{whole.name}/") for document in packed.values())

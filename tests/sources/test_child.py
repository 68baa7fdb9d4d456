"""Reading in a process of its own: a hostile file costs no more than itself, whatever it does to its reader."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlxtwin.errors import TwinError, WhoIsMe
from mlxtwin.records import Document, Person
from mlxtwin.sources import registry
from mlxtwin.sources.child import Child, Limits
from mlxtwin.sources.child_process import Process
from mlxtwin.sources.reader_limits import watch
from mlxtwin.sources.reader_wire import Garbage, answer_line, answer_of, job_line, job_of
from mlxtwin.sources.reader_work import READ, Answer, At, Author, Done, Failed, Found, Job
from mlxtwin.sources.run import candidates, import_paths
from mlxtwin.vault.rows import PutResult
from mlxtwin.vault.store import Vault

from . import hostile

ANN = Person.of(["Ann"])
NOBODY = Person.of([])
QUICK = Limits(memory_bytes=300 * 1024 * 1024, patience_seconds=1.5)
SLOW = "It cannot be read: it took longer than 1.5 s without getting on."
LARGE = "It cannot be read: it needed more than 0.29 GB of memory."
ENDED = "It cannot be read: the reader ended."
IDLE = "It cannot be read: the reader does not get on with it."


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.SOURCES, hostile.NAME, "sources.hostile:Hostile")


def child(person: Person) -> Child:
    return Child(person, QUICK, hostile.command)


class Store:
    def __init__(self) -> None:
        self.texts: list[str] = []
        self.keys: list[str] = []

    def put(self, documents: list[Document]) -> PutResult:
        self.texts += [document.own_text for document in documents]
        self.keys += [document.key for document in documents]
        return PutResult(added=len(documents))


def folder(root: Path, *names: str, data: bytes = b"words") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for name in names:
        (root / f"{name}{hostile.SUFFIX}").write_bytes(data)
    return root


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("loops", SLOW),
        ("circles", SLOW),
        ("boasts", SLOW),
        ("sleeps", SLOW),
        ("eats", LARGE),
        ("exits", ENDED),
        ("crashes", ENDED),
        ("babbles", ENDED),
        ("forges", ENDED),
        ("endless", ENDED),
        ("idles", IDLE),
        ("begins", IDLE),
    ],
)
def test_a_file_that_its_reader_does_not_survive_is_told_once_and_the_others_go_on(
    tmp_path: Path, name: str, why: str
) -> None:
    root, store = folder(tmp_path / "x", "a", name, "z"), Store()
    report = import_paths([root], person=ANN, put=store.put, reader=child)
    assert report.errors == [{"path": f"{name}.hostile", "why": why}]
    assert store.keys == ["a.hostile#1", "a.hostile#2", f"{name}.hostile#1", "z.hostile#1", "z.hostile#2"]
    assert (report.files, report.documents) == (3, 5)


@pytest.mark.parametrize(("name", "why"), [("loops", SLOW), ("eats", LARGE), ("exits", ENDED)])
def test_one_that_its_reader_does_not_survive_looking_at_costs_itself_alone(
    tmp_path: Path, name: str, why: str
) -> None:
    root, store = folder(tmp_path / "x", "a", f"look-{name}", "z"), Store()
    report = import_paths([root], person=ANN, put=store.put, reader=child)
    assert report.errors == [{"path": f"look-{name}.hostile", "why": why}]
    assert store.keys == ["a.hostile#1", "a.hostile#2", "z.hostile#1", "z.hostile#2"]


@pytest.mark.parametrize("kind", ["zip", "gztar"])
def test_members_of_an_archive_cost_themselves_alone_too(tmp_path: Path, kind: str) -> None:
    names = ("a", "exits", "look-exits", "look-loops", "sub/b", "z")
    (tmp_path / "x" / "sub").mkdir(parents=True)
    whole, store = shutil.make_archive(str(tmp_path / "x"), kind, folder(tmp_path / "x", *names)), Store()
    report = import_paths([Path(whole)], person=ANN, put=store.put, reader=child)
    place = Path(whole).name
    assert {error["path"]: error["why"] for error in report.errors} == {
        f"{place}/exits.hostile": ENDED,
        f"{place}/look-exits.hostile": ENDED,
        f"{place}/look-loops.hostile": SLOW,
    }
    read = [f"{name}.hostile#{number}" for name in ("a", "sub/b", "z") for number in (1, 2)]
    assert sorted(store.keys) == sorted(["exits.hostile#1", *read])
    assert (report.files, len(report.errors)) == (6, 3)


def test_an_inner_archive_is_gone_into_again_after_its_reader_ended(tmp_path: Path) -> None:
    inner = shutil.make_archive(str(tmp_path / "in"), "zip", folder(tmp_path / "in", "a", "look-exits", "z"))
    outer = folder(tmp_path / "x", "b")
    shutil.copy(inner, outer / "in.zip")
    store = Store()
    report = import_paths(
        [Path(shutil.make_archive(str(tmp_path / "x"), "zip", outer))], person=ANN, put=store.put, reader=child
    )
    assert [error["path"] for error in report.errors] == ["x.zip/in.zip/look-exits.hostile"]
    assert sorted(key for key in store.keys if key.endswith("#2")) == ["a.hostile#2", "b.hostile#2", "z.hostile#2"]
    assert report.files == 4


def test_an_archive_full_of_files_that_end_the_reader_is_left_alone_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlxtwin.sources.run_look.MOST_DEATHS", 2)
    root = folder(tmp_path / "x", "a", *(f"look-exits.{number}" for number in range(5)))
    whole, store = Path(shutil.make_archive(str(tmp_path / "x"), "zip", root)), Store()
    report = import_paths([whole], person=ANN, put=store.put, reader=child)
    assert [error["path"] for error in report.errors] == [
        "x.zip/look-exits.0.hostile",
        "x.zip/look-exits.1.hostile",
        "x.zip",
    ]
    assert store.keys == ["a.hostile#1", "a.hostile#2"]


def test_asking_who_wrote_goes_on_after_a_reader_that_ended(tmp_path: Path) -> None:
    root = folder(tmp_path / "x", "a", "who-exits", "who-loops", "z")
    assert candidates([root], reader=child) == {"Ann": 2}
    with pytest.raises(WhoIsMe):
        import_paths([root], person=NOBODY, reader=child)


def test_a_file_gives_no_more_documents_than_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlxtwin.sources.child.MOST_ANSWERS", 1)
    store = Store()
    report = import_paths([folder(tmp_path / "x", "a", "b")], person=ANN, put=store.put, reader=child)
    why = "It holds more than 1 items: those behind that were not read."
    assert report.errors == [{"path": f"{name}.hostile", "why": why} for name in "ab"]
    assert store.keys == ["a.hostile#1", "b.hostile#1"]


def test_a_path_that_is_too_long_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    deep, store = "/".join(["\U0001f956" * 60] * 12), Store()
    root = folder(tmp_path / "x", "a", "z")
    (root / deep).mkdir(parents=True)
    folder(root / deep, "b")
    report = import_paths([root], person=ANN, put=store.put, reader=child)
    assert [error["why"] for error in report.errors] == ["It cannot be read: its path is too long."]
    assert store.keys == ["a.hostile#1", "a.hostile#2", "z.hostile#1", "z.hostile#2"]


def test_what_a_library_prints_is_no_answer(tmp_path: Path) -> None:
    report = import_paths([folder(tmp_path / "x", "prints")], person=ANN, reader=child)
    assert (report.documents, report.errors) == (2, [])


def test_a_reader_writes_no_file_and_opens_no_connection(tmp_path: Path) -> None:
    root = folder(tmp_path / "x", "connects", "writes")
    report = import_paths([root], person=ANN, reader=child)
    assert [error["path"] for error in report.errors] == ["connects.hostile", "writes.hostile"]
    assert report.errors[0]["why"] == "It cannot be read (AirplaneMode)."
    assert not (root / "made").exists() or not (root / "made").stat().st_size


def test_a_long_file_may_take_its_time_as_long_as_it_gets_on(tmp_path: Path) -> None:
    root = folder(tmp_path / "x", "crawls", "slow", "works", data=b"words " * 240_000)
    report = import_paths([root], person=ANN, reader=child)
    assert (report.errors, report.documents) == ([], 11)


def test_a_reader_that_does_not_start_is_told_and_tried_no_more_than_thrice(tmp_path: Path) -> None:
    started: list[int] = []

    def command(limits: Limits) -> list[str]:
        started.append(1)
        return [sys.executable, "-c", "raise SystemExit(1)"]

    with pytest.raises(TwinError, match="does not start"):
        import_paths([folder(tmp_path, "a")], person=ANN, reader=lambda person: Child(person, QUICK, command))
    assert len(started) == 3
    with pytest.raises(TwinError, match="does not start"):
        import_paths([tmp_path], person=ANN, reader=lambda person: Child(person, QUICK, lambda _: ["/no/such"]))


def test_nothing_is_started_for_an_import_that_has_nothing_to_read(tmp_path: Path) -> None:
    (tmp_path / ".hidden").mkdir()
    with pytest.raises(TwinError, match="nothing to import"):
        import_paths([tmp_path], person=ANN, reader=lambda person: Child(person, QUICK, lambda _: ["/no/such"]))


def test_whatever_stops_an_import_ends_its_reader_and_what_was_stored_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlxtwin.sources.run.BATCH_DOCUMENTS", 2)
    started = watched(monkeypatch)
    store = Store()

    def progress(_done: int, _files: int, documents: int) -> None:
        if documents == 3:  # of the file that sleeps
            raise KeyboardInterrupt

    root = folder(tmp_path / "x", "a", "sleeps")
    with pytest.raises(KeyboardInterrupt):
        import_paths([root], person=ANN, put=store.put, reader=child, progress=progress)
    assert store.keys == ["a.hostile#1", "a.hostile#2"]
    assert [process.poll() for process in started] == [-signal.SIGKILL]


def watched(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that are started from now on."""
    started: list[subprocess.Popen[bytes]] = []
    begin = Process.__init__

    def beginning(self: Process, command: list[str], names: list[str]) -> None:
        begin(self, command, names)
        started.append(self._popen)

    monkeypatch.setattr(Process, "__init__", beginning)
    return started


# An import in a process of its own, which tells its reader's number and then that its first document is stored.
DRIVER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import hostile
from mlxtwin.records import Person
from mlxtwin.sources import registry, run
from mlxtwin.sources.child import Child
from mlxtwin.sources.child_process import Process
registry.SOURCES["hostile"] = "hostile:Hostile"
run.BATCH_DOCUMENTS = 1
begin = Process.__init__
def beginning(self, *given):
    begin(self, *given)
    print(self._popen.pid, flush=True)
Process.__init__ = beginning
class Stored:
    added, updated, unchanged = 1, 0, 0
def put(documents):
    print("stored", flush=True)
    return Stored
def reader(person):
    return Child(person, command=hostile.command)
run.import_paths([Path(sys.argv[2])], person=Person.of(["ann"]), put=put, reader=reader)
"""


def driven(tmp_path: Path) -> tuple[subprocess.Popen[str], int]:
    """An import that waits in a file that sleeps, and the number of its reader."""
    root = folder(tmp_path / "x", "sleeps")
    program = [sys.executable, "-c", DRIVER, str(Path(hostile.__file__).parent), str(root)]
    driver = subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )
    assert driver.stdout is not None
    reader = int(driver.stdout.readline())
    assert driver.stdout.readline() == "stored\n"
    return driver, reader


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        os.sched_yield() if hasattr(os, "sched_yield") else None


def is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{process}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_reader_ends_with_the_import_whichever_way_that_does(tmp_path: Path, number: int) -> None:
    driver, reader = driven(tmp_path)
    assert not is_gone(reader)
    os.killpg(driver.pid, number)  # as a terminal does on Ctrl-C; the reader is in a group of its own
    assert driver.wait(30) != 0
    wait_until(lambda: is_gone(reader))


def test_two_imports_at_once_store_everything_once(tmp_path: Path, vault: Vault) -> None:
    import threading

    root = folder(tmp_path / "x", *(f"n{number:03}" for number in range(60)))
    reports = []

    def take() -> None:
        reports.append(import_paths([root], person=ANN, put=vault.put, reader=child))

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report.documents for report in reports] == [120, 120]
    assert sum(report.added for report in reports) == vault.count() == 120
    assert sum(report.unchanged for report in reports) == 120


def test_a_reader_that_grew_is_replaced_between_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = watched(monkeypatch)
    root, store = folder(tmp_path / "x", "a", "b", "c"), Store()

    def full(limits: Limits) -> list[str]:
        """A reader that finds itself full whatever it holds."""
        return [part.replace("sys.exit", "reader.FULL = 0; sys.exit") for part in hostile.command(limits)]

    report = import_paths([root], person=ANN, put=store.put, reader=lambda person: Child(person, QUICK, full))
    assert (report.errors, len(store.keys)) == ([], 6)
    assert len(started) == 6
    assert [process.poll() for process in started[:-1]] == [0] * 5


def test_a_watcher_ends_a_process_that_is_too_large_or_an_orphan() -> None:
    for memory, parent, code in ((1, os.getppid(), 77), (1 << 62, 0, 0)):
        codes: list[int] = []
        watch(memory, parent, codes.append).join(30)
        assert codes == [code]


ANSWERS: list[Answer] = [
    Found(("a.zip", "caf\udce9"), "mail", "", "", 12, 3, True, False),
    Author("Ann", 4),
    At(5),
    Failed("It cannot be read.", True),
    Done(("/a/b",)),
    Done(None),
    hostile.note("a#1", 'I said "no"\n\u2028é🥖'),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda one: type(one).__name__)
def test_answers_come_over_as_they_were(answer: Answer) -> None:
    assert answer_of(answer_line(answer)) == answer


def test_of_a_document_a_long_title_is_cut_and_a_long_key_refused() -> None:
    long = replace(hostile.note("a#1", "I wrote \udc00."), title="x" * 5000)
    found = answer_of(answer_line(long))
    assert isinstance(found, Document)
    assert (len(found.title), found.own_text) == (4096, "I wrote \ufffd.")
    with pytest.raises(ValueError):
        answer_line(replace(long, key="x" * 5000))


def test_a_job_comes_over_as_it_was() -> None:
    job = Job(READ, Path("/a/caf\udce9"), Path("/a"), ("b.zip", "c"), "mail", 4, "It ended.")
    assert job_of(job_line(job)) == job


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), st.lists, max_leaves=12))
def test_a_line_that_no_reader_writes_is_garbage_and_nothing_worse(value: object) -> None:
    import json

    for name in ("document", "found", "author", "at", "failed", "done", "x"):
        for line in (json.dumps([name, value]), json.dumps([name, *value] if isinstance(value, list) else value)):
            try:
                answer_of(line.encode())
            except Garbage:
                continue


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b'["at", 1e999]',
        b'["at", true]',
        b'["at", -1]',
        b'["document","note","x","k","","","","",null,[["a",false,"t","own",null]]]',
        b'["document","poem","x","k","","","","",null,[]]',
        b'["document","note","x","k","","","","","2024-01-01T00:00:00",[]]',
        b'["document","note","x",{"k":1},"","","","",null,[]]',
        b'["done",["a",1]]',
        b'["document","note","x","\\ud800","","","","",null,[]]',
        b'["document","note","x","k","","","","",null,[["\\udc00",true,"t","own",null]]]',
        b'["document","note","x","k","","","","",null,[["a",true,"\\udc00","own",null]]]',
        b'["document","note","x","' + b"k" * 4097 + b'","","","","",null,[]]',
        b'["document","note","x","k","","","","",null,[["' + b"a" * 4097 + b'",true,"t","own",null]]]',
        b'["document","note","x","k","","","","",null,[' + b",".join([b'["a",true,"t","own",null]'] * 200_001) + b"]]",
    ],
)
def test_hostile_lines_are_garbage(line: bytes) -> None:
    with pytest.raises(Garbage):
        answer_of(line)

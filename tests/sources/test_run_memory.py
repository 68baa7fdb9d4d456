"""A second import: what is unchanged is not read again and counts as if it were; whatever changed is read."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mlxtwin.client.imports import run
from mlxtwin.records import Document, Person, Turn
from mlxtwin.sources import child, reader_files, run_memory, run_store
from mlxtwin.sources.notes import Notes
from mlxtwin.sources.reader_files import Tally
from mlxtwin.sources.reader_work import LOOK, READ, Answer, Here, Job, Work
from mlxtwin.vault.rows import PutResult
from mlxtwin.vault.store import Vault

CHAT = "31/12/24, 10:00 - Bob: Hi there\n31/12/24, 10:01 - Ann: Hello to you, how was the bread?\n"
WALK = "An evening.\n\nI walked along the harbour wall in the evening and thought of boats."
Found = dict[str, Any]


class Counting(Here):
    """Reads in this process, as another would, and remembers which files it was given."""

    jobs: ClassVar[list[Job]] = []

    def __init__(self, person: Person) -> None:
        self._work = Work(person, Tally(lambda _place: None))

    def run(self, jobs: Iterable[Job]) -> Iterator[Answer]:
        def counted() -> Iterator[Job]:
            for job in jobs:
                self.jobs.append(job)
                yield job

        return super().run(counted())


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "Child", Counting)
    monkeypatch.setattr(Counting, "jobs", [])


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "walk.md").write_text(WALK)
    (folder / "talk.txt").write_text(CHAT)
    (folder / "picture.png").write_bytes(b"\x89PNG" + bytes(100))
    settled(folder)
    return folder


def settled(folder: Path) -> None:
    """As if everything in it had been written some time ago; when it was changed last, no program can set."""
    for file in folder.iterdir():
        os.utime(file, (1e9, 1e9))


@pytest.fixture
def long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_memory, "SETTLED_SECONDS", -1e9)


def taken(vault: Vault, path: Path, names: Iterable[str] = ("Ann",), **options: Any) -> tuple[Found, list[str]]:
    """What an import tells, and the names of the files that were read for it."""
    Counting.jobs = []
    found = run(vault, [path], names, **options)
    return found, [job.file.name for job in Counting.jobs if job.task == READ]


COUNTS = ("kind", "kinds", "files", "documents", "kept", "dropped", "words_by_me", "skipped", "errors", "preview")


@pytest.mark.usefixtures("long_ago")
def test_an_unchanged_folder_is_not_even_looked_at_again_and_counts_the_same(vault: Vault, notes: Path) -> None:
    first, read = taken(vault, notes)
    assert sorted(read) == ["talk.txt", "walk.md"]
    again, _ = taken(vault, notes)
    assert Counting.jobs == []
    assert (again["added"], again["updated"], again["unchanged"]) == (0, 0, first["added"]) == (0, 0, 2)
    assert {name: again[name] for name in COUNTS} == {name: first[name] for name in COUNTS}


def test_a_file_that_was_written_just_now_is_told_by_its_bytes(vault: Vault, notes: Path) -> None:
    taken(vault, notes)
    kept = (notes / "walk.md").stat()
    (notes / "walk.md").write_text(WALK.replace("boats", "beans"))
    os.utime(notes / "walk.md", ns=(kept.st_atime_ns, kept.st_mtime_ns))
    found, read = taken(vault, notes)
    assert (read, found["updated"]) == (["walk.md"], 1)
    assert not vault.search("boats") and vault.search("beans")


@pytest.mark.usefixtures("long_ago")
def test_a_file_of_the_same_size_and_time_that_was_written_to_is_read(vault: Vault, notes: Path) -> None:
    taken(vault, notes)
    kept = (notes / "walk.md").stat()
    (notes / "walk.md").write_text(WALK.replace("boats", "beans"))
    os.utime(notes / "walk.md", ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert taken(vault, notes)[1] == ["walk.md"]


@pytest.mark.usefixtures("long_ago")
def test_a_file_that_was_only_touched_is_not_read_and_is_known_by_its_looks_from_then_on(
    vault: Vault, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken(vault, notes)
    os.utime(notes / "walk.md", (2e9, 2e9))
    assert taken(vault, notes)[1] == []

    def unread(path: Path) -> str:
        raise AssertionError(path)

    monkeypatch.setattr(run_memory, "_content_digest", unread)
    assert taken(vault, notes)[1] == []


def test_a_new_file_and_a_removed_one_are_noticed(vault: Vault, notes: Path) -> None:
    taken(vault, notes)
    (notes / "new.md").write_text("I sailed far out and came home late.")
    (notes / "walk.md").unlink()
    found, read = taken(vault, notes)
    assert (read, found["added"], found["documents"]) == (["new.md"], 1, 2)


def test_a_copy_elsewhere_is_read_and_adds_nothing(vault: Vault, notes: Path, tmp_path: Path) -> None:
    taken(vault, notes)
    shutil.copytree(notes, tmp_path / "other" / "notes")
    found, read = taken(vault, tmp_path / "other" / "notes")
    assert (len(read), found["added"], found["unchanged"]) == (2, 0, 2)


def test_another_name_of_the_person_reads_all_again(vault: Vault, notes: Path) -> None:
    taken(vault, notes, ("Ann",))
    found, read = taken(vault, notes, ("Bob",))
    assert len(read) == 2
    assert found["updated"] == 1
    assert taken(vault, notes, ("Bob",))[1] == []


def test_another_source_asked_for_reads_all_again(vault: Vault, notes: Path) -> None:
    taken(vault, notes)
    assert len(taken(vault, notes, as_source="notes")[1]) == 2
    assert taken(vault, notes, as_source="notes")[1] == []


def test_other_importing_code_reads_all_again(vault: Vault, notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken(vault, notes)
    monkeypatch.setattr(run_memory, "code_digest", lambda: b"newer")
    assert len(taken(vault, notes)[1]) == 2


def test_a_tier_is_given_to_what_is_not_read_too(vault: Vault, notes: Path) -> None:
    taken(vault, notes)
    assert taken(vault, notes, tier=3)[1] == []
    assert {stored.effective_tier for stored in vault.documents()} == {3}


def test_what_was_forgotten_stays_so_and_comes_back_when_asked_for(vault: Vault, notes: Path) -> None:
    first, _ = taken(vault, notes)
    gone = next(stored.document.id for stored in vault.documents() if "harbour" in stored.document.own_text)
    vault.forget(gone)
    for _ in range(2):
        found, read = taken(vault, notes)
        assert (found["added"], found["unchanged"], found["documents"]) == (0, 1, 2)
        assert found["dropped"] == first["dropped"] | {"forgotten": 1}
    assert read == []
    found, read = taken(vault, notes, include_forgotten=True)
    assert (read, found["added"]) == (["walk.md"], 1)
    assert (taken(vault, notes)[0]["unchanged"], vault.count()) == (2, 2)


def test_nothing_of_a_forgotten_document_is_left_in_the_memory_of_its_file(vault: Vault, notes: Path) -> None:
    taken(vault, notes)
    digest = vault._db.rows("SELECT digest FROM documents WHERE text LIKE '%harbour%'")[0][0]
    gone = vault._db.rows("SELECT id FROM documents WHERE text LIKE '%harbour%'")[0][0]
    rows = "SELECT files, result, documents FROM imported"
    assert any(digest in row[2] for row in vault._db.rows(rows))
    vault.forget(gone)
    taken(vault, notes)
    assert not any(digest in row[2] for row in vault._db.rows(rows))


def test_a_document_that_another_import_changed_is_read_again(vault: Vault, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("old", "new")]
    for folder, words in zip(folders, ("I came home late.", "I came home early."), strict=True):
        folder.mkdir()
        (folder / "x.mbox").write_text(
            f"From a Mon Jan  6 10:00:00 2025\nFrom: Ann <ann@example.org>\nMessage-ID: <1@x>\n\n{words}\n"
        )
    taken(vault, folders[0])
    assert taken(vault, folders[1])[0]["updated"] == 1
    found, read = taken(vault, folders[0])
    assert (read, found["updated"]) == (["x.mbox"], 1)


def test_two_files_with_other_words_under_one_key_stay_two_when_only_one_is_read_again(
    vault: Vault, tmp_path: Path
) -> None:
    def mail(name: str, words: str) -> None:
        (tmp_path / name).write_text(f"From: Ann <ann@example.org>\nMessage-ID: <1@x>\nSubject: Home\n\n{words}\n")

    mail("a.eml", "I came home late.")
    taken(vault, tmp_path)
    mail("b.eml", "I came home late, says the list.")
    found, read = taken(vault, tmp_path)
    assert (read, found["added"], found["updated"]) == (["b.eml"], 1, 0)
    assert taken(vault, tmp_path)[0]["unchanged"] == vault.count() == 2


SENT = "I shall come on Monday and bring the long ladder."
PASSED_ON = "Dear list, below is what our treasurer wrote about next week; please answer him and not me."


def mail(file: Path, words: str) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"From: Ann <ann@example.org>\nMessage-ID: <1@x>\nSubject: Home\n\n{words}\n")
    return file


def said(vault: Vault) -> set[str]:
    return {stored.document.own_text for stored in vault.documents()}


@pytest.mark.parametrize("one_by_one", [True, False])
@pytest.mark.parametrize("words", [(SENT, PASSED_ON), (PASSED_ON, SENT)])
def test_a_copy_with_other_words_is_stored_beside_in_whatever_order_it_comes(
    vault: Vault, tmp_path: Path, words: tuple[str, str], one_by_one: bool
) -> None:
    files = [mail(tmp_path / "x" / f"{name}.eml", text) for name, text in zip("ab", words, strict=True)]
    for path in [*files, tmp_path / "x"] if one_by_one else [tmp_path / "x", *files]:
        taken(vault, path)
    again = [taken(vault, mail(tmp_path / "y" / "c.eml", text))[0]["added"] for text in words]
    assert (said(vault), vault.count(), again) == ({SENT, PASSED_ON}, 2, [0, 0])


def test_a_new_file_that_comes_before_an_unchanged_one_does_not_take_its_place(vault: Vault, tmp_path: Path) -> None:
    mail(tmp_path / "x" / "b.eml", "I came home late.")
    taken(vault, tmp_path / "x")
    mail(tmp_path / "x" / "a.eml", "I came home late, says the list.")
    taken(vault, tmp_path / "x")
    assert said(vault) == {"I came home late.", "I came home late, says the list."}


def test_pages_of_two_diaries_of_one_day_both_stay_and_each_is_edited_for_itself(vault: Vault, tmp_path: Path) -> None:
    pages = [tmp_path / name / "2024-03-02.md" for name in ("bread", "work")]
    for page, words in zip(
        pages, ("We baked bread and ate it warm.", "Nobody answered my letters today."), strict=True
    ):
        page.parent.mkdir()
        page.write_text(f"# Diary\n\n{words}\n")
        taken(vault, page.parent)
    assert vault.count() == 2
    for number, page in enumerate(pages):
        page.write_text(page.read_text() + f"\nLater I slept {number} hours.\n")
        found, _ = taken(vault, page.parent)
        assert (found["added"], found["updated"]) == (0, 1)
    assert vault.count() == 2
    assert all("Later I slept" in text for text in said(vault))


def test_a_note_that_was_written_anew_replaces_what_it_was_and_so_does_an_edited_copy(
    vault: Vault, notes: Path, tmp_path: Path
) -> None:
    taken(vault, notes)
    (notes / "walk.md").write_text("An evening.\n\nNothing is left of those words.")
    assert taken(vault, notes)[0]["updated"] == 1
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "walk.md").write_text("An evening.\n\nNothing is left of those old words.")
    assert (taken(vault, tmp_path / "copy")[0]["updated"], vault.count()) == (1, 2)


@pytest.mark.parametrize("gone", [SENT, PASSED_ON])
def test_what_was_forgotten_stays_so_whichever_key_it_would_come_back_under(
    vault: Vault, tmp_path: Path, gone: str
) -> None:
    files = [mail(tmp_path / "x" / "a.eml", SENT), mail(tmp_path / "x" / "b.eml", PASSED_ON)]
    taken(vault, tmp_path / "x")
    vault.forget(next(one.document.id for one in vault.documents() if one.document.own_text == gone))
    mail(tmp_path / "y" / "1.eml", PASSED_ON)
    mail(tmp_path / "y" / "2.eml", SENT)
    for path in (*files, tmp_path / "y", tmp_path / "x"):
        taken(vault, path)
    assert gone not in said(vault)
    for path in files:
        taken(vault, path, include_forgotten=True)
    assert said(vault) == {SENT, PASSED_ON}


def test_a_file_beside_that_others_depend_on_has_them_read_again(
    vault: Vault, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Notes.read

    def with_names(self: Notes, file: Any, root: Any, person: Person) -> Any:
        if (file.parent / "names.json").is_file():
            (file.parent / "names.json").open("rb").close()
        return read(self, file, root, person)

    monkeypatch.setattr(Notes, "read", with_names)
    taken(vault, notes)
    assert taken(vault, notes)[1] == []
    for words in ("{}", '{"a": 1}'):
        (notes / "names.json").write_text(words)
        assert taken(vault, notes)[1] == ["walk.md"]
        assert taken(vault, notes)[1] == []
    (notes / "names.json").unlink()
    assert taken(vault, notes)[1] == ["walk.md"]


def test_what_could_not_be_read_is_tried_again_if_it_may_go_then_and_told_again_if_not(
    vault: Vault, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(notes / "x.zip", "w") as archive:
        archive.writestr("a.md", "I am whole and well.")
        archive.writestr("b.md", "I was changed by somebody.")
    data = (notes / "x.zip").read_bytes()
    (notes / "x.zip").write_bytes(data.replace(b"changed by", b"Changed by"))
    first, _ = taken(vault, notes)
    again, read = taken(vault, notes)
    assert read == []
    assert again["errors"] == first["errors"] and len(first["errors"]) == 1
    opened = reader_files.Counted

    def refusing(path: str, tally: Tally) -> Any:
        if path.endswith("new.md"):
            raise PermissionError(13, "Permission denied")
        return opened(path, tally)

    (notes / "new.md").write_text("I sailed far out and came home late.")
    with monkeypatch.context() as patch:
        patch.setattr(reader_files, "Counted", refusing)
        assert len(taken(vault, notes)[0]["errors"]) == 2
    assert taken(vault, notes)[1] == ["new.md"]


def test_an_archive_is_known_as_a_whole(vault: Vault, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for number in range(20):
            archive.writestr(f"{number}.md", f"I wrote number {number} on the wall in the evening.")
    first, read = taken(vault, tmp_path / "x.zip")
    assert len(read) == 20
    again, _ = taken(vault, tmp_path / "x.zip")
    assert Counting.jobs == []
    assert (again["files"], again["unchanged"]) == (first["files"], first["added"]) == (20, 20)


def test_an_import_that_broke_off_is_not_taken_for_whole(
    vault: Vault, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(documents: Any, **_options: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Vault, "put", lambda self, documents, **options: full(documents))
        taken(vault, notes)
    found, read = taken(vault, notes)
    assert (len(read), found["added"]) == (2, 2)


def test_an_empty_memory_looks_at_every_file(vault: Vault, notes: Path) -> None:
    taken(vault, notes)
    assert len([job for job in Counting.jobs if job.task == LOOK]) == 3


def test_of_a_repository_its_branches_are_told_but_no_link_and_not_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("objects", "refs/heads"):
        (tmp_path / "git" / name).mkdir(parents=True)
    (tmp_path / "git" / "HEAD").write_text("ref: refs/heads/main")
    (main := tmp_path / "git" / "refs" / "heads" / "main").write_text("1" * 40)
    (other := tmp_path / "other").write_text("a")
    (tmp_path / "git" / "refs" / "heads" / "link").symlink_to(other)

    def digest() -> str:
        return run_memory._folder_digest(tmp_path / "git")

    first = digest()
    other.write_text("b")
    assert digest() == first
    main.write_text("2" * 40)
    assert digest() not in ("", first)
    with monkeypatch.context() as patched:
        patched.setattr(run_memory, "MOST_REFERENCES", 1)
        assert digest() == ""
    monkeypatch.setattr(run_memory, "MOST_REFERENCE_BYTES", 50)
    assert digest() == ""


def test_a_batch_is_stored_by_all_that_its_documents_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_store, "BATCH_CHARACTERS", 20_000)
    batches: list[int] = []

    def put(documents: list[Document]) -> PutResult:
        batches.append(len(documents))
        return PutResult(added=len(documents))

    store = run_store.Store(put, None, 0, None, 1000)
    for key in ("a", "b"):
        store.add(Document("note", "notes", key, "", (Turn("", True, "I", "own"),) * 100))
    store.add(Document("note", "notes", "k" * 20_000, "", ()))
    assert batches == [1, 1, 1]

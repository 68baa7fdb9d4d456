"""The registry: which importer takes a file, and which files a folder gives."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PosixPath
from typing import Any

import pytest

from mlxtwin.errors import UsageError
from mlxtwin.sources.registry import HIDDEN, LINK, SOURCES, files, load, match, walk, why_not


def test_every_source_loads_under_its_own_name() -> None:
    assert {name: load(name).name for name in SOURCES} == {name: name for name in SOURCES}


def test_an_unknown_source_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        load("whatsap")
    assert "whatsap" in caught.value.message
    assert caught.value.hint == "Did you mean whatsapp?"


def test_content_decides_before_the_name(tmp_path: Path) -> None:
    file = tmp_path / "notes.md"
    file.write_text("31/12/24, 10:00 - Bob: Hi\n31/12/24, 10:01 - Ann: Hello\n")
    importer = match(file)
    assert importer and importer.name == "whatsapp"


def test_a_source_asked_for_is_taken_against_the_content(tmp_path: Path) -> None:
    file = tmp_path / "talk.md"
    file.write_text("**Ann:** Hi.\n\n**Bob:** Hi.\n\n**Ann:** So.\n\n**Bob:** Well.\n")
    surest, forced = match(file), match(file, "notes")
    assert surest and surest.name == "transcript"
    assert forced and forced.name == "notes"


def test_a_file_nobody_reads_has_its_reason(tmp_path: Path) -> None:
    for name, data, why in [
        ("a.csv", b"a,b\n", "a table"),
        ("b.txt", b"", "empty"),
        ("c", bytes(range(256)) * 9, "not text"),
        ("d.xyz", b"words and words", "not recognised"),
        ("LICENSE", b"Permission is granted to all.", "a licence or notice"),
    ]:
        (tmp_path / name).write_bytes(data)
        assert match(tmp_path / name) is None
        assert why_not(tmp_path / name) == why


def test_a_recogniser_that_breaks_is_not_of_that_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(file: Path) -> float:
        raise RuntimeError("no")

    (tmp_path / "a.txt").write_text("I baked bread again.")
    monkeypatch.setattr(type(load("mail")), "recognises", lambda self, file: broken(file))
    importer = match(tmp_path / "a.txt")
    assert importer and importer.name == "notes"


def test_files_come_in_order_without_hidden_ones_and_links(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out.md"
    outside.write_text("x")
    for name in ("b/2.md", "a.md", "b/1.md", ".hidden.md", ".git/config"):
        (inside / name).parent.mkdir(parents=True, exist_ok=True)
        (inside / name).write_text("x")
    (inside / "c.md").symlink_to(outside)
    (inside / "loop").symlink_to(inside)
    assert [file.relative_to(inside).as_posix() for file in files(inside)] == ["a.md", "b/1.md", "b/2.md"]
    skipped = {file.name: why for file, why in walk(inside) if why}
    assert skipped == {".hidden.md": HIDDEN, ".git": HIDDEN, "c.md": LINK, "loop": LINK}


def repository(folder: Path) -> Path:
    for name in ("objects/pack", "refs/heads"):
        (folder / name).mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    return folder


def test_a_repository_is_one_thing_beside_the_files_under_it(tmp_path: Path) -> None:
    hidden, bare = repository(tmp_path / "a" / ".git"), repository(tmp_path / "bare.git")
    (tmp_path / "a" / "note.md").write_text("x")
    (tmp_path / "b" / ".git").mkdir(parents=True)
    (tmp_path / "link").symlink_to(hidden)
    found = [(file.relative_to(tmp_path).as_posix(), why) for file, why in walk(tmp_path)]
    assert found == [("a/.git", ""), ("a/note.md", ""), ("b/.git", HIDDEN), ("bare.git", ""), ("link", LINK)]
    assert list(walk(bare)) == [(bare, "")]


def test_a_repository_is_offered_to_its_importer_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    class Git:
        name = "git"

        def recognises(self, file: Path) -> float:
            asked.append(file)
            return 0.95

    folder = repository(tmp_path / ".git")
    monkeypatch.setitem(SOURCES, "git", "mlxtwin.sources.git:Git")
    monkeypatch.setattr("mlxtwin.sources.registry.load", lambda name: Git())
    found = match(folder)
    assert found and found.name == "git"
    assert asked == [folder]
    assert match(folder, "notes") is None
    monkeypatch.setattr(Git, "recognises", lambda self, file: 0.0)
    assert match(folder) is None
    assert (why_not(folder), why_not(repository(tmp_path / "bare"))) == (HIDDEN, "a repository")


def test_a_file_is_read_once_however_many_importers_look_at_it(tmp_path: Path) -> None:
    opened: list[str] = []

    class Watched(PosixPath):
        def open(self, *arguments: Any, **options: Any) -> Any:
            opened.append(self.name)
            return super().open(*arguments, **options)

    for name, words in (("a.md", "I baked bread again."), ("b.json", '{"a": ["b"]}'), ("c.jpg", "\xff\x00" * 9)):
        (tmp_path / name).write_text(words)
        match(Watched(tmp_path / name))
        assert opened == [name]
        match(Watched(tmp_path / name))
        assert opened == [name, name]  # nothing is kept from one look to the next
        opened.clear()


def test_a_pipe_in_the_folder_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert list(walk(tmp_path)) == [(tmp_path / "pipe", "not a file")]


@pytest.fixture
def nested(tmp_path: Path) -> Iterator[Path]:
    """A folder 1,200 folders deep; removed by a program that does not recurse, as pytest's own cleaning does."""
    top = tmp_path / "top"
    top.mkdir()
    deep = os.open(top, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=deep)
        below = os.open("d", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = below
    os.close(deep)
    yield top
    subprocess.run(["rm", "-rf", top], check=True)


def test_a_folder_nested_deeper_than_python_recurses_is_walked(nested: Path) -> None:
    assert files(nested) == []


def test_the_registry_loads_no_importer_before_it_is_asked() -> None:
    code = "import sys, mlxtwin.sources.registry; print([m for m in sys.modules if m.endswith(('.mail', '.notes'))])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"

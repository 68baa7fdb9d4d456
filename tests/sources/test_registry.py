"""The registry: which importer takes a file, and which files a folder gives."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

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

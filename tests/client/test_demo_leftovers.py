"""What a killed demo leaves goes with the next one; the folder of a living one stays."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlxtwin.client.demo import remove_leftovers, throwaway
from mlxtwin.jobs.runs import LOCK

STAGE = """
import sys, tempfile
tempfile.tempdir = sys.argv[1]
from mlxtwin.client.demo import throwaway
with throwaway() as stage:
    sys.stdout.write(str(stage.home.root.parent) + "\\n")
    sys.stdout.flush()
    sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def other(temporary: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process in the midst of its demo, and its folder."""
    command = [sys.executable, "-c", STAGE, str(temporary)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def killed(other: tuple[subprocess.Popen[str], Path]) -> Path:
    process, folder = other
    process.kill()
    process.wait()
    assert (folder / "home" / "vault" / "vault.db").is_file()
    return folder


def test_a_demo_removes_what_a_killed_one_left(other: tuple[subprocess.Popen[str], Path], temporary: Path) -> None:
    left = killed(other)
    with throwaway() as stage:
        assert [*temporary.iterdir()] == [stage.home.root.parent]
        assert not left.exists()
    assert not [*temporary.iterdir()]


def test_the_folder_of_a_living_demo_stays(other: tuple[subprocess.Popen[str], Path], temporary: Path) -> None:
    with throwaway() as stage:
        remove_leftovers()
        assert {*temporary.iterdir()} == {other[1], stage.home.root.parent}
        assert (other[1] / "home" / "vault" / "vault.db").is_file()
    assert [*temporary.iterdir()] == [other[1]]


def test_a_worker_that_outlives_its_demo_keeps_its_folder(other: tuple[subprocess.Popen[str], Path]) -> None:
    run = other[1] / "home" / "runs" / "20260101-000000-aaaa"
    run.mkdir(parents=True)
    (run / "spec.json").write_text("{}")
    left = killed(other)
    with (run / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        remove_leftovers()
        assert run.is_dir()
    remove_leftovers()
    assert not left.exists()


def test_what_is_not_known_to_be_a_dead_demo_stays(temporary: Path, tmp_path: Path) -> None:
    (temporary / "mlxtwin-demo-beginning").mkdir()
    (temporary / "mlxtwin-demo-file").write_text("x")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "lock").touch()
    (temporary / "mlxtwin-demo-link").symlink_to(tmp_path / "elsewhere")
    (temporary / "mlxtwin-other").mkdir()
    (temporary / "mlxtwin-other" / "lock").touch()
    before = sorted(temporary.rglob("*"))
    remove_leftovers()
    assert sorted(temporary.rglob("*")) == before
    assert (tmp_path / "elsewhere" / "lock").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_the_folder_of_another_person_stays(other: tuple[subprocess.Popen[str], Path]) -> None:
    left = killed(other)
    os.chown(left, 65534, 65534)
    remove_leftovers()
    assert left.is_dir()

"""Where compiled kernels lie, and that nobody else can put one there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlxtwin.backend.kernels import PTX_VARIABLE, is_private, kernel_folder, own_folder, settle


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder as systems have it: open to all, and sticky."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user" / "cache"))
    monkeypatch.setenv(PTX_VARIABLE, "")
    folder = tmp_path / "tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


def test_mlxs_own_place_serves_where_it_is_ours_or_not_there_yet(temporary: Path) -> None:
    found = kernel_folder("cpu", "1.2")
    assert (found.folder, found.variable) == (str(temporary / "mlx/1.2/cpu"), "")
    assert not list(temporary.iterdir())
    assert settle(found)
    assert kernel_folder("cpu", "1.2") == found
    modes = [path.stat().st_mode & 0o777 for path in (temporary / "mlx", temporary / "mlx/1.2/cpu")]
    assert modes == [0o700, 0o700]
    assert os.environ["TMPDIR"] == str(temporary)


@pytest.mark.parametrize("open_part", ["mlx", "mlx/1.2", "mlx/1.2/cpu"])
def test_a_place_others_can_write_to_is_left_for_our_own(temporary: Path, open_part: str) -> None:
    (temporary / "mlx/1.2/cpu").mkdir(parents=True)
    (temporary / open_part).chmod(0o777)
    found = kernel_folder("cpu", "1.2")
    assert (found.folder, found.variable) == (str(own_folder("1.2")), "TMPDIR")
    assert settle(found)
    assert os.environ["TMPDIR"] == found.folder
    assert Path(found.folder).stat().st_mode & 0o777 == 0o700
    assert kernel_folder("cpu", "1.2").variable == ""  # what MLX will find there now is ours


def test_a_link_or_a_file_in_its_place_is_not_private(temporary: Path, tmp_path: Path) -> None:
    (temporary / "mlx").symlink_to(tmp_path)
    assert not is_private(temporary / "mlx/1.2/cpu", temporary)
    (temporary / "mlx").unlink()
    (temporary / "mlx/1.2").mkdir(parents=True)
    (temporary / "mlx/1.2/cpu").write_text("")
    assert not is_private(temporary / "mlx/1.2/cpu", temporary)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_not_private(temporary: Path) -> None:
    (temporary / "mlx").mkdir(mode=0o755)
    os.chown(temporary / "mlx", 12345, 12345)
    assert not is_private(temporary / "mlx/1.2/cpu", temporary)


def test_an_open_temporary_folder_that_is_not_sticky_is_not_trusted(temporary: Path) -> None:
    temporary.chmod(0o777)
    assert kernel_folder("cpu", "1.2").variable == "TMPDIR"
    temporary.chmod(0o700)
    assert kernel_folder("cpu", "1.2").variable == ""


def test_somebody_faster_is_noticed(temporary: Path) -> None:
    found = kernel_folder("cpu", "1.2")
    (temporary / "mlx").mkdir()
    (temporary / "mlx").chmod(0o777)
    assert not settle(found)


def test_ptx_is_kept_in_the_users_cache_unless_told_otherwise(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = kernel_folder("cuda", "1.2")
    assert Path(found.folder) == own_folder("1.2") / "ptx"
    assert settle(found) and os.environ[PTX_VARIABLE] == found.folder
    monkeypatch.setenv(PTX_VARIABLE, str(tmp_path / "mine"))
    assert kernel_folder("cuda", "1.2").folder == str(tmp_path / "mine")


def test_a_folder_that_cannot_be_made_stops_compiling_on_a_cpu_alone(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "file"))
    assert settle(kernel_folder("cuda", "1.2"))
    (temporary / "mlx").mkdir()
    (temporary / "mlx").chmod(0o777)
    assert not settle(kernel_folder("cpu", "1.2"))


def test_metal_keeps_its_own(temporary: Path) -> None:
    assert settle(kernel_folder("metal", "1.2"))
    assert not list(temporary.iterdir())

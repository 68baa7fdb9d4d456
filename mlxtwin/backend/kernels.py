"""Where MLX keeps the kernels it compiles while it runs.

The CPU build turns each compiled function into a library under the temporary folder and loads it from there by a name
anybody can foretell; the CUDA build keeps PTX there, or under ``MLX_PTX_CACHE_DIR``. Both were read in MLX 0.32's
sources and seen in its libraries. A folder that others can write to is a way to run their code as this user.
"""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mlxtwin.errors import TwinError
from mlxtwin.paths import make_folder

PTX_VARIABLE = "MLX_PTX_CACHE_DIR"
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class Kernels:
    """``folder`` is empty where the system keeps them; ``variable`` is empty where MLX goes there unasked."""

    folder: str
    reason: str
    variable: str = ""


def kernel_folder(kind: str, version: str, temporary: Path | None = None) -> Kernels:
    """The folder for MLX of this ``version`` on a metal, cuda or cpu device; makes and sets nothing.

    ``temporary`` stands for the temporary folder in tests.
    """
    if kind == "metal":
        return Kernels("", "macOS keeps compiled Metal kernels itself, over restarts")
    if kind == "cuda":
        return _ptx(version)
    # MLX asks the environment anew for each kernel; Python's own idea of the folder may be older.
    top = temporary or Path(os.environ.get("TMPDIR") or tempfile.gettempdir())
    place = top / "mlx" / version / "cpu"
    if is_private(place, top):
        return Kernels(str(place), "MLX's own place; nobody else can write there, from where MLX loads code")
    return Kernels(str(own_folder(version)), f"others can write to {top / 'mlx'}, from where MLX loads code", "TMPDIR")


def settle(kernels: Kernels) -> bool:
    """Make the folder, 0700, and tell MLX of it; whether MLX may be let to compile into it."""
    if not kernels.folder:
        return True
    folder = Path(kernels.folder)
    try:
        make_folder(folder)
    except TwinError:
        return kernels.variable == PTX_VARIABLE  # MLX does without: it compiles anew in each process
    if kernels.variable:
        os.environ[kernels.variable] = kernels.folder
        return True
    # Somebody may have been faster.
    return is_private(folder, folder.parents[2])


def own_folder(version: str) -> Path:
    """In the user's cache folder; by version, because MLX names a kernel alike in all of its versions."""
    from platformdirs import user_cache_path

    return user_cache_path("mlxtwin", appauthor=False) / "kernels" / version


def is_private(place: Path, top: Path) -> bool:
    """Whether only this user can put files into ``place``, a folder below ``top`` that need not exist yet."""
    try:
        mode = top.stat().st_mode
    except OSError:
        return False
    if mode & _OTHERS_WRITE and not mode & stat.S_ISVTX:
        return False
    between = [part for part in (place, *place.parents) if top in part.parents]
    return all(_own(part) for part in between)


def _own(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & _OTHERS_WRITE


def _ptx(version: str) -> Kernels:
    chosen = os.environ.get(PTX_VARIABLE, "")
    if chosen:
        return Kernels(chosen, f"{PTX_VARIABLE} asks for it", PTX_VARIABLE)
    why = "kept over restarts, unlike MLX's own place in the temporary folder, where others could write"
    return Kernels(str(own_folder(version) / "ptx"), why, PTX_VARIABLE)

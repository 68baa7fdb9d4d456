"""The fast BLAS under MLX on a CPU.

The CPU build of MLX on Linux carries a reference BLAS. A fast one loaded with global symbols before the first import
of `mlx.core` takes its place: about eighty times the speed in a float32 product of 2048 x 2048 on two x86-64 cores.
The copies inside numpy and scipy cannot serve: their symbols are renamed.
"""

from __future__ import annotations

import ctypes
import os
import site
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CHOICE_VARIABLE = "MLXTWIN_BLAS"
_OPENBLAS = ("libopenblas.so.0", "libopenblasp.so.0")
INSTALL = "Install one: `apt install libopenblas0` (or your system's OpenBLAS), or `pip install mkl` on x86-64."


@dataclass(frozen=True, slots=True)
class Blas:
    """``name``: OpenBLAS, MKL, Accelerate or reference. ``fast`` is False where MLX multiplies with the reference."""

    name: str
    path: str
    reason: str
    fast: bool


def load_blas(threads: int) -> Blas:
    """Load the best BLAS there is; it works only before `mlx.core` is imported, and says so when it comes too late.

    System OpenBLAS, else the ``mkl`` wheel; ``MLXTWIN_BLAS`` = openblas | mkl | reference narrows the choice.
    """
    if sys.platform == "darwin":
        return Blas("Accelerate", "", "built into MLX on macOS", True)
    if "mlx.core" in sys.modules:
        return _already_imported()
    choice = os.environ.get(CHOICE_VARIABLE, "")
    _fix_threads(threads)
    tried: list[str] = []
    for name, candidates in (("OpenBLAS", _openblas), ("MKL", _mkl)):
        if choice and choice != name.lower():
            continue
        for path in candidates():
            if _load(path):
                return Blas(name, path, f"loaded before MLX; fixed to {threads} threads", True)
            tried.append(path)
    why = f"{CHOICE_VARIABLE} asks for it" if choice == "reference" else f"not found: {', '.join(tried) or choice}"
    return Blas("reference", "", why, False)


@contextmanager
def blas_threads(blas: Blas, threads: int) -> Iterator[None]:
    """So many threads for each product within a ``with``; a BLAS that has no such switch keeps its own number."""
    switch = _switch(blas)
    if switch is None:
        yield
        return
    get, put = switch
    before = get()
    put(threads)
    try:
        yield
    finally:
        put(before)


def _switch(blas: Blas) -> tuple[Callable[[], int], Callable[[int], object]] | None:
    """How a loaded BLAS is asked for its number of threads, and told it."""
    names = {
        "OpenBLAS": ("openblas_get_num_threads", "openblas_set_num_threads"),
        "MKL": ("MKL_Get_Max_Threads", "MKL_Set_Num_Threads"),
    }
    if blas.name not in names or not blas.path:
        return None
    library = ctypes.CDLL(blas.path)
    get, put = (getattr(library, name, None) for name in names[blas.name])
    return (get, put) if get and put else None


def loaded_library(maps: Path = Path("/proc/self/maps")) -> str:
    """The path of a fast BLAS that this process has mapped already, or empty."""
    try:
        paths = {line.split(maxsplit=5)[-1] for line in maps.read_text(errors="replace").splitlines()}
    except OSError:
        return ""
    # numpy and scipy bring their own, whose symbols MLX cannot use.
    found = [path for path in paths if "libopenblas" in path or "libmkl_rt" in path]
    return min((path for path in found if ".libs/" not in path), default="")


def _already_imported() -> Blas:
    path = loaded_library()
    if path:
        name = "MKL" if "mkl" in path else "OpenBLAS"
        return Blas(name, path, "was in the process before; MLX uses it only if it came first", True)
    return Blas("reference", "", "MLX was imported before a fast BLAS could be loaded", False)


def _fix_threads(threads: int) -> None:
    """Only where the user chose nothing. A fixed number of threads also fixes the order of sums, so that a run repeats
    to the bit; MKL is asked for the same besides."""
    for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(variable, str(threads))
    os.environ.setdefault("MKL_DYNAMIC", "FALSE")
    os.environ.setdefault("MKL_CBWR", "AUTO")


def _openblas() -> list[str]:
    return list(_OPENBLAS)


def _mkl() -> list[str]:
    """Where the ``mkl`` wheel puts its entry library: the environment's ``lib``, or the user's."""
    roots = dict.fromkeys((sys.prefix, sys.base_prefix, site.getuserbase()))
    return [str(path) for root in roots for path in sorted(Path(root, "lib").glob("libmkl_rt.so*"), reverse=True)]


def _load(path: str, opener: Callable[..., ctypes.CDLL] = ctypes.CDLL) -> bool:
    try:
        return hasattr(opener(path, mode=os.RTLD_GLOBAL), "cblas_sgemm")
    except OSError:
        return False

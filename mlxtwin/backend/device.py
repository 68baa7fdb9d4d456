"""Which device MLX runs on here: looked up once, set up once, asked by everything else.

`detect` looks and `policy.decide` chooses. MLX is imported only after the BLAS and the environment it reads at its
start are in place, so ask before anything else touches MLX.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from mlxtwin.backend.blas import Blas, load_blas
from mlxtwin.backend.kernels import kernel_folder, settle
from mlxtwin.backend.machine import Machine, Version, look
from mlxtwin.backend.memory import cpu_memory, cpu_threads, cuda_memory, metal_memory
from mlxtwin.backend.policy import Device, Found, Kind, decide
from mlxtwin.backend.problems import State, find_problems
from mlxtwin.errors import RunFailed

__all__ = ["Device", "detect", "installed_builds", "prepare"]

BUILDS = ("mlx-metal", "mlx-cpu", "mlx-cuda-12", "mlx-cuda-13")
Info = Mapping[str, str | int]
BREADTH = "100000"


def prepare() -> Device:
    """The device, with MLX set up for it; ask before any other use of MLX. Raises RunFailed without one."""
    device = detect()
    if not device.usable:
        raise RunFailed(device.problems[0].what, device.problems[0].fix)
    return _set_up(device)


@lru_cache(maxsize=1)
def detect() -> Device:
    """Look once per process. Never raises: what is wrong stands in ``problems``."""
    if sys.platform == "darwin":
        # Lets long kernels live past the watchdog's patience; read when Metal starts.
        os.environ.setdefault("AGX_RELAX_CDM_CTXSTORE_TIMEOUT", "1")
    threads = cpu_threads()
    blas = load_blas(threads)
    builds = installed_builds()
    if builds == ("mlx-cpu",):
        # Wide enough that MLX hands out the work of several streams in turn; read when it first evaluates.
        os.environ.setdefault("MLX_BFS_MAX_WIDTH", BREADTH)
    try:
        import mlx.core as mx
    except ImportError as error:
        return _without_mlx(look(), blas, threads, builds, str(error))
    kind: Kind = "metal" if mx.metal.is_available() else "cuda" if _cuda_available(mx) else "cpu"
    # A GPU that works needs no questions to its driver, which can take a second to answer.
    machine = look(ask=lambda _: "") if kind == "cuda" else look()
    return _found(kind, mx.device_info(), machine, blas, threads, builds)


def _found(kind: Kind, info: Info, machine: Machine, blas: Blas, threads: int, builds: tuple[str, ...]) -> Device:
    memory = {"metal": metal_memory, "cuda": cuda_memory}[kind](info) if kind != "cpu" else cpu_memory()
    compiler = shutil.which("g++") or ""
    capability = _capability(info)
    working_set = int(info.get("max_recommended_working_set_size", 0))
    state = State(kind, builds, blas, bool(compiler), "", capability, working_set, memory.total)
    return decide(
        Found(
            kind, _why(kind, info, builds), blas, memory, threads, compiler, capability, machine.wsl,
            kernel_folder(kind, _mlx_version()), find_problems(machine, state),
        )
    )  # fmt: skip


def _without_mlx(machine: Machine, blas: Blas, threads: int, builds: tuple[str, ...], error: str) -> Device:
    problems = find_problems(machine, State("", builds, blas, error=error))
    found = Found("cpu", "MLX cannot be loaded", blas, cpu_memory(), threads, problems=problems)
    return replace(decide(found), compile_reason="MLX cannot be loaded", policy=(), usable=False)


def installed_builds() -> tuple[str, ...]:
    """Which libraries of MLX are installed, by the name of their package."""
    return tuple(name for name in BUILDS if _version_of(name))


def _version_of(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _mlx_version() -> str:
    return _version_of("mlx") or "unknown"


@lru_cache(maxsize=1)
def _set_up(device: Device) -> Device:
    import mlx.core as mx

    if device.compile and not settle(device.kernels):
        device = replace(device, compile=False, compile_reason=f"{device.kernels.folder} cannot be used safely")
    from mlxtwin.backend.compiling import allow  # imports MLX, which comes after the BLAS

    allow(device.compile)
    mx.set_cache_limit(device.cache_limit)
    if device.memory_limit:
        mx.set_memory_limit(device.memory_limit)
    return device


def _cuda_available(mx: Any) -> bool:
    cuda = getattr(mx, "cuda", None)
    return cuda is not None and bool(cuda.is_available())


def _capability(info: Info) -> Version:
    """Of a CUDA GPU, from MLX's ``device_info``; empty for others."""
    if "compute_capability_major" not in info:
        return ()
    return int(info["compute_capability_major"]), int(info.get("compute_capability_minor", 0))


def _why(kind: Kind, info: Info, builds: tuple[str, ...]) -> str:
    name = str(info.get("device_name", "") or info.get("architecture", "unknown"))
    if kind == "metal":
        return f"MLX has a Metal GPU: {name}"
    if kind == "cuda":
        return f"MLX has a CUDA GPU: {name}"
    if any("cuda" in build for build in builds):
        return f"the CUDA build of MLX finds no usable GPU; the processor: {name}"
    return f"the installed MLX is the CPU build; the processor: {name}"

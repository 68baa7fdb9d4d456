"""Which device MLX runs on here, with the reason, and every choice that follows from it.

One place decides: `detect` looks once per process and everything else asks it. MLX is imported only after the BLAS and
the environment it reads at its start are in place, so ask before anything else touches MLX.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from mlxtwin.backend.blas import INSTALL, Blas, load_blas
from mlxtwin.backend.memory import Memory, cpu_memory, cpu_threads, cuda_memory, metal_memory
from mlxtwin.errors import RunFailed

Kind = Literal["metal", "cuda", "cpu"]
BUILDS = ("mlx-metal", "mlx-cpu", "mlx-cuda-12", "mlx-cuda-13")
CACHE_LIMIT_BYTES = 1 << 30
# Compute capability and driver that MLX's CUDA builds ask for (MLX install guide).
_LEAST_CAPABILITY = (7, 5)


@dataclass(frozen=True, slots=True)
class Problem:
    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of the policy table."""

    name: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Device:
    """``memory_*`` in bytes. ``compile``: whether `mx.compile` can work. ``base_dtype``: "float32", or "own" for the
    precision the base was saved in. ``usable`` is False where MLX cannot be loaded at all."""

    kind: Kind
    reason: str
    blas: Blas
    memory_total: int
    memory_budget: int
    compile: bool
    compile_reason: str
    base_dtype: Literal["float32", "own"]
    threads: int
    policy: tuple[Choice, ...]
    problems: tuple[Problem, ...]
    usable: bool = True


def prepare() -> Device:
    """The device, with MLX set up for it; ask before any other use of MLX. Raises RunFailed without one."""
    device = detect()
    if not device.usable:
        raise RunFailed(device.problems[0].what, device.problems[0].fix)
    _set_up(device)
    return device


@lru_cache(maxsize=1)
def detect() -> Device:
    """Look once per process. Never raises: what is wrong stands in ``problems``."""
    if sys.platform == "darwin":
        # Lets long kernels live past the watchdog's patience; read when Metal starts.
        os.environ.setdefault("AGX_RELAX_CDM_CTXSTORE_TIMEOUT", "1")
    threads = cpu_threads()
    blas = load_blas(threads)
    builds = installed_builds()
    try:
        import mlx.core as mx
    except ImportError as error:
        return _without_mlx(blas, threads, builds, error)
    metal, cuda = bool(mx.metal.is_available()), _cuda_available(mx)
    kind: Kind = "metal" if metal else "cuda" if cuda else "cpu"
    info: Mapping[str, str | int] = mx.device_info()
    memory = {"metal": metal_memory, "cuda": cuda_memory}[kind](info) if kind != "cpu" else cpu_memory()
    return decide(kind, _why(kind, info, builds), blas, memory, threads, builds, info)


def decide(
    kind: Kind,
    reason: str,
    blas: Blas,
    memory: Memory,
    threads: int,
    builds: Iterable[str],
    info: Mapping[str, str | int],
) -> Device:
    """The policy: every choice that follows from the device, one row each, with its reason."""
    compiles, compile_reason = _compiles(kind)
    full = kind == "cpu"
    dtype: Literal["float32", "own"] = "float32" if full else "own"
    why_dtype = "16-bit and 4-bit products do not reach the BLAS" if full else "the GPU multiplies it as it is"
    policy = (
        Choice("device", kind, reason),
        Choice("blas", blas.name, blas.reason),
        Choice("threads", str(threads), "the cores this process may use"),
        Choice("base_dtype", dtype, why_dtype),
        Choice("compile", "on" if compiles else "off", compile_reason),
        Choice("memory_budget", str(memory.budget), memory.reason),
        Choice("cache_limit", str(CACHE_LIMIT_BYTES), "keeps MLX from hoarding freed buffers"),
    )
    problems = (*_build_problems(builds), *_cuda_problems(kind, builds, info), *_cpu_problems(kind, blas, compiles))
    return Device(
        kind, reason, blas, memory.total, memory.budget, compiles, compile_reason, dtype, threads, policy, problems
    )


def installed_builds() -> tuple[str, ...]:
    """Which libraries of MLX are installed, by the name of their package."""
    return tuple(name for name in BUILDS if _installed(name))


def _installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def _set_up(device: Device) -> None:
    import mlx.core as mx

    if not device.compile:
        mx.disable_compile()
    mx.set_cache_limit(CACHE_LIMIT_BYTES)


def _cuda_available(mx: Any) -> bool:
    cuda = getattr(mx, "cuda", None)
    return cuda is not None and bool(cuda.is_available())


def _why(kind: Kind, info: Mapping[str, str | int], builds: tuple[str, ...]) -> str:
    name = str(info.get("device_name", "") or info.get("architecture", "unknown"))
    if kind == "metal":
        return f"MLX has a Metal GPU: {name}"
    if kind == "cuda":
        return f"MLX has a CUDA GPU: {name}"
    if any("cuda" in build for build in builds):
        return f"the CUDA build of MLX finds no usable GPU; the processor: {name}"
    return f"the installed MLX is the CPU build; the processor: {name}"


def _compiles(kind: Kind) -> tuple[bool, str]:
    """MLX's CPU build runs ``g++`` for each compiled function; the GPU builds bring their own compiler."""
    if kind != "cpu":
        return True, "the GPU build compiles by itself"
    compiler = shutil.which("g++")
    return (True, f"found {compiler}") if compiler else (False, "no g++, which MLX runs for compiled functions")


def _build_problems(builds: Iterable[str]) -> list[Problem]:
    found = list(builds)
    if len(found) < 2:
        return []
    return [
        Problem(
            f"{' and '.join(found)} are both installed; they put the same library in the same place.",
            f"Run `pip uninstall {' '.join(found)}`, then install one extra: mlxtwin[cpu], [cuda12] or [cuda13].",
        )
    ]


def _cuda_problems(kind: Kind, builds: Iterable[str], info: Mapping[str, str | int]) -> list[Problem]:
    wanted = next((build for build in builds if "cuda" in build), "")
    if not wanted:
        return []
    if kind != "cuda":
        driver = "580" if wanted.endswith("13") else "550"
        return [
            Problem(
                f"{wanted} is installed but MLX finds no GPU it can use.",
                f"It needs an NVIDIA driver of {driver} or newer: see `nvidia-smi`. Or install mlxtwin[cpu] instead.",
            )
        ]
    capability = (int(info.get("compute_capability_major", 99)), int(info.get("compute_capability_minor", 0)))
    if capability < _LEAST_CAPABILITY:
        return [
            Problem(
                f"The GPU has compute capability {capability[0]}.{capability[1]}; MLX needs 7.5.",
                "Install mlxtwin[cpu] instead.",
            )
        ]
    return []


def _cpu_problems(kind: Kind, blas: Blas, compiles: bool) -> list[Problem]:
    problems = []
    if kind == "cpu" and not blas.fast:
        problems.append(Problem(f"MLX multiplies with its slow reference BLAS ({blas.reason}).", INSTALL))
    if kind == "cpu" and not compiles:
        problems.append(
            Problem("mx.compile is off: there is no g++.", "Install it (`apt install g++`) for some speed.")
        )
    return problems


def _without_mlx(blas: Blas, threads: int, builds: tuple[str, ...], error: ImportError) -> Device:
    memory = cpu_memory()
    if builds:
        what = f"MLX cannot be loaded ({', '.join(builds)}): {error}."
    else:
        what = "MLX has no library for this machine: on Linux one of its builds must be chosen."
    problem = Problem(what, "Install mlxtwin[cpu], or mlxtwin[cuda12] or mlxtwin[cuda13] for an NVIDIA GPU.")
    return Device(
        "cpu", "MLX cannot be loaded", blas, memory.total, memory.budget, False, "MLX cannot be loaded", "float32",
        threads, (), (problem, *_build_problems(builds)), usable=False,
    )  # fmt: skip

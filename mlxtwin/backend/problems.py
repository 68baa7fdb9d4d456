"""What keeps MLX from using this computer well, each with how to mend it.

MLX's CUDA builds cannot even be imported without a driver and a GPU that suit them, so most of this is said of a
machine on which MLX did not load. Limits of the builds: MLX's install guide (driver, compute capability, glibc, macOS).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlxtwin.backend.blas import INSTALL, Blas
from mlxtwin.backend.machine import Card, Machine, Version

LEAST_CAPABILITY = (7, 5)
LEAST_DRIVER = {"mlx-cuda-12": (550,), "mlx-cuda-13": (580,)}
LEAST_GLIBC = (2, 35)
CHOOSE = "Install mlxtwin[cpu], or mlxtwin[cuda12] or mlxtwin[cuda13] for an NVIDIA GPU."
INSTEAD = "install mlxtwin[cpu] instead"
# Apple recommends about two thirds of a small Mac's memory and three quarters of a large one's.
_USUAL_SHARE, _SMALL_WORKING_SET = 0.6, 6 << 30
_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Problem:
    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class State:
    """How MLX fares: ``kind`` is empty where it could not be loaded, for the reason in ``error``.

    ``capability`` is that of the CUDA GPU in use. ``working_set`` and ``memory``, in bytes, are Metal's recommended
    working set and the Mac's memory; 0 elsewhere.
    """

    kind: str
    builds: Sequence[str]
    blas: Blas
    compiler: bool = True
    error: str = ""
    capability: Version = ()
    working_set: int = 0
    memory: int = 0


def find_problems(machine: Machine, state: State) -> tuple[Problem, ...]:
    """All of them, the one that explains the most first."""
    causes = [*_both_builds(state), *_system(machine), *_cuda(machine, state)]
    if not state.kind and not causes:
        causes = [_unexplained(state)]
    return (*causes, *_gpu_unused(machine, state), *_metal(machine, state), *_cpu(machine, state))


def _both_builds(state: State) -> Iterator[Problem]:
    if len(state.builds) > 1:
        yield Problem(
            f"{' and '.join(state.builds)} are both installed; they put the same library in the same place.",
            f"Run `pip uninstall {' '.join(state.builds)}`, then install one of mlxtwin[cpu], [cuda12] and [cuda13].",
        )


def _system(machine: Machine) -> Iterator[Problem]:
    if machine.libc and machine.libc < LEAST_GLIBC:
        yield Problem(
            f"This system has glibc {_dotted(machine.libc)}; MLX's builds for Linux need {_dotted(LEAST_GLIBC)}.",
            "Use a newer system, such as Ubuntu 22.04 or Debian 12, or a container with one.",
        )
    if machine.translated:
        yield Problem(
            "This Python was made for Intel processors and runs under Rosetta; MLX needs one for arm64.",
            "Install a Python for Apple silicon (python.org, or Homebrew in /opt/homebrew), and mlxtwin with it.",
        )
    elif machine.system == "darwin" and machine.processor != "arm64":
        yield Problem(
            "This Mac has an Intel processor; MLX needs Apple silicon.",
            "Use a Mac with Apple silicon, or a Linux PC with mlxtwin[cpu], [cuda12] or [cuda13].",
        )


def _cuda(machine: Machine, state: State) -> Iterator[Problem]:
    wanted = _cuda_build(state)
    if wanted and state.kind == "cuda":
        yield from _too_little(Card("The GPU", state.capability))
    elif wanted:
        found = list(_cuda_fails(machine, wanted))
        yield from found
        if state.kind and not found:
            yield Problem(
                f"{wanted} is installed, but MLX finds no GPU it can use.", f"See `nvidia-smi`; or {INSTEAD}."
            )


def _cuda_build(state: State) -> str:
    return next((build for build in state.builds if build in LEAST_DRIVER), "")


def _cuda_fails(machine: Machine, wanted: str) -> Iterator[Problem]:
    """Why MLX's CUDA build does not run on a GPU here; nothing where all it asks for is there."""
    least = LEAST_DRIVER[wanted]
    if machine.driver and machine.driver < least:
        older = " Or install mlxtwin[cuda12], which needs 550." if machine.driver >= (550,) else ""
        yield Problem(
            f"{wanted} needs an NVIDIA driver of {_dotted(least)} or newer; this one is {_dotted(machine.driver)}.",
            f"Update the driver{_in_windows(machine)}, or {INSTEAD}.{older}",
        )
    elif machine.cards and all(card.capability < LEAST_CAPABILITY for card in machine.cards if card.capability):
        yield from _too_little(machine.cards[0])
    elif not machine.driver and (machine.nvidia or machine.gpu_in_wsl):
        yield Problem(
            f"{wanted} is installed, but no NVIDIA driver answers.",
            f"Install NVIDIA's driver {_dotted(least)} or newer{_in_windows(machine)} and restart; see `nvidia-smi`.",
        )
    elif machine.wsl and not machine.gpu_in_wsl:
        yield Problem(
            f"{wanted} is installed, but Windows shares no GPU with this WSL: there is no /dev/dxg.",
            f"Use WSL 2 (`wsl --set-version`) and a current NVIDIA driver in Windows, or {INSTEAD}.",
        )
    elif not machine.nvidia:
        yield Problem(
            f"{wanted} is installed, but there is no NVIDIA GPU in this computer.",
            f"Run `pip uninstall {wanted}` and {INSTEAD}.",
        )
    elif not machine.nvidia_node and not machine.wsl:
        yield Problem(
            f"{wanted} is installed and a driver is loaded, but this process sees no GPU: there is no /dev/nvidia0.",
            f"In a container, pass the GPU in (`docker run --gpus all`); or {INSTEAD}.",
        )


def _too_little(card: Card) -> Iterator[Problem]:
    if card.capability and card.capability < LEAST_CAPABILITY:
        yield Problem(
            f"{card.name} has compute capability {_dotted(card.capability)}; MLX needs {_dotted(LEAST_CAPABILITY)}.",
            f"Remove the CUDA build and {INSTEAD}.",
        )


def _gpu_unused(machine: Machine, state: State) -> Iterator[Problem]:
    """An NVIDIA GPU is here and MLX's CPU build, or none, is installed. A GPU too old for MLX is no loss."""
    if _cuda_build(state) or not machine.nvidia:
        return
    fit = [card for card in machine.cards if not card.capability or card.capability >= LEAST_CAPABILITY]
    if machine.cards and not fit:
        return
    name = fit[0].name if fit else "An NVIDIA GPU"
    extra = best_extra(machine.driver)
    remove = f"Run `pip uninstall {' '.join(state.builds)}`, then install" if state.builds else "Install"
    if extra:
        fix = f"{remove} mlxtwin[{extra}], which suits driver {_dotted(machine.driver)}."
    else:
        fix = f"Update NVIDIA's driver to 580 or newer{_in_windows(machine)}. {remove} mlxtwin[cuda13]."
    yield Problem(f"{name} is here, but MLX cannot use it: its CUDA build is not installed.", fix)


def best_extra(driver: Version) -> str:
    """The extra of mlxtwin for an NVIDIA driver; empty where the driver is too old, or none is known."""
    if not driver:
        return ""
    return (
        "cuda13" if driver >= LEAST_DRIVER["mlx-cuda-13"] else "cuda12" if driver >= LEAST_DRIVER["mlx-cuda-12"] else ""
    )


def _metal(machine: Machine, state: State) -> Iterator[Problem]:
    if machine.system != "darwin" or machine.processor != "arm64":
        return
    if state.kind == "cpu":
        yield Problem("MLX finds no Metal GPU, as in a virtual machine.", "Run mlxtwin on the Mac itself.")
    if state.working_set and (
        state.working_set < _SMALL_WORKING_SET or state.working_set < _USUAL_SHARE * state.memory
    ):
        yield Problem(
            f"macOS recommends that the GPU hold {state.working_set / _GIB:.1f} of the {state.memory / _GIB:.1f} GiB.",
            "Quit other programs and choose a small or 4-bit base; mlxtwin plans within this and never raises it.",
        )
    if machine.on_battery:
        yield Problem(
            "This Mac runs on its battery, which slows a long training.", "Plug it in before `mlxtwin retrain`."
        )


def _cpu(machine: Machine, state: State) -> Iterator[Problem]:
    if state.kind != "cpu":
        return
    if not state.blas.fast:
        yield Problem(f"MLX multiplies with its slow reference BLAS ({state.blas.reason}).", INSTALL)
    if not state.compiler and machine.system == "linux":
        yield Problem("mx.compile is off: there is no g++.", "Install it (`apt install g++`) for some speed.")


def _unexplained(state: State) -> Problem:
    if not state.builds:
        return Problem("MLX has no library for this machine: on Linux one of its builds must be chosen.", CHOOSE)
    return Problem(f"MLX cannot be loaded ({', '.join(state.builds)}): {state.error.rstrip('.')}.", CHOOSE)


def _in_windows(machine: Machine) -> str:
    return " in Windows, not inside WSL" if machine.wsl else ""


def _dotted(version: Version) -> str:
    return ".".join(str(part) for part in version)

"""What is said about a machine that MLX cannot use well."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlxtwin.backend.blas import Blas
from mlxtwin.backend.machine import Card, Machine
from mlxtwin.backend.problems import Problem, State, best_extra, find_problems

FAST = Blas("OpenBLAS", "libopenblas.so.0", "loaded before MLX", True)
SLOW = Blas("reference", "", "not found", False)
GIB = 1 << 30
PLAIN = Machine("linux", "x86_64", (2, 36))
ADA = Card("NVIDIA GeForce RTX 4090", (8, 9))
PASCAL = Card("NVIDIA GeForce GTX 1080", (6, 1))
PC = replace(PLAIN, nvidia=True, nvidia_node=True, driver=(580, 65, 6), cards=(ADA,))
WSL = replace(PC, wsl=True, gpu_in_wsl=True)
MAC = Machine("darwin", "arm64")
NO_DEVICE = "cudaMallocManaged(&data, size) failed: no CUDA-capable device is detected"


def state(kind: str, *builds: str, blas: Blas = FAST, compiler: bool = True, error: str = "",
          capability: tuple[int, ...] = (), working_set: int = 0, memory: int = 0) -> State:  # fmt: skip
    return State(kind, builds, blas, compiler, error, capability, working_set, memory)


def only(machine: Machine, found: State) -> Problem:
    (problem,) = find_problems(machine, found)
    assert problem.what.endswith(".") and problem.fix.endswith(".")
    return problem


CUDA12, CUDA13, CPU = "mlx-cuda-12", "mlx-cuda-13", "mlx-cpu"


@pytest.mark.parametrize(
    ("machine", "found"),
    [
        (PLAIN, state("cpu", CPU)),
        (PC, state("cuda", CUDA13, capability=(8, 9))),
        (WSL, state("cuda", CUDA12, capability=(7, 5))),
        (MAC, state("metal", "mlx-metal", working_set=21 * GIB, memory=32 * GIB)),
        (replace(PC, cards=(PASCAL,)), state("cpu", CPU)),
    ],
)
def test_a_machine_that_suits_its_build_has_no_problem(machine: Machine, found: State) -> None:
    assert find_problems(machine, found) == ()


def test_a_driver_too_old_for_the_build_is_named_with_what_it_must_be() -> None:
    problem = only(replace(PC, driver=(550, 54, 14)), state("", CUDA13, error=NO_DEVICE))
    assert "550.54.14" in problem.what and "580" in problem.what
    assert "mlxtwin[cuda12]" in problem.fix
    problem = only(replace(PC, driver=(535, 183, 1)), state("", CUDA12, error=NO_DEVICE))
    assert "535.183.1" in problem.what and "550" in problem.what
    assert "mlxtwin[cuda12]" not in problem.fix


def test_under_wsl_the_driver_is_updated_in_windows() -> None:
    assert "in Windows" in only(replace(WSL, driver=(537, 13)), state("", CUDA12)).fix
    assert "in Windows" in only(replace(WSL, driver=(), cards=(), nvidia=False), state("", CUDA12)).fix
    assert "in Windows" not in only(replace(PC, driver=(537, 13)), state("", CUDA12)).fix


def test_wsl_without_a_shared_gpu_is_explained() -> None:
    machine = replace(PLAIN, wsl=True)
    assert "/dev/dxg" in only(machine, state("", CUDA12, error="libcuda.so.1: cannot open shared object file")).what


def test_a_card_without_a_driver_is_explained() -> None:
    machine = replace(PLAIN, nvidia=True)
    problem = only(machine, state("", CUDA13, error="libcuda.so.1: cannot open shared object file"))
    assert "no NVIDIA driver" in problem.what and "580" in problem.fix


def test_a_cuda_build_on_a_computer_without_a_gpu_is_to_be_replaced() -> None:
    problem = only(PLAIN, state("", CUDA12, error="libcuda.so.1: cannot open shared object file"))
    assert "no NVIDIA GPU" in problem.what and "uninstall mlx-cuda-12" in problem.fix and "mlxtwin[cpu]" in problem.fix


def test_a_container_that_does_not_get_the_gpu_is_explained() -> None:
    machine = replace(PLAIN, nvidia=True, driver=(580, 65, 6))
    assert "container" in only(machine, state("", CUDA13, error=NO_DEVICE)).fix


def test_an_old_gpu_is_told_its_compute_capability() -> None:
    problem = only(PC, state("cuda", CUDA12, capability=(6, 1)))
    assert "6.1" in problem.what and "7.5" in problem.what
    problem = only(replace(PC, cards=(PASCAL,)), state("", CUDA12, error=NO_DEVICE))
    assert "GTX 1080" in problem.what and "6.1" in problem.what
    assert "GTX 1080" not in only(replace(PC, cards=(PASCAL, ADA)), state("", CUDA12, error=NO_DEVICE)).what


def test_a_cuda_build_that_fails_for_no_known_reason_gives_mlxs_own() -> None:
    assert NO_DEVICE in only(PC, state("", CUDA13, error=NO_DEVICE)).what
    assert "nvidia-smi" in only(PC, state("cpu", CUDA13)).fix


def test_two_builds_of_mlx_at_once_are_explained() -> None:
    problem = only(PC, state("cuda", CPU, CUDA13, capability=(8, 9)))
    assert "mlx-cpu and mlx-cuda-13" in problem.what and "uninstall mlx-cpu mlx-cuda-13" in problem.fix


def test_a_gpu_that_lies_idle_is_named_with_the_build_that_suits_its_driver() -> None:
    problem = only(PC, state("cpu", CPU))
    assert "RTX 4090" in problem.what and "mlxtwin[cuda13]" in problem.fix and "uninstall mlx-cpu" in problem.fix
    assert "mlxtwin[cuda12]" in only(replace(PC, driver=(565, 1)), state("cpu", CPU)).fix
    old = only(replace(PC, driver=(470, 82)), state("cpu", CPU)).fix
    assert old.startswith("Update") and "580" in old
    assert "An NVIDIA GPU" in only(replace(PLAIN, nvidia=True), state("cpu", CPU)).what
    assert [best_extra(driver) for driver in ((), (549, 9), (550,), (579, 9), (580,))] == [
        "", "", "cuda12", "cuda12", "cuda13",
    ]  # fmt: skip


def test_nothing_installed_on_a_pc_with_a_gpu_names_the_choice_and_the_best() -> None:
    missing, unused = find_problems(PC, state("", error="libmlx.so: cannot open shared object file"))
    assert "no library" in missing.what and "mlxtwin[cpu]" in missing.fix
    assert unused.fix.startswith("Install mlxtwin[cuda13]")


def test_an_old_glibc_is_explained() -> None:
    problem = only(replace(PLAIN, libc=(2, 31)), state("", error="no libmlx.so"))
    assert "2.31" in problem.what and "2.35" in problem.what
    assert find_problems(replace(PLAIN, libc=(2, 35)), state("cpu", CPU)) == ()
    assert find_problems(replace(PLAIN, libc=()), state("cpu", CPU)) == ()


def test_intel_macs_and_rosetta_are_explained_apart() -> None:
    assert "Intel processor; MLX" in only(Machine("darwin", "x86_64"), state("", error="none")).what
    rosetta = only(Machine("darwin", "x86_64", translated=True), state("", error="none"))
    assert "Rosetta" in rosetta.what and "Install a Python for Apple silicon" in rosetta.fix


def test_a_small_working_set_is_explained_and_never_to_be_raised() -> None:
    small = only(MAC, state("metal", "mlx-metal", working_set=int(5.3 * GIB), memory=8 * GIB))
    assert "5.3 of the 8.0 GiB" in small.what and "never raises" in small.fix
    lowered = only(MAC, state("metal", "mlx-metal", working_set=16 * GIB, memory=32 * GIB))
    assert "16.0 of the 32.0 GiB" in lowered.what


def test_a_mac_without_metal_or_on_its_battery_is_told() -> None:
    assert "virtual machine" in only(MAC, state("cpu", "mlx-metal")).what
    assert "battery" in only(replace(MAC, on_battery=True), state("metal", "mlx-metal")).what


def test_the_battery_does_not_hide_why_mlx_does_not_load() -> None:
    first, second = find_problems(replace(MAC, on_battery=True), state("", "mlx-metal", error="no such symbol"))
    assert "no such symbol" in first.what and "battery" in second.what


def test_a_slow_blas_and_a_missing_compiler_are_problems_on_a_cpu_only() -> None:
    problem = only(PLAIN, state("cpu", CPU, blas=SLOW))
    assert "slow" in problem.what and "libopenblas0" in problem.fix and "mkl" in problem.fix
    assert "g++" in only(PLAIN, state("cpu", CPU, compiler=False)).fix
    assert find_problems(PC, state("cuda", CUDA13, blas=SLOW, compiler=False, capability=(8, 9))) == ()

"""The table of what differs between metal, cuda and cpu."""

from __future__ import annotations

import pytest

from mlxtwin.backend.blas import Blas
from mlxtwin.backend.memory import Memory
from mlxtwin.backend.policy import Device, Found, Kind, base_precision, decide, fuses_attention

GIB = 1 << 30
FAST = Blas("OpenBLAS", "libopenblas.so.0", "loaded before MLX", True)


def device(kind: Kind, *, compiler: str = "/usr/bin/g++", capability: tuple[int, ...] = (8, 9), wsl: bool = False,
           threads: int = 2, budget: int = 12 * GIB) -> Device:  # fmt: skip
    memory = Memory(16 * GIB, budget, "so it is")
    return decide(Found(kind, "a test", FAST, memory, threads, compiler, capability, wsl))


def row(found: Device, name: str) -> tuple[str, str]:
    (line,) = [line for line in found.policy if line.name == name]
    return line.value, line.reason


@pytest.mark.parametrize("kind", ["metal", "cuda", "cpu"])
def test_every_line_has_a_value_and_a_reason(kind: Kind) -> None:
    policy = device(kind).policy
    assert all(line.name and line.value and line.reason for line in policy)
    assert [line.name for line in policy] == [line.name for line in device("cpu").policy]


def test_rows_stay_near_the_real_lengths_on_a_cpu_and_fit_fused_attention_on_a_gpu() -> None:
    assert [device("cpu").widths.fit(tokens) for tokens in (0, 1, 32, 33, 300)] == [32, 32, 32, 64, 320]
    assert [device("cuda").widths.fit(tokens) for tokens in (1, 128, 129)] == [128, 128, 256]
    assert device("metal").widths.fit(300) == 384


def test_a_cpu_holds_the_base_in_float32_and_a_gpu_as_it_is() -> None:
    assert [device(kind).base_dtype for kind in ("cpu", "cuda", "metal")] == ["float32", "own", "own"]


def test_on_cuda_a_4_bit_base_is_unpacked_where_it_leaves_half_of_the_budget() -> None:
    card = device("cuda", budget=16 * GIB)
    assert base_precision(card, True, 8 * GIB)[0] == "bfloat16"
    value, why = base_precision(card, True, 8 * GIB + 1)
    assert value == "own" and "8.0 GiB" in why
    assert base_precision(card, False, GIB)[0] == "own"


def test_off_cuda_the_size_of_the_base_changes_nothing() -> None:
    assert base_precision(device("cpu"), True, 1)[0] == "float32"
    assert base_precision(device("metal"), True, 1)[0] == "own"


def test_attention_is_fused_only_where_mlx_can() -> None:
    card = device("cuda", capability=(8, 0))
    assert fuses_attention(card, 128, 512)
    assert not fuses_attention(card, 128, 500)
    assert not fuses_attention(card, 256, 512)
    assert not fuses_attention(card, 60, 512)
    assert not fuses_attention(card, 64, 512, bits=32)
    assert not fuses_attention(device("cuda", capability=(7, 5)), 64, 512)
    assert not fuses_attention(device("metal"), 64, 512)
    assert not fuses_attention(device("cpu"), 64, 512)
    assert row(card, "attention")[0] == "fused" and row(device("metal"), "attention")[0] == "plain"


def test_a_cpu_uses_a_stream_for_each_core_and_a_gpu_one() -> None:
    assert [device("cpu", threads=count).streams for count in (1, 2, 6)] == [1, 2, 6]
    assert device("cuda", threads=6).streams == device("metal", threads=6).streams == 1


def test_without_a_compiler_compiled_functions_are_off_on_a_cpu_alone() -> None:
    bare = device("cpu", compiler="")
    assert not bare.compile and "g++" in bare.compile_reason and row(bare, "compile") == ("off", bare.compile_reason)
    assert device("metal", compiler="").compile and device("cuda", compiler="").compile


def test_the_memory_limit_of_mlx_is_set_on_cuda_alone() -> None:
    assert device("cuda", budget=5 * GIB).memory_limit == 5 * GIB
    assert device("cpu").memory_limit == device("metal").memory_limit == 0
    assert row(device("cpu"), "memory_limit")[0] == "MLX's own"


def test_arrays_from_the_host_are_warned_of_under_wsl_alone() -> None:
    def said(*of: str, **more: bool) -> str:
        return next(choice.reason for choice in device(*of, **more).policy if choice.name == "host_arrays")

    assert "WSL2" in said("cuda", wsl=True)
    assert "WSL2" not in said("cuda") and "WSL2" not in said("cpu", wsl=True)

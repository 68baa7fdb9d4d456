from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from mlxtwin.backend import blas as blas_module
from mlxtwin.backend.blas import load_blas, loaded_library
from mlxtwin.backend.device import detect, prepare
from mlxtwin.backend.memory import cpu_memory, cpu_threads, cuda_memory, metal_memory

GIB = 1 << 30


def run(code: str, **environment: str) -> str:
    """In a fresh process, where MLX is not loaded yet."""
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    return answer.stdout.strip()


def test_every_choice_has_a_reason_and_the_answer_is_found_once() -> None:
    device = detect()
    assert device is detect()
    assert device.usable and device.reason and device.memory_total >= device.memory_budget > 0
    assert all(row.name and row.value and row.reason for row in device.policy)
    assert {row.name for row in device.policy} >= {
        "device",
        "blas",
        "base_dtype",
        "compile",
        "memory_budget",
        "threads",
    }
    assert all(problem.what and problem.fix for problem in device.problems)
    assert all(getattr(device, field.name) is not None for field in fields(device))


def test_every_choice_of_the_policy_is_on_the_device_too() -> None:
    device = detect()
    assert prepare() == device
    assert device.widths.fit(1) == device.widths.step
    assert device.streams >= 1 and device.cache_limit > 0
    assert len({row.name for row in device.policy}) == len(device.policy) >= 15


def fake_system(root: Path, available_gib: int, **groups: str) -> Path:
    (root / "proc" / "self").mkdir(parents=True)
    (root / "proc" / "meminfo").write_text(f"MemTotal: {32 * 2**20} kB\nMemAvailable: {available_gib * 2**20} kB\n")
    (root / "proc" / "self" / "cgroup").write_text("0::/user/app\n")
    folder = root / "sys" / "fs" / "cgroup" / "user" / "app"
    folder.mkdir(parents=True)
    for name, text in groups.items():
        place = folder.parent if name.startswith("parent_") else folder
        (place / name.removeprefix("parent_").replace("__", ".")).write_text(text)
    return root


def test_the_budget_is_a_share_of_what_is_available(tmp_path: Path) -> None:
    memory = cpu_memory(fake_system(tmp_path, 20))
    assert (memory.total, memory.budget) == (32 * GIB, int(0.8 * 20 * GIB))


def test_a_control_group_lowers_total_and_budget(tmp_path: Path) -> None:
    limits = {
        "memory__max": str(8 * GIB),
        "memory__current": str(3 * GIB),
        "memory__stat": f"anon 5\ninactive_file {GIB}\n",
    }
    memory = cpu_memory(fake_system(tmp_path, 20, **limits))
    assert (memory.total, memory.budget) == (8 * GIB, int(0.8 * 6 * GIB))
    assert "control group" in memory.reason


def test_the_limit_of_an_outer_control_group_counts_too(tmp_path: Path) -> None:
    limits = {"memory__max": "max", "parent_memory__max": str(4 * GIB), "parent_memory__current": "0"}
    assert cpu_memory(fake_system(tmp_path, 20, **limits)).total == 4 * GIB


def test_a_share_of_processor_time_lowers_the_threads(tmp_path: Path) -> None:
    assert cpu_threads(fake_system(tmp_path, 20, cpu__max="100000 100000")) == 1
    assert cpu_threads(tmp_path / "nothing") >= 1


def test_gpu_budgets_come_from_what_the_driver_says() -> None:
    metal = metal_memory({"memory_size": 16 * GIB, "max_recommended_working_set_size": 10 * GIB})
    assert (metal.total, metal.budget) == (16 * GIB, 8 * GIB)
    cuda = cuda_memory({"total_memory": 24 * GIB, "free_memory": 20 * GIB})
    assert (cuda.total, cuda.budget) == (24 * GIB, 16 * GIB)


def test_a_blas_that_comes_too_late_is_admitted() -> None:
    assert "mlx.core" in sys.modules
    loaded = load_blas(2)
    assert loaded.fast == bool(loaded_library())
    code = "import mlx.core; from mlxtwin.backend.blas import load_blas; b = load_blas(1); print(b.fast, b.reason)"
    assert run(code) == "False MLX was imported before a fast BLAS could be loaded"


@pytest.mark.skipif(sys.platform != "linux", reason="MLX brings its BLAS along elsewhere")
def test_the_choice_can_be_narrowed_and_a_missing_one_is_named() -> None:
    code = "from mlxtwin.backend.blas import load_blas; b = load_blas(1); print(b.name, b.fast, b.reason)"
    assert run(code, MLXTWIN_BLAS="reference") == "reference False MLXTWIN_BLAS asks for it"
    assert "not found: none-such" in run(code, MLXTWIN_BLAS="none-such")


def test_a_library_without_the_product_mlx_calls_is_not_taken() -> None:
    class Empty:
        pass

    def opener(path: str, mode: int) -> Empty:
        return Empty()

    assert not blas_module._load("libm.so.6", opener)  # type: ignore[arg-type]
    assert not blas_module._load("none-such.so")


def test_numpys_own_blas_is_not_mistaken_for_one_mlx_can_use(tmp_path: Path) -> None:
    maps = tmp_path / "maps"
    maps.write_text("7f-8f r-xp 0 0 0 /env/numpy.libs/libopenblas64_p-r0-1a2b.so\n7f-8f r-xp 0 0 0 /lib/libc.so\n")
    assert loaded_library(maps) == ""
    maps.write_text("7f-8f r-xp 00000000 08:01 42 /usr/lib/libopenblas.so.0\n")
    assert loaded_library(maps) == "/usr/lib/libopenblas.so.0"


def test_without_mlx_there_is_a_problem_and_no_traceback() -> None:
    code = (
        "import sys; sys.modules['mlx.core'] = None\n"
        "from mlxtwin.backend.device import detect, prepare\n"
        "d = detect(); print(d.usable, bool(d.problems[0].fix))\n"
        "try: prepare()\nexcept Exception as e: print(type(e).__name__)"
    )
    assert run(code).split() == ["False", "True", "RunFailed"]


def test_two_processes_compute_the_same_bytes() -> None:
    code = (
        "from mlxtwin.backend.device import prepare; prepare()\n"
        "import hashlib, mlx.core as mx, numpy as np\n"
        "from mlx import nn\n"
        "mx.random.seed(1)\n"
        "layer = nn.Sequential(nn.Linear(257, 300), nn.ReLU(), nn.Linear(300, 129))\n"
        "x = mx.random.normal((77, 257))\n"
        "g = nn.value_and_grad(layer, lambda m: mx.mean(mx.square(m(x))))(layer)[1]\n"
        "print(hashlib.sha256(np.array(g['layers'][0]['weight']).tobytes()).hexdigest())"
    )
    assert run(code) == run(code)


def test_importing_the_room_loads_no_mlx_and_reads_nothing() -> None:
    code = "import sys, mlxtwin.backend.device, mlxtwin.backend.pull; print(*sys.modules)"
    assert not [name for name in run(code).split() if name.startswith(("mlx.", "mlx_lm", "huggingface"))]

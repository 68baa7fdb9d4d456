"""What a comparison says: ratios of the same work only, and the reason where there is none."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.client import bench
from mlxtwin.client.bench_result import epoch_speeds, not_the_same, ratio
from mlxtwin.errors import UsageError
from mlxtwin.train.bench.work import write_result

TOKENS = 3000
CPU = {"kind": "cpu", "threads": 2, "blas": {"name": "OpenBLAS", "fast": True}}


def contestant(speed: float = 100.0, nll: float = 5.0, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "seconds": TOKENS / speed, "supervised_tokens": TOKENS, "supervised_tokens_per_second": speed,
        "supervised_tokens_per_second_later_epochs": speed, "peak_memory_bytes": 1000, "holdout_nll": nll,
    }  # fmt: skip
    return made | changes


def test_a_ratio_is_ours_over_theirs() -> None:
    found = ratio(contestant(300.0, peak_memory_bytes=400), contestant(100.0), TOKENS)
    assert found == {"speed": 3.0, "memory": 0.4, "speed_later_epochs": 3.0, "reason": None}


@pytest.mark.parametrize("theirs", [5.03, 4.97, float("nan")])
def test_there_is_no_ratio_where_the_held_out_losses_differ(theirs: float) -> None:
    found = ratio(contestant(nll=5.0), contestant(nll=theirs), TOKENS)
    assert (found["speed"], found["memory"], found["speed_later_epochs"]) == (None, None, None)
    assert "more than 0.02" in found["reason"]


@pytest.mark.parametrize("theirs", [5.02, 4.98, 5.0])
def test_losses_up_to_two_hundredths_apart_are_the_same(theirs: float) -> None:
    assert not_the_same(contestant(nll=5.0), contestant(nll=theirs), TOKENS) == ""


def test_there_is_no_ratio_where_not_every_token_was_trained() -> None:
    fewer = contestant(supervised_tokens=TOKENS - 1)
    assert "2,999 supervised tokens of 3,000" in not_the_same(contestant(), fewer, TOKENS)
    assert not_the_same(fewer, contestant(), TOKENS).startswith("ours")


def test_a_part_counts_only_when_it_goes_as_the_whole_run_does() -> None:
    part = {"steps": 1, "of": 36, "holdout_nll": 8.0, "mlx_lm_same_blas_holdout_nll": 8.0}
    partly = contestant(supervised_tokens=90, part=part)
    assert not_the_same(contestant(), partly, TOKENS) == ""
    off = contestant(supervised_tokens=90, part=part | {"holdout_nll": 8.1})
    assert "they do not do the same" in not_the_same(contestant(), off, TOKENS)


def test_the_speed_of_the_first_epoch_is_told_from_that_of_the_later_ones() -> None:
    curve = [(100 * step, 10.0 * step if step <= 10 else 100.0 + 2.0 * (step - 10)) for step in range(1, 31)]
    assert epoch_speeds(curve, 1000, 3) == (10.0, 50.0)
    between = [(tokens - 50, seconds - (5.0 if seconds <= 100 else 1.0)) for tokens, seconds in curve]
    first, later = epoch_speeds([*between, curve[-1]], 1000, 3)
    assert (first, later) == (pytest.approx(10.0, rel=0.05), pytest.approx(50.0, rel=0.05))


def test_too_few_points_or_a_part_tell_no_speed_of_an_epoch() -> None:
    assert epoch_speeds([(1000, 5.0), (3000, 9.0)], 1000, 3) == (None, None)
    assert epoch_speeds([(10 * step, float(step)) for step in range(1, 30)], 1000, 3) == (None, None)


@pytest.mark.parametrize(
    ("machine", "one"),
    [
        (CPU, False),
        ({**CPU, "kind": "metal"}, True),
        ({**CPU, "kind": "cuda"}, True),
        ({**CPU, "blas": {"name": "reference", "fast": False}}, True),
    ],
)
def test_mlx_lm_runs_twice_only_where_it_brings_a_slower_blas(machine: dict[str, Any], one: bool) -> None:
    assert bench.one_mlx_lm(machine) is one


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (bench.Wanted(rivals=("torch",)), "There is no rival torch."),
        (bench.Wanted(rivals=("peft",), peft_python="/nowhere/python"), "no Python that starts"),
        (bench.Wanted(rivals=("mlx_lm_same_blas",), peft_python=sys.executable), "not among the rivals"),
    ],
)
def test_rivals_that_cannot_be_had_are_refused(wanted: bench.Wanted, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        bench._rivals(wanted)


def test_work_that_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no held-out loss of its own"):
        bench._work(bench.Wanted(), CPU, ("mlx_lm_as_installed",), tmp_path)
    with pytest.raises(UsageError, match="tiny has 4 blocks"):
        bench._work(bench.Wanted(model="tiny", blocks=5), CPU, (), tmp_path)
    whole = bench._work(bench.Wanted(rival_share=1.0), CPU, ("mlx_lm_as_installed",), tmp_path)
    assert whole.part == 0


def test_a_child_that_fails_says_why(tmp_path: Path) -> None:
    work = bench._work(bench.Wanted(model="tiny"), CPU, (), tmp_path)
    assert bench._run([sys.executable, "-c", ""], work, "x") == ""
    assert bench._run([sys.executable, "-c", "raise SystemExit('no such thing.')"], work, "x") == "no such thing"
    assert "signal 9" in bench._run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], work, "x")


def test_the_peak_is_that_of_the_process_in_bytes() -> None:
    program = (
        "from mlxtwin.train.bench.work import resident_peak as peak; before = peak();"
        "len(bytearray(900 << 20)); print(peak() - before)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 850 << 20 < int(done.stdout) < 950 << 20


def test_memory_is_the_residents_on_a_cpu_and_the_devices_elsewhere(tmp_path: Path) -> None:
    work = bench._work(bench.Wanted(model="tiny"), CPU, (), tmp_path)
    work.save()
    write_result(work, "ours", {"resident_peak_bytes": 5, "mlx_peak_memory_bytes": 3})
    assert bench._numbers(work, "ours")["peak_memory_bytes"] == 5
    assert bench._numbers(replace(work, device="cuda"), "ours")["peak_memory_bytes"] == 3

"""``mlxtwin bench train`` on a base of a few kilobytes: every contestant trains, the answer has its promised shape."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.cli.bench import report

ROOT = Path(__file__).resolve().parents[2]
FIELDS = ("seconds", "supervised_tokens_per_second", "peak_memory_bytes", "holdout_nll")


pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One comparison, with mlx-lm twice: whole, and on a part where it has a BLAS of its own."""
    folder = tmp_path_factory.mktemp("bench")
    done = subprocess.run(
        [sys.executable, "-m", "mlxtwin", "bench", "train", "--json", "--model", "tiny", "--examples", "4", "--epochs",
         "2", "--rank", "4", "--rivals", "mlx_lm_same_blas,mlx_lm_as_installed"],
        capture_output=True, text=True, check=False, timeout=300, cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [path.name for path in folder.iterdir() if path.name.startswith("mlxtwin-bench")] == []
    value: dict[str, Any] = json.loads(done.stdout)
    return value


def test_the_answer_has_every_promised_field(found: dict[str, Any]) -> None:
    assert found["device"] in ("metal", "cuda", "cpu")
    assert found["model"] == "tiny"
    for name in ("ours", "mlx_lm_as_installed", "mlx_lm_same_blas"):
        assert all(found[name][field] > 0 for field in FIELDS), name
    assert found["ratio"].keys() == {"mlx_lm_as_installed", "mlx_lm_same_blas"}
    assert all({"speed", "memory"} <= one.keys() for one in found["ratio"].values())
    assert found["settings"]["num_layers"] == 2
    assert (found["settings"]["rank"], found["settings"]["epochs"]) == (4, 2)


def test_all_trained_the_same_supervised_tokens(found: dict[str, Any]) -> None:
    tokens = 2 * found["settings"]["supervised_tokens_per_epoch"]
    assert found["ours"]["supervised_tokens"] == found["mlx_lm_same_blas"]["supervised_tokens"] == tokens
    assert 0 < found["mlx_lm_as_installed"]["supervised_tokens"] <= tokens


def test_the_ratio_is_that_of_the_numbers_shown(found: dict[str, Any]) -> None:
    for name, ratio in found["ratio"].items():
        speeds = [found[one]["supervised_tokens_per_second"] for one in ("ours", name)]
        assert ratio["reason"] is None
        assert ratio["speed"] == pytest.approx(speeds[0] / speeds[1], abs=0.01)


def test_a_part_is_stated_and_was_checked(found: dict[str, Any]) -> None:
    part = found["mlx_lm_as_installed"].get("part")
    if part is None:
        pytest.skip("here mlx-lm as installed has no slower BLAS")
    assert (part["steps"], part["of"]) == (1, 2)
    assert part["holdout_nll"] == pytest.approx(part["mlx_lm_same_blas_holdout_nll"], abs=1e-3)
    assert found["mlx_lm_as_installed"]["holdout_nll"] == found["mlx_lm_same_blas"]["holdout_nll"]


def test_training_lowered_the_held_out_loss(found: dict[str, Any]) -> None:
    for name in ("ours", "mlx_lm_same_blas"):
        assert found[name]["holdout_nll"] < found["settings"]["base_holdout_nll"]


def test_the_table_has_a_row_for_each_and_says_its_settings(found: dict[str, Any]) -> None:
    text = report(found)
    rows = [line for line in text.splitlines() if line.startswith(("mlxtwin  ", "mlx_lm.lora as", "mlx_lm.lora, same"))]
    assert len(rows) >= 3
    assert f"{found['ratio']['mlx_lm_same_blas']['speed']:.2f}" in text
    assert f"learning rate {found['settings']['learning_rate']}" in text
    assert found["settings"]["measured"] in text


def test_a_refused_ratio_is_told_in_words_and_not_as_a_number(found: dict[str, Any]) -> None:
    nothing = {"speed": None, "memory": None, "speed_later_epochs": None, "reason": "the losses are apart"}
    text = report(found | {"ratio": {**found["ratio"], "mlx_lm_same_blas": nothing}})
    assert "No ratio to mlx_lm.lora, same BLAS: the losses are apart." in text
    row = next(line for line in text.splitlines() if line.startswith("mlx_lm.lora, same"))
    assert row.split()[-3:] == ["-", "-", "-"]

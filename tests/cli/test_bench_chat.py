"""``mlxtwin bench chat`` on a base of a few kilobytes: both answer, the answer has its promised shape."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.cli.bench import chat_report

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("bench")
    done = subprocess.run(
        [sys.executable, "-m", "mlxtwin", "bench", "chat", "--json", "--model", "tiny", "--tokens", "16", "--rounds",
         "1", "--conversations", "1"],
        capture_output=True, text=True, check=False, timeout=300, cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [path.name for path in folder.iterdir() if path.name.startswith("mlxtwin")] == []
    value: dict[str, Any] = json.loads(done.stdout)
    return value


def test_the_answer_has_every_promised_field(found: dict[str, Any]) -> None:
    assert found["device"] in ("metal", "cuda", "cpu")
    assert found["model"] == "tiny"
    for who in ("ours", "mlx_lm"):
        assert all(0 < found[who][f"{what}_tokens_per_second"] < 1e6 for what in ("bare", "adapter")), found[who]
    assert found["swap_ms"] > 0
    assert found["first_token_ms"]["first"] > 0
    assert found["first_token_ms"]["tenth"] > 0
    assert (found["settings"]["tokens"], found["settings"]["rank"], found["settings"]["num_layers"]) == (16, 8, 2)


def test_the_ratios_are_those_of_the_numbers_shown(found: dict[str, Any]) -> None:
    for what in ("bare", "adapter"):
        speeds = [found[who][f"{what}_tokens_per_second"] for who in ("ours", "mlx_lm")]
        assert found["ratio"][what] == pytest.approx(speeds[0] / speeds[1], abs=0.01)
    first = found["first_token_ms"]
    assert first["ratio"] == pytest.approx(first["tenth"] / first["first"], abs=0.01)


def test_the_table_has_a_row_for_each_and_says_what_was_measured(found: dict[str, Any]) -> None:
    text = chat_report(found)
    assert [line.split()[0] for line in text.splitlines()[:4]] == ["tokens/s", "mlxtwin", "mlx_lm", "ours"]
    assert found["settings"]["measured"] in text
    assert f"{found['swap_ms']:.1f} ms" in text

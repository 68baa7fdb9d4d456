"""What doctor says follows from the device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlxtwin.cli.doctor import _policy

Run = Callable[..., Any]
KEYS = {"name", "value", "reason"}


def test_the_policy_is_in_the_answer_with_its_reasons(run: Run) -> None:
    found = run("doctor", "--json").value
    assert all(set(line) == KEYS and all(line.values()) for line in found["policy"])
    assert {"widths", "base_dtype", "streams", "attention", "kernels"} <= {line["name"] for line in found["policy"]}


def test_a_person_sees_name_value_and_reason_in_columns(run: Run) -> None:
    lines = run("doctor").out.splitlines()
    start = lines.index("Chosen for this machine:") + 1
    table = lines[start : lines.index("", start)]
    assert len(table) > 8
    names = {line.split()[0] for line in table}
    assert "widths" in names and "blas" not in names  # that stands above
    reasons = [line.split("  ")[-1] for line in table]
    assert len({line.index(reason) for line, reason in zip(table, reasons, strict=True)}) == 1


def test_without_a_device_there_is_no_table() -> None:
    assert _policy({"policy": []}) == []
    assert _policy({"policy": [{"name": "blas", "value": "MKL", "reason": "found"}]}) == []

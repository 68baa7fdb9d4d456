from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import dial
import pytest
import throwaway
from dial import _combinations

RESULT: dict[str, Any] = {
    "seconds": 4.5, "steps": 7, "supervised_tokens": 1200, "strength": 0.85, "verdict": "rejected",
    "peak_memory_bytes": 1, "holdout": {"base_nll": 4.0, "twin_nll": 3.0, "gain_ci": [0.9, 1.1]},
    "checks": {"forgetting": [0.01, 0.03, True], "copying": [4.0, 13.0, True]},
}  # fmt: skip
EVENTS = [{"event": "validation", "loss": 3.5}, {"event": "skipped"}]


class Fake(throwaway.Twin):
    """Trains nothing; a learning rate of 9 is refused."""

    def retrain(self, sets: Any, slot: str = "voice") -> list[dict[str, Any]]:
        if "learning_rate=9" in sets:
            raise throwaway.Failed("no such rate")
        return [*EVENTS, RESULT | {"slot": slot}]


def test_every_combination_is_run_and_the_last_key_changes_fastest() -> None:
    names, combinations = _combinations(Namespace(vary=["seed=0,1", "learning_rate=1e-3,2e-3"]))
    assert names == ["seed", "learning_rate"]
    assert combinations == [("0", "1e-3"), ("0", "2e-3"), ("1", "1e-3"), ("1", "2e-3")]


def test_what_varies_nothing_is_named() -> None:
    with pytest.raises(SystemExit, match="seed is not KEY=V1,V2"):
        _combinations(Namespace(vary=["seed"]))


def test_a_run_that_fails_is_a_row_and_the_next_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Made:
        def __enter__(self) -> Fake:
            return Fake(tmp_path, "passphrase")

        def __exit__(self, *_: object) -> None: ...

    out = tmp_path / "out.jsonl"
    monkeypatch.setattr(dial, "throwaway", lambda arguments: Made())
    monkeypatch.setattr("sys.argv", ["dial.py", "texts", "--vary", "learning_rate=9,1e-3", "--out", str(out)])
    dial.main()
    failed, done = (json.loads(line) for line in out.read_text().splitlines())
    assert failed["error"] == "no such rate"
    assert done["values"] == {"learning_rate": "1e-3"}
    assert (done["gain"], done["neutral"], done["strength"]) == (0.25, 0.01, 0.85)
    assert (done["losses_set_apart"], done["skipped_steps"]) == ([3.5], 1)
    head, first, second = capsys.readouterr().out.splitlines()
    assert len(head.split()) == len(second.split()) == 1 + len(dial.MEASURES)
    assert "no such rate" in first and "+25.0%" in second


def test_each_run_pays_for_its_own_frozen_part(tmp_path: Path) -> None:
    twin = Fake(tmp_path, "passphrase")
    kept = twin.home.prefix / "states"
    for keep in (True, False):
        kept.mkdir(parents=True, exist_ok=True)
        dial._measured(twin, "run-1", {}, Namespace(sets=[], keep_prefix=keep))
        assert kept.exists() == keep

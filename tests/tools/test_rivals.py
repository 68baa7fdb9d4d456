from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from judge import Work
from rivals import Rival, _clock, _done, _Over, config_of, write_lines

from mlxtwin.dataset.examples import Dataset, DatasetReport
from mlxtwin.records import Example, Message
from mlxtwin.train.schedule import learning_rate

RECIPE: dict[str, Any] = {
    "fine_tune_type": "lora", "num_layers": -1, "max_seq_length": 12, "warmup": 0.1, "seed": 3, "learning_rate": 2e-3,
    "lora_parameters": {"rank": 4, "scale": 2.0, "dropout": 0.0, "keys": None},
}  # fmt: skip


class Words:
    """A tokenizer to which every word is a token."""

    def apply_chat_template(self, messages: list[dict[str, str]], **_: Any) -> list[str]:
        return " ".join(message["content"] for message in messages).split()


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return _work(tmp_path)


def _work(folder: Path, order: str = "drawn", all_lines: bool = False) -> Work:
    made = Work(folder, {"path": "base"}, RECIPE, 1, True, order, all_lines, 4)
    sizes = ((5, 2), (12, 1), (1, 1), (3, 9), (30, 2))
    train = tuple(_example(number, *size) for number, size in enumerate(sizes))
    made.dataset.write_bytes(Dataset(train, (), DatasetReport({}, {}, {}, {}, {}, {})).to_bytes())
    return made


def _example(number: int, asked: int, told: int) -> Example:
    return Example(
        f"d{number}", "reply", (Message("user", "a " * asked), Message("assistant", "b " * told)), 1, "train"
    )


def _lengths(folder: Path) -> list[int]:
    lines = (folder / "lines" / "train.jsonl").read_text().splitlines()
    return [sum(len(message["content"].split()) for message in json.loads(line)["messages"]) for line in lines]


def test_lines_whose_prompt_fills_the_window_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    assert write_lines(_work(tmp_path), Words(), tmp_path / "lines") == 2
    assert sorted(_lengths(tmp_path)) == [2, 7, 12]
    assert write_lines(_work(tmp_path, all_lines=True), Words(), tmp_path / "lines") == 0
    assert sorted(_lengths(tmp_path)) == [2, 7, 12, 13, 32]


def test_lines_come_by_length_where_that_is_asked_for(tmp_path: Path) -> None:
    write_lines(_work(tmp_path, "length", True), Words(), tmp_path / "lines")
    assert _lengths(tmp_path) == [2, 7, 12, 13, 32]


def test_mlx_lm_gets_only_keys_that_it_knows_and_our_schedule(work: Work) -> None:
    from mlx_lm.lora import CONFIG_DEFAULTS
    from mlx_lm.tuner.utils import build_schedule

    config = config_of(work, Rival("one", 2e-3, steps=50), CONFIG_DEFAULTS)
    assert config.keys() <= CONFIG_DEFAULTS.keys()
    rates = [float(build_schedule(config["lr_schedule"])(step)) for step in range(50)]
    assert rates == pytest.approx([learning_rate(step, 50, 2e-3, 0.1) for step in range(50)], rel=1e-4)


def test_by_its_defaults_it_keeps_its_own_rate_scale_and_optimizer(work: Work) -> None:
    own = {"lora_parameters": {"rank": 99, "scale": 20.0}}
    config = config_of(work, Rival("own", None, steps=5), own)
    assert not config.keys() & {"learning_rate", "optimizer", "lr_schedule"}
    assert config["lora_parameters"] == {"rank": 4, "scale": 20.0, "dropout": 0.0}


def test_the_clock_ends_a_run_when_the_time_is_up_or_the_loss_is_no_number() -> None:
    def step(number: int, loss: float) -> dict[str, Any]:
        return {"iteration": number, "train_loss": loss, "trained_tokens": 10 * number, "iterations_per_second": 2.0}

    timed, broken = _clock(1.0), _clock(100.0)
    timed.on_train_loss_report(step(1, 3.0))
    with pytest.raises(_Over):
        timed.on_train_loss_report(step(2, 2.0))
    with pytest.raises(_Over):
        broken.on_train_loss_report(step(1, math.nan))
    assert _done(timed.curve, 4) == {"seconds": 1.0, "steps": 2, "supervised_tokens": 12, "broke_at": 0}
    assert _done(broken.curve, 4)["broke_at"] == 1

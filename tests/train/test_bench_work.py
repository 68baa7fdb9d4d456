"""The work that the contestants of a comparison get: the same for all, the same for the same seed."""

from __future__ import annotations

import json
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest

from mlxtwin.backend.adapters import LoraSpec, adapter_arrays, attach
from mlxtwin.backend.engine import load_base
from mlxtwin.backend.models import describe
from mlxtwin.backend.tensors import from_safetensors
from mlxtwin.train.bench import judge, ours, stage, stock
from mlxtwin.train.bench.work import (
    LONGEST,
    SHORTEST,
    Work,
    part_steps,
    read_tokens,
    whole_batches,
)
from mlxtwin.train.schedule import learning_rate


def work_in(folder: Path, **changes: Any) -> Work:
    made = Work(folder, "tiny", "float32", "cpu", 12, 4, 2, 2, 4, 2.0, 1e-3, 0.1, 4, 0, 2, 3)
    return replace(made, **changes)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    made = work_in(tmp_path_factory.mktemp("staged"))
    stage.main([str(made.save())])
    return made


def test_work_comes_back_as_it_was_written(work: Work) -> None:
    assert Work.read(str(work.save())) == work


def test_the_chats_are_as_many_and_as_long_as_asked(work: Work) -> None:
    train, holdout = read_tokens(work, "train"), read_tokens(work, "holdout")
    assert (len(train), len(holdout)) == (work.examples, work.held_out)
    lengths = [len(example.tokens) for example in train + holdout]
    assert SHORTEST <= min(lengths) <= max(lengths) <= LONGEST
    assert max(lengths) > 2 * min(lengths)
    shares = [example.targets / len(example.tokens) for example in train]
    assert 0.2 < min(shares) < max(shares) < 0.8


def test_the_same_seed_gives_the_same_work_and_another_gives_another(work: Work, tmp_path: Path) -> None:
    for name, seed in (("same", 3), ("other", 4)):
        (tmp_path / name).mkdir()
        stage.main([str(work_in(tmp_path / name, seed=seed).save())])
    for part in ("base/model.safetensors", "start.safetensors", "data/train.jsonl"):
        content = (work.folder / part).read_bytes()
        assert (tmp_path / "same" / part).read_bytes() == content
        assert (tmp_path / "other" / part).read_bytes() != content


def test_held_out_chats_share_no_passage_with_the_training(work: Work) -> None:
    def passages(side: str) -> set[str]:
        words = (work.data / f"{side}.jsonl").read_text(encoding="utf-8").split()
        return {" ".join(words[at : at + 12]) for at in range(len(words) - 12)}

    assert passages("train")
    assert not passages("train") & passages("holdout")


def test_mlx_lm_sees_the_tokens_and_targets_that_we_see(work: Work) -> None:
    from mlx_lm import lora

    settings = types.SimpleNamespace(**lora.CONFIG_DEFAULTS | stock.config_of(work, "rival", work.steps))
    _, tokenizer = lora.load(settings.model)
    rows, valid, _ = lora.load_dataset(settings, tokenizer)
    mine = read_tokens(work, "train")
    assert len(rows) == len(mine)
    assert not valid
    for row, example in zip((rows.process(rows[at]) for at in range(len(rows))), mine, strict=True):
        assert tuple(row[0]) == example.tokens
        assert len(row[0]) - row[1] == example.targets


def test_every_key_for_mlx_lm_is_one_it_knows(work: Work) -> None:
    from mlx_lm import lora

    known = lora.CONFIG_DEFAULTS.keys()
    assert stock.config_of(work, "rival", 1).keys() <= known


@pytest.mark.parametrize(("examples", "tolerance"), [(160, 1e-4), (40, 1e-4), (8, 0.3)])
def test_mlx_lm_gets_the_same_learning_rates(work: Work, examples: int, tolerance: float) -> None:
    from mlx_lm.tuner.utils import build_schedule

    long = replace(work, examples=examples)
    rate = build_schedule(stock.config_of(long, "rival", long.steps)["lr_schedule"])
    theirs = [float(rate(mx.array(step))) for step in range(long.steps)]
    own = [learning_rate(step, long.steps, long.learning_rate, long.warmup) for step in range(long.steps)]
    np.testing.assert_allclose(theirs, own, atol=tolerance * long.learning_rate)


def test_our_batches_take_about_the_steps_of_the_others(work: Work) -> None:
    from mlxtwin.dataset.batches import batches

    size, train = ours.batch_tokens(work), read_tokens(work, "train")
    steps = sum(len(batches(train, batch_tokens=size, seed=work.seed, epoch=epoch)) for epoch in range(work.epochs))
    assert abs(steps - work.steps) <= 1


def test_our_recipe_is_the_work(work: Work) -> None:
    recipe = ours.recipe_of(work)
    lora = recipe.lora_parameters
    assert (recipe.num_layers, lora.rank, lora.scale, lora.dropout) == (work.blocks, work.rank, work.scale, 0.0)
    assert (recipe.epochs, recipe.learning_rate, recipe.seed) == (work.epochs, work.learning_rate, work.seed)
    assert recipe.max_seq_length >= LONGEST


def test_all_start_from_the_adapter_that_ours_starts_from(work: Work) -> None:
    model = load_base(describe(work.base, "tiny")).model
    attach(model, LoraSpec(work.blocks, work.rank, work.scale), work.seed)
    start = from_safetensors(work.start.read_bytes())
    assert start.keys() == adapter_arrays(model).keys()
    for name, value in adapter_arrays(model).items():
        np.testing.assert_array_equal(start[name], np.array(value))


def test_the_judge_finds_a_new_adapter_as_good_as_the_base_and_a_wild_one_not(work: Work) -> None:
    from mlxtwin.backend.tensors import to_safetensors

    start = from_safetensors(work.start.read_bytes())
    random = np.random.default_rng(0)
    wild = {name: random.normal(size=value.shape).astype(np.float32) for name, value in start.items()}
    work.adapter("new").write_bytes(work.start.read_bytes())
    work.adapter("wild").write_bytes(to_safetensors(wild))
    found = judge.held_out_nll(work, ["wild", "new"])
    assert found["new"] == pytest.approx(found["base"], abs=1e-6)
    assert abs(found["wild"] - found["base"]) > 1e-3


def test_a_result_is_json_that_others_can_read(work: Work) -> None:
    assert json.loads(work.result("stage").read_text())["supervised_tokens_per_epoch"] == sum(
        example.targets for example in read_tokens(work, "train")
    )


@pytest.mark.parametrize(("wanted", "made"), [(1, 4), (4, 4), (5, 8), (48, 48)])
def test_examples_are_whole_batches(wanted: int, made: int) -> None:
    assert whole_batches(wanted, 4) == made


@pytest.mark.parametrize(("share", "steps", "part"), [(1.0, 36, 0), (0.05, 36, 2), (0.001, 36, 1), (0.5, 1, 0)])
def test_a_part_is_at_least_one_step_and_less_than_all(share: float, steps: int, part: int) -> None:
    assert part_steps(share, steps) == part

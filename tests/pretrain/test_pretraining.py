"""The loop of both phases, on a model of a few thousand weights. Needs PyTorch, which mlxtwin itself does not."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="pre-training needs PyTorch")

import mlx.core as mx  # noqa: E402
import numpy as np  # noqa: E402

from mlxtwin.backend.device import prepare  # noqa: E402
from mlxtwin.backend.engine import load_base  # noqa: E402
from mlxtwin.backend.models import describe, starter  # noqa: E402
from pretrain import export, pretrain  # noqa: E402
from pretrain.model import Shape, Starter, attend  # noqa: E402

SMALL = Shape(width=32, blocks=2, heads=2, key_value_heads=1, inner=48)


class Killed(Exception):
    """Stands for the end of the process."""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrain, "Shape", lambda: SMALL)
    plans = {name: replace(plan, checkpoint_seconds=0.0) for name, plan in pretrain.PLANS.items()}
    monkeypatch.setattr(pretrain, "PLANS", plans)
    torch.manual_seed(0)


def arguments(corpus: Path, run: Path, phase: str, tokens: float, start: Path | None = None) -> argparse.Namespace:
    return argparse.Namespace(
        phase=phase, corpus=corpus, tokenizer=starter().path, run=run, tokens=tokens, minutes=None, start=start,
        threads=1, no_compile=True,
    )  # fmt: skip


def weights(run: Path, phase: str) -> dict[str, Any]:
    return torch.load(run / f"{phase}.pt", weights_only=True)


def held_out_bits(run: Path) -> dict[str, float]:
    last: dict[str, float] = json.loads((run / "text.log.jsonl").read_text().splitlines()[-1])["held_out_bits_per_byte"]
    return last


def test_a_killed_run_goes_on_from_its_checkpoint_to_the_same_weights(
    corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = 6 * 4096
    pretrain.run_phase(arguments(corpus_folder, tmp_path / "whole", "text", tokens))
    step, done = pretrain.one_step, []

    def killed_at_the_third(*given: Any) -> float:
        if len(done) == 3:
            raise Killed
        done.append(1)
        return step(*given)

    torch.manual_seed(0)
    monkeypatch.setattr(pretrain, "one_step", killed_at_the_third)
    with pytest.raises(Killed):
        pretrain.run_phase(arguments(corpus_folder, tmp_path / "cut", "text", tokens))
    monkeypatch.setattr(pretrain, "one_step", step)
    torch.manual_seed(1)
    pretrain.run_phase(arguments(corpus_folder, tmp_path / "cut", "text", tokens))
    whole, cut = weights(tmp_path / "whole", "text"), weights(tmp_path / "cut", "text")
    assert cut["place"]["step"] == whole["place"]["step"]
    assert all(torch.equal(whole["model"][name], value) for name, value in cut["model"].items())


def test_both_phases_learn(corpus_folder: Path, tmp_path: Path) -> None:
    pretrain.run_phase(arguments(corpus_folder, tmp_path, "text", 20 * 4096))
    pretrain.run_phase(arguments(corpus_folder, tmp_path, "chat", 3 * 4096))
    pretrain.run_phase(arguments(corpus_folder, tmp_path / "short", "text", 1))
    short, long = held_out_bits(tmp_path / "short"), held_out_bits(tmp_path)
    assert set(long) == {"dialogues", "task_dialogues", "tales", "novels"}
    assert all(long[source] < short[source] - 0.05 for source in long)


def test_mlx_computes_what_pytorch_computes_from_the_exported_files(tmp_path: Path) -> None:
    model = Starter(SMALL)
    export.export(model, starter().path, tmp_path / "model")
    loaded = load_base(describe(tmp_path / "model", "made"), prepare())
    ids = torch.randint(0, SMALL.vocabulary, (2, 30))
    exported = export.load(str(tmp_path / "model"), SMALL)
    theirs = np.array(loaded.model(mx.array(ids.tolist())))
    assert np.allclose(theirs, exported(ids).detach().numpy(), atol=1e-4)


def test_a_text_phase_that_starts_from_trained_weights_starts_from_them(corpus_folder: Path, tmp_path: Path) -> None:
    pretrain.run_phase(arguments(corpus_folder, tmp_path / "first", "text", 4096))
    first = weights(tmp_path / "first", "text")["model"]
    pretrain.run_phase(arguments(corpus_folder, tmp_path / "again", "text", 1, tmp_path / "first" / "text.pt"))
    again = weights(tmp_path / "again", "text")["model"]
    fresh = Starter(SMALL).state_dict()
    name = "model.embed_tokens.weight"
    assert (again[name] - first[name]).abs().mean() < (again[name] - fresh[name]).abs().mean() / 3


@pytest.mark.parametrize("tokens", [1, 5, 128, 200, 512])
def test_attention_in_tiles_is_attention(tokens: int) -> None:
    queries, keys, values = (torch.randn(2, 4, tokens, 16) for _ in range(3))
    expected = torch.nn.functional.scaled_dot_product_attention(queries, keys, values, is_causal=True)
    assert torch.allclose(attend(queries, keys, values), expected, atol=2e-6)


def test_the_rate_warms_up_holds_and_ends_where_the_plan_says() -> None:
    plan = pretrain.PLANS["text"]
    rates = [pretrain.rate_factor(progress / 1000, plan) for progress in range(1001)]
    assert rates[0] < 0.05 and max(rates) == 1.0
    assert rates[int(1000 * plan.hold_until) - 1] == 1.0
    assert rates[-1] == pytest.approx(plan.last_fraction)
    assert all(later <= earlier for earlier, later in pairwise(rates[50:]))

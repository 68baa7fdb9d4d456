"""The loop on a tiny random llama: exact resume, every example once, guarded steps."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from mlx import nn

from mlxtwin.backend.adapters import LoraSpec, adapter_bytes, attach
from mlxtwin.backend.forward import target_nll
from mlxtwin.dataset.collate import collate
from mlxtwin.errors import RunFailed, UsageError
from mlxtwin.paths import Home
from mlxtwin.records import TokenExample
from mlxtwin.security.crypto import SealedFiles, new_key
from mlxtwin.train.checkpoint import CheckpointFile
from mlxtwin.train.loop import TrainSettings, train
from mlxtwin.train.schedule import learning_rate

SETTINGS = TrainSettings(epochs=2, batch_tokens=128, learning_rate=2e-3, warmup=0.1, max_grad_norm=1.0, seed=5)


def tiny_llama(dropout: float = 0.1) -> nn.Module:
    from mlx_lm.models.llama import Model, ModelArgs

    mx.random.seed(1)
    model = Model(
        ModelArgs(
            model_type="llama",
            hidden_size=32,
            num_hidden_layers=2,
            intermediate_size=64,
            num_attention_heads=2,
            rms_norm_eps=1e-5,
            vocab_size=64,
            head_dim=16,
        )
    )
    mx.eval(model.parameters())
    attach(model, LoraSpec(num_layers=-1, rank=4, scale=2.0, dropout=dropout), seed=3)
    model.train()
    return model


def examples(count: int = 24) -> list[TokenExample]:
    random = np.random.default_rng(0)
    out = []
    for number in range(count):
        length = int(random.integers(6, 40))
        ids = tuple(int(token) for token in random.integers(1, 64, length))
        out.append(TokenExample(f"d{number}", ids, tuple(at >= 3 for at in range(length)), 1.0 + number % 2))
    return out


class Recorder:
    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, event: str, /, **data: Any) -> None:
        self.events.append((event, data))


@pytest.fixture
def checkpoint(home: Home) -> CheckpointFile:
    return CheckpointFile(home.runs / "run" / "checkpoint", SealedFiles(home, new_key()))


def stop_after(calls: int) -> Any:
    left = [calls]

    def stop() -> bool:
        left[0] -= 1
        return left[0] < 0

    return stop


def test_stopped_and_resumed_is_the_same_to_the_bit_as_never_stopped(home: Home) -> None:
    sealed = SealedFiles(home, new_key())
    whole = tiny_llama()
    result = train(whole, examples(), SETTINGS, CheckpointFile(home.runs / "a", sealed), Recorder(), lambda: False)
    assert result.steps > 8
    parts = CheckpointFile(home.runs / "b", sealed)
    for sitting in (1, 3, 0, 2):
        model = tiny_llama()
        assert train(model, examples(), SETTINGS, parts, Recorder(), stop_after(sitting)).stopped
    model = tiny_llama()
    last = train(model, examples(), SETTINGS, parts, Recorder(), lambda: False)
    assert not last.stopped
    assert last.progress.step == result.steps
    assert last.progress.tokens == result.progress.tokens
    assert adapter_bytes(model) == adapter_bytes(whole)


def test_training_lowers_the_loss_and_tells_its_steps(checkpoint: CheckpointFile) -> None:
    model, record = tiny_llama(0.0), Recorder()
    batch = collate(examples())
    before = float(nll(model, batch))
    settings = TrainSettings(6, 128, 1e-2, 0.1, 1.0, 5)
    train(model, examples(), settings, checkpoint, record, lambda: False)
    assert float(nll(model, batch)) < before - 0.05
    steps = [data for event, data in record.events if event == "step"]
    assert steps[-1]["step"] == steps[-1]["steps"]
    assert steps[-1]["tokens"] == 6 * sum(example.targets for example in examples())


def nll(model: nn.Module, batch: Any) -> mx.array:
    model.eval()
    values = target_nll(model, mx.array(batch.tokens), mx.array(batch.positions), mx.array(batch.target_ids))
    return mx.mean(values[: batch.targets])


def test_the_loss_of_a_padded_batch_is_that_of_each_example_alone() -> None:
    model = tiny_llama(0.0)
    model.eval()
    made = examples(7)
    together = collate(made)
    values = np.array(
        target_nll(model, mx.array(together.tokens), mx.array(together.positions), mx.array(together.target_ids))
    )
    for row, example in enumerate(made):
        alone = model(mx.array([example.tokens[:-1]]))[0].astype(mx.float32)
        logprobs = np.array(alone - mx.logsumexp(alone, axis=-1, keepdims=True))
        expected = [
            -logprobs[at - 1, example.tokens[at]] for at in range(1, len(example.tokens)) if example.supervised[at]
        ]
        np.testing.assert_allclose(
            values[: together.targets][together.rows[: together.targets] == row], expected, atol=2e-5
        )


def test_a_loss_that_is_not_finite_is_skipped_then_given_up(checkpoint: CheckpointFile) -> None:
    model, record = tiny_llama(), Recorder()
    model.model.norm.weight = model.model.norm.weight * float("nan")
    before = adapter_bytes(model)
    with pytest.raises(RunFailed, match="not finite"):
        train(model, examples(), SETTINGS, checkpoint, record, lambda: False)
    assert adapter_bytes(model) == before
    assert [data["rate_scale"] for event, data in record.events if event == "skipped"] == [0.5**n for n in range(1, 6)]


def test_examples_without_a_target_are_no_training(checkpoint: CheckpointFile) -> None:
    empty = [TokenExample("d", (1, 2, 3), (False, False, False))]
    with pytest.raises(UsageError):
        train(tiny_llama(), empty, SETTINGS, checkpoint, Recorder(), lambda: False)


def test_the_checkpoint_holds_nothing_in_the_clear(checkpoint: CheckpointFile, home: Home) -> None:
    train(tiny_llama(), examples(), SETTINGS, checkpoint, Recorder(), stop_after(2))
    stored = b"".join(path.read_bytes() for path in Path(home.root).rglob("*") if path.is_file())
    assert b"lora_a" not in stored
    assert b"progress" not in stored


def test_the_rate_rises_then_falls_to_a_tenth() -> None:
    rates = [learning_rate(step, 100, 1.0, 0.1) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates.index(max(rates)) in (9, 10)
    assert rates[-1] == pytest.approx(0.1, abs=0.01)
    assert all(math.isfinite(learning_rate(0, steps, 1.0, 0.0)) for steps in (1, 2))

"""Early stop on a part set apart: the best epoch is kept, exactly also when the run was killed in between."""

from __future__ import annotations

from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from backend.small import small_model

from mlxtwin.backend.adapters import LoraSpec, adapter_bytes, attach
from mlxtwin.backend.cut import drop_lower
from mlxtwin.backend.forward import target_nll
from mlxtwin.backend.streams import Streams
from mlxtwin.dataset.collate import collate
from mlxtwin.dataset.rows import RowPolicy
from mlxtwin.paths import Home
from mlxtwin.records import TokenExample
from mlxtwin.security.crypto import SealedFiles, new_key
from mlxtwin.train import pace
from mlxtwin.train.checkpoint import CheckpointFile
from mlxtwin.train.gradient import Execution, Gradients
from mlxtwin.train.loop import Beside, TrainResult, TrainSettings, train
from mlxtwin.train.prefix import PrefixStore, fill
from mlxtwin.train.validation import Validation, set_apart

# A rate at which the training words are soon known by heart, and those set apart get worse.
SETTINGS = TrainSettings(epochs=6, batch_tokens=128, learning_rate=5e-2, warmup=0.1, max_grad_norm=1.0, seed=5)
POLICIES = {
    "one row at a time": RowPolicy(),
    "two streams": RowPolicy(streams=2, row_tokens=64),
    "rows together": RowPolicy(step=64, row_tokens=128, together=512),
    "not packed": RowPolicy(packed=False, together=512),
}


def examples(count: int, seed: int = 0, least: int = 6) -> list[TokenExample]:
    random = np.random.default_rng(seed)
    out = []
    for number in range(count):
        length = int(random.integers(least, 40))
        ids = tuple(int(token) for token in random.integers(1, 200, length))
        out.append(TokenExample(f"d{seed}-{number}", ids, tuple(at >= 3 for at in range(length)), 1.0 + number % 2))
    return out


def model_of(dropout: float = 0.1, scale: float = 2.0) -> Any:
    model = small_model()
    attach(model, LoraSpec(num_layers=2, rank=4, scale=scale, dropout=dropout), seed=3)
    model.train()
    return model


class Killed(BaseException):
    pass


class Recorder:
    """Notes each event, and the adapter as it stands when an epoch is measured."""

    def __init__(self, model: Any, killed_at: int = 0) -> None:
        self.model, self.killed_at = model, killed_at
        self.measured: list[dict[str, Any]] = []
        self.adapters: dict[int, bytes] = {}

    def __call__(self, event: str, /, **data: Any) -> None:
        if event != "validation":
            return
        self.measured.append(data)
        self.adapters[data["epoch"]] = adapter_bytes(self.model)
        if data["epoch"] == self.killed_at:
            raise Killed


class Runs:
    """Runs of one home on the same examples, by name; ``kept`` ones on kept states of the frozen blocks."""

    def __init__(self, home: Home) -> None:
        self.home, self.files = home, SealedFiles(home, new_key())

    def run(
        self, name: str, stop: Any = lambda: False, killed_at: int = 0, patience: int = 1, kept: bool = False
    ) -> tuple[TrainResult, Recorder, bytes]:
        model = model_of()
        recorder = Recorder(model, killed_at)
        store = PrefixStore(self.home.root / "prefix" / name, self.files, "float16", 32) if kept else None
        execution = Execution(RowPolicy(streams=2, row_tokens=64), store)
        beside = Beside(Validation(examples(6, 1), patience))
        checkpoint = CheckpointFile(self.home.runs / name, self.files)
        result = train(model, examples(16), SETTINGS, checkpoint, recorder, stop, execution, beside)
        return result, recorder, adapter_bytes(model)


@pytest.fixture
def runs(home: Home) -> Runs:
    return Runs(home)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kept", [False, True])
def test_the_loss_is_that_of_each_example_alone_without_dropout(policy: str, kept: bool, home: Home) -> None:
    model, made = model_of(dropout=0.5), examples(7, 1)
    model.load_weights([("model.layers.2.mlp.up_proj.lora_b", mx.full((4, 64), 0.3))], strict=False)
    model.eval()
    nats = 0.0
    for example in made:
        batch = collate([example])
        values = target_nll(model, mx.array(batch.tokens), mx.array(batch.positions), mx.array(batch.target_ids))
        nats += float(np.array(values)[: batch.targets].sum())
    store = None
    if kept:
        store = PrefixStore(home.root / "prefix" / "one", SealedFiles(home, new_key()), "float16", 32)
        fill(model, made, 1, store, POLICIES[policy], Streams(1), lambda *_, **__: None, lambda: False)
        drop_lower(model, 1)
    model.train()
    loss = Gradients(model, Execution(POLICIES[policy], store)).loss(made)
    assert loss == pytest.approx(nats / sum(example.targets for example in made), rel=1e-3 if kept else 1e-5)
    assert model.training


def test_a_run_that_gets_no_better_stops_and_keeps_its_best_epoch(runs: Runs) -> None:
    result, recorder, kept = runs.run("one")
    losses = [data["loss"] for data in recorder.measured]
    assert recorder.measured[-1]["stops"] and not recorder.measured[-1]["best"]
    assert len(losses) < SETTINGS.epochs
    best = losses.index(min(losses)) + 1
    assert best < len(losses)
    assert kept == recorder.adapters[best] != recorder.adapters[len(losses)]
    assert not result.stopped
    assert result.steps == result.progress.step
    assert (result.progress.best_epoch, result.progress.validated) == (best, len(losses))


def test_with_patience_all_epochs_run_and_the_best_is_kept_all_the_same(runs: Runs) -> None:
    result, recorder, kept = runs.run("one", patience=99)
    losses = [data["loss"] for data in recorder.measured]
    assert len(losses) == SETTINGS.epochs
    best = losses.index(min(losses)) + 1
    assert best < SETTINGS.epochs
    assert kept == recorder.adapters[best]
    assert result.steps > result.progress.best_epoch


@pytest.mark.parametrize(("calls", "kept"), [(2, False), (9, False), (2, True), (9, True)])
def test_a_run_stopped_anywhere_ends_with_the_same_best_adapter(runs: Runs, calls: int, kept: bool) -> None:
    left = [calls]

    def stop() -> bool:
        left[0] -= 1
        return left[0] < 0

    whole = runs.run("never", kept=kept)
    first = runs.run("stopped", stop, kept=kept)
    assert first[0].stopped
    last = runs.run("stopped", kept=kept)
    assert last[2] == whole[2]
    assert [*first[1].measured, *last[1].measured] == whole[1].measured
    assert last[0].steps == whole[0].steps


@pytest.mark.parametrize("epoch", [1, 2])
def test_a_run_killed_while_it_measures_measures_again_to_the_same_bytes(
    runs: Runs, epoch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "CHECKPOINT_SECONDS", 0.0)
    whole = runs.run("never", patience=3)
    with pytest.raises(Killed):
        runs.run("killed", killed_at=epoch, patience=3)
    _, recorder, adapter = runs.run("killed", patience=3)
    assert recorder.measured[0]["epoch"] == epoch
    assert recorder.measured == whole[1].measured[epoch - 1 :]
    assert adapter == whole[2]


def test_a_run_that_stopped_early_takes_no_further_step_when_it_is_opened_again(runs: Runs) -> None:
    first, _, adapter = runs.run("one")
    again, recorder, same = runs.run("one")
    assert (again.progress.step, again.steps) == (first.progress.step, first.steps)
    assert not recorder.measured
    assert same == adapter


def test_the_best_adapter_is_sealed_as_the_checkpoint_is(runs: Runs) -> None:
    runs.run("one")
    stored = b"".join(path.read_bytes() for path in runs.home.root.rglob("*") if path.is_file())
    assert b"lora_a" not in stored and b"best" not in stored


def test_nothing_set_apart_changes_nothing(runs: Runs) -> None:
    plain, beside = model_of(), model_of()
    train(
        plain, examples(8), SETTINGS, CheckpointFile(runs.home.runs / "a", runs.files), Recorder(plain), lambda: False
    )
    recorder = Recorder(beside)
    checkpoint = CheckpointFile(runs.home.runs / "b", runs.files)
    train(beside, examples(8), SETTINGS, checkpoint, recorder, lambda: False, beside=Beside(Validation()))
    assert adapter_bytes(plain) == adapter_bytes(beside)
    assert not recorder.measured


def test_what_is_set_apart_is_whole_documents_by_seed_whatever_their_order() -> None:
    made = [example for part in range(3) for example in examples(600, least=20 + part)]
    train_on, apart = set_apart(made, 0.03, 7, 3)
    documents = {example.document for example in apart}
    assert len(documents) >= 8
    assert not documents & {example.document for example in train_on}
    assert len(train_on) + len(apart) == len(made)
    assert 0.025 < sum(one.targets for one in apart) / sum(one.targets for one in made) <= 0.03
    assert {one.document for one in set_apart(made[::-1], 0.03, 7, 3)[1]} == documents
    assert {one.document for one in set_apart(made, 0.03, 8, 3)[1]} != documents


@pytest.mark.parametrize(("count", "share", "epochs"), [(600, 0.0, 3), (600, 0.03, 1), (200, 0.03, 3)])
def test_nothing_is_set_apart_for_little_data_one_epoch_or_a_share_of_zero(
    count: int, share: float, epochs: int
) -> None:
    made = examples(count, least=35)
    assert set_apart(made, share, 0, epochs) == (made, [])
    assert set_apart(examples(600, least=35), 0.03, 0, 3)[1]


def test_a_few_long_documents_are_not_set_apart() -> None:
    made = [TokenExample(f"d{number % 20}", (1,) * 60, (True,) * 60) for number in range(1000)]
    assert set_apart(made, 0.1, 0, 3) == (made, [])

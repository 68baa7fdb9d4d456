"""Preference learning on a tiny llama: exact resume, every item once, the sealed reference, and what it teaches."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlx import nn
from mlx.optimizers import AdamW
from mlx.utils import tree_flatten
from preferences64 import SPEC, logprobs64, pairs, ratings, tiny_llama, weights64
from pydantic import ValidationError

from mlxtwin.backend.adapters import LoraSpec, adapter_bytes, load_adapter
from mlxtwin.dataset.collate import collate
from mlxtwin.errors import RunFailed, UsageError
from mlxtwin.paths import Home
from mlxtwin.security.crypto import SealedFiles, new_key
from mlxtwin.train.checkpoint import CheckpointFile, Progress
from mlxtwin.train.preference import PreferenceTraining, objective, train_preferences
from mlxtwin.train.preference_data import TokenItem, TokenPair, TokenRating, collate_preferences
from mlxtwin.train.preference_loss import sequence_logprobs
from mlxtwin.train.preference_objective import micro_batches
from mlxtwin.train.preference_reference import FILE, Reference, ReferenceAdapter, ReferenceFile, reference_logprobs
from mlxtwin.train.preference_settings import PreferenceSettings
from mlxtwin.train.schedule import learning_rate

TRAINING = PreferenceTraining(
    PreferenceSettings(), epochs=2, batch_tokens=160, learning_rate=5e-3, warmup=0.1, max_grad_norm=1.0, seed=5
)
KTO = PreferenceSettings(method="kto")


class Recorder:
    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, event: str, /, **data: Any) -> None:
        self.events.append((event, data))

    def of(self, name: str) -> list[dict[str, Any]]:
        return [data for event, data in self.events if event == name]


def never() -> bool:
    return False


def stop_after(calls: int) -> Callable[[], bool]:
    left = [calls]

    def stop() -> bool:
        left[0] -= 1
        return left[0] < 0

    return stop


@pytest.fixture
def sealed(home: Home) -> SealedFiles:
    return SealedFiles(home, new_key())


@pytest.fixture
def checkpoint(home: Home, sealed: SealedFiles) -> CheckpointFile:
    return CheckpointFile(home.runs / "run" / "checkpoint", sealed)


def own_reference(model: nn.Module, version: int = 1) -> Reference:
    """The adapter that the model carries now."""
    return Reference("base", {version: ReferenceAdapter(SPEC, adapter_bytes(model))})


def test_dpo_starts_level_with_its_reference_and_raises_every_margin(checkpoint: CheckpointFile) -> None:
    model, record = tiny_llama(), Recorder()
    items, reference = pairs(version=1), own_reference(model)
    settings = replace(TRAINING, preference=PreferenceSettings(supervised_weight=0.0), epochs=12)
    before = margins(model, items)
    train_preferences(
        model, items, replace(settings, epochs=1, batch_tokens=9999), first(checkpoint), record, never, reference
    )
    assert record.of("step")[0]["preference_loss"] == pytest.approx(math.log(2), abs=1e-4)
    train_preferences(model, items, settings, checkpoint, record, never, reference)
    after = margins(model, items)
    assert (after > before + 2).all()
    assert record.of("step")[-1]["preferred"] == 1.0


def first(checkpoint: CheckpointFile) -> CheckpointFile:
    return CheckpointFile(checkpoint.folder.parent / "first", checkpoint.sealed)


def margins(model: nn.Module, items: Sequence[TokenItem]) -> Any:
    sides = [np.array(sequence_logprobs(model, collate([i.rows[side] for i in items]), len(items))) for side in (0, 1)]
    return sides[0] - sides[1]


def test_the_supervised_term_raises_the_chosen_answers_themselves(home: Home, sealed: SealedFiles) -> None:
    risen = []
    for place, weight in enumerate((0.0, 5.0)):
        model, items = tiny_llama(), pairs(version=1)
        settings = replace(TRAINING, preference=PreferenceSettings(supervised_weight=weight), epochs=5)
        before = chosen_nats(model, items)
        folder = CheckpointFile(home.runs / str(place), sealed)
        train_preferences(model, items, settings, folder, Recorder(), never, own_reference(model))
        risen.append(before - chosen_nats(model, items))
    assert risen[1] > risen[0] + 0.1 * len(pairs())


def chosen_nats(model: nn.Module, items: Sequence[TokenItem]) -> float:
    return -float(sequence_logprobs(model, collate([item.rows[0] for item in items]), len(items)).sum())


def test_a_good_rating_raises_an_answer_and_a_bad_one_lowers_it(checkpoint: CheckpointFile) -> None:
    model, items = tiny_llama(), ratings(version=1)
    rows = collate([item.rows[0] for item in items])
    before = np.array(sequence_logprobs(model, rows, len(items)))
    settings = replace(TRAINING, preference=KTO, epochs=15)
    train_preferences(model, items, settings, checkpoint, Recorder(), never, own_reference(model))
    moved = np.array(sequence_logprobs(model, rows, len(items))) - before
    good = np.array([isinstance(item, TokenRating) and item.good for item in items])
    assert (moved[good] > 0.5).all()
    assert (moved[~good] < -0.5).all()


@pytest.mark.parametrize("method", ["dpo", "kto"])
def test_stopped_and_resumed_is_the_same_to_the_bit_as_never_stopped(
    method: str, home: Home, sealed: SealedFiles
) -> None:
    spec = replace(SPEC, dropout=0.1)
    items = pairs(version=1) if method == "dpo" else ratings(version=1)
    settings = replace(TRAINING, preference=PreferenceSettings.model_validate({"method": method}))
    whole = tiny_llama(spec=spec)
    reference = own_reference(whole)
    result = train_preferences(
        whole, items, settings, CheckpointFile(home.runs / "a", sealed), Recorder(), never, reference
    )
    assert result.steps >= 4
    parts = CheckpointFile(home.runs / "b", sealed)
    for sitting in (0, 2, 1):
        model, record = tiny_llama(spec=spec), Recorder()
        stop = stop_after(sitting)
        assert train_preferences(model, items, settings, parts, record, stop, reference).stopped
    model = tiny_llama(spec=spec)
    last = train_preferences(model, items, settings, parts, Recorder(), never, reference)
    assert not last.stopped
    assert last.progress.step == result.steps
    assert last.progress.tokens == result.progress.tokens
    assert adapter_bytes(model) == adapter_bytes(whole)
    assert adapter_bytes(model) != adapter_bytes(tiny_llama(spec=spec))


@pytest.mark.parametrize("items", [pairs(version=1), ratings(version=1)], ids=["pairs", "ratings"])
def test_every_item_of_every_epoch_is_trained_once(items: list[TokenItem], checkpoint: CheckpointFile) -> None:
    model, record = tiny_llama(), Recorder()
    paired = isinstance(items[0], TokenPair)
    settings = replace(TRAINING, preference=PreferenceSettings() if paired else KTO, batch_tokens=64)
    result = train_preferences(model, items, settings, checkpoint, record, never, own_reference(model))
    each = sum(row.targets for item in items for row in item.rows[: 2 if paired else 1])
    assert result.progress.tokens == settings.epochs * each
    assert record.of("train")[0]["tokens"] == each


@pytest.mark.parametrize("items", [pairs(version=1), ratings(version=1)], ids=["pairs", "ratings"])
def test_a_step_larger_than_memory_allows_has_the_same_gradient(
    items: list[TokenItem], home: Home, sealed: SealedFiles
) -> None:
    chosen = PreferenceSettings() if isinstance(items[0], TokenPair) else KTO
    models = []
    for limit in (4096, 40):
        model = tiny_llama()
        load_adapter(model, adapter_bytes(tiny_llama(seed=9)))
        settings = replace(TRAINING, preference=chosen, epochs=1, batch_tokens=4096, micro_batch_tokens=limit)
        folder = CheckpointFile(home.runs / str(limit), sealed)
        train_preferences(model, items, settings, folder, Recorder(), never, own_reference(tiny_llama()))
        models.append(dict(tree_flatten(model.trainable_parameters())))
    for name, value in models[0].items():
        np.testing.assert_allclose(np.array(value), np.array(models[1][name]), atol=1e-5, err_msg=name)


def test_a_step_takes_the_mean_over_its_items(checkpoint: CheckpointFile) -> None:
    model, record, items = tiny_llama(), Recorder(), pairs(version=1)
    reference = own_reference(tiny_llama(seed=9))
    settings = replace(TRAINING, epochs=1, batch_tokens=4096)
    values = reference_logprobs(model, items, reference, kept(checkpoint), Recorder(), never, 4096)
    assert values is not None
    batch = collate_preferences(items, values)
    (loss, nats, _), gradient = nn.value_and_grad(model, objective(settings.preference, items))(model, batch)
    squares = sum(float(np.square(np.array(value)).sum()) for _, value in tree_flatten(gradient))
    train_preferences(model, items, settings, checkpoint, record, never, reference)
    (step,) = record.of("step")
    assert step["preference_loss"] == pytest.approx(float(loss) / len(items), abs=1e-4)
    assert step["loss"] == pytest.approx(float(nats) / sum(item.rows[0].targets for item in items), abs=1e-4)
    assert step["gradient_norm"] == pytest.approx(math.sqrt(squares) / len(items), rel=1e-3)


def test_a_halved_rate_stays_halved_after_a_resume(checkpoint: CheckpointFile) -> None:
    model, record, items = tiny_llama(), Recorder(), pairs(version=1)
    optimizer = AdamW(learning_rate=1e-3)
    optimizer.init(model.trainable_parameters())
    checkpoint.save(model, optimizer, Progress(rate_scale=0.5, skipped=4))
    result = train_preferences(model, items, TRAINING, checkpoint, record, never, own_reference(model))
    last = record.of("step")[-1]
    full = learning_rate(last["steps"] - 1, last["steps"], TRAINING.learning_rate, TRAINING.warmup)
    assert last["learning_rate"] == pytest.approx(full / 2)
    assert result.progress.skipped == 0


def test_chosen_and_rejected_lie_in_one_micro_batch() -> None:
    items, model = pairs(), tiny_llama()
    reference = np.arange(2 * len(items), dtype=np.float32).reshape(-1, 2)
    seen = 0
    for batch in micro_batches(model, items, reference, 64):
        assert (batch.reference[: batch.items] + 1 == batch.reference[batch.items :]).all()
        assert batch.wanted.tolist() == [True] * batch.items + [False] * batch.items
        for place, value in enumerate(batch.reference):
            row = items[int(value) // 2].rows[int(value) % 2]
            assert batch.answers.tokens[place, : len(row.tokens) - 1].tolist() == list(row.tokens[:-1])
        seen += batch.items
    assert seen == len(items)


def test_a_loss_that_is_not_finite_is_skipped_then_given_up(checkpoint: CheckpointFile) -> None:
    model, record = tiny_llama(), Recorder()
    reference = own_reference(model)
    model.model.norm.weight = model.model.norm.weight * float("nan")
    before = adapter_bytes(model)
    with pytest.raises(RunFailed, match="not finite"):
        train_preferences(model, pairs(version=1), replace(TRAINING, epochs=9), checkpoint, record, never, reference)
    assert adapter_bytes(model) == before
    assert [data["rate_scale"] for data in record.of("skipped")] == [0.5**n for n in range(1, 6)]


# The reference.


def test_the_reference_is_the_adapter_of_the_version_and_leaves_the_policy_alone(checkpoint: CheckpointFile) -> None:
    policy, wide = tiny_llama(), LoraSpec(num_layers=1, rank=7, scale=1.0, dropout=0.5)
    other = tiny_llama(seed=9, spec=wide)
    reference = Reference("base", {2: ReferenceAdapter(wide, adapter_bytes(other))})
    items = [*pairs(4, version=2), *pairs(4)]
    before, trainable = adapter_bytes(policy), policy.trainable_parameters()
    values = reference_logprobs(policy, items, reference, kept(checkpoint), Recorder(), never, 64)
    assert values is not None
    assert adapter_bytes(policy) == before
    assert dict(tree_flatten(policy.trainable_parameters())).keys() == dict(tree_flatten(trainable)).keys()
    assert policy.training
    rows = [row for item in items[:4] for row in item.rows]
    other.eval()
    expected = np.array(sequence_logprobs(other, collate(rows), len(rows))).reshape(4, 2)
    np.testing.assert_allclose(values[:4], expected, atol=1e-4)
    bare = weights64(tiny_llama())
    bare |= {name: 0 * value for name, value in bare.items() if name.endswith("lora_b")}
    np.testing.assert_allclose(values[4:].reshape(-1), [logprobs64(bare, row) for row in rows], atol=1e-4)


def kept(checkpoint: CheckpointFile) -> ReferenceFile:
    return ReferenceFile(checkpoint.folder, checkpoint.sealed)


def test_the_reference_is_computed_once_and_again_only_when_something_changed(checkpoint: CheckpointFile) -> None:
    model, items = tiny_llama(), pairs(version=1)
    reference = own_reference(model)

    def measured(items: list[TokenItem], reference: Reference) -> tuple[int, Any]:
        record = Recorder()
        values = reference_logprobs(model, items, reference, kept(checkpoint), record, never, 4096)
        return len(record.of("reference")), values

    times, values = measured(items, reference)
    assert times == 1
    again, same = measured(items, reference)
    assert again == 0
    assert same.tobytes() == values.tobytes()
    other_adapter = own_reference(tiny_llama(seed=9))
    for changed in (other_adapter, replace(other_adapter, base="another"), other_adapter):
        assert measured(items, changed)[0] == 1
        assert measured(items, changed)[0] == 0
    assert measured(items[1:], other_adapter)[0] == 1
    assert measured(items, other_adapter)[0] == 1
    (checkpoint.folder / FILE).write_bytes(b"broken")
    assert measured(items, other_adapter)[0] == 1


def test_a_resumed_run_uses_the_kept_reference(checkpoint: CheckpointFile) -> None:
    items, reference = pairs(version=1), own_reference(tiny_llama())
    train_preferences(tiny_llama(), items, TRAINING, checkpoint, Recorder(), stop_after(2), reference)
    before, record = (checkpoint.folder / FILE).read_bytes(), Recorder()
    train_preferences(tiny_llama(), items, TRAINING, checkpoint, record, never, reference)
    assert (checkpoint.folder / FILE).read_bytes() == before
    assert record.of("reference") == []


def test_nothing_of_a_preference_run_is_in_the_clear(checkpoint: CheckpointFile, home: Home) -> None:
    items, reference = pairs(version=1), own_reference(tiny_llama())
    train_preferences(tiny_llama(), items, TRAINING, checkpoint, Recorder(), stop_after(2), reference)
    values = kept(checkpoint).load(reference_key_of(items, reference), len(items))
    assert values is not None
    stored = b"".join(path.read_bytes() for path in Path(home.root).rglob("*") if path.is_file())
    assert len(stored) > values.nbytes
    for secret in (b"lora_a", b"progress", b"logprobs", values[0].tobytes(), reference.adapters[1].data[:64]):
        assert secret not in stored


def reference_key_of(items: Sequence[TokenItem], reference: Reference) -> bytes:
    from mlxtwin.train.preference_reference import reference_key

    return reference_key(items, reference)


def test_a_run_can_be_stopped_before_its_reference_is_known(checkpoint: CheckpointFile) -> None:
    model = tiny_llama()
    before = adapter_bytes(model)
    settings = replace(TRAINING, micro_batch_tokens=40)
    result = train_preferences(
        model, pairs(version=1), settings, checkpoint, Recorder(), lambda: True, own_reference(tiny_llama(seed=9))
    )
    assert result.stopped
    assert adapter_bytes(model) == before
    assert not (checkpoint.folder / FILE).exists()


# What is refused.


def test_preferences_without_their_reference_or_of_the_wrong_kind_are_refused(checkpoint: CheckpointFile) -> None:
    model = tiny_llama()
    none = Reference("base", {})
    with pytest.raises(UsageError, match="version 4"):
        train_preferences(model, pairs(version=4), TRAINING, checkpoint, Recorder(), never, none)
    with pytest.raises(UsageError, match="10 of the preferences"):
        train_preferences(model, ratings(), TRAINING, checkpoint, Recorder(), never, none)
    with pytest.raises(UsageError, match="nothing"):
        train_preferences(model, [], TRAINING, checkpoint, Recorder(), never, none)


@pytest.mark.parametrize(
    "written",
    [
        {"method": "ppo"},
        {"beta": 0},
        {"beta": True},
        {"beta": "0.1"},
        {"beta": math.inf},
        {"supervised_weight": -1},
        {"max_pairs": 0},
        {"max_pairs": 1.5},
        {"gamma": 1},
        {"method": "kto", "supervised_weight": 1.0},
        {"desirable_weight": 2.0},
    ],
)
def test_settings_that_cannot_be_honoured_are_refused(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PreferenceSettings.model_validate(written)


def test_settings_survive_being_written_down() -> None:
    for settings in (PreferenceSettings(), PreferenceSettings(beta=1, supervised_weight=0.0), KTO):
        assert PreferenceSettings.model_validate(settings.model_dump()) == settings
    assert PreferenceSettings().supervised_weight == 1.0
    assert KTO.supervised_weight is None

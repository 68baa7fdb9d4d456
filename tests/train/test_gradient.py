"""Every way of computing a step gives the gradient of the plain computation: packed, parted, kept, at once."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from backend.small import CONFIGS, small_model
from mlx import nn
from mlx.utils import tree_flatten, tree_map

from mlxtwin.backend.adapters import LoraSpec, adapter_bytes, attach
from mlxtwin.backend.cut import drop_lower
from mlxtwin.backend.forward import target_nll
from mlxtwin.backend.streams import Streams
from mlxtwin.dataset.collate import collate
from mlxtwin.dataset.rows import RowPolicy
from mlxtwin.errors import SealBroken
from mlxtwin.paths import Home
from mlxtwin.records import TokenExample
from mlxtwin.security.crypto import SealedFiles, new_key
from mlxtwin.train.checkpoint import CheckpointFile
from mlxtwin.train.gradient import Execution, Gradients
from mlxtwin.train.loop import TrainSettings, train
from mlxtwin.train.prefix import INDEX, PrefixStore, content_key, fill, store_name, stored_bytes
from mlxtwin.train.states import Form, bytes_per_token, decode, encode, error, form_of

POLICIES = {
    "one row at a time": RowPolicy(),
    "two streams": RowPolicy(streams=2, row_tokens=64),
    "rows together": RowPolicy(step=64, row_tokens=128, together=512),
    "not packed": RowPolicy(packed=False, together=512),
}
SETTINGS = TrainSettings(epochs=2, batch_tokens=256, learning_rate=2e-3, warmup=0.1, max_grad_norm=1.0, seed=5)


def examples(count: int = 16) -> list[TokenExample]:
    random = np.random.default_rng(0)
    out = []
    for number in range(count):
        length = int(random.integers(6, 60))
        ids = tuple(int(token) for token in random.integers(1, 4000, length))
        supervised = tuple(at >= 3 and at % 5 != 0 for at in range(length))
        out.append(TokenExample(f"d{number}", ids, supervised, 1.0 + number % 2))
    return out


def model_of(name: str = "llama", layers: int = 2, dropout: float = 0.0, dora: bool = False, bend: bool = True) -> Any:
    model = small_model(name)
    attach(model, LoraSpec(num_layers=layers, rank=4, dropout=dropout, dora=dora), seed=3)
    if bend:
        # A fresh adapter's second factor is zero, which would leave the first without a gradient.
        random = mx.random.key(4)
        bent = [
            (key, mx.random.normal(value.shape, key=random) * 0.02)
            for key, value in tree_flatten(model.trainable_parameters())
            if key.endswith("lora_b")
        ]
        model.load_weights(bent, strict=False)
    return model


def plain(model: nn.Module, tokens: list[TokenExample]) -> tuple[float, dict[str, mx.array]]:
    """Every example alone, through the whole model, with the plain cross entropy."""
    total: Any = None
    nats = 0.0
    for example in tokens:
        batch = collate([example])
        inputs = [mx.array(array) for array in (batch.tokens, batch.positions, batch.target_ids, batch.weights)]

        def loss(model: nn.Module, inputs: list[mx.array] = inputs) -> mx.array:
            ids, positions, targets, weights = inputs
            logits = model(ids).reshape(-1, 4096)[positions].astype(mx.float32)
            return (nn.losses.cross_entropy(logits, targets) * weights).sum()

        _, gradient = nn.value_and_grad(model, loss)(model)
        nll = np.array(target_nll(model, *inputs[:3]))[: batch.targets]
        nats += float(nll.sum())
        total = gradient if total is None else tree_map(mx.add, total, gradient)
    return nats, dict(tree_flatten(total))


def assert_same(
    model: nn.Module, execution: Execution, expected: tuple[float, dict[str, mx.array]], atol: float
) -> None:
    summed = Gradients(model, execution).step(examples(), range(16))
    nats, gradient = expected
    assert summed.nats == pytest.approx(nats, rel=atol)
    for key, value in tree_flatten(summed.gradient):
        other = gradient[key]
        scale = max(1.0, mx.linalg.norm(other).item())
        assert mx.linalg.norm(value - other).item() < atol * scale, key


@pytest.fixture
def store(home: Home) -> PrefixStore:
    return PrefixStore(home.root / "prefix" / "one", SealedFiles(home, new_key()), "float16", 32)


def filled(model: nn.Module, store: PrefixStore, cut: int, policy: RowPolicy | None = None) -> bool:
    return fill(model, examples(), cut, store, policy or RowPolicy(), Streams(1), lambda *_, **__: None, no)


def no() -> bool:
    return False


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", CONFIGS)
def test_the_gradient_is_that_of_each_example_alone(name: str, policy: str) -> None:
    model = model_of(name)
    assert_same(model, Execution(POLICIES[policy]), plain(model, examples()), 2e-5)


@pytest.mark.parametrize("changes", [{"checkpointed": True}, {"compiled": True}])
def test_recomputing_and_compiling_change_nothing(changes: dict[str, bool]) -> None:
    model = model_of()
    assert_same(model, Execution(POLICIES["rows together"], **changes), plain(model, examples()), 2e-5)


def test_gradient_checkpointing_does_not_outlive_the_step() -> None:
    model = model_of()
    block = type(model.layers[0])
    before = block.__call__
    Gradients(model, Execution(checkpointed=True)).step(examples(), range(4))
    assert block.__call__ is before and type(model.layers[0]) is block


def test_dora_has_the_same_gradient(store: PrefixStore) -> None:
    model = model_of(dora=True)
    expected = plain(model, examples())
    filled(model, store, 1)
    assert_same(model, Execution(prefix=store), expected, 2e-3)


@pytest.mark.parametrize(("form", "tolerance"), [("float16", 6e-3), ("int8", 0.12)])
@pytest.mark.parametrize("name", CONFIGS)
def test_the_kept_prefix_gives_the_gradient_of_the_whole_model(
    name: str, form: Form, tolerance: float, home: Home
) -> None:
    model = model_of(name)
    expected = plain(model, examples())
    store = PrefixStore(home.root / "prefix" / "one", SealedFiles(home, new_key()), form, 32)
    filled(model, store, 1)
    drop_lower(model, 1)
    assert_same(model, Execution(prefix=store), expected, tolerance)


def test_what_is_kept_does_not_depend_on_what_else_is_kept(store: PrefixStore, home: Home) -> None:
    model = model_of()
    filled(model, store, 1)
    other = PrefixStore(home.root / "prefix" / "two", SealedFiles(home, new_key()), "float16", 32)
    fill(model, examples()[7:8], 1, other, RowPolicy(), Streams(1), lambda *_, **__: None, no)
    key = content_key(examples()[7])
    assert (other.states(key) == store.states(key)).all()


def test_a_second_run_computes_only_what_is_new(store: PrefixStore) -> None:
    model, seen = model_of(), []

    def emit(_event: str, /, **data: Any) -> None:
        seen.append(data)

    def run(count: int) -> dict[str, Any]:
        seen.clear()
        fill(model, examples()[:count], 1, store, RowPolicy(), Streams(1), emit, no)
        return seen[0]

    assert run(14)["examples"] == 14
    reopened = PrefixStore(store.folder, store.sealed, store.form, store.width)
    store = reopened
    again = run(16)
    assert (again["examples"], again["kept"]) == (2, 14)


def test_the_kept_states_are_sealed_and_bound_to_their_place(store: PrefixStore, home: Home) -> None:
    filled(model_of(), store, 1)
    shards = [path for path in store.folder.iterdir() if path.name != INDEX]
    half = np.float16(store.states(content_key(examples()[0]))[0, :8]).tobytes()
    assert shards and all(half not in path.read_bytes() for path in store.folder.iterdir())
    moved = home.root / "prefix" / "elsewhere"
    shutil.copytree(store.folder, moved)
    assert content_key(examples()[0]) not in PrefixStore(moved, store.sealed, "float16", 32)


def test_a_damaged_file_is_computed_again(store: PrefixStore) -> None:
    model = model_of()
    filled(model, store, 1)
    key = content_key(examples()[3])
    before = store.states(key)
    for path in store.folder.iterdir():
        if path.name != INDEX:
            data = path.read_bytes()
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    reopened = PrefixStore(store.folder, store.sealed, "float16", 32)
    with pytest.raises(SealBroken):
        reopened.states(key)
    filled(model, reopened, 1)
    assert (reopened.states(key) == before).all()


def test_files_that_no_example_needs_are_dropped(store: PrefixStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlxtwin.train.prefix.SHARD_BYTES", 1)
    filled(model_of(), store, 1)
    kept = [content_key(example) for example in examples()[:3]]
    store.drop_others(kept)
    assert len(list(store.folder.iterdir())) == 3 + 1
    reopened = PrefixStore(store.folder, store.sealed, "float16", 32)
    assert all(key in reopened for key in kept) and content_key(examples()[5]) not in reopened


def test_the_size_on_disk_is_the_one_foretold(store: PrefixStore) -> None:
    filled(model_of(), store, 1)
    foretold = stored_bytes(examples(), "float16", 32)
    assert foretold <= store.bytes_on_disk < foretold + 4096


def test_another_base_cut_or_form_has_another_folder() -> None:
    names = {
        store_name(*of)
        for of in (
            ("a", 1, "float16", "f"),
            ("b", 1, "float16", "f"),
            ("a", 2, "float16", "f"),
            ("a", 1, "int8", "f"),
            ("a", 1, "float16", "q"),
        )
    }  # type: ignore[arg-type]
    assert len(names) == 5


def test_training_on_kept_states_ends_where_training_on_the_whole_model_ends(store: PrefixStore, home: Home) -> None:
    whole, parted = model_of(bend=False), model_of(bend=False)
    files = SealedFiles(home, new_key())
    first = train(whole, examples(), SETTINGS, CheckpointFile(home.runs / "a", files), nothing, no)
    second = train(
        parted, examples(), SETTINGS, CheckpointFile(home.runs / "b", files), nothing, no, Execution(prefix=store)
    )
    assert first.steps == second.steps > 2
    for (key, one), (_, other) in zip(
        tree_flatten(whole.trainable_parameters()), tree_flatten(parted.trainable_parameters()), strict=True
    ):
        assert mx.abs(one - other).max().item() < 1e-3, key


@pytest.mark.parametrize("calls", [1, 3, 5, 7])
def test_a_run_stopped_anywhere_goes_on_to_the_same_bytes(home: Home, calls: int) -> None:
    """Stops while states are computed and while steps are taken; with dropout, on two streams."""
    files = SealedFiles(home, new_key())
    policy = RowPolicy(streams=2, row_tokens=64)

    def run(name: str, stop: Any) -> tuple[bool, bytes]:
        model = model_of(bend=False, dropout=0.1)
        model.train()
        store = PrefixStore(home.root / "prefix" / name, files, "float16", 32)
        checkpoint = CheckpointFile(home.runs / name, files)
        result = train(model, examples(), SETTINGS, checkpoint, nothing, stop, Execution(policy, store))
        return result.stopped, adapter_bytes(model)

    left = [calls]

    def stop() -> bool:
        left[0] -= 1
        return left[0] < 0

    assert run("killed", stop)[0]
    assert run("killed", no)[1] == run("never", no)[1]


def nothing(_event: str, /, **_data: Any) -> None:
    pass


@pytest.mark.parametrize(("form", "worst"), [("bfloat16", 0.0), ("float16", 4e-4), ("int8", 1e-2)])
def test_states_come_back_within_the_error_of_their_form(form: Form, worst: float) -> None:
    states = mx.random.normal((40, 64), key=mx.random.key(1)).astype(mx.bfloat16)
    # A few channels are huge in real models.
    states = states * mx.where(mx.arange(64) == 5, 3e5, 1.0).astype(mx.bfloat16)
    data = encode(states, form)
    assert len(data) == 40 * bytes_per_token(form, 64)
    back = decode(data, form, 64)
    values = np.array(states.astype(mx.float32))
    assert np.isfinite(back).all()
    assert error(states, form) <= worst
    others = np.arange(64) >= 32
    assert np.abs(back - values)[:, others].max() <= max(worst, 1e-9) * 3 * np.abs(values[:, others]).max()
    with pytest.raises(ValueError, match="whole tokens"):
        decode(data[:-1], form, 64)


def test_the_form_follows_from_bits_and_the_base() -> None:
    assert form_of(16, mx.float32, 64) == "float16" and form_of(16, mx.bfloat16, 64) == "bfloat16"
    assert form_of(8, mx.bfloat16, 64) == "int8" and form_of(8, mx.float32, 40) == "float16"


def test_a_broken_index_means_nothing_is_kept(store: PrefixStore) -> None:
    filled(model_of(), store, 1)
    Path(store.folder / INDEX).write_bytes(b"nonsense")
    assert content_key(examples()[0]) not in PrefixStore(store.folder, store.sealed, "float16", 32)

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
from mlx import nn
from mlx.utils import tree_flatten

from mlxtwin.backend.adapters import (
    LoraSpec,
    adapter_bytes,
    adapter_config,
    attach,
    attached,
    detach,
    disabled,
    load_adapter,
)
from mlxtwin.backend.tensors import from_safetensors, to_safetensors
from mlxtwin.errors import UsageError

from .small import small_model

TOKENS = mx.array([[5, 9, 2, 700, 4000, 11]])
SPECS = {"lora": LoraSpec(num_layers=2, rank=4), "dora": LoraSpec(num_layers=2, rank=4, dora=True)}


def trained(model: nn.Module) -> nn.Module:
    """As if training had moved every adapter parameter."""
    moved = [(name, value + 0.05) for name, value in tree_flatten(model.trainable_parameters())]
    model.load_weights(moved, strict=False)
    return model


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_a_new_adapter_changes_nothing_and_alone_is_trainable(spec: LoraSpec) -> None:
    model = small_model()
    before = model(TOKENS)
    attach(model, spec)
    assert mx.abs(model(TOKENS) - before).max().item() < 1e-5
    names = [name for name, _ in tree_flatten(model.trainable_parameters())]
    assert names and {name.rsplit(".", 1)[1] for name in names} == (
        {"lora_a", "lora_b"} | ({"m"} if spec.dora else set())
    )
    assert {name.split(".")[2] for name in names} == {"1", "2"}
    assert all(value.dtype == mx.float32 for _, value in tree_flatten(model.trainable_parameters()))


def test_the_start_depends_on_the_seed_and_on_nothing_else() -> None:
    def start(seed: int, disturb: int, layers: int = 2) -> bytes:
        model = small_model()
        mx.random.seed(disturb)
        attach(model, LoraSpec(num_layers=layers), seed)
        return adapter_bytes(model)

    assert start(1, 1) == start(1, 2)
    assert start(1, 1) != start(2, 1)
    more = from_safetensors(start(1, 1, layers=3))
    assert all(np.array_equal(value, more[name]) for name, value in from_safetensors(start(1, 1)).items())


def test_attaching_leaves_the_global_random_state_alone() -> None:
    model = small_model()
    mx.random.seed(5)
    expected = mx.random.uniform(shape=(3,)).tolist()
    mx.random.seed(5)
    attach(model, LoraSpec())
    assert mx.random.uniform(shape=(3,)).tolist() == expected


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_bytes_bring_the_same_model_back_and_keys_are_sorted(spec: LoraSpec) -> None:
    model = small_model()
    attach(model, spec, seed=1)
    trained(model)
    data, logits = adapter_bytes(model), model(TOKENS)
    other = small_model()
    attach(other, spec, seed=2)
    load_adapter(other, data)
    assert mx.array_equal(other(TOKENS), logits).item()
    assert adapter_bytes(other) == data
    names = list(from_safetensors(data))
    assert names == sorted(names)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_disabled_is_the_bare_base_and_the_twin_comes_back(spec: LoraSpec) -> None:
    model = small_model()
    base = model(TOKENS)
    attach(model, spec, seed=1)
    twin = trained(model)(TOKENS)
    with pytest.raises(RuntimeError), disabled(model):
        assert mx.array_equal(model(TOKENS), base).item()
        raise RuntimeError
    assert mx.array_equal(model(TOKENS), twin).item()
    assert not mx.array_equal(twin, base).item()


def test_swapping_to_another_rank_and_taking_off_need_no_reload() -> None:
    model = small_model()
    base = model(TOKENS)
    attach(model, LoraSpec(rank=4), seed=1)
    trained(model)
    attach(model, LoraSpec(rank=2, num_layers=-1, dora=True), seed=1)
    shapes = {value.shape[-1] for name, value in tree_flatten(model.trainable_parameters()) if name.endswith("lora_a")}
    assert shapes == {2}
    detach(model)
    assert not attached(model)
    assert mx.array_equal(model(TOKENS), base).item()
    assert not tree_flatten(model.trainable_parameters())


def test_an_adapter_that_does_not_fit_is_refused_and_nothing_changes() -> None:
    model = small_model()
    attach(model, LoraSpec(rank=4, num_layers=2), seed=1)
    before = adapter_bytes(model)
    arrays = from_safetensors(before)
    first = next(iter(arrays))
    wrong = {
        "missing": {name: value for name, value in arrays.items() if name != first},
        "extra": arrays | {"model.embed_tokens.weight": np.zeros((1,), np.float32)},
        "shape": arrays | {first: arrays[first][:-1]},
        "infinite": arrays | {first: arrays[first] * np.inf},
    }
    for case in wrong.values():
        with pytest.raises(UsageError):
            load_adapter(model, to_safetensors(case))
    for data in (b"", before[:-4], b"\xff" * 64, before[:40]):
        with pytest.raises(UsageError):
            load_adapter(model, data)
    assert adapter_bytes(model) == before


def test_keys_choose_layers_and_an_unknown_key_lists_the_known() -> None:
    model = small_model()
    attach(model, LoraSpec(keys=("self_attn.q_proj",), num_layers=1))
    assert list(from_safetensors(adapter_bytes(model))) == [
        "model.layers.2.self_attn.q_proj.lora_a",
        "model.layers.2.self_attn.q_proj.lora_b",
    ]
    with pytest.raises(UsageError, match="q_prj") as caught:
        attach(model, LoraSpec(keys=("self_attn.q_prj",)))
    assert "self_attn.q_proj" in caught.value.hint


def test_values_that_mlx_lm_would_misread_are_refused() -> None:
    model = small_model()
    for spec in (LoraSpec(num_layers=0), LoraSpec(num_layers=-2), LoraSpec(rank=0), LoraSpec(dropout=1.0)):
        with pytest.raises(UsageError):
            attach(model, spec)


def test_dropout_acts_in_training_only() -> None:
    model = small_model()
    attach(model, LoraSpec(dropout=0.5), seed=1)
    trained(model)
    assert mx.array_equal(model(TOKENS), model(TOKENS)).item()
    model.train()
    assert not mx.array_equal(model(TOKENS), model(TOKENS)).item()


def test_more_layers_than_the_base_has_mean_all_of_them() -> None:
    assert adapter_config(LoraSpec(num_layers=8), 5)["num_layers"] == 5
    assert adapter_config(LoraSpec(num_layers=-1), 5)["num_layers"] == 5

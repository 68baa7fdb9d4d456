from __future__ import annotations

import json
from pathlib import Path

import mlx.core as mx
import pytest
from backend.small import small_folder
from mlx.utils import tree_flatten

from mlxtwin.backend.adapters import LoraSpec, adapter_bytes, attach
from mlxtwin.backend.engine import load_base
from mlxtwin.backend.models import BaseModel, describe, starter
from mlxtwin.errors import UsageError
from mlxtwin.export.mlx import to_mlx

SPECS = {
    "lora": LoraSpec(num_layers=2, rank=4, scale=1.7),
    "dora": LoraSpec(num_layers=2, rank=4, dora=True),
    "all blocks": LoraSpec(num_layers=-1, rank=3, dropout=0.1),
    "more than all": LoraSpec(num_layers=99, rank=2),
    "chosen keys": LoraSpec(num_layers=1, rank=8, keys=("self_attn.q_proj", "mlp.down_proj")),
}
TOKENS = mx.array([[1, 4, 77, 300, 12, 6, 5, 99]])


def check(base: BaseModel, spec: LoraSpec, folder: Path, tokens: mx.array) -> None:
    """Our logits against those of stock mlx-lm on the exported folder."""
    from mlx_lm import load

    model = load_base(base).model
    plain = model(tokens)
    attach(model, spec, seed=1)
    moved = [(name, value + 0.01) for name, value in tree_flatten(model.trainable_parameters())]
    model.load_weights(moved, strict=False)
    ours = model(tokens)
    assert mx.abs(ours - plain).max().item() > 1e-2
    to_mlx(adapter_bytes(model), spec, base, folder)
    stock, _ = load(str(base.path), adapter_path=str(folder))
    stock.set_dtype(mx.float32)
    assert mx.abs(stock(tokens) - ours).max().item() < 1e-4


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_stock_mlx_lm_gives_our_logits(tmp_path: Path, spec: LoraSpec) -> None:
    check(describe(small_folder(tmp_path / "base"), "base"), spec, tmp_path / "out", TOKENS)


@pytest.mark.parametrize("name", ["qwen3", "gemma2"])
def test_so_it_does_on_other_architectures(tmp_path: Path, name: str) -> None:
    check(describe(small_folder(tmp_path / "base", name), name), SPECS["lora"], tmp_path / "out", TOKENS)


def test_so_it_does_on_the_starter(tmp_path: Path) -> None:
    check(starter(), LoraSpec(), tmp_path / "out", TOKENS)


def test_so_it_does_on_a_real_base(tmp_path: Path, shared: Path) -> None:
    base = describe(shared / "models" / "stories260k", "stories")
    check(base, LoraSpec(), tmp_path / "out", mx.array([[1, 403, 407, 261, 378, 13]]))


def test_a_folder_that_holds_anything_is_left_alone(tmp_path: Path) -> None:
    base = describe(small_folder(tmp_path / "base"), "base")
    folder = tmp_path / "out"
    folder.mkdir()
    to_mlx(b"first", LoraSpec(), base, folder)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    for target, why in ((folder, "is not empty"), (folder / "adapter_config.json", "is a file")):
        with pytest.raises(UsageError, match=why):
            to_mlx(b"second", LoraSpec(), base, target)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert json.loads(before["adapter_config.json"])["num_layers"] == 3

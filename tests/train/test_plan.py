from __future__ import annotations

import pytest

from mlxtwin.errors import NotEnoughMemory
from mlxtwin.train import recipe
from mlxtwin.train.plan import MemoryPlan, base_shape, plan, require

EIGHT_BILLION = {
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "intermediate_size": 14336,
    "num_attention_heads": 32,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
}
GB = 2**30


def planned(budget: int, *sets: str) -> MemoryPlan:
    resolved = recipe.resolve({"effort": "quick"}, recipe.parse_sets(sets), base_shape(EIGHT_BILLION)).recipe
    return plan(EIGHT_BILLION, resolved, weights_bytes=5 * GB, value_bytes=2, budget=budget)


def test_an_8_billion_base_of_4_bits_does_not_fit_8_gb_and_says_what_would_help() -> None:
    with pytest.raises(NotEnoughMemory, match="GB") as caught:
        require(planned(6 * GB))
    assert "--set" in caught.value.hint
    require(planned(26 * GB))


def test_every_dial_that_costs_memory_raises_the_plan() -> None:
    before = planned(GB).total
    for dearer in ("max_seq_length=2048", "num_layers=-1", "lora_parameters.rank=64", "batch_tokens=2048"):
        assert planned(GB, dearer).total > before, dearer


def test_the_shape_of_a_nested_text_config_is_found() -> None:
    shape = base_shape({"model_type": "x", "text_config": EIGHT_BILLION})
    assert (shape.width, shape.blocks, shape.context) == (4096, 32, 8192)

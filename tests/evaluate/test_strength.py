from __future__ import annotations

from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from mlx import nn

from mlxtwin.backend.adapters import LoraSpec, adapter_arrays, attach, attached
from mlxtwin.evaluate import forgetting
from mlxtwin.evaluate.forgetting import SPAN, _half, neutral_examples
from mlxtwin.evaluate.likelihood import Score
from mlxtwin.evaluate.strength import MARGIN, SHARES, turn_down


def adapted(*, dora: bool = False) -> nn.Module:
    from mlx_lm.models.llama import Model, ModelArgs

    shape = {"hidden_size": 32, "num_hidden_layers": 1, "intermediate_size": 64, "num_attention_heads": 2}
    model = Model(ModelArgs(model_type="llama", rms_norm_eps=1e-5, vocab_size=64, head_dim=16, **shape))
    attach(model, LoraSpec(num_layers=-1, rank=4, scale=2.0, dora=dora), seed=0)
    for name, value in adapter_arrays(model).items():
        if name.endswith("lora_b"):
            model.load_weights([(name, mx.ones(value.shape))], strict=False)
    return model


def arrays(model: nn.Module) -> dict[str, Any]:
    return {name: np.array(value) for name, value in adapter_arrays(model).items()}


def squared_share(model: nn.Module) -> float:
    """A loss that rises with the square of what is kept of the adapter, 1 for all of it."""
    second = next(value for name, value in arrays(model).items() if name.endswith("lora_b"))
    return float(second.flat[0] ** 2)


def test_an_adapter_that_forgets_too_much_is_turned_down_and_only_its_second_factor_scaled() -> None:
    model = adapted()
    before = arrays(model)
    allowed = 0.5
    share = turn_down(model, allowed, lambda: squared_share(model))
    assert share == max(one for one in SHARES if one**2 <= MARGIN * allowed)
    for name, value in arrays(model).items():
        np.testing.assert_allclose(value, before[name] * (share if name.endswith("lora_b") else 1.0), rtol=1e-6)


def test_an_adapter_that_forgets_nothing_is_left_as_it_is() -> None:
    model = adapted()
    before = arrays(model)
    assert turn_down(model, 0.03, lambda: -0.2) == 1.0
    for name, value in arrays(model).items():
        np.testing.assert_array_equal(value, before[name])


def test_an_adapter_that_always_forgets_keeps_the_smallest_share_for_the_gate_to_reject() -> None:
    assert turn_down(adapted(), 0.03, lambda: 1.0) == SHARES[-1]


def test_dora_is_left_whole() -> None:
    assert turn_down(adapted(dora=True), 0.03, lambda: 1.0) == 1.0


@pytest.mark.parametrize("dora", [False, True])
def test_what_goes_on_from_a_version_is_turned_down_towards_it(dora: bool) -> None:
    model = adapted(dora=dora)
    start = {name: mx.array(value) for name, value in arrays(model).items()}
    model.load_weights([(name, value + 2.0) for name, value in start.items()], strict=False)
    allowed = 6.0 / MARGIN
    share = turn_down(model, allowed, lambda: squared_share(model), start)
    assert share == max(one for one in SHARES if (1 + 2 * one) ** 2 <= MARGIN * allowed)
    assert share < 1
    for name, value in arrays(model).items():
        np.testing.assert_allclose(value, np.array(start[name]) + 2.0 * share, rtol=1e-6)


def test_what_goes_on_from_a_version_and_forgets_nothing_stays_as_it_is_to_the_bit() -> None:
    model = adapted()
    start = {name: mx.array(value) / 3 for name, value in arrays(model).items()}
    before = arrays(model)
    assert turn_down(model, 0.03, lambda: 0.0, start) == 1.0
    for name, value in arrays(model).items():
        np.testing.assert_array_equal(value, before[name])


def test_a_base_whose_loss_is_known_is_not_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[bool] = []
    model = adapted()

    def scored(given: nn.Module, examples: list[Any]) -> dict[str, Score]:
        passes.append(attached(given))
        return {"d": Score(2.0, 1) if attached(given) else Score(1.0, 1)}

    monkeypatch.setattr(forgetting, "score_documents", scored)
    first = forgetting.measure(model, Letters(), 512, "choose")
    assert (first.base_nll, first.twin_nll, passes) == (1.0, 2.0, [True, False])
    assert forgetting.measure(model, Letters(), 512, "choose", first.base_nll) == first
    assert passes == [True, False, True]


class Letters:
    """One token per character; enough of a tokenizer for plain text."""

    eos_ids: frozenset[int] = frozenset()

    def encode(self, text: str) -> list[int]:
        return [1 + ord(letter) % 63 for letter in text]


def test_what_is_chosen_by_is_not_what_is_judged_by() -> None:
    paragraphs = neutral_examples(Letters(), 10_000)
    assert len(paragraphs) >= 20
    for paragraph in paragraphs:
        choose, judge = _half(paragraph, "choose").supervised, _half(paragraph, "judge").supervised
        assert not any(one and other for one, other in zip(choose, judge, strict=True))
        assert sum(choose) + sum(judge) == sum(paragraph.supervised)
        assert min(sum(choose), sum(judge)) > 50
        # As much stands before the words of the one half as before those of the other.
        places = [[at for at, taken in enumerate(half) if taken] for half in (choose, judge)]
        middles = [sum(one) / len(one) for one in places]
        assert abs(middles[0] - middles[1]) <= 2 * SPAN

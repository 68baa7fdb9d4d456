from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest
from mlx import nn
from mlx.utils import tree_flatten

from mlxtwin.backend.device import prepare
from mlxtwin.backend.engine import Loaded, PromptCache, fit, generate, load_base, make_sampler, packed_parts
from mlxtwin.backend.models import BaseModel, describe
from mlxtwin.errors import UsageError
from mlxtwin.records import Message

from .small import CONFIGS, small_folder, small_model

HELLO = [Message("user", "Tell me about the garden.")]


def loaded(folder: Path, name: str = "llama", **changes: Any) -> Loaded:
    return load_base(describe(small_folder(folder / name, name, **changes), name))


@pytest.mark.parametrize("name", CONFIGS)
def test_every_architecture_loads_and_answers(tmp_path: Path, name: str) -> None:
    base = loaded(tmp_path, name)
    answer = generate(base, HELLO, max_tokens=12, temperature=0.0)
    text = "".join(answer)
    assert answer.tokens == 12 and answer.ended == "length"
    prompt = base.tokenizer.render(HELLO, generation_prompt=True)
    assert base.tokenizer.decode(plain_greedy(base.model, prompt, 12)) == text


def plain_greedy(model: nn.Module, tokens: list[int], count: int) -> list[int]:
    """Without any cache: the whole text again for every token."""
    answer: list[int] = []
    for _ in range(count):
        answer.append(int(mx.argmax(model(mx.array([tokens + answer]))[0, -1]).item()))
    return answer


def test_the_same_seed_gives_the_same_answer_and_another_seed_another(tmp_path: Path) -> None:
    base = loaded(tmp_path)

    def answer(seed: int) -> str:
        mx.random.seed(seed + 99)
        return "".join(generate(base, HELLO, max_tokens=20, temperature=1.0, seed=seed))

    assert answer(1) == answer(1)
    assert answer(1) != answer(2)


def test_generating_leaves_the_global_random_state_alone(tmp_path: Path) -> None:
    base = loaded(tmp_path)
    mx.random.seed(3)
    expected = mx.random.uniform(shape=(2,)).tolist()
    mx.random.seed(3)
    "".join(generate(base, HELLO, max_tokens=5))
    assert mx.random.uniform(shape=(2,)).tolist() == expected


def test_a_stop_is_heard_between_tokens_and_while_the_prompt_is_read(tmp_path: Path) -> None:
    base = loaded(tmp_path)
    asked = iter([False] * 6 + [True] * 1000)
    answer = generate(base, HELLO, max_tokens=100, stop=lambda: next(asked))
    "".join(answer)
    assert answer.ended == "stopped" and 0 < answer.tokens < 6
    answer = generate(base, HELLO, max_tokens=100, stop=lambda: True)
    assert "".join(answer) == "" and answer.ended == "stopped"


def test_an_end_token_ends_the_answer_and_is_not_shown(tmp_path: Path) -> None:
    base = loaded(tmp_path)
    prompt = base.tokenizer.render(HELLO, generation_prompt=True)
    third = plain_greedy(base.model, prompt, 3)[2]
    base.tokenizer.eos_ids.add(third)
    answer = generate(base, HELLO, max_tokens=50, temperature=0.0)
    text = "".join(answer)
    assert answer.ended == "end" and answer.tokens <= 2
    assert text == base.tokenizer.decode(plain_greedy(base.model, prompt, answer.tokens))


def test_a_second_turn_over_the_cache_equals_one_from_the_start(tmp_path: Path) -> None:
    base = loaded(tmp_path)
    cache = PromptCache()
    first = "".join(generate(base, HELLO, max_tokens=10, temperature=0.0, cache=cache))
    turns = [*HELLO, Message("assistant", first), Message("user", "And then?")]
    kept = cache.layers
    again = generate(base, turns, max_tokens=10, temperature=0.0, cache=cache)
    assert "".join(again) == "".join(generate(base, turns, max_tokens=10, temperature=0.0))
    assert cache.layers is kept
    for words in ("Tell me about the roses.", "Tell me"):
        other = [Message("user", words)]
        cached = "".join(generate(base, other, max_tokens=10, temperature=0.0, cache=cache))
        assert cached == "".join(generate(base, other, max_tokens=10, temperature=0.0))
        assert cache.layers is kept


def test_prompt_and_answer_stay_within_the_context(tmp_path: Path) -> None:
    base = loaded(tmp_path)
    turns = [Message("system", "Be brief.")]
    for number in range(40):
        turns += [Message("user", f"Question number {number} about the garden"), Message("assistant", "Roses.")]
    turns.append(Message("user", "And the last one?"))
    prompt = fit(base, turns, 64)
    text = base.tokenizer.inner.decode(prompt)
    assert len(prompt) + 64 <= base.context == 256
    assert "Be brief." in text and "last one?" in text and "number 3 " not in text
    answer = generate(base, turns, max_tokens=10_000, temperature=0.0)
    "".join(answer)
    assert answer.prompt_tokens + answer.tokens <= 256


def test_one_message_that_is_too_long_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="tokens"):
        generate(loaded(tmp_path), [Message("user", "garden " * 400)])


def test_top_p_leaves_only_the_likeliest(tmp_path: Path) -> None:
    logprobs = mx.log(mx.array([[0.5, 0.3, 0.15, 0.05]]))
    drawn = {int(make_sampler(1.0, 0.75, seed)(logprobs).item()) for seed in range(60)}
    assert drawn == {0, 1}
    assert {int(make_sampler(1.0, 0.01, seed)(logprobs).item()) for seed in range(20)} == {0}
    with pytest.raises(UsageError):
        make_sampler(-1.0, 0.9, 0)


def test_a_base_is_held_in_float32_on_a_cpu_and_as_saved_elsewhere(tmp_path: Path) -> None:
    folder = small_folder(tmp_path / "half")
    weights = {name: value.astype(mx.bfloat16) for name, value in tree_flatten(small_model().parameters())}
    mx.save_safetensors(str(folder / "model.safetensors"), weights)
    base = describe(folder, "half")
    types = {}
    for dtype in ("float32", "own"):
        model = load_base(base, replace(prepare(), base_dtype=dtype)).model
        types[dtype] = {value.dtype for _, value in tree_flatten(model.parameters())}
    assert types == {"float32": {mx.float32}, "own": {mx.bfloat16}}


def four_bit(tmp_path: Path) -> tuple[BaseModel, nn.Module]:
    """A quantised base on disk, and the same in memory."""
    folder = small_folder(tmp_path / "four", hidden_size=64, head_dim=16)
    model = small_model(hidden_size=64, head_dim=16)
    nn.quantize(model, group_size=32, bits=4)
    mx.save_safetensors(str(folder / "model.safetensors"), dict(tree_flatten(model.parameters())))
    config = json.loads((folder / "config.json").read_text()) | {"quantization": {"group_size": 32, "bits": 4}}
    (folder / "config.json").write_text(json.dumps(config))
    return describe(folder, "four"), model


def types_of(model: nn.Module) -> set[mx.Dtype]:
    return {value.dtype for _, value in tree_flatten(model.parameters())}


def test_a_quantised_base_is_unpacked_once_on_a_cpu(tmp_path: Path) -> None:
    base, model = four_bit(tmp_path)
    unpacked = load_base(base, replace(prepare(), base_dtype="float32")).model
    tokens = mx.array([[4, 5, 6]])
    assert not packed_parts(unpacked) and packed_parts(model)
    assert mx.abs(unpacked(tokens) - model(tokens)).max().item() < 1e-3


def test_on_cuda_a_quantised_base_is_unpacked_to_bfloat16_to_train_on_and_kept_to_answer_from(tmp_path: Path) -> None:
    base, model = four_bit(tmp_path)
    card = replace(prepare(), kind="cuda", base_dtype="own", memory_budget=1 << 30)
    trained, asked = load_base(base, card, training=True).model, load_base(base, card).model
    assert types_of(trained) == {mx.bfloat16} and not packed_parts(trained)
    assert types_of(asked) == types_of(model) and len(packed_parts(asked)) == len(packed_parts(model))
    tokens = mx.array([[4, 5, 6]])
    whole = model(tokens)
    # bfloat16 keeps 8 bits of each weight.
    assert mx.abs(trained(tokens) - whole).max().item() < 0.03 * mx.abs(whole).max().item()


def test_on_cuda_a_quantised_base_stays_as_it_is_where_unpacked_it_would_take_more_than_half_of_the_memory(
    tmp_path: Path,
) -> None:
    base, _ = four_bit(tmp_path)
    plain = small_model(hidden_size=64, head_dim=16)
    room = 2 * 2 * sum(value.size for _, value in tree_flatten(plain.parameters()))
    for kind, budget, packed in [("cuda", room, False), ("cuda", room - 2, True), ("metal", 1 << 40, True)]:
        device = replace(prepare(), kind=kind, base_dtype="own", memory_budget=budget)
        assert bool(packed_parts(load_base(base, device, training=True).model)) is packed, (kind, budget)


def test_on_cuda_a_base_that_is_not_quantised_is_trained_in_its_own_precision(tmp_path: Path) -> None:
    base = describe(small_folder(tmp_path / "whole"), "whole")
    card = replace(prepare(), kind="cuda", base_dtype="own", memory_budget=1 << 30)
    assert types_of(load_base(base, card, training=True).model) == {mx.float32}


def test_weights_that_do_not_fit_the_config_are_a_sentence(tmp_path: Path) -> None:
    folder = small_folder(tmp_path / "odd")
    config = json.loads((folder / "config.json").read_text()) | {"intermediate_size": 48}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match="odd cannot be loaded"):
        load_base(describe(folder, "odd"))


def test_a_base_that_changed_since_it_was_chosen_is_not_loaded(tmp_path: Path) -> None:
    base = describe(small_folder(tmp_path / "one"), "one")
    config = json.loads((base.path / "config.json").read_text())
    (base.path / "config.json").write_text(json.dumps(config | {"rope_theta": 500.0}))
    with pytest.raises(UsageError, match="changed"):
        load_base(base)

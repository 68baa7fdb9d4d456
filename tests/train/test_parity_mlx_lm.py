"""mlx-lm's own trainer beside ours: equal where it is right, and a test by name for each place where it is wrong.

Those were found in mlx-lm 0.32.2. A test that fails after an update has found one mended: drop it, and what the README
says of it.
"""

from __future__ import annotations

import json
import math
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from backend.small import STARTER, small_model
from mlx import nn, optimizers
from mlx.utils import tree_flatten, tree_map
from mlx_lm.tuner.datasets import CacheDataset, ChatDataset
from mlx_lm.tuner.trainer import TrainingArgs, default_loss, iterate_batches, train

from mlxtwin.backend.adapters import LoraSpec, attach
from mlxtwin.backend.tokenizer import ChatTokenizer, load_tokenizer
from mlxtwin.dataset.batches import batches
from mlxtwin.dataset.rows import RowPolicy
from mlxtwin.dataset.tokens import tokenise
from mlxtwin.records import Example, Message, TokenExample
from mlxtwin.train.gradient import Execution, Gradients, Summed

INSTALLED = f"mlx-lm {version('mlx-lm')}"
TOLERANCE = 1e-5
Row = tuple[list[int], int]


@pytest.fixture
def model() -> Any:
    model = small_model()
    attach(model, LoraSpec(num_layers=2, rank=4), seed=3)
    for block in model.layers[1:]:
        shape = block.self_attn.q_proj.lora_b.shape
        block.self_attn.q_proj.lora_b = 0.05 * mx.random.normal(shape, key=mx.random.key(2))
    return model


@pytest.fixture(scope="module")
def tokenizer() -> ChatTokenizer:
    return load_tokenizer(STARTER, json.loads((STARTER / "config.json").read_text())["eos_token_id"])


def rows(*shapes: tuple[int, int]) -> list[Row]:
    """Of (length, length of the prompt): the ids, and the prompt's length, as mlx-lm's data sets give them."""
    random = np.random.default_rng(1)
    return [(random.integers(5, 4000, length).tolist(), prompt) for length, prompt in shapes]


def as_examples(given: list[Row]) -> list[TokenExample]:
    return [
        TokenExample(f"d{number}", tuple(ids), tuple(at >= prompt for at in range(len(ids))))
        for number, (ids, prompt) in enumerate(given)
    ]


def stock(model: nn.Module, dataset: Any, batch_size: int, width: int) -> tuple[float, int, Any]:
    """mlx-lm's loss of its first batch, the tokens it is the mean of, and its gradient."""
    batch = next(iterate_batches(dataset, batch_size, width))
    (loss, tokens), gradient = nn.value_and_grad(model, default_loss)(model, *batch)
    return loss.item(), int(tokens.item()), gradient


def ours(model: nn.Module, batch: list[TokenExample]) -> Summed:
    return Gradients(model, Execution(RowPolicy(streams=2, row_tokens=64))).step(batch, range(len(batch)))


def nats_of(model: nn.Module, ids: list[int], places: list[int]) -> float:
    """Of the tokens at ``places``, computed plainly."""
    logits = model(mx.array([ids]))[0].astype(mx.float32)
    logprobs = np.array(logits - mx.logsumexp(logits, axis=-1, keepdims=True), np.float64)
    return -float(sum(logprobs[at - 1, ids[at]] for at in places))


def true_nats(model: nn.Module, batch: list[TokenExample]) -> float:
    wanted = [[at for at, on in enumerate(example.supervised) if on and at] for example in batch]
    return sum(nats_of(model, list(one.tokens), places) for one, places in zip(batch, wanted, strict=True))


def difference(one: Any, other: Any) -> float:
    """The largest over all parameters, relative to the size of each in ``other``."""
    pairs = zip(tree_flatten(one), tree_flatten(other), strict=True)
    return max((mx.linalg.norm(a - b) / mx.maximum(mx.linalg.norm(b), 1e-6)).item() for (_, a), (_, b) in pairs)


def chat(*texts: str) -> tuple[dict[str, Any], Example]:
    """User and assistant in turn, for mlx-lm and for us."""
    roles = ("user", "assistant") * len(texts)
    messages = tuple(Message(role, text) for role, text in zip(roles, texts, strict=False))  # type: ignore[arg-type]
    theirs = {"messages": [{"role": one.role, "content": one.content} for one in messages]}
    return theirs, Example("d", "chat", messages, 1, "train")


@pytest.mark.parametrize("count", [1, 3])
def test_where_nothing_is_padded_the_loss_and_gradient_of_mlx_lm_are_ours(model: Any, count: int) -> None:
    """Rows as long as the window are the one case without padding."""
    given = rows(*[(40, 25 + number) for number in range(count)])
    loss, tokens, gradient = stock(model, given, count, 40)
    summed = ours(model, as_examples(given))
    assert (tokens, loss) == (summed.targets, pytest.approx(summed.nats / summed.targets, rel=TOLERANCE))
    assert difference(tree_map(lambda array: array / summed.targets, summed.gradient), gradient) < TOLERANCE


def test_mlx_lm_trains_one_padding_token_per_sequence(model: Any) -> None:
    given = rows((20, 5), (30, 12), (40, 33))
    batch = as_examples(given)
    loss, tokens, _ = stock(model, given, 3, 512)
    summed = ours(model, batch)
    right = true_nats(model, batch)
    assert summed.targets == 15 + 18 + 7 and summed.nats == pytest.approx(right, rel=TOLERANCE)
    padding = sum(nats_of(model, [*ids, 0], [len(ids)]) for ids, _ in given)
    assert tokens == summed.targets + 3, INSTALLED
    assert padding > 10 and loss * tokens == pytest.approx(right + padding, rel=TOLERANCE), INSTALLED


def test_mlx_lm_gives_nan_when_a_masked_prompt_fills_the_width(model: Any, tokenizer: ChatTokenizer) -> None:
    theirs, example = chat("Tell me of the garden. " * 30, "Roses, mostly.")
    dataset = CacheDataset(ChatDataset([theirs], tokenizer.inner, mask_prompt=True))
    loss, tokens, gradient = stock(model, dataset, 1, 64)
    assert dataset[0][1] > 64 and tokens == 0 and math.isnan(loss), INSTALLED
    assert all(mx.isnan(value).any().item() for name, value in tree_flatten(gradient) if "q_proj" in name), INSTALLED
    (kept,) = made = tokenise([example], tokenizer, 64)
    summed = ours(model, made)
    answer = tokenizer.decode([token for token, on in zip(kept.tokens, kept.supervised, strict=True) if on])
    assert len(kept.tokens) <= 64 and answer.strip() == "Roses, mostly."
    assert summed.targets == kept.targets > 0 and summed.nats == pytest.approx(true_nats(model, made), rel=TOLERANCE)


def test_mlx_lm_masks_all_but_the_last_message_of_a_chat(model: Any, tokenizer: ChatTokenizer) -> None:
    asked = ("What grows there?", "For how long?", "Do you sell them?")
    answers = ("Roses, mostly.", "Since last spring.", "No, never.")
    theirs, example = chat(*(text for turn in zip(asked, answers, strict=True) for text in turn))
    dataset = CacheDataset(ChatDataset([theirs], tokenizer.inner, mask_prompt=True))
    ids, prompt = dataset[0]
    alone = [tokenise([chat(*turn)[1]], tokenizer, 512)[0].targets for turn in zip(asked, answers, strict=True)]
    made = tokenise([example], tokenizer, 512)
    summed = ours(model, made)
    taught = tokenizer.decode([token for token, on in zip(made[0].tokens, made[0].supervised, strict=True) if on])
    assert summed.targets == sum(alone) and summed.nats == pytest.approx(true_nats(model, made), rel=TOLERANCE)
    assert all(text in taught for text in answers) and not any(text in taught for text in asked)
    _, tokens, _ = stock(model, dataset, 1, len(ids))
    # What the template writes after an answer is learned as well.
    assert alone[2] <= tokens < alone[2] + 3 and tokens < sum(alone) - 3, INSTALLED
    assert not any(text in tokenizer.decode(ids[prompt:]) for text in answers[:2]), INSTALLED


def test_mlx_lm_never_trains_the_rows_beyond_the_last_whole_batch() -> None:
    given = rows(*[(10 + number, 3) for number in range(5)])
    seen: set[tuple[int, ...]] = set()
    for _ in range(4):
        for batch, lengths in iterate_batches(given, 2, 512):
            pairs = zip(batch.tolist(), lengths.tolist(), strict=True)
            seen |= {tuple(row[:length]) for row, (_, length) in pairs}
    everything = {tuple(ids) for ids, _ in given}
    assert everything - seen == {tuple(given[4][0])}, INSTALLED
    for epoch in range(4):
        made = batches(as_examples(given), batch_tokens=25, seed=0, epoch=epoch)
        assert sorted(index for batch in made for index in batch) == [0, 1, 2, 3, 4]


def test_mlx_lm_averages_the_means_of_accumulated_batches_and_not_their_tokens(model: Any, tmp_path: Path) -> None:
    """A step of 1 down the gradient shows in the weights what the gradient was."""
    given = rows((40, 4), (40, 37))
    batch = as_examples(given)
    each = [ours(model, [example]).gradient for example in batch]
    by_token = tree_map(lambda one, other: (one + other) / (36 + 3), *each)
    by_mean = tree_map(lambda one, other: (one / 36 + other / 3) / 2, *each)
    together = ours(model, batch)
    assert together.weight == 36 + 3
    assert difference(tree_map(lambda array: array / together.weight, together.gradient), by_token) < TOLERANCE

    before = model.trainable_parameters()
    args = TrainingArgs(
        batch_size=1,
        iters=2,
        grad_accumulation_steps=2,
        max_seq_length=40,
        adapter_file=str(tmp_path / "adapters.safetensors"),
    )
    train(model, optimizers.SGD(learning_rate=1.0), given, args=args)
    taken = tree_map(lambda one, other: one - other, before, model.trainable_parameters())
    assert difference(taken, by_mean) < 1e-4, INSTALLED
    assert difference(taken, by_token) > 0.1, INSTALLED

"""The order of training: everything once an epoch, in well-filled steps, the same for the same seed."""

from __future__ import annotations

import random

import numpy as np

from mlxtwin.dataset.batches import batches
from mlxtwin.records import TokenExample


def examples(count: int, longest: int = 500) -> list[TokenExample]:
    lengths = [random.Random(n).randint(5, longest) for n in range(count)]
    return [TokenExample(str(n), (1,) * length, (True,) * length) for n, length in enumerate(lengths)]


def filled(tokens: list[TokenExample], batch: list[int]) -> int:
    return sum(len(tokens[index].tokens) - 1 for index in batch)


def test_every_example_comes_once_in_an_epoch() -> None:
    for count in (0, 1, 2, 97, 1000):
        made = batches(examples(count), batch_tokens=2048, seed=1, epoch=0)
        assert sorted(index for batch in made for index in batch) == list(range(count))
        assert all(made)


def test_no_batch_exceeds_the_budget_but_for_a_single_long_example() -> None:
    tokens = [*examples(300), TokenExample("long", (1,) * 5000, (True,) * 5000)]
    made = batches(tokens, batch_tokens=2048, seed=1, epoch=3)
    assert [300] in made
    assert all(filled(tokens, batch) <= 2048 for batch in made if batch != [300])


def test_batches_are_well_filled() -> None:
    tokens = examples(2000)
    made = batches(tokens, batch_tokens=4096, seed=0, epoch=0)
    assert sum(filled(tokens, batch) for batch in made) / len(made) > 0.9 * 4096


def test_seed_and_epoch_set_the_order_and_nothing_else_does() -> None:
    tokens = examples(200)
    first = batches(tokens, batch_tokens=1024, seed=5, epoch=1)
    np.random.seed(3)
    random.seed(3)
    assert batches(tokens, batch_tokens=1024, seed=5, epoch=1) == first
    assert batches(tokens, batch_tokens=1024, seed=5, epoch=2) != first
    assert batches(tokens, batch_tokens=1024, seed=6, epoch=1) != first
    assert {frozenset(batch) for batch in batches(tokens, batch_tokens=1024, seed=5, epoch=2)} != {
        frozenset(batch) for batch in first
    }


def test_examples_of_all_lengths_meet() -> None:
    tokens = examples(500)
    spans = [
        max(len(tokens[index].tokens) for index in batch) - min(len(tokens[index].tokens) for index in batch)
        for batch in batches(tokens, batch_tokens=2048, seed=0, epoch=0)
    ]
    assert sum(spans) / len(spans) > 200

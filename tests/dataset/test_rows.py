"""Rows of several examples: every target once, predicted from the place before it, whatever the device asks for."""

from __future__ import annotations

import random

import numpy as np
import pytest

from mlxtwin.dataset.rows import PADDING, RowPolicy, Rows, rows_of
from mlxtwin.records import TokenExample

POLICIES = [
    RowPolicy(),
    RowPolicy(streams=2),
    RowPolicy(step=128, row_tokens=512, together=2048),
    RowPolicy(packed=False, together=1024),
]


def examples(count: int, longest: int = 300) -> list[TokenExample]:
    made = []
    for number in range(count):
        chance = random.Random(number)
        length = chance.randint(2, longest)
        ids = tuple(chance.randint(1, 4000) for _ in range(length))
        made.append(TokenExample(str(number), ids, tuple(chance.random() < 0.4 for _ in ids), 1.0 + number % 3))
    return made


def targets_of(rows: Rows) -> list[tuple[int, int, int, float]]:
    """(example, place in it, id, weight) of every real target, read back from the arrays."""
    width = rows.tokens.shape[1]
    out = []
    for position, id, weight in zip(rows.positions, rows.target_ids, rows.weights, strict=True):
        if weight == 0:
            continue
        row, at = divmod(int(position), width)
        place = rows.places[rows.segments[row, at]]
        assert place.row == row
        out.append((place.index, at - place.start + 1, int(id), float(weight)))
    return out


@pytest.mark.parametrize("policy", POLICIES)
def test_every_target_of_every_example_comes_once(policy: RowPolicy) -> None:
    tokens = examples(60)
    made = rows_of(tokens, range(60), policy)
    found = sorted(target for rows in made for target in targets_of(rows))
    expected = sorted(
        (index, at, example.tokens[at], example.weight)
        for index, example in enumerate(tokens)
        for at in range(1, len(example.tokens))
        if example.supervised[at]
    )
    assert found == expected
    assert sum(rows.targets for rows in made) == len(expected)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_inputs_of_every_example_stand_in_its_place(policy: RowPolicy) -> None:
    tokens = examples(60)
    made = rows_of(tokens, range(60), policy)
    for rows in made:
        for number, place in enumerate(rows.places):
            span = slice(place.start, place.start + place.length)
            assert rows.tokens[place.row, span].tolist() == list(tokens[place.index].tokens[:-1])
            assert (rows.segments[place.row, span] == number).all()
        filled = sum(place.length for place in rows.places)
        assert (rows.segments != PADDING).sum() == filled
        assert rows.tokens.shape[1] % policy.step == 0
        assert rows.tokens.size <= max(policy.together, rows.tokens.shape[1])
    assert sorted(place.index for rows in made for place in rows.places) == list(range(60))


def test_packed_rows_waste_little() -> None:
    tokens = examples(200, longest=100)
    made = rows_of(tokens, range(200), RowPolicy(step=32, row_tokens=256))
    real = sum(len(example.tokens) - 1 for example in tokens)
    assert sum(rows.tokens.size for rows in made) < 1.15 * real


def test_two_streams_get_even_passes() -> None:
    tokens = examples(40, longest=100)
    made = rows_of(tokens, range(40), RowPolicy(streams=2))
    sizes = [rows.tokens.size for rows in made]
    assert len(made) % 2 == 0 and max(sizes) <= 1.3 * min(sizes) and sizes == sorted(sizes, reverse=True)


def test_long_examples_are_put_together_so_that_no_stream_waits() -> None:
    tokens = [TokenExample(str(number), tuple(range(1, length + 2)), (True,) * (length + 1)) for number, length in
              enumerate((608, 320, 288, 192))]  # fmt: skip
    apart = rows_of(tokens, range(4), RowPolicy(streams=2))
    together = rows_of(tokens, range(4), RowPolicy(streams=2, most_tokens=1024))
    assert [rows.tokens.shape[1] for rows in apart] == [608, 320, 288, 192]
    assert [rows.tokens.shape[1] for rows in together] == [800, 608]
    bounded = rows_of(tokens, range(4), RowPolicy(streams=2, most_tokens=700))
    assert max(rows.tokens.shape[1] for rows in bounded) == 608


def test_the_order_they_are_given_in_changes_nothing() -> None:
    tokens = examples(30)
    one, other = rows_of(tokens, range(30), RowPolicy()), rows_of(tokens, [*range(29, -1, -1)], RowPolicy())
    assert [rows.tokens.tobytes() for rows in one] == [rows.tokens.tobytes() for rows in other]


def test_few_widths_reach_the_device() -> None:
    tokens = examples(500)
    chance = np.random.default_rng(0)
    policy = RowPolicy(step=128, row_tokens=512, together=2048)
    widths = {
        rows.tokens.shape[1]
        for _ in range(40)
        for rows in rows_of(tokens, chance.choice(500, 20, replace=False).tolist(), policy)
    }
    assert widths <= {128, 256, 384, 512, 640}

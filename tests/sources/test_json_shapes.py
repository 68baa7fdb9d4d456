"""Exports in JSON with a value of another shape anywhere: whatever can be read is read, nothing breaks."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Person
from mlxtwin.sources.registry import load

from .cases.chatgpt import CASE as CHATGPT
from .cases.claude import CASE as CLAUDE
from .cases.x import CASE as X

ROUNDS = 300
SHAPES: tuple[Any, ...] = (
    None, True, 0, -1, 1e300, 10**30, "", " ", "a\nb", "\ud800x", "\x00", [], {}, [[]], [None], {"a": 1}, "2024-03-02",
)  # fmt: skip


def changed(value: Any, chance: Random) -> Any:
    """A copy in which some values have another shape, and some are gone."""
    if chance.random() < 0.06:
        return chance.choice(SHAPES)
    if isinstance(value, dict):
        return {name: changed(one, chance) for name, one in value.items() if chance.random() > 0.02}
    if isinstance(value, list):
        return [changed(one, chance) for one in value if chance.random() > 0.02]
    return value


@pytest.mark.parametrize("case", [CHATGPT, CLAUDE, X], ids=lambda case: case.source)
def test_a_value_of_another_shape_breaks_nothing(tmp_path: Path, case: Any) -> None:
    start = case.data.index("[")
    for seed in range(ROUNDS):
        file = tmp_path / case.name
        file.write_text(case.data[:start] + json.dumps(changed(json.loads(case.data[start:]) * 2, Random(seed))))
        keys = []
        try:
            for document in load(case.source).read(file, tmp_path, Person.of(["ann"])):
                keys.append(document.key)
                assert document.drop or document.turns
                assert all(turn.text.strip() and (turn.mine or turn.role != "own") for turn in document.turns)
        except SourceError as error:
            assert case.name in error.message
        assert len(set(keys)) == len(keys)

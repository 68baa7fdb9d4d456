"""Every key of a recipe is told of in the documentation, and none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

from mlxtwin.train.recipe import known_keys

DOCUMENT = Path(__file__).parents[2] / "docs" / "recipes.md"


def test_every_key_has_a_line_in_the_table_and_every_line_a_key() -> None:
    told = re.findall(r"^\| `([a-z_.]+)` \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(told) == len(set(told))
    assert set(told) == set(known_keys()) - {"lora_parameters.alpha"}

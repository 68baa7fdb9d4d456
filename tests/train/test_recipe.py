from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlxtwin.errors import RecipeError
from mlxtwin.train import recipe
from mlxtwin.train.recipe import BaseShape, Recipe

SHAPE = BaseShape(width=256, blocks=6, context=512)
LONG = BaseShape(width=2048, blocks=16, context=8192)


def resolve(written: dict[str, Any], *sets: str) -> Recipe:
    return recipe.resolve(written, recipe.parse_sets(sets), SHAPE).recipe


def test_every_bundled_recipe_resolves() -> None:
    found = sorted(recipe.folder().rglob("*.y*ml"))
    assert len(found) >= 2
    for path in found:
        assert recipe.resolve(recipe.read(str(path)), {}, SHAPE).recipe.name == path.stem


def test_the_example_of_every_key_is_honoured_as_written() -> None:
    written = {
        "name": "voice",
        "base": "starter",
        "slot": "voice",
        "effort": "balanced",
        "data": {"kinds": ["mail", "note", "chat"], "tiers": {1: 0.4, 2: 0.3, 3: 0.3}, "holdout": 0.1},
        "fine_tune_type": "lora",
        "num_layers": 8,
        "lora_parameters": {"rank": 8, "alpha": 16, "dropout": 0.0},
        "learning_rate": 2.0e-4,
        "epochs": 3,
        "max_seq_length": 1024,
        "batch_tokens": 4096,
        "seed": 0,
        "gate": {"min_gain": 0.02, "max_forgetting": 0.03, "max_copied_run": 13},
    }
    resolved = recipe.resolve(written, {}, LONG)
    assert resolved.recipe.lora_parameters.scale == 2.0
    assert resolved.recipe.learning_rate == 2e-4
    assert resolved.recipe.data.kinds == ("mail", "note", "chat")
    assert resolved.origins["epochs"] == "recipe"
    assert resolved.origins["warmup"] == "default"


def test_an_unknown_key_is_refused_with_a_suggestion() -> None:
    with pytest.raises(RecipeError, match="learning_rat") as caught:
        resolve({"learning_rat": 1e-4})
    assert "learning_rate" in caught.value.hint
    with pytest.raises(RecipeError) as nested:
        resolve({"lora_parameters": {"rnk": 8}})
    assert "lora_parameters.rank" in nested.value.hint


@pytest.mark.parametrize("key", ["iters", "batch_size", "model"])
def test_a_key_of_mlx_lm_that_has_another_name_here_is_refused_and_named(key: str) -> None:
    with pytest.raises(RecipeError) as caught:
        resolve({key: 5})
    assert "Did you mean" in caught.value.hint


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"epochs": "many"},
        {"learning_rate": -1},
        {"learning_rate": float("nan")},
        {"num_layers": 0},
        {"lora_parameters": 8},
        {"lora_parameters": {"rank": 0}},
        {"lora_parameters": {"rank": 8, "alpha": 16, "scale": 2}},
        {"data": {"kinds": ["diary"]}},
        {"data": {"kinds": []}},
        {"data": {"tiers": {4: 1.0}}},
        {"data": {"holdout": 0.9}},
        {"effort": "heroic"},
        {"slot": "../elsewhere"},
        {"fine_tune_type": "full"},
        {"gate": {"max_copied_run": 0}},
    ],
)
def test_a_value_that_cannot_be_honoured_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(RecipeError):
        resolve(wrong)


def test_a_set_beats_the_recipe_and_the_recipe_beats_the_dial() -> None:
    resolved = recipe.resolve({"epochs": 7, "seed": 3}, recipe.parse_sets(["seed=4", "effort=quick"]), SHAPE)
    assert (resolved.recipe.epochs, resolved.recipe.seed, resolved.recipe.effort) == (7, 4, "quick")
    assert (resolved.origins["seed"], resolved.origins["epochs"]) == ("--set", "recipe")
    assert resolved.origins["lora_parameters.rank"] == "effort: quick"


def test_a_learning_rate_without_a_dot_is_a_number_all_the_same() -> None:
    assert resolve({}, "learning_rate=2e-4").learning_rate == 2e-4


def test_the_dial_never_asks_for_more_than_the_base_has() -> None:
    deep = resolve({"effort": "deep"})
    assert deep.max_seq_length == SHAPE.context
    assert deep.num_layers == -1


def test_a_window_longer_than_the_base_can_read_is_refused_not_shortened() -> None:
    with pytest.raises(RecipeError, match="512 tokens"):
        resolve({"max_seq_length": 1024})


def test_a_recipe_that_does_not_exist_is_named_with_the_closest(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="voic") as caught:
        recipe.read("voic")
    assert "voice" in caught.value.hint
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [1\nb: 2")
    with pytest.raises(RecipeError, match="not valid YAML"):
        recipe.read(str(broken))


def test_a_set_without_a_value_is_refused() -> None:
    with pytest.raises(RecipeError, match="KEY=VALUE"):
        recipe.parse_sets(["effort"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"effort": ["quick"]},
        {"effort": None},
        {"seed": 2**40},
        {"data": 5},
        {"lora_parameters": {"alpha": None}},
        {"lora_parameters": {"alpha": "much"}},
        {"lora_parameters": {"alpha": 2, "rank": 0}},
        {"lora_parameters": {"alpha": 2, "rank": None}},
        {"lora_parameters": {"alpha": 2, "scale": 1.0}},
        {1: 2},
    ],
)
def test_a_value_of_a_wrong_type_is_a_sentence_and_no_crash(wrong: dict[Any, Any]) -> None:
    with pytest.raises(RecipeError):
        resolve(wrong)


def test_a_set_does_not_hide_that_the_recipe_is_wrong() -> None:
    with pytest.raises(RecipeError, match="data must hold keys"):
        resolve({"data": 5}, "data.max_words=600")


def test_the_scale_that_an_alpha_gives_is_told_by_its_origin() -> None:
    resolved = recipe.resolve({"lora_parameters": {"rank": 4, "alpha": 8}}, {}, SHAPE)
    assert resolved.recipe.lora_parameters.scale == 2.0
    assert resolved.origins["lora_parameters.scale"] == "recipe: alpha / rank"
    assert "lora_parameters.alpha" not in resolved.origins

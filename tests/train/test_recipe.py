from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlxtwin.errors import RecipeError
from mlxtwin.security.masking import MASKED
from mlxtwin.train import recipe, recipe_errors
from mlxtwin.train.recipe import BaseShape, Recipe
from mlxtwin.train.update_settings import UpdateSettings

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
        {"early_stop": {"share": 0.2}},
        {"early_stop": {"share": -0.01}},
        {"early_stop": {"patience": 0}},
        {"early_stop": True},
        {"replay": {"share": 0.6}},
        {"replay": {"prompts": 3}},
    ],
)
def test_a_value_that_cannot_be_honoured_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(RecipeError):
        resolve(wrong)


def test_runs_stop_early_and_rehearse_nothing_unless_told_otherwise() -> None:
    plain = resolve({})
    assert (plain.early_stop.share, plain.early_stop.patience, plain.replay.share) == (0.03, 1, 0.0)
    told = resolve({"early_stop": {"share": 0}}, "replay.share=0.2", "early_stop.patience=3")
    assert (told.early_stop.share, told.early_stop.patience, told.replay.share) == (0.0, 3, 0.2)
    with pytest.raises(RecipeError, match=r"early_stop.share is 0.5 \(from --set\)"):
        resolve({}, "early_stop.share=0.5")


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


@pytest.mark.parametrize(("words", "epochs"), [(0, 4), (10_000, 4), (90_000, 2), (400_000, 1)])
def test_a_quick_run_reads_new_words_rather_than_the_same_ones_again(words: int, epochs: int) -> None:
    resolved = recipe.resolve({"effort": "quick"}, {}, SHAPE, words).recipe
    assert resolved.epochs == epochs
    assert resolved.data.max_words is not None
    assert resolved.epochs * resolved.data.max_words <= 180_000
    fixed = recipe.resolve({"effort": "quick", "epochs": 8}, {}, SHAPE, words).recipe
    assert (fixed.epochs, fixed.data.max_words) == (8, 22_500)


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


def test_one_kind_is_a_list_of_one() -> None:
    assert resolve({}, "data.kinds=mail").data.kinds == ("mail",)


@pytest.mark.parametrize(
    ("pair", "sentence", "works"),
    [
        ("data.kinds=diary", "data.kinds is 'diary' (from --set).", "mail"),
        ("data.tiers=foo", "data.tiers is 'foo' (from --set).", "{1: 0.4"),
        ("effort=", "effort is empty (from --set).", "balanced"),
        ("epochs=many", "epochs is 'many' (from --set).", "3"),
        ("gate.max_copied_run=0", "gate.max_copied_run is 0 (from --set).", "13"),
        ("num_layers=0", "num_layers is 0 (from --set).", "-1 for all"),
        ("num_layers=7", "num_layers is 7 (from --set); starter has 6 blocks.", "-1 for all"),
        ("epochz=1", "There is no key epochz (from --set).", "epochs"),
    ],
)
def test_a_wrong_value_is_named_with_its_place_and_with_one_that_works(pair: str, sentence: str, works: str) -> None:
    with pytest.raises(RecipeError) as caught:
        resolve({}, pair)
    assert caught.value.message == sentence
    assert works in caught.value.hint


def test_what_an_option_gives_is_not_blamed_on_the_recipe() -> None:
    with pytest.raises(RecipeError) as caught:
        recipe.resolve({"slot": "voice"}, {"slot": "other"}, SHAPE, options={"slot": "My Slot"})
    assert caught.value.message == "slot is 'My Slot' (from --slot)."
    assert "small letters, digits, - and _" in caught.value.hint
    with pytest.raises(RecipeError, match=r"slot is 5 \(in the recipe\)"):
        resolve({"slot": 5})


def test_every_key_has_words_for_what_works() -> None:
    assert set(recipe_errors.WORKS) == set(recipe.known_keys()) - {"lora_parameters.alpha"}


def test_a_key_given_twice_is_refused_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "twice.yaml"
    file.write_text("epochs: 1\ndata:\n  holdout: 0.1\n  holdout: 0.2\n")
    with pytest.raises(RecipeError, match=r"gives holdout \(line 4\) twice"):
        recipe.read(str(file))
    file.write_text("common: &c {rank: 8}\nlora_parameters:\n  <<: *c\n  rank: 4\n")
    assert recipe.read(str(file))["lora_parameters"] == {"rank": 4}


def test_a_recipe_learns_from_preferences_only_where_it_says_so() -> None:
    assert resolve({}).preference is None
    resolved = recipe.resolve({"preference": {"beta": 0.2}}, recipe.parse_sets(["preference.max_pairs=9"]), SHAPE)
    found = resolved.recipe.preference
    assert found is not None
    assert (found.method, found.beta, found.supervised_weight, found.max_pairs) == ("dpo", 0.2, 1.0, 9)
    assert (resolved.origins["preference.beta"], resolved.origins["preference.method"]) == ("recipe", "default")
    assert resolved.recipe.learning_rate == pytest.approx(0.1 * resolve({}).learning_rate)
    kto = resolve({"preference": {"method": "dpo"}}, "preference.method=kto").preference
    assert kto is not None
    assert (kto.method, kto.supervised_weight) == ("kto", None)
    assert Recipe.model_validate(resolved.recipe.model_dump(mode="json")) == resolved.recipe


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ({"preference": 5}, "preference must hold keys of its own"),
        ({"preference": {"method": "ppo"}}, "preference.method is 'ppo'"),
        ({"preference": {"beta": 0}}, "preference.beta is 0"),
        ({"preference": {"max_pairs": 0.5}}, "preference.max_pairs is 0.5"),
        ({"preference": {"bta": 0.1}}, "There is no key preference.bta"),
        ({"preference": {"method": "kto", "supervised_weight": 1.0}}, "supervised_weight belongs to dpo"),
        ({"preference": {}, "prefix_cache": {"bits": 8}}, "prefix_cache.bits has no meaning together with preference"),
        ({"preference": {}, "replay": {"share": 0.1}}, "replay.share has no meaning together with preference"),
    ],
)
def test_a_preference_that_cannot_be_honoured_is_refused(written: dict[str, Any], named: str) -> None:
    with pytest.raises(RecipeError) as caught:
        resolve(written)
    assert named in caught.value.message
    assert caught.value.hint


def test_a_recipe_updates_only_where_it_says_so() -> None:
    assert resolve({}).update is None
    resolved = recipe.resolve(recipe.read("nightly"), recipe.parse_sets(["update.max_words=900"]), SHAPE)
    found = resolved.recipe.update
    assert found is not None
    assert (found.rehearse, found.max_words) == (2.0, 900)
    assert resolved.origins["update.rehearse"] == "recipe"
    assert resolved.recipe.early_stop.share == 0
    assert resolved.recipe.prefix_cache.bits == 16
    assert resolved.recipe.learning_rate == pytest.approx(0.5 * resolve({}).learning_rate)
    assert resolve({"update": {"rehearse": 0}}).update == UpdateSettings(rehearse=0)
    assert Recipe.model_validate(resolved.recipe.model_dump(mode="json")) == resolved.recipe


@pytest.mark.parametrize(
    ("words", "rehearse", "epochs", "max_words"),
    [(0, 2, 2, 11_250), (4000, 2, 2, 11_250), (10_000, 2, 1, 22_500), (10_000, 0, 2, 11_250)],
)
def test_a_quick_update_reads_a_small_part_of_a_quick_run_and_rather_new_words_than_the_same_ones_again(
    words: int, rehearse: int, epochs: int, max_words: int
) -> None:
    written = {"effort": "quick", "update": {"rehearse": rehearse}}
    found = recipe.resolve(written, {}, SHAPE, words).recipe
    assert found.update is not None
    assert (found.epochs, found.update.max_words) == (epochs, max_words)
    assert recipe.resolve({**written, "effort": "balanced"}, {}, SHAPE, words).recipe.epochs == 2
    fixed = recipe.resolve({**written, "epochs": 3}, {}, SHAPE, words).recipe.update
    assert fixed == UpdateSettings(rehearse=rehearse, max_words=7_500)


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ({"update": 5}, "update must hold keys of its own"),
        ({"update": {"rehearse": -1}}, "update.rehearse is -1"),
        ({"update": {"rehearse": "much"}}, "update.rehearse is 'much'"),
        ({"update": {"rehearse": float("nan")}}, "update.rehearse is nan"),
        ({"update": {"rehearse": float("inf")}}, "update.rehearse is inf"),
        ({"update": {"max_words": 20}}, "update.max_words is 20"),
        ({"update": {"rehearsal": 1}}, "There is no key update.rehearsal"),
        ({"update": {}, "preference": {}}, "has update or preference, not both"),
    ],
)
def test_an_update_that_cannot_be_honoured_is_refused(written: dict[str, Any], named: str) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe.resolve({**written, "effort": "quick"}, {}, SHAPE, 900)
    assert named in caught.value.message
    assert caught.value.hint


def test_what_is_inherited_gives_way_to_everything_written() -> None:
    inherited = {"data": {"holdout": 0.2, "max_words": 700}, "max_seq_length": 64}
    resolved = recipe.resolve({"data": {"holdout": 0.3}}, {}, SHAPE, inherited=inherited)
    assert (resolved.recipe.data.holdout, resolved.recipe.data.max_words) == (0.3, 700)
    assert resolved.recipe.max_seq_length == 64
    assert resolved.origins["max_seq_length"] == "version in use"


@pytest.mark.parametrize(("words", "tokens"), [(0, 2048), (5_000, 512), (100_000, 1024), (3_000_000, 2048)])
def test_little_to_read_is_read_in_small_steps(words: int, tokens: int) -> None:
    resolved = recipe.resolve({}, {"effort": "balanced"}, SHAPE, words)
    assert resolved.recipe.batch_tokens == tokens
    assert resolved.origins["batch_tokens"] == "effort: balanced"
    written = recipe.resolve({"batch_tokens": 4096}, {"effort": "balanced"}, SHAPE, words)
    assert written.recipe.batch_tokens == 4096


def test_languages_and_masking_are_chosen_by_the_recipe_and_told_with_their_origin() -> None:
    plain = recipe.resolve({}, {}, SHAPE)
    assert (plain.recipe.data.languages, plain.recipe.data.mask) == (None, MASKED)
    assert (plain.origins["data.languages"], plain.origins["data.mask"]) == ("default", "default")
    written = {"data": {"languages": ["en", "unknown", "en"], "mask": ["names", "cards"]}}
    told = recipe.resolve(written, recipe.parse_sets(["data.mask=phones"]), SHAPE)
    assert (told.recipe.data.languages, told.recipe.data.mask) == (("en", "unknown"), ("phones",))
    assert (told.origins["data.languages"], told.origins["data.mask"]) == ("recipe", "--set")
    assert resolve(written).data.mask == ("cards", "names")
    assert resolve({}, "data.mask=[]").data.mask == ()
    assert resolve({}, "data.languages=de").data.languages == ("de",)
    assert Recipe.model_validate(told.recipe.model_dump(mode="json")) == told.recipe


def test_the_code_of_norwegian_is_no_truth_value() -> None:
    assert resolve({}, "data.languages=no").data.languages == ("no",)
    assert resolve({}, "data.languages=[no, sv]").data.languages == ("no", "sv")


@pytest.mark.parametrize(
    ("pair", "sentence", "works"),
    [
        ("data.languages=klingon", "data.languages is 'klingon' (from --set).", "[en, de]"),
        ("data.languages=[]", "data.languages is [] (from --set).", "leave it out"),
        ("data.languages=[en, 5]", "data.languages is 5 (from --set).", "[en, de]"),
        ("data.mask=everything", "data.mask is 'everything' (from --set).", "phones"),
        ("data.mask=[phones, dates]", "data.mask is 'dates' (from --set).", "phones"),
        ("data.mask=true", "data.mask is True (from --set).", "[] for nothing"),
        ("data.masks=phones", "There is no key data.masks (from --set).", "data.mask"),
    ],
)
def test_a_language_or_a_kind_to_mask_that_is_none_is_refused(pair: str, sentence: str, works: str) -> None:
    with pytest.raises(RecipeError) as caught:
        resolve({}, pair)
    assert caught.value.message == sentence
    assert works in caught.value.hint


def test_a_recipe_from_before_these_keys_is_read_with_their_defaults() -> None:
    old = resolve({}).model_dump(mode="json")
    del old["data"]["languages"], old["data"]["mask"]
    assert Recipe.model_validate(old) == resolve({})


def test_who_writes_instructions_is_left_to_what_the_base_can_unless_told() -> None:
    plain = recipe.resolve({}, {}, SHAPE)
    assert (plain.recipe.data.instructions, plain.origins["data.instructions"]) == ("auto", "default")
    told = recipe.resolve({"data": {"instructions": "base"}}, recipe.parse_sets(["data.instructions=templates"]), SHAPE)
    assert (told.recipe.data.instructions, told.origins["data.instructions"]) == ("templates", "--set")
    with pytest.raises(RecipeError) as caught:
        resolve({}, "data.instructions=yes")
    assert caught.value.message == "data.instructions is True (from --set)."
    assert caught.value.hint == "It is one of templates, base, auto."

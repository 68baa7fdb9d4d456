"""Recipes: strict YAML, one dial, and where every resolved value came from.

Each key is honoured or refused. What the recipe leaves out is set by ``effort`` and by the shape of the base.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from mlxtwin.curate.language import LANGUAGES, UNKNOWN
from mlxtwin.errors import RecipeError
from mlxtwin.records import TRAINING_KINDS, TrainingKind
from mlxtwin.security.masking import MASK_KINDS, MASKED, MaskKind
from mlxtwin.train import preference_settings, update_settings
from mlxtwin.train.preference_settings import PreferenceSettings
from mlxtwin.train.recipe_errors import explain, place, wrong
from mlxtwin.train.update_settings import UpdateSettings

Effort = Literal["quick", "balanced", "deep"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataSettings(_Strict):
    """``tiers`` are shares of the loss; ``holdout`` a share of the words; ``max_words`` bounds the words trained on.

    ``languages``: ISO 639-1 codes of those to learn from, "unknown" for what is in none that could be told, None for
    all; ``mask``: what is replaced by placeholders before anything is learned or shown, empty for nothing;
    ``instructions``: who writes the requests of texts that came with none, "auto" for the base if it proves able
    (`train.instructions`).
    """

    kinds: tuple[TrainingKind, ...] = Field(TRAINING_KINDS, min_length=1)
    tiers: dict[int, float] = {1: 0.4, 2: 0.3, 3: 0.3}
    holdout: float = Field(0.1, gt=0, lt=0.5)
    max_words: int | None = Field(None, ge=500)
    languages: tuple[str, ...] | None = Field(None, min_length=1)
    mask: tuple[MaskKind, ...] = MASKED
    instructions: Literal["templates", "base", "auto"] = "auto"

    @field_validator("tiers")
    @classmethod
    def _shares(cls, value: dict[int, float]) -> dict[int, float]:
        if set(value) - {1, 2, 3} or any(share < 0 for share in value.values()) or sum(value.values()) <= 0:
            raise ValueError("tiers are 1, 2 and 3, with shares of zero or more")
        return value

    @field_validator("kinds", "languages", "mask", mode="before")
    @classmethod
    def _alone(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("languages", mode="before")
    @classmethod
    def _norwegian(cls, value: Any) -> Any:
        """YAML reads the code of Norwegian as false."""
        some = [False] if value is False else value
        return ["no" if one is False else one for one in some] if isinstance(some, list | tuple) else value

    @field_validator("languages")
    @classmethod
    def _told(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value and not set(value) <= {*LANGUAGES, UNKNOWN}:
            raise ValueError("languages are codes such as en and de")
        return value and tuple(dict.fromkeys(value))

    @field_validator("mask")
    @classmethod
    def _each_once(cls, value: tuple[MaskKind, ...]) -> tuple[MaskKind, ...]:
        return tuple(kind for kind in MASK_KINDS if kind in value)


class LoraSettings(_Strict):
    """``scale`` is the raw multiplier of the low-rank product; ``alpha`` is accepted and means alpha / rank."""

    rank: int = Field(gt=0, le=512)
    scale: float = Field(gt=0)
    dropout: float = Field(ge=0, lt=1)
    keys: tuple[str, ...] | None = None

    @model_validator(mode="before")
    @classmethod
    def _alpha(cls, value: Any) -> Any:
        if isinstance(value, dict) and "alpha" in value:
            value = dict(value)
            alpha = value.pop("alpha")
            if "scale" in value:
                raise ValueError("give scale or alpha, not both")
            if not (_is_number(alpha) and _is_number(value["rank"]) and value["rank"] > 0):
                raise ValueError("alpha and rank must be numbers above zero")
            value["scale"] = float(alpha) / float(value["rank"])
        return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class GateSettings(_Strict):
    """Shares of the base's own loss, and a count of words.

    ``min_gain``: how much lower the twin's held-out loss must be. ``max_forgetting``: how much higher its loss on
    neutral text may be. ``max_copied_run``: the longest run of training words that a sampled reply may repeat.
    """

    min_gain: float = Field(0.02, ge=0, lt=1)
    max_forgetting: float = Field(0.03, ge=0)
    max_copied_run: int = Field(13, ge=1)


class PrefixSettings(_Strict):
    """What the frozen blocks make of each example, kept on disk: ``bits`` 16 or 8 for a value, 0 to keep nothing;
    ``max_gb`` bounds it, in units of 2^30 bytes."""

    bits: Literal[0, 8, 16] = 16
    max_gb: float = Field(4.0, gt=0)


class EarlyStopSettings(_Strict):
    """``share`` of what there is to train on is set apart to stop by (`validation.set_apart`), 0 for nothing;
    ``patience``: so many epochs in a row may bring nothing new before the run stops."""

    share: float = Field(0.03, ge=0, le=0.1)
    patience: int = Field(1, ge=1, le=1000)


class ReplaySettings(_Strict):
    """``share`` of an epoch's loss that the base's own answers to neutral prompts make, 0 for none."""

    share: float = Field(0.0, ge=0, le=0.5)


class Recipe(_Strict):
    """A resolved recipe: every value is set."""

    name: str = Field(min_length=1)
    base: str = Field(min_length=1)
    slot: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    effort: Effort
    data: DataSettings
    fine_tune_type: Literal["lora", "dora"]
    num_layers: int
    lora_parameters: LoraSettings
    learning_rate: float = Field(gt=0, lt=1)
    warmup: float = Field(ge=0, lt=1)
    max_grad_norm: float = Field(gt=0)
    epochs: int = Field(gt=0, le=1000)
    max_seq_length: int = Field(ge=32)
    batch_tokens: int = Field(ge=32)
    grad_checkpoint: bool
    prefix_cache: PrefixSettings
    early_stop: EarlyStopSettings
    replay: ReplaySettings
    preference: PreferenceSettings | None = None
    update: UpdateSettings | None = None
    seed: int = Field(ge=0, lt=2**32)
    gate: GateSettings

    @field_validator("num_layers")
    @classmethod
    def _layers(cls, value: int) -> int:
        if value != -1 and value < 1:
            raise ValueError("is the number of blocks from the top, or -1 for all")
        return value


_PARTS: dict[str, type[BaseModel]] = {
    "data": DataSettings,
    "lora_parameters": LoraSettings,
    "prefix_cache": PrefixSettings,
    "early_stop": EarlyStopSettings,
    "replay": ReplaySettings,
    "preference": PreferenceSettings,
    "update": UpdateSettings,
    "gate": GateSettings,
}


@dataclass(frozen=True, slots=True)
class BaseShape:
    """What the dial asks of the base: its width, blocks and longest input, from config.json."""

    width: int
    blocks: int
    context: int


@dataclass(frozen=True, slots=True)
class Resolved:
    """A recipe with the origin of each value, by dotted key."""

    recipe: Recipe
    origins: dict[str, str]


# Few values differ between the efforts; each is what its name promises: minutes, an evening, a night. ``words`` bounds
# the own words read over all epochs; new words teach more than the same ones again, so epochs give way first.
_DIAL: dict[Effort, dict[str, Any]] = {
    "quick": {"num_layers": 8, "rank": 32, "epochs": 4, "max_seq_length": 512, "batch_tokens": 512, "words": 180_000},
    "balanced": {"num_layers": 16, "rank": 32, "epochs": 3, "max_seq_length": 1024, "batch_tokens": 2048},
    "deep": {"num_layers": -1, "rank": 32, "epochs": 4, "max_seq_length": 2048, "batch_tokens": 4096},
}

# Below so many steps a batch is halved, down to so many tokens. Tokens of a word, with its context.
_FEW_STEPS, _LEAST_BATCH, _TOKENS_PER_WORD = 400, 512, 2


def folder() -> Path:
    """The recipes that come with mlxtwin: packaged in a wheel, beside the package in a checkout."""
    packaged = Path(__file__).parents[1] / "_recipes"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "recipes"


def names() -> list[str]:
    return sorted(path.stem for path in folder().glob("*.yaml"))


class _Twice(yaml.MarkedYAMLError):
    """``problem`` is a key that one mapping holds twice, and its line."""


class _Loader(yaml.SafeLoader):
    """YAML as the safe loader reads it, but for a key given twice, of which that would silently drop the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise _Twice(problem=f"{key.value} (line {key.start_mark.line + 1})")
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def read(name: str) -> dict[str, Any]:
    """The keys written in a bundled recipe or a file; raises RecipeError."""
    path = Path(name).expanduser()
    if path.suffix not in (".yaml", ".yml"):
        path = folder() / f"{name}.yaml"
    if not path.is_file():
        close = difflib.get_close_matches(name, names(), 1)
        hint = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(names())}; or give a .yaml file."
        raise RecipeError(f"There is no recipe {name}.", hint)
    try:
        loaded = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except _Twice as error:
        raise RecipeError(f"{path.name} gives {error.problem} twice.", "Keep one of the two.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise RecipeError(f"{path.name} is not valid YAML{where}.", "Mend it and run again.") from None
    if not isinstance(loaded, dict):
        raise RecipeError(f"{path.name} is no recipe: it holds no keys.", "See recipes/voice.yaml.")
    return loaded


def parse_sets(pairs: Sequence[str]) -> dict[str, Any]:
    """``KEY=VALUE`` pairs to nested keys, values read as YAML."""
    out: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise RecipeError(f"--set {pair} is not KEY=VALUE.", "For example: --set effort=quick")
        try:
            parsed = yaml.safe_load(value)
        except yaml.YAMLError:
            raise RecipeError(f"The value in --set {pair} cannot be read.", "Quote it for the shell.") from None
        target = out
        *parents, last = key.split(".")
        for parent in parents:
            target = target.setdefault(parent, {})
            if not isinstance(target, dict):
                raise RecipeError(f"--set {pair} is at odds with another --set.")
        target[last] = parsed
    return out


def resolve(
    written: Mapping[str, Any],
    overrides: Mapping[str, Any],
    shape: BaseShape,
    words: int = 0,
    options: Mapping[str, Any] | None = None,
    inherited: Mapping[str, Any] | None = None,
) -> Resolved:
    """Fill what is not written from the dial, the base and the amount of data, validate, say where each came from.

    ``words``: the person's own words there are to train on, for an update the new ones; 0 when unknown. ``options``:
    keys that have an option of their own, which beat all others. ``inherited``: of the recipe of the version that is
    gone on with, beaten by all.
    """
    origins: dict[str, str] = {}
    values: dict[str, Any] = {}
    _merge(values, inherited or {}, origins, "version in use")
    _merge(values, written, origins, "recipe")
    _merge(values, overrides, origins, "--set")
    for key, value in (options or {}).items():
        _merge(values, {key: value}, origins, f"--{key}")
    effort = values.get("effort", "balanced")
    if not isinstance(effort, str) or effort not in _DIAL:
        raise wrong("effort", effort, origins)
    defaults = _defaults(effort, values, shape, words)
    _fill(values, defaults, origins, effort)
    if "lora_parameters.alpha" in origins:
        origins["lora_parameters.scale"] = f"{origins.pop('lora_parameters.alpha')}: alpha / rank"
    try:
        recipe = Recipe.model_validate(values)
    except ValidationError as error:
        raise explain(error, origins, sorted(known_keys())) from None
    preference_settings.require_used(recipe.preference, origins)
    update_settings.require_alone(recipe)
    if recipe.num_layers > shape.blocks:
        given = f"num_layers is {recipe.num_layers}{place('num_layers', origins)}"
        raise RecipeError(f"{given}; {recipe.base} has {shape.blocks} blocks.", "Lower it, or give -1 for all of them.")
    if recipe.max_seq_length > shape.context:
        raise RecipeError(
            f"max_seq_length is {recipe.max_seq_length}; {recipe.base} reads at most {shape.context} tokens.",
            "Lower it, or leave it out to have it chosen.",
        )
    return Resolved(recipe, origins)


def _merge(values: dict[str, Any], new: Mapping[str, Any], origins: dict[str, str], origin: str, at: str = "") -> None:
    for key, value in new.items():
        dotted = f"{at}{key}"
        if isinstance(value, Mapping) and dotted in _PARTS:
            if not isinstance(values.setdefault(key, {}), dict):
                raise RecipeError(f"{dotted} must hold keys of its own.", f"For example: {', '.join(map(str, value))}.")
            _merge(values[key], value, origins, origin, f"{dotted}.")
        else:
            values[key] = value
            origins[dotted] = origin


def _defaults(effort: Effort, values: Mapping[str, Any], shape: BaseShape, words: int) -> dict[str, Any]:
    dial = _DIAL[effort]
    epochs, max_words = _amount(dial, values.get("epochs"), words)
    update = None
    if values.get("update") is not None:
        read = update_settings.read_words(values["update"], words)
        epochs, update_words = _amount(update_settings.dial(dial), values.get("epochs"), read)
        update = update_settings.defaults(update_words)
    blocks = dial["num_layers"] if -1 < dial["num_layers"] < shape.blocks else -1
    lora = {"rank": dial["rank"], "scale": 2.0, "dropout": 0.0, "keys": None}
    written = values.get("lora_parameters")
    if isinstance(written, dict) and "alpha" in written:
        del lora["scale"]
    preference = preference_settings.defaults(values.get("preference"))
    share = preference_settings.RATE_SHARE if preference else update_settings.RATE_SHARE if update else 1.0
    data = {
        "kinds": list(TRAINING_KINDS), "tiers": {1: 0.4, 2: 0.3, 3: 0.3}, "holdout": 0.1, "max_words": max_words,
        "languages": None, "mask": list(MASKED), "instructions": "auto",
    }  # fmt: skip
    return {
        "name": values.get("slot", "voice"),
        "base": "starter",
        "slot": values.get("name", "voice"),
        "effort": "balanced",
        "data": data,
        "fine_tune_type": "lora",
        "num_layers": blocks,
        "lora_parameters": lora,
        "learning_rate": float(f"{share * _learning_rate(shape.width):.2g}"),
        "warmup": 0.1,
        "max_grad_norm": 1.0,
        "epochs": epochs,
        "max_seq_length": min(dial["max_seq_length"], shape.context),
        "batch_tokens": dial["batch_tokens"] if preference else _batch_tokens(dial, words, epochs, max_words),
        "grad_checkpoint": False,
        "prefix_cache": {"bits": 0 if preference else 16, "max_gb": 4.0},
        "early_stop": {"share": 0.0 if preference or update else 0.03, "patience": 1},
        "replay": {"share": 0.0},
        "preference": preference,
        "update": update,
        "seed": 0,
        "gate": {"min_gain": 0.02, "max_forgetting": 0.03, "max_copied_run": 13},
    }


def _amount(dial: Mapping[str, Any], epochs: Any, words: int) -> tuple[int, int | None]:
    """Epochs and a bound on the words of each, so that the dial's bound on all words read holds."""
    read = dial.get("words")
    if read is None:
        return dial["epochs"], None
    fitting = min(dial["epochs"], max(1, round(read / words))) if words else dial["epochs"]
    chosen = epochs if isinstance(epochs, int) and epochs > 0 else fitting
    return fitting, max(500, read // chosen)


def _batch_tokens(dial: Mapping[str, Any], words: int, epochs: int, max_words: int | None) -> int:
    """The dial's, halved while there is so little to read that a run would have few steps: small steps teach more."""
    tokens: int = dial["batch_tokens"]
    read = epochs * min(words, max_words or words) * _TOKENS_PER_WORD
    while read and tokens > _LEAST_BATCH and read < _FEW_STEPS * tokens:
        tokens //= 2
    return tokens


def _learning_rate(width: int) -> float:
    """2.5e-4 at width 2048, in inverse proportion to the width (as in mu-parametrisation), at most 2e-3."""
    return float(f"{min(2e-3, 2.5e-4 * 2048 / max(width, 1)):.2g}")


_BY_DIAL = {"num_layers", "epochs", "max_seq_length", "batch_tokens"}
_BY_DIAL |= {"lora_parameters.rank", "data.max_words", "update.max_words"}


def _fill(
    values: dict[str, Any], defaults: Mapping[str, Any], origins: dict[str, str], effort: str, at: str = ""
) -> None:
    for key, value in defaults.items():
        dotted = f"{at}{key}"
        if isinstance(value, dict) and dotted in _PARTS:
            part = values.setdefault(key, {})
            if not isinstance(part, dict):
                raise RecipeError(f"{dotted} must hold keys of its own.", f"For example: {', '.join(value)}.")
            _fill(part, value, origins, effort, f"{dotted}.")
        elif key not in values:
            values[key] = value
            origins[dotted] = f"effort: {effort}" if dotted in _BY_DIAL else "default"
            if dotted == "learning_rate":
                origins[dotted] = "width of the base"


def known_keys() -> Iterator[str]:
    """Every key that a recipe may hold, dotted."""
    for key in Recipe.model_fields:
        if key in _PARTS:
            yield from (f"{key}.{inner}" for inner in _PARTS[key].model_fields)
        else:
            yield key
    yield "lora_parameters.alpha"

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

from mlxtwin.errors import RecipeError
from mlxtwin.records import KINDS, Kind

Effort = Literal["quick", "balanced", "deep"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataSettings(_Strict):
    """``tiers`` are shares of the loss; ``holdout`` a share of the words; ``max_words`` bounds the words trained on."""

    kinds: tuple[Kind, ...] = KINDS
    tiers: dict[int, float] = {1: 0.4, 2: 0.3, 3: 0.3}
    holdout: float = Field(0.1, gt=0, lt=0.5)
    max_words: int | None = Field(None, ge=500)

    @field_validator("tiers")
    @classmethod
    def _shares(cls, value: dict[int, float]) -> dict[int, float]:
        if set(value) - {1, 2, 3} or any(share < 0 for share in value.values()) or sum(value.values()) <= 0:
            raise ValueError("tiers are 1, 2 and 3, with shares of zero or more")
        return value

    @field_validator("kinds")
    @classmethod
    def _some(cls, value: tuple[Kind, ...]) -> tuple[Kind, ...]:
        if not value:
            raise ValueError("name at least one kind")
        return value


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
    seed: int = Field(ge=0, lt=2**32)
    gate: GateSettings

    @field_validator("num_layers")
    @classmethod
    def _layers(cls, value: int) -> int:
        if value != -1 and value < 1:
            raise ValueError("is the number of blocks from the top, or -1 for all")
        return value


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


# Few values differ between the efforts; each is what its name promises: minutes, an evening, a night.
_DIAL: dict[Effort, dict[str, Any]] = {
    "quick": {"num_layers": 8, "rank": 8, "epochs": 4, "max_seq_length": 512, "batch_tokens": 512, "max_words": 30000},
    "balanced": {"num_layers": 16, "rank": 16, "epochs": 3, "max_seq_length": 1024, "batch_tokens": 2048},
    "deep": {"num_layers": -1, "rank": 32, "epochs": 4, "max_seq_length": 2048, "batch_tokens": 4096},
}
_RENAMED = {
    "model": "base",
    "batch_size": "batch_tokens",
    "iters": "epochs",
    "lr": "learning_rate",
    "max_grad_norm_clip": "max_grad_norm",
    "rank": "lora_parameters.rank",
    "alpha": "lora_parameters.alpha",
    "lora_layers": "num_layers",
}


def folder() -> Path:
    """The recipes that come with mlxtwin: packaged in a wheel, beside the package in a checkout."""
    packaged = Path(__file__).parents[1] / "_recipes"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "recipes"


def names() -> list[str]:
    return sorted(path.stem for path in folder().glob("*.yaml"))


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
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
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


def resolve(written: Mapping[str, Any], overrides: Mapping[str, Any], shape: BaseShape) -> Resolved:
    """Fill what is not written from the dial and the base, validate, and say where each value came from."""
    origins: dict[str, str] = {}
    values: dict[str, Any] = {}
    _merge(values, written, origins, "recipe")
    _merge(values, overrides, origins, "--set")
    effort = values.get("effort", "balanced")
    if not isinstance(effort, str) or effort not in _DIAL:
        raise RecipeError(f"effort is {effort!r}.", f"It is one of {', '.join(_DIAL)}.")
    defaults = _defaults(effort, values, shape)
    _fill(values, defaults, origins, effort)
    if "lora_parameters.alpha" in origins:
        origins["lora_parameters.scale"] = f"{origins.pop('lora_parameters.alpha')}: alpha / rank"
    try:
        recipe = Recipe.model_validate(values)
    except ValidationError as error:
        raise _explain(error) from None
    if recipe.max_seq_length > shape.context:
        raise RecipeError(
            f"max_seq_length is {recipe.max_seq_length}; {recipe.base} reads at most {shape.context} tokens.",
            "Lower it, or leave it out to have it chosen.",
        )
    return Resolved(recipe, origins)


def _merge(values: dict[str, Any], new: Mapping[str, Any], origins: dict[str, str], origin: str, at: str = "") -> None:
    for key, value in new.items():
        dotted = f"{at}{key}"
        if isinstance(value, Mapping) and dotted in ("data", "lora_parameters", "gate"):
            if not isinstance(values.setdefault(key, {}), dict):
                raise RecipeError(f"{dotted} must hold keys of its own.", f"For example: {', '.join(map(str, value))}.")
            _merge(values[key], value, origins, origin, f"{dotted}.")
        else:
            values[key] = value
            origins[dotted] = origin


def _defaults(effort: Effort, values: Mapping[str, Any], shape: BaseShape) -> dict[str, Any]:
    dial = _DIAL[effort]
    blocks = dial["num_layers"] if -1 < dial["num_layers"] < shape.blocks else -1
    lora = {"rank": dial["rank"], "scale": 2.0, "dropout": 0.0, "keys": None}
    written = values.get("lora_parameters")
    if isinstance(written, dict) and "alpha" in written:
        del lora["scale"]
    data = {"kinds": list(KINDS), "tiers": {1: 0.4, 2: 0.3, 3: 0.3}, "holdout": 0.1, "max_words": dial.get("max_words")}
    return {
        "name": values.get("slot", "voice"),
        "base": "starter",
        "slot": values.get("name", "voice"),
        "effort": "balanced",
        "data": data,
        "fine_tune_type": "lora",
        "num_layers": blocks,
        "lora_parameters": lora,
        "learning_rate": _learning_rate(shape.width),
        "warmup": 0.1,
        "max_grad_norm": 1.0,
        "epochs": dial["epochs"],
        "max_seq_length": min(dial["max_seq_length"], shape.context),
        "batch_tokens": dial["batch_tokens"],
        "seed": 0,
        "gate": {"min_gain": 0.02, "max_forgetting": 0.03, "max_copied_run": 13},
    }


def _learning_rate(width: int) -> float:
    """2e-4 at width 2048, in inverse proportion to the width (as in mu-parametrisation), at most 1e-3."""
    return float(f"{min(1e-3, 2e-4 * 2048 / max(width, 1)):.2g}")


_BY_DIAL = {"num_layers", "epochs", "max_seq_length", "batch_tokens", "lora_parameters.rank", "data.max_words"}


def _fill(
    values: dict[str, Any], defaults: Mapping[str, Any], origins: dict[str, str], effort: str, at: str = ""
) -> None:
    for key, value in defaults.items():
        dotted = f"{at}{key}"
        if isinstance(value, dict) and dotted in ("data", "lora_parameters", "gate"):
            part = values.setdefault(key, {})
            if not isinstance(part, dict):
                raise RecipeError(f"{dotted} must hold keys of its own.", f"For example: {', '.join(value)}.")
            _fill(part, value, origins, effort, f"{dotted}.")
        elif key not in values:
            values[key] = value
            origins[dotted] = f"effort: {effort}" if dotted in _BY_DIAL else "default"
            if dotted == "learning_rate":
                origins[dotted] = "width of the base"


def _explain(error: ValidationError) -> RecipeError:
    """The first fault as one sentence with a next step."""
    fault = error.errors()[0]
    dotted = ".".join(str(part) for part in fault["loc"] if part != "[key]")
    if fault["type"] == "extra_forbidden":
        last = str(fault["loc"][-1])
        known = sorted(_known_keys())
        close = _RENAMED.get(last) or next(iter(difflib.get_close_matches(dotted, known, 1, 0.6)), None)
        close = close or next((key for key in known if key.rsplit(".", 1)[-1] == last), None)
        hint = f"Did you mean {close}?" if close else f"The keys are: {', '.join(known)}."
        return RecipeError(f"The recipe has an unknown key {dotted}.", hint)
    problem = str(fault["msg"]).removeprefix("Value error, ")
    return RecipeError(f"In the recipe, {dotted or 'a value'}: {problem}.", "Mend it and run again.")


def _known_keys() -> Iterator[str]:
    parts: dict[str, type[BaseModel]] = {"data": DataSettings, "lora_parameters": LoraSettings, "gate": GateSettings}
    for key in Recipe.model_fields:
        if key in parts:
            yield from (f"{key}.{inner}" for inner in parts[key].model_fields)
        else:
            yield key
    yield "lora_parameters.alpha"

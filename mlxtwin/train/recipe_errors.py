"""What is wrong with a recipe, in one sentence that names the key and who gave it, with a value that works."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from mlxtwin.curate.language import UNKNOWN
from mlxtwin.errors import RecipeError
from mlxtwin.records import TRAINING_KINDS
from mlxtwin.security.masking import MASK_KINDS
from mlxtwin.train import preference_settings, update_settings

RENAMED = {
    "model": "base",
    "batch_size": "batch_tokens",
    "iters": "epochs",
    "lr": "learning_rate",
    "max_grad_norm_clip": "max_grad_norm",
    "rank": "lora_parameters.rank",
    "alpha": "lora_parameters.alpha",
    "lora_layers": "num_layers",
}

WORKS = {
    "name": "Give a name, for example: voice", "base": "Give a base model's name or folder, for example: starter",
    "slot": "Use small letters, digits, - and _, at most 40 of them, for example: voice",
    "effort": "It is one of quick, balanced, deep.", "fine_tune_type": "It is lora or dora.",
    "data.kinds": f"Give some of {', '.join(TRAINING_KINDS)}, for example: [{', '.join(TRAINING_KINDS[:2])}]",
    "data.tiers": "Give the shares of tiers 1 to 3, for example: {1: 0.4, 2: 0.3, 3: 0.3}",
    "data.holdout": "Give a share above 0 and below 0.5, for example: 0.1",
    "data.max_words": "Give a whole number of at least 500, for example: 30000",
    "data.languages": f"Give codes such as [en, de], {UNKNOWN} for what cannot be told, or leave it out for all",
    "data.mask": f"Give some of {', '.join(MASK_KINDS)}, or [] for nothing",
    "data.instructions": "It is one of templates, base, auto.",
    "num_layers": "Give the number of blocks from the top, for example: 8, or -1 for all",
    "lora_parameters.rank": "Give a whole number from 1 to 512, for example: 8",
    "lora_parameters.scale": "Give a number above 0, for example: 2.0",
    "lora_parameters.dropout": "Give a number from 0 to below 1, for example: 0.05",
    "lora_parameters.keys": "Give a list of layers, for example: [self_attn.q_proj, self_attn.v_proj]",
    "learning_rate": "Give a number above 0 and below 1, for example: 2e-4",
    "warmup": "Give a share from 0 to below 1, for example: 0.1", "max_grad_norm": "Give a number above 0, such as 1.0",
    "epochs": "Give a whole number from 1 to 1000, for example: 3", "seed": "Give a whole number below 2^32, such as 0",
    **dict.fromkeys(("max_seq_length", "batch_tokens"), "Give a whole number of at least 32, for example: 512"),
    "grad_checkpoint": "Give true or false", "prefix_cache.bits": "Give 16, 8, or 0 to keep nothing",
    "prefix_cache.max_gb": "Give a number above 0, for example: 4",
    "early_stop.share": "Give a share from 0 (never stop early) to 0.1, for example: 0.03",
    "early_stop.patience": "Give a whole number from 1 to 1000, for example: 1",
    "replay.share": "Give a share from 0 (none) to 0.5, for example: 0.1",
    **preference_settings.WORKS, **update_settings.WORKS,
    "gate.min_gain": "Give a share from 0 to below 1, for example: 0.02",
    "gate.max_forgetting": "Give a share of 0 or more, for example: 0.03",
    "gate.max_copied_run": "Give a whole number of at least 1, for example: 13",
}  # fmt: skip


def explain(error: ValidationError, origins: Mapping[str, str], known: Sequence[str]) -> RecipeError:
    """The first fault as one sentence with a next step; a value that was given before one that follows from it.

    ``known``: the keys there are, sorted.
    """
    fault = min(error.errors(), key=lambda one: origins.get(str(one["loc"][0]) if one["loc"] else "") == "default")
    dotted = ".".join(str(part) for part in fault["loc"] if part != "[key]")
    if fault["type"] == "extra_forbidden":
        last = str(fault["loc"][-1])
        close = RENAMED.get(last) or next(iter(difflib.get_close_matches(dotted, known, 1, 0.6)), None)
        close = close or next((key for key in known if key.rsplit(".", 1)[-1] == last), None)
        hint = f"Did you mean {close}?" if close else f"The keys are: {', '.join(known)}."
        return RecipeError(f"There is no key {dotted}{place(dotted, origins)}.", hint)
    key = next((key for key in WORKS if f"{dotted}.".startswith(f"{key}.")), None)
    if key:
        return wrong(key, fault["input"], origins)
    problem = str(fault["msg"]).removeprefix("Value error, ")
    example = preference_settings.EXAMPLE if dotted == "preference" else "For example: {rank: 8, scale: 2.0}"
    return RecipeError(f"{dotted or 'A value'}: {problem}.", example)


def wrong(key: str, value: Any, origins: Mapping[str, str]) -> RecipeError:
    """A value that cannot be honoured, who gave it, and one that works."""
    shown = "empty" if value is None else repr(value)
    return RecipeError(f"{key} is {shown[:80]}{place(key, origins)}.", WORKS[key])


def place(key: str, origins: Mapping[str, str]) -> str:
    """Who gave a value: ``(in the recipe)``, ``(from --set)``; nothing for one that was chosen."""
    parts = key.split(".")
    found = (origins.get(".".join(parts[:count])) for count in range(len(parts), 0, -1))
    origin = next((one for one in found if one), "")
    if origin.startswith("--"):
        return f" (from {origin.partition(':')[0]})"
    return " (in the recipe)" if origin.startswith("recipe") else ""

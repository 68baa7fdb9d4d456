"""A planned run as rows and sentences: every value with its origin, the data, and the memory by purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from mlxtwin.wording import plural, size

if TYPE_CHECKING:
    from mlxtwin.client.runs import Planned
    from mlxtwin.train.plan import MemoryPlan
    from mlxtwin.train.recipe import Resolved

_PARTS = {
    "weights": "the base",
    "adapter": "the adapter and its gradients",
    "optimizer": "the optimizer",
    "activations": "kept for the backward pass",
    "logits": "logits, a chunk at a time",
    "prefix": "states of the frozen blocks",
    "cache": "freed buffers kept for later",
    "runtime": "Python and libraries",
    "training": "training, all of that",
    "filling": "once before: the frozen blocks",
    "measuring": "once after: measuring",
}
_ON_DISK = {"prefix_disk": "on disk: states of the frozen blocks"}
_WHO = {"template": "a template", "base": "the base"}
_NESTED = ("data", "lora_parameters", "prefix_cache", "early_stop", "replay", "preference", "update", "gate")
# What it means that a key has no value, where that is not "all".
_UNSET = {"preference": "none", "update": "none", "preference.supervised_weight": "0"} | dict.fromkeys(
    ("preference.desirable_weight", "preference.undesirable_weight"), "by number"
)
# Options of the command line that a screen sets in fields.
_HERE = {"--set": "set here", "--slot": "set here", "--base": "set here"}


def values(resolved: Resolved, origin: Callable[[str], str] = str) -> tuple[tuple[str, str, str], ...]:
    """(key, value, where it came from) for every key of a recipe; ``origin`` rewords where."""
    flat = _flat(resolved.recipe.model_dump(mode="json"))
    return tuple((key, _plain(key, value), origin(resolved.origins.get(key, "default"))) for key, value in flat)


def on_screen(origin: str) -> str:
    """Where a value came from, as a screen says it: its fields stand for the options of the command line."""
    option, colon, rest = origin.partition(":")
    return _HERE.get(option, option) + colon + rest


def _flat(given: dict[str, Any], at: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in given.items():
        if isinstance(value, dict) and key in _NESTED:
            yield from _flat(value, f"{key}.")
        else:
            yield f"{at}{key}", value


def _plain(key: str, value: Any) -> str:
    if value is None:
        return _UNSET.get(key, "all")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "nothing"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {inner}" for name, inner in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def forms(planned: Planned) -> Iterator[tuple[str, str]]:
    """How the examples came about, and who asks for the words of those that answer nobody; nothing without examples."""
    report = planned.dataset.report
    if report.forms:
        yield "forms", ", ".join(f"{count:,} {form}" for form, count in report.forms.items())
    if report.asked_by:
        yield "requests", ", ".join(f"{count:,} by {_WHO[who]}" for who, count in report.asked_by.items())


def memory(plan: MemoryPlan) -> tuple[tuple[str, str], ...]:
    """What the memory is for, and how much: those of none left out."""
    return _sizes(plan, _PARTS)


def disk(plan: MemoryPlan) -> tuple[tuple[str, str], ...]:
    """The same of what is kept on the disk."""
    return _sizes(plan, _ON_DISK)


def _sizes(plan: MemoryPlan, labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
    counts = plan.as_dict()
    return tuple((label, size(counts[f"{name}_bytes"])) for name, label in labels.items() if counts[f"{name}_bytes"])


def begun(planned: Planned) -> str:
    """One sentence: what it learns from, and what it goes on from."""
    used = planned.dataset
    if planned.parent is None:
        words, count = sum(one.words for one in used.train), plural(len(used.train), "example")
        held = sum(one.words for one in used.holdout)
        return (
            f"Learns from {plural(words, 'word')} in {count}; held out to measure by: {plural(held, 'word')} in "
            f"{len(used.holdout):,} more."
        )
    if counts := used.report.update:
        new, documents = plural(counts["new_words"], "new word"), plural(counts["new_documents"], "document")
        again = f"{plural(counts['rehearsed_documents'], 'old one')} again"
        return f"Goes on from version {planned.parent} with {new} in {documents} and {again}."
    learned = [plural(len(used.pairs), "correction"), *([plural(len(used.ratings), "rating")] if used.ratings else [])]
    left = f"; left out: {planned.left_out:,}, of versions that are gone or have another base"
    return f"Goes on from version {planned.parent} with {' and '.join(learned)}{left if planned.left_out else ''}."

"""What the events and numbers of a run are called, for a person to read. Everything here is words of our own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlxtwin.records import RunEvent
from mlxtwin.wording import plural

STAGES = {
    "strength": "looking how much of the adapter forgets nothing",
    "holdout": "measuring base and twin on held-out words",
    "forgetting": "measuring both on neutral text",
    "leakage": "sampling replies and looking for copied runs",
    "parent": "measuring the version it goes on from on the same words",
}
NO_PREFIX = {
    "architecture": "The frozen blocks are computed anew in every epoch: this base cannot be computed in two parts.",
    "too-large": "The frozen blocks are computed anew in every epoch: what they make of the examples would take more "
    "disk than prefix_cache.max_gb.",
}
_MORE = "Import more of your writing, or train longer with a higher effort."
# What might help against a check that failed.
REMEDIES = {
    "gain": _MORE,
    "certainty": _MORE,
    "forgetting": "Against forgetting: a lower learning_rate or fewer epochs.",
    "copying": "Against copying: fewer epochs.",
    "preferred": "Against unlearning what you wanted: a lower learning_rate, or a higher preference.beta.",
    "current": "The version in use knows your held-out words better.",
}
_DEVICES = {"cpu": "the processor", "metal": "the GPU (Metal)", "cuda": "the GPU (CUDA)"}


def doing(event: RunEvent) -> str | None:
    """What the worker is at since this event; None where it says nothing of that. Raises KeyError for what it lacks."""
    words = _DOING.get(event.event)
    return None if words is None else words(event.data)


def said(event: RunEvent) -> str | None:
    """A line worth keeping, None for what merely ticks. Raises KeyError for what the event lacks."""
    words = _SAID.get(event.event)
    return None if words is None else words(event.data)


def _ready(data: dict[str, Any]) -> str:
    where = _DEVICES.get(data["device"], data["device"])
    return f"The base is loaded; {data['parameters']:,} parameters of the adapter are trained on {where}."


def _training(data: dict[str, Any]) -> str:
    if data["step"]:
        return f"Going on from step {data['step']:,} of {data['steps']:,}."
    return f"{plural(data['examples'], 'example')}, {plural(data['steps'], 'step')}."


def _instructed(data: dict[str, Any]) -> str:
    """Who wrote the requests of texts that came with none."""
    texts = plural(data["texts"], "text")
    if data.get("able") is False:
        return f"What {texts} were asked for is told by templates: the base was tried and does no better."
    return f"What {texts} were asked for: the base wrote it for {data['base']:,}, templates for the rest."


def _validation(data: dict[str, Any]) -> str:
    """The loss after one epoch on what was set apart, and what follows from it."""
    loss = "not a number" if data["loss"] is None else f"{data['loss']:.3f}"
    verdict = "the best so far" if data["best"] else "no better than before"
    stop = "; the best epoch is kept" if data["stops"] else ""
    return f"Epoch {data['epoch']} of {data['epochs']}: loss {loss} on words set apart, {verdict}{stop}."


def stopped_where(step: int, steps: int | None) -> str:
    """``at step 12 of 40``, or that all steps were done."""
    if step and step == steps:
        return f"while measuring, after all {steps:,} steps" if steps > 1 else "while measuring, after its one step"
    return f"at step {step:,} of {steps:,}" if steps else f"at step {step:,}"


def strength(share: float, *, update: bool) -> str:
    """Said only of an adapter that was turned down; of an ``update``, towards the version it goes on from."""
    what = f"{share:.0%} of what it learned anew" if update else f"{share:.0%} of its strength"
    return "" if share == 1 else f"kept at {what}, so as not to forget other text"


_Words = Callable[[dict[str, Any]], str | None]
_DOING: dict[str, _Words] = {
    "start": lambda data: "loading the base",
    "prefix": lambda data: f"frozen blocks, once for every example: {data['done']:,} of {data['tokens']:,} tokens",
    "reference": lambda data: f"reading what was answered before: {data['done']:,} of {data['items']:,}",
    "instructions": lambda data: f"the base writes what texts were asked for: {data['done']} of {data['texts']}",
    "replay": lambda data: f"the base's own answers, to rehearse: {data['done']} of {data['answers']}",
    "evaluate": lambda data: STAGES.get(data["stage"], str(data["stage"])),
    **dict.fromkeys(("train", "step"), lambda data: "training"),
    **dict.fromkeys(("done", "stopped", "failed"), lambda data: ""),
}
_SAID: dict[str, _Words] = {
    "start": lambda data: "The worker started.",
    "ready": _ready,
    "train": _training,
    "validation": _validation,
    "instructed": _instructed,
    "prefix_off": lambda data: NO_PREFIX.get(data["reason"]),
    "skipped": lambda data: f"Step {data['step']} was skipped: its loss was not finite; the learning rate is halved.",
    "evaluate": lambda data: f"Now {STAGES.get(data['stage'], data['stage'])}.",
    "stopped": lambda data: f"Stopped {stopped_where(data['step'], data['steps'])}.",
    "failed": lambda data: f"The worker failed ({data['error']}).",
    "done": lambda data: f"Version {data['version']} of slot {data['slot']}: {data['verdict']}.",
}

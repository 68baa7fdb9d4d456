"""The memory plan as a person reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlxtwin.cli.talk import fields, size

if TYPE_CHECKING:
    from mlxtwin.train.plan import MemoryPlan

_PARTS = {
    "weights": "the base",
    "adapter": "the adapter and its gradients",
    "optimizer": "the optimizer",
    "activations": "kept for the backward pass",
    "logits": "logits, a chunk at a time",
    "prefix": "states of the frozen blocks",
    "cache": "freed buffers kept for later",
    "runtime": "Python and libraries",
}
_PHASES = {
    "filling": "once before: the frozen blocks",
    "measuring": "once after: measuring",
}


def memory_text(memory: MemoryPlan) -> str:
    """The parts while training, the other phases, the budget, and what to do where it does not fit."""
    from mlxtwin.train.plan import advice

    plan = memory.as_dict()
    rows = [(label, plan[f"{name}_bytes"]) for name, label in _PARTS.items()]
    rows += [("training, all of that", plan["training_bytes"])]
    rows += [(label, plan[f"{name}_bytes"]) for name, label in _PHASES.items()]
    rows += [("needed", plan["total_bytes"]), ("available", plan["budget_bytes"])]
    rows += [("on disk: states of the frozen blocks", plan["prefix_disk_bytes"])]
    text = fields([(label, size(count)) for label, count in rows if count])
    return f"memory (an estimate)\n{text}\n" + ("It fits." if memory.fits else f"It does not fit. {advice(memory)}")

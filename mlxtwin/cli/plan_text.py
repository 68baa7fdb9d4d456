"""The memory plan as a person reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlxtwin.cli.talk import fields
from mlxtwin.client import plan_words
from mlxtwin.wording import size

if TYPE_CHECKING:
    from mlxtwin.train.plan import MemoryPlan


def memory_text(memory: MemoryPlan) -> str:
    """The parts while training, the other phases, the budget, and what to do where it does not fit."""
    from mlxtwin.train.plan import advice

    against = (("needed", size(memory.total)), ("available", size(memory.budget)))
    text = fields([*plan_words.memory(memory), *against, *plan_words.disk(memory)])
    return f"memory (an estimate)\n{text}\n" + ("It fits." if memory.fits else f"It does not fit. {advice(memory)}")

"""Adapters of one base, kept in memory so that a change of them moves no weights."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from mlx import nn

from mlxtwin.backend.adapters import LoraSpec, Worn, attach, load_adapter, put_on, take_off

# An adapter is a hundredth of its base or less, and a person has a few slots.
MOST_KEPT = 4


class Wardrobe:
    """At most one adapter is on the model; ``worn`` is its name, None for the bare base.

    Those used last stay in memory, ``MOST_KEPT`` of them.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.worn: Hashable | None = None
        self._kept: OrderedDict[Hashable, Worn] = OrderedDict()

    def __contains__(self, name: Hashable) -> bool:
        return name in self._kept

    def add(self, name: Hashable, spec: LoraSpec, data: bytes) -> None:
        """Make an adapter from its bytes and put it on; raises UsageError for one that does not fit."""
        self.wear(None)
        attach(self.model, spec, seed=None)
        try:
            load_adapter(self.model, data)
            self.model.eval()
        finally:
            made = take_off(self.model)
        self._kept[name] = made
        self.wear(name)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)

    def wear(self, name: Hashable | None) -> None:
        """Put on one that was added, or None; raises KeyError for one that is not kept."""
        if name is not None:
            self._kept.move_to_end(name)
        if name == self.worn:
            return
        if self.worn is not None:
            take_off(self.model, self._kept[self.worn])
        self.worn = None
        if name is not None:
            put_on(self.model, self._kept[name])
            self.worn = name

"""What the engine holds: one base, adapters that were on it, and what was read of each conversation."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from mlxtwin.errors import UsageError
from mlxtwin.paths import Home
from mlxtwin.security.crypto import SealedFiles
from mlxtwin.serve.prefixes import Prefixes
from mlxtwin.serve.turns import Asked, Said
from mlxtwin.slots.registry import Slots

if TYPE_CHECKING:
    from mlxtwin.backend.device import Device
    from mlxtwin.backend.engine import Generation, Loaded, PromptCache
    from mlxtwin.backend.wardrobe import Wardrobe

# Of the memory budget, for what was read of conversations.
PREFIX_SHARE = 1 / 8
_NUMBERS = ("ended", "tokens", "prompt_seconds", "tokens_per_second")

# Slot, version and what its meta.json holds: another adapter under an old name and number is another one.
Identity = tuple[str, int, str]


class Twin:
    """A `Mind` that is a model. Everything that touches MLX happens in the thread that asks."""

    def __init__(self, home: Home, key: bytes) -> None:
        self.slots = Slots(home, SealedFiles(home, key))
        self.loads = 0
        self.kind: str | None = None
        self.loaded: Loaded | None = None
        self.wardrobe: Wardrobe
        self.prefixes: Prefixes[PromptCache] = Prefixes()
        self._prefix_bytes = 0

    def holds(self, base: dict[str, Any]) -> bool:
        return self.loaded is not None and self.loaded.base.fingerprint == base["fingerprint"]

    def open(self, base: dict[str, Any]) -> Said:
        loaded = self._load(base)
        return {"device": self.kind, "context": loaded.context, "loads": self.loads}

    def answer(self, asked: Asked, stop: Callable[[], bool]) -> Spoken:
        loaded = self._load(asked.base)  # before anything imports MLX
        from mlxtwin.backend.engine import PromptCache, generate

        began = time.perf_counter()
        identity = self._dress(asked.slot, asked.version)
        swap_seconds = time.perf_counter() - began
        cache = self.prefixes.of(asked.conversation, identity, PromptCache, self._prefix_bytes)
        generation = generate(
            loaded,
            asked.messages,
            max_tokens=asked.max_tokens,
            temperature=asked.temperature,
            seed=asked.seed,
            stop=stop,
            cache=cache,
        )
        return Spoken(self, identity, generation, swap_seconds)

    def forget(self, conversation: str) -> None:
        self.prefixes.forget(conversation)

    def wear(self, identity: Identity | None) -> None:
        """Put on what an answer under way was begun with; read anew where others took its place in memory."""
        if identity is None or identity in self.wardrobe:
            self.wardrobe.wear(identity)
        elif self._dress(identity[0], identity[1]) != identity:
            raise _changed(identity[0])

    def _load(self, base: dict[str, Any]) -> Loaded:
        if self.loaded is not None and self.holds(base):
            return self.loaded
        from mlxtwin.backend.device import prepare

        device = prepare()  # before anything imports MLX
        from mlxtwin.backend.engine import load_base
        from mlxtwin.backend.models import BaseModel
        from mlxtwin.backend.wardrobe import Wardrobe

        self._drop(device)  # two bases may not fit at once
        self.loaded = load_base(_described(BaseModel, base), device)
        self.wardrobe = Wardrobe(self.loaded.model)
        self.loads += 1
        return self.loaded

    def _drop(self, device: Device) -> None:
        self.loaded, self.kind = None, device.kind
        self.__dict__.pop("wardrobe", None)
        self.prefixes.clear()
        self._prefix_bytes = int(PREFIX_SHARE * device.memory_budget)

    def _dress(self, slot: str | None, number: int | None) -> Identity | None:
        """Put the adapter of a version on the base; no slot means the bare base.

        The registry is asked every time: a slot that was removed, or trained anew under its old name, is not answered
        for from memory. Raises UsageError.
        """
        if slot is None:
            self.wardrobe.wear(None)
            return None
        from mlxtwin.backend.adapters import LoraSpec

        assert self.loaded is not None
        found = self.slots.version(slot, number)
        if found.meta["base"]["fingerprint"] != self.loaded.base.fingerprint:
            raise UsageError(f"Version {found.number} of slot {slot} was trained on another base.")
        identity = (slot, found.number, _digest(found.meta))
        if identity in self.wardrobe:
            self.wardrobe.wear(identity)
        else:
            self.wardrobe.add(identity, LoraSpec.of(found.meta["adapter"]), self.slots.adapter(found))
        return identity


class Spoken(Iterator[str]):
    """An `Answer` that puts its adapter on again before each piece: others may have had their turn in between.

    ``swap_seconds``: what it took to ask the registry and to put the adapter on.
    """

    def __init__(self, twin: Twin, identity: Identity | None, generation: Generation, swap_seconds: float) -> None:
        self._twin, self._identity, self._generation = twin, identity, generation
        self._swap_seconds = swap_seconds

    def __next__(self) -> str:
        self._twin.wear(self._identity)
        return next(self._generation)

    def numbers(self) -> Said:
        return {name: getattr(self._generation, name) for name in _NUMBERS} | {"swap_seconds": self._swap_seconds}


def _described(kind: Any, base: dict[str, Any]) -> Any:
    try:
        return kind.of(base)
    except (KeyError, TypeError, ValueError):
        raise UsageError("The engine was asked for a base that it cannot make out.") from None


def _digest(meta: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(meta, sort_keys=True).encode()).hexdigest()


def _changed(slot: str) -> UsageError:
    return UsageError(f"Slot {slot} was changed meanwhile.", "Ask again.")

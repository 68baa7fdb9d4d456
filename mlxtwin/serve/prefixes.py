"""What was read of each conversation, kept in memory so that its next turn is not read from the start."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Protocol, TypeVar

MOST_KEPT = 32


class Sized(Protocol):
    @property
    def size_bytes(self) -> int: ...


Kept = TypeVar("Kept", bound=Sized)


class Prefixes(OrderedDict[tuple[str, Hashable], Kept]):
    """By conversation and by what answers it; the least recently used go when there are too many or too much."""

    def of(self, conversation: str, wearer: Hashable, make: Callable[[], Kept], most_bytes: int) -> Kept:
        """The one of a conversation with one wearer, new if need be. The others may hold ``most_bytes`` with it, as
        far as they have grown by now."""
        key = (conversation, wearer)
        if key not in self:
            self[key] = make()
        self.move_to_end(key)
        while len(self) > 1 and (len(self) > MOST_KEPT or sum(one.size_bytes for one in self.values()) > most_bytes):
            self.popitem(last=False)
        return self[key]

    def forget(self, conversation: str) -> None:
        for key in [key for key in self if key[0] == conversation]:
            del self[key]

"""Every error that mlxtwin raises on purpose.

    TwinError                 1  the work failed
    ├── UsageError            2  wrong input: a path, a name, a key, a value
    │   ├── RecipeError          a recipe that cannot be honoured as written
    │   └── WhoIsMe              an export does not tell which author is the person
    ├── Refused               3  mlxtwin declines, for a reason it gives
    │   ├── VaultLocked          no key, or the wrong one
    │   ├── NotEnoughMemory      the plan does not fit
    │   ├── AirplaneMode         a connection was asked for with the network off
    │   ├── Busy                 another run holds what is needed
    │   ├── GateRefused          an adapter did not pass
    │   └── UnsafeModel          a base model folder that might run code, or leaves its folder
    ├── NothingNew            0  what was asked for is done already: no fault, so a nightly job ends well
    ├── SourceError           1  one file of an export cannot be read; the others go on
    ├── VaultDamaged          1  the database is damaged, or of a newer schema
    ├── SealBroken            1  a sealed file was changed, moved or cut short
    ├── StorageFull           1  the disk is full
    ├── RunFailed             1  a worker died or stopped on an error
    └── Interrupted         130  the person pressed Ctrl-C

A message is one sentence that names the input; the hint is the next step. Neither ever holds personal text or a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class TwinError(Exception):
    """The base of all: ``message`` says what happened, ``hint`` what to do next (may be empty)."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def sentence(self) -> str:
        """Message and hint as one line for the terminal."""
        return f"{self.message} {self.hint}".strip()


class UsageError(TwinError):
    exit_code = 2


class RecipeError(UsageError):
    pass


class WhoIsMe(UsageError):
    """Carries the ``candidates``: (name, messages), the most frequent first."""

    def __init__(self, message: str, hint: str = "", candidates: tuple[tuple[str, int], ...] = ()) -> None:
        super().__init__(message, hint)
        self.candidates = candidates


class Refused(TwinError):
    exit_code = 3


class VaultLocked(Refused):
    pass


class NotEnoughMemory(Refused):
    pass


class AirplaneMode(Refused):
    pass


class Busy(Refused):
    pass


class GateRefused(Refused):
    pass


class UnsafeModel(Refused):
    pass


class NothingNew(TwinError):
    exit_code = 0


class SourceError(TwinError):
    pass


class VaultDamaged(TwinError):
    pass


class SealBroken(TwinError):
    pass


class StorageFull(TwinError):
    pass


class RunFailed(TwinError):
    pass


class Interrupted(TwinError):
    exit_code = 130


def told_of(failure: Mapping[str, Any]) -> TwinError:
    """The error that another process told of by its ``message``, ``hint`` and ``exit_code``."""
    kind = {UsageError.exit_code: UsageError, Refused.exit_code: Refused}.get(failure["exit_code"], TwinError)
    error = kind(failure["message"], failure["hint"])
    error.exit_code = failure["exit_code"]
    return error

"""An export of each source, for the conformance suite: ``cases/NAME.py`` holds its ``CASE``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib import import_module

from mlxtwin.records import Person


@dataclass(frozen=True)
class Case:
    """An export of one source: ``own`` and ``others`` are words that must come out as the person's or not.

    It says both "patience" (own, the answer) and "How do you bake" (another's, the question before it, where the source
    knows others at all). ``me``: what names the person; empty where the export tells by itself, or all is theirs.
    ``beside``: other files it needs, by their place relative to the file. ``any_name``: whether it is recognised under
    any name. ``lines``: whether it is text in which ``\\r\\n`` may stand for ``\\n``. ``first``: the time of the first
    document. ``streamed``: whether words at the end of the file leave what stands before them readable. ``asked``:
    whether it reads only what it is asked for by its name.
    """

    source: str
    name: str
    data: str | bytes
    me: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    first: datetime | None = None
    beside: tuple[tuple[str, str | bytes], ...] = ()
    any_name: bool = True
    lines: bool = True
    streamed: bool = True
    asked: bool = False

    @property
    def person(self) -> Person:
        return Person.of(self.me)

    @property
    def bytes(self) -> bytes:
        return self.data.encode() if isinstance(self.data, str) else self.data


def case_of(source: str) -> Case:
    """The case of a source; a source without one fails here."""
    found = import_module(f"{__name__}.{source}").CASE
    assert isinstance(found, Case) and found.source == source
    return found

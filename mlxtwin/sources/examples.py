"""Files of examples for training, as other programs and `mlxtwin data export` write them.

Nothing in such a file tells whose words its answers are. Read as ``examples``, which only the person can ask for, they
are the person's own: that is what they are there for. Found by content it is a ``dataset``, of which only the turns are
the person's that carry their name. Each conversation is one Document, known again by its id and how it
begins (files that count their examples have the same ids), or by all that it says.

Not covered: files that mix several forms; preferences, which are no text of anybody's (`mlxtwin data
import-preferences` reads them).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person, Turn
from mlxtwin.sources.base import relative_name
from mlxtwin.sources.examples_records import Said, form_of, head_form, records, said
from mlxtwin.sources.files import File
from mlxtwin.sources.shapes import as_name

ME, SOURCE = "me", "examples"
NOT_KNOWN = "not known to be yours; import it with --as examples"
TITLE_CHARACTERS = 60
# The request that our own datasets go on from the end of a text with.
_GOES_ON = "Continue:"


class Dataset:
    """A file of somebody's examples: only what carries the person's name is theirs."""

    name = "dataset"
    kind: Kind = "chat"

    def recognises(self, file: File) -> float:
        return 0.9 if head_form(file) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        with suppress(SourceError):  # reading it tells what is wrong with it
            for record in records(file):
                yield from (one.name for one in said(record) if one.name)

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        return _documents(file, root, lambda one: person.is_me(one.name), NOT_KNOWN)


class Examples:
    """A file of the person's own examples: what its assistant says is theirs. Taken only when asked for by name."""

    name = "examples"
    kind: Kind = "chat"

    def recognises(self, file: File) -> float:
        return 0.1 if head_form(file) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        return iter(())

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        return _documents(file, root, lambda one: one.assistant and one.learned, "not by me")


def _documents(file: File, root: File, is_mine: Callable[[Said], bool], drop: str) -> Iterator[Document]:
    making = _Making(relative_name(file, root), is_mine, drop)
    found = False
    for record in records(file):
        form = form_of(record)
        if form == "preference":
            hint = f"Import them with: mlxtwin data import-preferences {file.name} --slot voice"
            raise SourceError(f"{file.name} holds preferences, not examples.", hint)
        found = found or form is not None
        yield from making.taken(record, said(record) if form else [])
    yield from making.rest()
    if not found:
        hint = "Each is an object with messages, conversations, an instruction or a prompt."
        raise SourceError(f"{file.name} holds no examples.", hint)


@dataclass(slots=True)
class _Making:
    """Makes the Documents of one file; a conversation that goes on in the next record is one."""

    origin: str
    is_mine: Callable[[Said], bool]
    drop: str
    _held: list[Said] = field(default_factory=list)
    _key: str = ""
    _number: int = 0
    _first: int = 0
    _before: str = ""
    _keys: Counter[str] = field(default_factory=Counter)

    def taken(self, record: dict[str, Any], turns: list[Said]) -> Iterator[Document]:
        """The conversation held before, unless this record goes on with it."""
        self._number += 1
        if (more := self._going_on(turns)) is not None:
            self._held += more
            return
        yield from self.rest()
        id = as_name(record.get("id"))
        self._held, self._key = turns, f"{id}~{_digest(turns[:1], 4)}" if id and turns else id or _digest(turns)
        self._first = self._number

    def rest(self) -> Iterator[Document]:
        turns = [self._turn(one) for one in self._held]
        if turns:
            yield self._document(turns)
        self._before = next((one.text for one in reversed(self._held) if self.is_mine(one)), self._before)
        self._held = []

    def _going_on(self, turns: list[Said]) -> list[Said] | None:
        """A prompt that begins with all that was said, answers too, is the same conversation one turn later."""
        told = "\n\n".join(one.text for one in self._held)
        if len(turns) != 2 or not self._held or not turns[0].text.startswith(f"{told}\n\n"):
            return None
        asked = turns[0].text.removeprefix(told).strip()
        return [Said(turns[0].assistant, asked, turns[0].name), turns[1]] if asked else [turns[1]]

    def _turn(self, one: Said) -> Turn:
        if self.is_mine(one):
            return Turn(one.name or ME, True, one.text, "own")
        again = one.text.removeprefix(_GOES_ON).strip()
        if again and again in self._before:  # the end of the person's own text, that they go on from
            return Turn(ME, True, one.text, "quoted")
        return Turn(one.name or ("assistant" if one.assistant else "user"), False, one.text, "received")

    def _document(self, turns: list[Turn]) -> Document:
        self._keys[self._key] += 1
        number = f".{self._keys[self._key]}" if self._keys[self._key] > 1 else ""
        title = as_name(turns[0].text[: 4 * TITLE_CHARACTERS])[:TITLE_CHARACTERS].strip()
        drop = "" if any(turn.trainable for turn in turns) else self.drop
        key, place = self._key + number, f"{self.origin}#{self._first}"
        return Document("chat", SOURCE, key, title, tuple(turns), None, "", place, drop)


def _digest(turns: list[Said], size: int = 16) -> str:
    told = json.dumps([[one.assistant, one.name, one.text] for one in turns]).encode()
    return hashlib.blake2b(told, digest_size=size).hexdigest()

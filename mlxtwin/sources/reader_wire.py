"""Jobs and answers as lines of JSON. Whoever reads them trusts no line: a parser may have been taken over by a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from mlxtwin.records import KINDS, Document, Turn, TurnRole
from mlxtwin.sources.base import aware
from mlxtwin.sources.reader_files import MOST_NAME
from mlxtwin.sources.reader_work import Answer, At, Author, Done, Failed, Found, Job
from mlxtwin.vault.rows import clean

MOST_LINE_BYTES = 32 * 1024 * 1024
MOST_WHY = 2000
# Of a document: the characters of each field but the words, and the turns.
MOST_FIELD = 4096
MOST_TURNS = 200_000
_ROLES = frozenset(get_args(TurnRole))
_SEPARATORS = (",", ":")


class Garbage(ValueError):
    """A line that no honest process sends."""


class TooMuch(Garbage):
    """More than one file may say; the message is a sentence."""


def job_line(job: Job) -> bytes:
    return _line([job.task, str(job.file), str(job.root), list(job.members), job.importer, job.known, job.why])


def job_of(line: bytes) -> Job:
    task, file, root, members, importer, known, why = json.loads(line)
    return Job(task, Path(file), Path(root), tuple(members), importer, known, why)


def answer_line(answer: Answer) -> bytes:
    """Raises ValueError for a document that is longer than a line may be."""
    if isinstance(answer, Document):
        line = _line(["document", *_fields(answer)])
    else:
        line = _line(_PLAIN[type(answer)](answer))
    if len(line) > MOST_LINE_BYTES:
        raise ValueError("an answer that is too long")
    return line


_PLAIN: dict[type, Callable[[Any], list[Any]]] = {
    Found: lambda one: ["found", list(one.members), one.importer, one.skipped, one.refused, *_numbers(one)],
    Author: lambda one: ["author", one.name, one.count],
    At: lambda one: ["at", one.place],
    Failed: lambda one: ["failed", one.why[:MOST_WHY], one.lasting],
    Done: lambda one: ["done", None if one.beside is None else list(one.beside)],
}


def _line(value: Any) -> bytes:
    # Names of files may hold bytes that are no characters, which only the escapes of JSON can say.
    return json.dumps(value, separators=_SEPARATORS).encode("ascii") + b"\n"


def _fields(document: Document) -> list[Any]:
    """Raises ValueError for more than a document may hold; a title or a name is cut."""
    named = [document.kind, document.source, document.key, document.title[:MOST_FIELD], document.thread]
    texts = [*named, document.origin, document.drop]
    if len(document.turns) > MOST_TURNS or any(len(text) > MOST_FIELD for text in texts):
        raise ValueError("a document that is too long")
    turns = [
        [clean(turn.author[:MOST_FIELD]), turn.mine, clean(turn.text), turn.role, _iso(turn.at)]
        for turn in document.turns
    ]
    return [*map(clean, texts), _iso(document.at), turns]


def _iso(at: datetime | None) -> str | None:
    return None if at is None else aware(at).isoformat()


def answer_of(line: bytes) -> Answer:
    """What a line says. Raises Garbage for anything that is not exactly as ``answer_line`` writes it."""
    try:
        name, *fields = json.loads(line)
        return _READ[name](*fields)
    except Garbage:
        raise
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError, AttributeError):
        raise Garbage("no answer") from None


def _document(*fields: Any) -> Document:
    kind, source, key, title, thread, origin, drop, at, turns = fields
    if kind not in KINDS or type(turns) is not list or len(turns) > MOST_TURNS or not key:
        raise Garbage("no document")
    for text in (kind, source, key, title, thread, origin, drop):
        _words(text, MOST_FIELD)
    return Document(kind, source, key, title, tuple([_turn(*turn) for turn in turns]), _at(at), thread, origin, drop)


def _turn(author: Any, mine: Any, text: Any, role: Any, at: Any) -> Turn:
    if type(mine) is not bool or role not in _ROLES:
        raise Garbage("no turn")
    _words(author, MOST_FIELD)
    _words(text)
    if role == "own" and not mine:
        raise Garbage("own words of another")
    return Turn(author, mine, text, role, None if at is None else _at(at))


def _at(value: Any) -> datetime | None:
    if value is None:
        return None
    at = datetime.fromisoformat(_text(value))
    if at.tzinfo is None:
        raise Garbage("a time without a zone")
    return at


def _numbers(found: Found) -> list[Any]:
    return [found.size, found.number, found.counts, found.lasting]


def _found(members: Any, importer: Any, skipped: Any, refused: Any, *numbers: Any) -> Found:
    size, number, counts, lasting = numbers
    if type(counts) is not bool or type(lasting) is not bool:
        raise Garbage("no answer")
    names = _texts(members, 16)
    for text in (importer, skipped):
        _text(text, 200)
    return Found(names, importer, skipped, _text(refused, MOST_WHY), _count(size), _count(number), counts, lasting)


def _author(name: Any, count: Any) -> Author:
    return Author(_text(name, MOST_NAME), _count(count))


def _at_place(place: Any) -> At:
    return At(_count(place))


def _failure(why: Any, lasting: Any) -> Failed:
    if type(lasting) is not bool:
        raise Garbage("no answer")
    return Failed(_text(why, MOST_WHY), lasting)


def _done(beside: Any) -> Done:
    return Done(None if beside is None else _texts(beside, 10_000))


def _text(value: Any, most: int = MOST_LINE_BYTES) -> str:
    if type(value) is not str or len(value) > most:
        raise Garbage("no text")
    return value


def _words(value: Any, most: int = MOST_LINE_BYTES) -> str:
    """A text that can be stored: without a lone half of a surrogate pair, which only the name of a file may hold."""
    text = _text(value, most)
    if clean(text) != text:
        raise Garbage("no characters")
    return text


def _texts(values: Any, most: int) -> tuple[str, ...]:
    if type(values) is not list or len(values) > most:
        raise Garbage("no list of texts")
    return tuple(_text(value, MOST_NAME) for value in values)


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise Garbage("no number")
    return value


_READ: dict[str, Callable[..., Answer]] = {
    "document": _document,
    "found": _found,
    "author": _author,
    "at": _at_place,
    "failed": _failure,
    "done": _done,
}

"""What the program says, and where: data on stdout, talk on stderr, one JSON object on stdout with ``--json``.

Everything a person reads passes ``clean_terminal``. JSON is written in ASCII, so it holds no control character either.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command found: ``value`` for ``--json``, else ``text`` on stdout, and ``notes`` on stderr in both."""

    value: dict[str, Any]
    text: str = ""
    notes: tuple[str, ...] = ()
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a command ended, in one sentence and the next step."""

    message: str
    hint: str = ""
    exit_code: int = 1
    details: dict[str, Any] = field(default_factory=dict)

    def as_value(self) -> dict[str, Any]:
        error = {"message": self.message, "hint": self.hint, "exit_code": self.exit_code, **self.details}
        return {"error": error}


class Talk:
    """The two streams of one command; click passes it to commands that talk while they work."""

    def __init__(self, as_json: bool = False, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.as_json = as_json
        self.out = out or sys.stdout
        self.err = err or sys.stderr
        self._progress_shown = False

    def answer(self, answer: Answer) -> int:
        self.clear_progress()
        if self.as_json:
            self.data(answer.value)
        elif answer.text:
            self.stream(answer.text.rstrip("\n") + "\n")
        self.out.flush()
        for note in answer.notes:
            self.note(note)
        return answer.exit_code

    def failure(self, failure: Failure) -> int:
        self.clear_progress()
        self.note(f"{failure.message} {failure.hint}".strip())
        if self.as_json:
            self.data(failure.as_value())
        return failure.exit_code

    def data(self, value: dict[str, Any]) -> None:
        """One JSON object on a line of stdout; more than one only from a command that documents JSON Lines."""
        self.out.write(json.dumps(_finite(value), ensure_ascii=True, allow_nan=False) + "\n")
        self.out.flush()

    def stream(self, text: str) -> None:
        """A piece of data for a person, at once: the words of a chat as they come."""
        _write(self.out, text)
        self.out.flush()

    def note(self, text: str) -> None:
        self.clear_progress()
        _write(self.err, text + "\n")
        self.err.flush()

    def progress(self, text: str) -> None:
        """One line on stderr that the next one overwrites; nothing where stderr is no terminal."""
        if not self.err.isatty():
            return
        width = shutil.get_terminal_size().columns - 1
        self.err.write("\r\033[K")
        _write(self.err, text[:width])
        self.err.flush()
        self._progress_shown = True

    def clear_progress(self) -> None:
        if self._progress_shown:
            self.err.write("\r\033[K")
            self.err.flush()
            self._progress_shown = False


def _write(stream: TextIO, text: str) -> None:
    """Clean text in what the stream can encode: a name of a file may hold bytes that are no characters."""
    from mlxtwin.security.redact import clean_terminal

    encoding = stream.encoding or "utf-8"
    stream.write(clean_terminal(text).encode(encoding, "backslashreplace").decode(encoding))


def _finite(value: Any) -> Any:
    """JSON knows no infinity: such a number becomes null, as does what is not a number."""
    if isinstance(value, dict):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def table(rows: Iterable[Sequence[object]], header: Sequence[str] = (), empty: str = "") -> str:
    """Rows as columns two blanks apart, numbers to the right; ``empty`` where there is no row."""
    body = [[cell if isinstance(cell, int) else one_line(str(cell)) for cell in row] for row in rows]
    if not body:
        return empty
    everything: list[Sequence[object]] = [*([header] if header else []), *body]
    widths = [max(len(_cell(cell)) for cell in column) for column in zip(*everything, strict=True)]
    right = [all(isinstance(cell, int) for cell in column) for column in zip(*body, strict=True)]
    return "\n".join(_row(row, widths, right) for row in everything)


def fields(pairs: Iterable[tuple[str, object]]) -> str:
    """Names and their values, one to a line, uncut."""
    listed = [(name, " ".join(str(value).split())) for name, value in pairs]
    width = max(len(name) for name, _ in listed)
    return "\n".join(f"{name.ljust(width)}  {value}".rstrip() for name, value in listed)


def _row(row: Sequence[object], widths: list[int], right: list[bool]) -> str:
    cells = (
        _cell(cell).rjust(width) if to_right else _cell(cell).ljust(width)
        for cell, width, to_right in zip(row, widths, right, strict=True)
    )
    return "  ".join(cells).rstrip()


def _cell(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def one_line(text: str, limit: int = 72) -> str:
    """Text on one line, cut to ``limit`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"

"""``events.jsonl``: append-only numbers and ids of a run. Personal text cannot get in: the writer refuses it."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlxtwin.errors import TwinError
from mlxtwin.paths import storage_error
from mlxtwin.records import RunEvent

FILE = "events.jsonl"
_ID = re.compile(r"[A-Za-z0-9_.:/+@-]{0,80}")


@dataclass(frozen=True, slots=True)
class EventLog:
    """The events of one run folder."""

    folder: Path

    def emit(self, event: str, /, **data: Any) -> None:
        """Append one line in one write. Raises ValueError for a value that is no number, id or list of them."""
        _check({"event": event, **data})
        line = json.dumps({"event": event, "at": round(time.time(), 3), **data}) + "\n"
        path = self.folder / FILE
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                self._end_torn_line(descriptor)
                os.write(descriptor, line.encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            raise storage_error(error, path) from None

    def _end_torn_line(self, descriptor: int) -> None:
        """A line cut short by a kill or a full disk must not swallow the next one."""
        size = os.fstat(descriptor).st_size
        if not size:
            return
        with (self.folder / FILE).open("rb") as file:
            file.seek(size - 1)
            if file.read(1) != b"\n":
                os.write(descriptor, b"\n")

    def read(self, offset: int = 0) -> tuple[list[RunEvent], int]:
        """The whole events after ``offset`` bytes, and the offset behind the last newline."""
        path = self.folder / FILE
        if not path.is_file():
            return [], offset
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
        end = data.rfind(b"\n") + 1
        return [event for line in data[:end].splitlines() if (event := _parse(line))], offset + end

    def __iter__(self) -> Iterator[RunEvent]:
        yield from self.read()[0]

    def last(self, name: str) -> RunEvent | None:
        return next((event for event in reversed(self.read()[0]) if event.event == name), None)


def _parse(line: bytes) -> RunEvent | None:
    try:
        data = json.loads(line)
        return RunEvent(data.pop("event"), data.pop("at"), data)
    except (ValueError, KeyError, AttributeError, TypeError):
        return None


def _check(value: Any) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _check(str(key))
            _check(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check(inner)
    elif isinstance(value, str):
        if not _ID.fullmatch(value):
            raise ValueError("an event holds numbers and ids only")
    elif not isinstance(value, int | float | type(None)):
        raise ValueError("an event holds numbers and ids only")


def error_event(error: BaseException) -> dict[str, Any]:
    """What an event may say of an error: its type and exit code; the sentence goes to nobody but the vault's owner."""
    return {"error": type(error).__name__, "exit_code": error.exit_code if isinstance(error, TwinError) else 1}

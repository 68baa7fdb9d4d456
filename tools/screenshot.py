"""Run a command in a terminal of its own and save what it shows as an SVG: ``tools/screenshot.py OUT COMMAND...``.

The README's picture is made by ``make screenshot``, from a real run.
"""

from __future__ import annotations

import io
import os
import pty
import re
import sys
import textwrap
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 120
_ERASE = re.compile(r"\x1b\[K")


def capture(command: list[str]) -> str:
    """Everything a command writes to its terminal; raises SystemExit when it fails."""
    pieces: list[bytes] = []

    def read(descriptor: int) -> bytes:
        data = os.read(descriptor, 65536)
        pieces.append(data)
        return data

    status = os.waitstatus_to_exitcode(pty.spawn(command, read))
    if status:
        raise SystemExit(status)
    return b"".join(pieces).decode()


def settled(written: str) -> list[str]:
    """The lines as they stand at the end: what was overwritten in place is gone."""
    lines = [_ERASE.sub("", line.rstrip("\r")).rpartition("\r")[2] for line in written.split("\n")]
    return [part for line in lines for part in (textwrap.wrap(line, WIDTH, subsequent_indent="        ") or [""])]


def save(path: Path, command: list[str]) -> None:
    lines = ["$ " + " ".join(command).removeprefix(".venv/bin/"), *settled(capture(command))]
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi("\n".join(lines).strip()))
    path.write_text(console.export_svg(title="mlxtwin"), encoding="utf-8")


if __name__ == "__main__":
    save(Path(sys.argv[1]), sys.argv[2:])

"""A vault of its own for a measurement: one person's texts in a temporary folder that is gone afterwards.

The program is run as a person runs it, with ``--json``.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from mlxtwin.client import runs
from mlxtwin.client.vault import PASSPHRASE_VARIABLE
from mlxtwin.paths import HOME_VARIABLE, Home
from mlxtwin.security.unlock import unlock
from mlxtwin.vault.store import Vault

GATE_SAID_NO = 3
Event = dict[str, Any]
T = TypeVar("T")


class Failed(SystemExit):
    """A command failed, and this is why."""


@dataclass(frozen=True)
class Twin:
    """``folder`` holds the home and whatever else a measurement needs; ``words``: the person's own that came in."""

    folder: Path
    passphrase: str
    words: int = 0

    @property
    def home(self) -> Home:
        return Home(self.folder / "home")

    @property
    def key(self) -> bytes:
        return unlock(self.home, passphrase=self.passphrase)

    def retrain(self, sets: Sequence[str], slot: str = "voice") -> list[Event]:
        """The events of a run of the recipe voice, then its result, also when the gate says no. Raises Failed."""
        return self.run("retrain", "voice", "--slot", slot, *(part for one in sets for part in ("--set", one)))

    def run(self, *arguments: str) -> list[Event]:
        """The objects that a command printed, the last of them its answer. Raises Failed."""
        environment = os.environ | {HOME_VARIABLE: str(self.home.root), PASSPHRASE_VARIABLE: self.passphrase}
        command = [sys.executable, "-m", "mlxtwin", *arguments, "--json"]
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        printed = [json.loads(line) for line in done.stdout.splitlines()]
        if done.returncode not in (0, GATE_SAID_NO) or not printed or "error" in printed[-1]:
            error = printed[-1].get("error", {}) if printed else {}
            raise Failed(f"mlxtwin {arguments[0]}: {error.get('message') or done.stderr or done.returncode}")
        return printed

    def plan(self, sets: Sequence[str]) -> runs.Planned:
        """What `retrain` with these values trains on."""
        with Vault.open(self.home, self.key) as vault:
            return runs.plan(self.home, vault, "voice", {"slot": "voice"}, sets)


@contextmanager
def throwaway(arguments: Namespace) -> Iterator[Twin]:
    """A twin that knows the texts that `person_options` name."""
    with tempfile.TemporaryDirectory(prefix="mlxtwin-tool-") as name:
        twin = Twin(Path(name), secrets.token_hex(16))
        twin.home.root.mkdir(mode=0o700)
        twin.run("init", "--passphrase")
        names = [part for name in arguments.me for part in ("--me", name)]
        source = ["--as", arguments.source] if arguments.source else []
        taken = twin.run("import", str(arguments.path), *names, *source)[-1]
        yield replace(twin, words=taken["words_by_me"])


def with_cores(work: Callable[[], T]) -> tuple[T, float]:
    """What ``work`` gives, and how many cores the processes that it started and waited for kept busy on average.

    Two runs with unlike numbers were not run on the same machine, as it were: something else ran beside one of them.
    """
    wall, processor = time.perf_counter(), _children_seconds()
    made = work()
    return made, round((_children_seconds() - processor) / max(time.perf_counter() - wall, 1e-9), 2)


def _children_seconds() -> float:
    times = os.times()
    return times.children_user + times.children_system


def person_options(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=Path, help="the person's texts, as for mlxtwin import")
    parser.add_argument("--me", action="append", default=[], metavar="NAME", help="as for mlxtwin import")
    parser.add_argument("--as", dest="source", metavar="SOURCE", help="as for mlxtwin import")
    parser.add_argument("--set", dest="sets", action="append", default=[], metavar="KEY=VALUE", help="of the recipe")


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows of the same keys under their names; the first column stands to the left, the others to the right."""
    lines = [list(rows[0]), *([shown(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(line_of(line, widths) for line in lines)


def line_of(texts: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (text.rjust(width) for text, width in zip(texts, widths, strict=True))
    return "  ".join([first.strip().ljust(widths[0]), *rest])


def shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}" if abs(value) >= 100 else f"{value:.4g}"
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)

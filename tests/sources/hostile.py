"""An importer that does what a file's name says, such as looping for ever, and a reader process that knows it."""

from __future__ import annotations

import ctypes
import json
import os
import socket
import stat
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlxtwin.records import Document, Kind, Person, Turn
from mlxtwin.sources.base import getting_on, relative_name
from mlxtwin.sources.child import Limits
from mlxtwin.sources.files import File

NAME = "hostile"
SUFFIX = ".hostile"
PROGRAM = (
    "import sys; from mlxtwin.sources import reader, registry; sys.path.insert(0, sys.argv[1]);"
    "registry.SOURCES['hostile'] = 'hostile:Hostile'; sys.exit(reader.main(sys.argv[2:]))"
)


def command(limits: Limits) -> list[str]:
    """A reader that knows the importer below."""
    given = ["--memory", str(limits.memory_bytes), "--parent", str(os.getpid())]
    return [sys.executable, "-P", "-c", PROGRAM, str(Path(__file__).parent), *given]


class Hostile:
    """``loops.hostile`` loops when it is read, ``look-loops.hostile`` when it is recognised."""

    name = NAME
    kind: Kind = "note"

    def recognises(self, file: File) -> float:
        if file.suffix != SUFFIX:
            return 0.0
        if file.stem.startswith("look-"):
            act(file.stem.removeprefix("look-").partition(".")[0], file)
        return 0.99

    def authors(self, file: File) -> Iterator[str]:
        act(file.stem.removeprefix("who-") if file.stem.startswith("who-") else "", file)
        yield "Ann"

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        place = relative_name(file, root)
        yield note(f"{place}#1", f"I wrote before {file.stem}.")
        yield from act(file.stem, file) or ()
        yield note(f"{place}#2", f"I wrote after {file.stem}.")


def note(key: str, text: str) -> Document:
    return Document("note", NAME, key, key, (Turn("me", True, text, "own"),), origin=key)


def act(name: str, file: File) -> Iterator[Document] | None:
    acts: dict[str, Any] = {
        "loops": _loops,
        "circles": lambda: _circles(file),
        "sleeps": lambda: threading.Event().wait(1000),
        "eats": _eats,
        "exits": lambda: os._exit(3),
        "crashes": lambda: ctypes.string_at(0),
        "babbles": lambda: _say(b"garbage\n"),
        "forges": lambda: _say(_forged()),
        "endless": lambda: _say(b"x" * (33 * 1024 * 1024)),
        "idles": lambda: _say(b'["at",1]\n' * 100_001),
        "begins": lambda: _say(b"ready\n" * 101),
        "prints": lambda: sys.stdout.write("garbage\n") and sys.stdout.flush(),
        "writes": lambda: (file.parent / "made").write_text("words " * 10_000),
        "connects": lambda: socket.create_connection(("192.0.2.1", 9)),
        "slow": lambda: _slow(file),
        "crawls": lambda: _crawls(file),
        "works": _works,
        "boasts": _boasts,
    }
    done = acts.get(name, lambda: None)()
    return done if isinstance(done, Iterator) else None


def _loops() -> None:
    while True:
        pass


def _circles(file: File) -> None:
    """Reads the same for ever."""
    while True:
        with file.open("rb") as opened:
            opened.read()


def _eats() -> None:
    held = []
    while True:
        held.append(bytearray(10_000_000))


def _say(data: bytes) -> None:
    """To whoever reads our answers."""
    for number in range(3, 64):
        try:
            if stat.S_ISFIFO(os.fstat(number).st_mode):
                sent = 0
                while sent < len(data):
                    sent += os.write(number, data[sent:])
        except OSError:
            continue


def _forged() -> bytes:
    turns = [["me", True, "I never wrote this.", "own", None]]
    return json.dumps(["document", "mail", "mail", "<1@example.org>", "", "", "", "", None, turns]).encode() + b"\n"


def _slow(file: File) -> Iterator[Document]:
    """A document now and then, for longer than anybody waits without one."""
    for number in range(5):
        threading.Event().wait(0.4)
        yield note(f"slow{number}", "I took my time.")


def _works() -> None:
    """Thinks for long, and says so."""
    for _ in range(5):
        threading.Event().wait(0.4)
        getting_on()


def _boasts() -> None:
    """Says for ever that it gets on."""
    while True:
        getting_on()


def _crawls(file: File) -> None:
    """Reads on, a little at a time, and says nothing meanwhile."""
    with file.open("rb") as opened:
        while opened.read(200_000):
            threading.Event().wait(0.3)

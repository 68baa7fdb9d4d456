"""The whole path by keys alone, in a real terminal with the real engine: ``tools/walk.py PATH [--name NAME]``.

Make the vault, import PATH, train, close the screens in mid-run and open them again, read the verdict, chat, correct an
answer, train a second version, use it and roll back. Every screen on the way is recorded: ``--record FILE`` writes them
one after the other as text, ``--pictures FOLDER`` keeps some as SVG. With ``--lag FILE.jsonl`` the screens are started
with the probe of `lag.py`, which writes there how long their event loop did not turn.

Not covered: other sizes than ``--size``, the mouse, a keychain (a passphrase locks the vault).
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from terminal import Terminal

PASSPHRASE = "a walk on paper"
BETTER = "I should rather have said it in my own words."
PICTURES = ("verdict", "answer")
NO_KEYCHAIN = "keyring.backends.fail.Keyring"
ENGINE_SECONDS, RUN_SECONDS = 120, 1800


@dataclass
class Walk:
    """``name``: of the person where the export has authors; ``first`` and ``second``: values of the two runs."""

    terminal: Terminal
    command: list[str]
    path: Path
    name: str = ""
    first: str = ""
    second: str = "epochs=1 data.max_words=600"
    frames: list[tuple[str, str]] = field(default_factory=list)
    pictures: Path | None = None

    def go(self) -> None:
        """All of it; raises NeverShown where a screen does not come."""
        self.terminal.start(self.command)
        self.make_vault()
        self.bring_in()
        self.train()
        self.come_back()
        self.read_verdict()
        self.chat()
        self.train_another()
        self.roll_back()
        self.leave()

    def make_vault(self) -> None:
        terminal = self.terminal
        self.seen("first look", "Make the vault")
        terminal.press("Enter")
        terminal.until("The same again")
        terminal.write(PASSPHRASE)
        terminal.press("Tab")
        terminal.write(PASSPHRASE)
        terminal.press("Enter")
        self.seen("recovery key", "I have it on paper")
        terminal.press("Space")
        terminal.press("Enter")
        self.seen("a vault without words", "Import my words")

    def bring_in(self) -> None:
        terminal = self.terminal
        terminal.press("Enter")
        terminal.until("Import a file or folder")
        terminal.write(self.path.name)
        self.seen("choosing what to import", self.path.name)
        terminal.press("Enter")
        if self.name:
            terminal.until(lambda shown: self.name in shown and "Go on" in shown)
            terminal.press("Space")
            self.seen("who of them it is", "Go on")
            terminal.press("Enter")
        self.seen("what came in", "of yours, in", 300)
        terminal.press("Enter")

    def train(self) -> None:
        terminal = self.terminal
        terminal.until("Effort")
        terminal.press("Tab")
        terminal.press("Left", "Left")
        if self.first:
            self.set_values(self.first)
        self.seen("plan", "fits", 120)
        terminal.press("C-s")
        self.seen("training", lambda shown: "tokens/s" in shown and "memory" in shown, 300)

    def set_values(self, values: str) -> None:
        """Three fields below the dial."""
        self.terminal.press("Tab", "Tab", "Tab")
        self.terminal.write(values)

    def come_back(self) -> None:
        """The run goes on while nobody looks."""
        self.leave()
        self.terminal.again(self.command)
        self.unlock()
        self.seen("opened again in mid-run", "Watch the run")
        self.terminal.press("Enter")
        self.seen("the run where it is", "tokens/s")

    def unlock(self) -> None:
        terminal = self.terminal
        terminal.until("Unlock")
        terminal.press("Enter")
        terminal.until("Passphrase")
        terminal.write(PASSPHRASE)
        terminal.press("Enter")

    def read_verdict(self) -> None:
        self.seen("verdict", "promoted", RUN_SECONDS)

    def chat(self) -> None:
        terminal = self.terminal
        terminal.press("F5")
        self.seen("a chat not begun", "Say something to voice")
        terminal.write("How was your week?")
        terminal.press("Enter")
        self.seen("answer", "a second", ENGINE_SECONDS)
        terminal.press("C-t")
        terminal.until("How would you have said it?")
        terminal.press("C-a")
        terminal.write(f"{BETTER} ")
        self.seen("correcting it", BETTER)
        terminal.press("C-s")
        self.seen("the correction is kept", "you would say")

    def train_another(self) -> None:
        terminal = self.terminal
        terminal.press("F4")
        terminal.press("n")
        terminal.until("Effort")
        terminal.press("Tab")
        self.set_values(self.second)
        terminal.until("fits", 120)
        terminal.press("C-s")
        self.seen(
            "a second verdict",
            lambda shown: "version 2: " in shown and ("Use it" in shown or "Keep the old one" in shown),
            RUN_SECONDS,
        )
        if "Use it" in terminal.words():
            terminal.press("u")
            terminal.until("did not pass")
            terminal.press("BTab", "Enter")
            self.seen("used all the same", "Keep the old one")

    def roll_back(self) -> None:
        terminal = self.terminal
        terminal.press("F6")
        self.seen("slots", "Roll back")
        terminal.press("b")
        self.seen("rolled back", "voice v1")

    def leave(self) -> None:
        self.terminal.press("C-q")
        self.terminal.until(lambda _: self.terminal.over)

    def seen(self, title: str, wanted: str | Callable[[str], object], seconds: float = 60) -> None:
        """Wait for a screen and record it."""
        shown = self.terminal.until(wanted, seconds)
        self.frames.append((title, shown))
        if self.pictures and title in PICTURES:
            self.terminal.picture(self.pictures / f"{title}.svg")


@contextmanager
def prepared(path: Path, size: tuple[int, int], home: str = "") -> Iterator[tuple[Terminal, Path]]:
    """A terminal whose program knows only an empty home with a copy of ``path`` in it, and that copy."""
    with tempfile.TemporaryDirectory(prefix="mlxtwin-walk-") as folder:
        user = Path(folder, "user")
        user.mkdir()
        copy = user / path.resolve().name
        (shutil.copytree if path.is_dir() else shutil.copy)(path, copy)
        environment = {
            "HOME": str(user),
            "MLXTWIN_HOME": home or f"{folder}/home",
            "PATH": os.environ["PATH"],
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            "PYTHON_KEYRING_BACKEND": NO_KEYCHAIN,
        }
        with Terminal(*size, environment) as terminal:
            yield terminal, copy


def main() -> None:
    arguments = _arguments()
    command = [sys.executable, "-m", "mlxtwin"]
    if arguments.lag:
        command = [sys.executable, str(Path(__file__).with_name("lag.py")), str(arguments.lag.resolve())]
    if arguments.pictures:
        arguments.pictures.mkdir(parents=True, exist_ok=True)
    width, _, height = arguments.size.partition("x")
    with prepared(arguments.path, (int(width), int(height))) as (terminal, copy):
        walk = Walk(terminal, command, copy, arguments.name, arguments.first, pictures=arguments.pictures)
        try:
            walk.go()
        finally:
            if arguments.record:
                arguments.record.write_text(recording(walk.frames), encoding="utf-8")
    sys.stdout.write(f"{len(walk.frames)} screens: {', '.join(title for title, _ in walk.frames)}.\n")


def recording(frames: list[tuple[str, str]]) -> str:
    """The screens one below the other, each under its title."""
    return "\n".join(f"== {title} ==\n{shown.rstrip()}\n" for title, shown in frames)


def _arguments() -> Namespace:
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("path", type=Path)
    parser.add_argument("--name", default="", help="the person's, the first of the authors; none where all is theirs")
    parser.add_argument("--first", default="", metavar="VALUES", help="KEY=VALUE pairs of the first run")
    parser.add_argument("--size", default="120x40", metavar="WIDTHxHEIGHT")
    parser.add_argument("--record", type=Path, metavar="FILE")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER")
    parser.add_argument("--lag", type=Path, metavar="FILE.jsonl")
    return parser.parse_args()


if __name__ == "__main__":
    main()

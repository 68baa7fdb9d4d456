"""A real terminal for the screens: tmux with a server of its own, keys sent in, what it shows read out."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.text import Text

POLL_SECONDS = 0.1
MOST_LOOKS = 10
_FRAME = re.compile("[\u2500-\u259f]")


class NeverShown(AssertionError):
    """What was waited for did not come; with the screen as it is."""


class Terminal:
    """A context manager; ``environment`` is all that the program inside gets.

    tmux keeps its socket in a folder of ours, so that no server of the person's is touched.
    """

    def __init__(self, width: int, height: int, environment: Mapping[str, str]) -> None:
        self.width, self.height = width, height
        self._environment = dict(environment)
        self._folder = tempfile.TemporaryDirectory(prefix="mlxtwin-tmux-")

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tmux("kill-server", check=False)
        self._folder.cleanup()

    def start(self, command: Sequence[str]) -> None:
        """Run a command in it; when it ends, its last screen stays."""
        size = ["-x", str(self.width), "-y", str(self.height)]
        options = ["status off", "remain-on-exit on", "terminal-overrides ,*:RGB"]
        settings = [part for option in options for part in (";", "set-option", "-g", *option.split(" "))]
        self._tmux("new-session", "-d", *size, "-s", "walk", self._inside(command), *settings)

    def again(self, command: Sequence[str]) -> None:
        """The same after the first command has ended."""
        self._tmux("respawn-pane", "-k", "-t", "walk", self._inside(command))

    def _inside(self, command: Sequence[str]) -> str:
        given = [f"{name}={value}" for name, value in self._environment.items()]
        return shlex.join(["env", "-i", *given, *command])

    def press(self, *keys: str) -> None:
        """Keys by tmux's names: Enter, Escape, Tab, F5, C-s, Down; one after the other, as fingers do."""
        for key in keys:
            self._tmux("send-keys", "-t", "walk", key)
            self._settle()

    def write(self, words: str) -> None:
        self._tmux("send-keys", "-t", "walk", "-l", words)
        self._settle()

    def _settle(self) -> None:
        """Until two looks are the same: what a key does to the focus must be over before the next. Not for long, since
        a run under way never stands still."""
        before = ""
        for _ in range(MOST_LOOKS):
            time.sleep(POLL_SECONDS)
            shown = self.screen()
            if shown == before:
                return
            before = shown

    def kill(self) -> None:
        """End the program as a crash would."""
        pid = self._tmux("display-message", "-t", "walk", "-p", "#{pane_pid}").strip()
        subprocess.run(["kill", "-KILL", pid], check=False)

    @property
    def over(self) -> bool:
        return self._tmux("display-message", "-t", "walk", "-p", "#{pane_dead}").strip() == "1"

    def screen(self) -> str:
        return self._tmux("capture-pane", "-t", "walk", "-p")

    def words(self) -> str:
        """What it shows without frames and line breaks."""
        return " ".join(_FRAME.sub(" ", self.screen()).split())

    def until(self, wanted: str | Callable[[str], object], seconds: float = 60) -> str:
        """Wait until the words are on the screen, or what is said of them is true; the screen."""
        end = time.monotonic() + seconds
        true = (lambda shown: wanted in shown) if isinstance(wanted, str) else wanted
        while not true(self.words()):
            if time.monotonic() > end:
                raise NeverShown(f"{wanted!r} did not come within {seconds} s. The screen:\n{self.screen()}")
            time.sleep(POLL_SECONDS)
        return self.screen()

    def picture(self, path: Path) -> None:
        """What it shows, in its colours, as an SVG."""
        console = Console(record=True, width=self.width, file=io.StringIO(), force_terminal=True)
        shown = self._tmux("capture-pane", "-t", "walk", "-p", "-e")
        console.print(Text.from_ansi(shown.rstrip("\n")), no_wrap=True)
        path.write_text(console.export_svg(title="mlxtwin"), encoding="utf-8")

    def _tmux(self, *arguments: str, check: bool = True) -> str:
        command = ["tmux", "-S", f"{self._folder.name}/socket", "-f", "/dev/null", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise RuntimeError(f"tmux {arguments[0]}: {done.stderr.strip()}")
        return done.stdout

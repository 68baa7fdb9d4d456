"""Commands run as a person runs them: in a process of their own, with a home of their own and no keychain."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.paths import Home
from mlxtwin.security.unlock import create_keys
from mlxtwin.vault.store import Vault

ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = "correct horse battery staple"
SECONDS = 120


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def value(self) -> dict[str, Any]:
        """The one JSON object that is all of stdout."""
        lines = self.out.splitlines()
        assert len(lines) == 1, self.out
        found = json.loads(lines[0])
        assert isinstance(found, dict)
        return found


Run = Callable[..., Done]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What a command sees: no more than a fresh login has, and a keychain that is turned off."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "user"),
        "MLXTWIN_HOME": str(tmp_path / "home"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path / "modules")]),
        "PYTHON_KEYRING_BACKEND": "none",
        "PYTHONWARNINGS": "error",
    }


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    """``run("data", "ls")`` is ``mlxtwin data ls``; keywords are environment variables."""

    def runner(*arguments: str, stdin: str = "", program: str = "-mmlxtwin", **variables: str) -> Done:
        done = subprocess.run(
            [sys.executable, program, *arguments],
            input=stdin, capture_output=True, text=True, check=False, timeout=SECONDS, cwd=tmp_path,
            env=environment | variables,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    return runner


@pytest.fixture(scope="session")
def made_vault(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an empty vault locked with PASSPHRASE, made once: stretching a passphrase is slow on purpose."""
    root = tmp_path_factory.mktemp("made") / "home"
    Vault.create(Home(root), create_keys(Home(root), passphrase=PASSPHRASE)[0]).close()
    return root


@pytest.fixture
def vault_home(run: Run, made_vault: Path, tmp_path: Path) -> Run:
    """A copy of that vault; gives ``run`` with the passphrase in the environment."""
    shutil.copytree(made_vault, tmp_path / "home")

    def runner(*arguments: str, **keywords: str) -> Done:
        return run(*arguments, **{"MLXTWIN_PASSPHRASE": PASSPHRASE, **keywords})

    return runner


@pytest.fixture
def at_terminal(environment: dict[str, str]) -> Callable[..., Done]:
    """Run a command on a pseudo-terminal, answering each prompt in turn; what is shown is in ``out``."""

    def runner(*arguments: str, answers: list[tuple[str, str]]) -> Done:
        child, terminal = pty.fork()
        if child == 0:
            os.execve(sys.executable, [sys.executable, "-m", "mlxtwin", *arguments], environment)
        shown = ""
        for prompt, answer in answers:
            shown += _read_until(terminal, prompt)
            os.write(terminal, answer.encode() + b"\n")
        shown += _read_until(terminal, None)
        _, status = os.waitpid(child, 0)
        os.close(terminal)
        return Done(os.waitstatus_to_exitcode(status), shown, "")

    return runner


def _read_until(terminal: int, prompt: str | None) -> str:
    """Up to the prompt, or to the end of the program where there is none to come."""
    shown = ""
    while prompt is None or prompt not in shown:
        assert select.select([terminal], [], [], SECONDS)[0], f"{prompt!r} never came: {shown}"
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            piece = b""
        if not piece:
            assert prompt is None, f"{prompt!r} never came: {shown}"
            return shown
        shown += piece.decode(errors="replace")
    return shown


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """Three notes long enough to be kept, a list that is not, and a word."""
    folder = tmp_path / "notes"
    (folder / "garden").mkdir(parents=True)
    for name, subject in (("boat.md", "boat house"), ("garden/beans.md", "runner beans"), ("bread.txt", "rye bread")):
        sentences = [f"I have been thinking about the {subject} again this week, and {why}." for why in REASONS[name]]
        (folder / name).write_text(f"# About the {subject}\n\n{' '.join(sentences)}\n", encoding="utf-8")
    (folder / "one.md").write_text("Perhaps.\n", encoding="utf-8")
    return folder


REASONS = {
    "boat.md": ("the roof will not last", "nobody else will mend it", "the lake has been very high since March"),
    "garden/beans.md": ("they climb faster than I expected", "the slugs left them alone", "we ate the first ones raw"),
    "bread.txt": ("the starter woke up slowly", "the crumb was close and sour", "my neighbour asked for a loaf of it"),
}

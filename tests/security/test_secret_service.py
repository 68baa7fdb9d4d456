"""The keychain of a Linux desktop, for real: gnome-keyring on a session bus of its own, without a screen."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
MISSING = [name for name in ("dbus-run-session", "gnome-keyring-daemon") if shutil.which(name) is None]
MISSING += [] if importlib.util.find_spec("secretstorage") else ["secretstorage"]
pytestmark = [
    pytest.mark.keychain,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]
UNLOCKED = "printf pw | gnome-keyring-daemon --unlock --components=secrets"
LOCKED = "gnome-keyring-daemon --start --components=secrets"
START = """
import json, os, sys
from pathlib import Path
from mlxtwin.errors import TwinError
from mlxtwin.paths import Home
from mlxtwin.security import keychain, unlock
home = Home(Path(os.environ["MLXTWIN_HOME"]))

def lock():
    import secretstorage
    secretstorage.Collection(secretstorage.dbus_init()).lock()

def refusal(action):
    try:
        action()
    except TwinError as error:
        return [type(error).__name__, error.sentence()]

def answer(value):
    sys.stdout.write(json.dumps(value))
"""
Desktop = Callable[..., Any]


@pytest.fixture
def desktop() -> Iterator[Desktop]:
    """Runs a program in a new desktop session of one person and gives what it answered."""
    user = Path(tempfile.mkdtemp(prefix="tw"))

    def session(program: str, daemon: str = UNLOCKED, **variables: str) -> Any:
        shutil.rmtree(user / "run", ignore_errors=True)
        (user / "run").mkdir(mode=0o700)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(user),
            "XDG_RUNTIME_DIR": str(user / "run"),
            "MLXTWIN_HOME": str(user / "home"),
            "PYTHONPATH": str(ROOT),
            **variables,
        }
        # The daemon ends with its bus; it is told to as well, so that no test leaves one behind.
        script = f'eval "$({daemon} 2>/dev/null | sed "/=/!d")" >/dev/null; "$0" -c "$1"'
        command = ["dbus-run-session", "--", "bash", "-c", script, sys.executable, START + program]
        # Into files: what the bus started may outlive it, and a pipe that it holds would be waited for.
        with (user / "out").open("w+") as out, (user / "err").open("w+") as err:
            done = subprocess.run(command, stdout=out, stderr=err, timeout=60, check=False, env=environment)
        assert done.returncode == 0, (user / "err").read_text()
        return json.loads((user / "out").read_text())

    yield session
    shutil.rmtree(user, ignore_errors=True)


def test_a_key_made_in_one_session_opens_the_vault_in_the_next(desktop: Desktop) -> None:
    made = desktop("key, _ = unlock.create_keys(home, passphrase=None); answer([keychain.status().backend, key.hex()])")
    assert made[0] == "Secret Service"
    assert desktop("answer(unlock.unlock(home).hex())") == made[1]


def test_secrets_are_set_listed_read_and_removed(desktop: Desktop) -> None:
    desktop("keychain.set_secret('huggingface', 'one'); keychain.set_secret('other', 'two'); answer(0)")
    assert desktop("answer([keychain.list_secrets(), keychain.get_secret('huggingface')])") == [
        ["huggingface", "other"],
        "one",
    ]
    desktop("keychain.delete_secret('huggingface'); answer(0)")
    assert desktop("answer([keychain.list_secrets(), keychain.get_secret('huggingface')])") == [["other"], None]


def test_a_second_init_leaves_the_first_key(desktop: Desktop) -> None:
    key = desktop("answer(unlock.create_keys(home, passphrase=None)[0].hex())")
    kind, _ = desktop("answer(refusal(lambda: unlock.create_keys(home, passphrase=None)))")
    assert kind == "UsageError"
    assert desktop("answer(unlock.unlock(home).hex())") == key


@pytest.mark.parametrize("screen", [{}, {"DISPLAY": ":77"}])
def test_a_keychain_locked_meanwhile_is_refused_at_once(desktop: Desktop, screen: dict[str, str]) -> None:
    """With a screen the daemon asks the person; this screen does not exist, so nobody answers."""
    kind, sentence = desktop(
        "unlock.create_keys(home, passphrase=None); lock(); answer(refusal(lambda: unlock.unlock(home)))", **screen
    )
    assert kind == "VaultLocked"
    assert "locked" in sentence
    assert "Unlock it" in sentence


def test_a_session_that_never_unlocked_its_keychain_is_refused_and_says_so(desktop: Desktop) -> None:
    desktop("unlock.create_keys(home, passphrase=None); answer(0)")
    ok, why, refused = desktop(
        "found = keychain.status(); answer([found.ok, found.why, refusal(lambda: unlock.unlock(home))])", LOCKED
    )
    assert not ok
    assert "locked" in why
    assert refused[0] == "VaultLocked"


def test_a_keychain_that_was_never_set_up_points_to_the_passphrase(desktop: Desktop) -> None:
    kind, sentence = desktop("answer(refusal(lambda: unlock.create_keys(home, passphrase=None)))", LOCKED)
    assert kind == "VaultLocked"
    assert "--passphrase" in sentence


def test_the_recovery_key_opens_it_when_the_keychain_is_gone(desktop: Desktop) -> None:
    key, recovery = desktop("key, text = unlock.create_keys(home, passphrase=None); answer([key.hex(), text])")
    again = desktop(f"answer(unlock.unlock(home, recovery={recovery!r}).hex())", LOCKED, DBUS_SESSION_BUS_ADDRESS="")
    assert again == key

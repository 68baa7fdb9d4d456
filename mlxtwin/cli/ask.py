"""What only a person at the terminal can say. Secrets are asked hidden, or come from the environment or stdin."""

from __future__ import annotations

import os
import sys
from getpass import getpass
from io import TextIOWrapper

from mlxtwin.client.vault import PASSPHRASE_VARIABLE
from mlxtwin.errors import UsageError, VaultLocked

FEWEST_CHARACTERS = 8
SHORT = f"has fewer than {FEWEST_CHARACTERS} characters, which a program finds by trying"


def at_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def passphrase(again: bool = False) -> str:
    """The passphrase of a vault that exists; ``again`` after a wrong one. Raises VaultLocked with nobody to ask."""
    if not at_terminal():
        message = "The vault is locked with a passphrase, and there is no terminal to ask for it on."
        raise VaultLocked(message, f"Set {PASSPHRASE_VARIABLE}.")
    if again:
        _say("That passphrase is not the right one.")
    return getpass("Passphrase: ", sys.stderr)


def new_passphrase() -> str:
    """A passphrase for a new vault: from the environment, else asked twice. Raises UsageError.

    Of a short one from the environment the person is warned; one that is typed has to be confirmed.
    """
    given = os.environ.get(PASSPHRASE_VARIABLE)
    if given:
        if _is_short(_not_empty(given)):
            _say(f"Warning: the passphrase in {PASSPHRASE_VARIABLE} {SHORT}.")
        return given
    if not at_terminal():
        raise UsageError("There is no terminal to ask for the new passphrase on.", f"Set {PASSPHRASE_VARIABLE}.")
    first = _not_empty(getpass("New passphrase: ", sys.stderr))
    if _is_short(first):
        confirm(f"This passphrase {SHORT}. Use it all the same?", False)
    if getpass("The same again: ", sys.stderr) != first:
        raise UsageError("The two passphrases differ.", "Run the command again.")
    return first


def _not_empty(passphrase: str) -> str:
    if not passphrase.strip():
        raise UsageError("The passphrase is empty.", "Several words that are easy to remember are a good one.")
    return passphrase


def _is_short(passphrase: str) -> bool:
    return len(passphrase) < FEWEST_CHARACTERS


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


def secret(prompt: str) -> str:
    """One hidden line from the terminal, or the first line of stdin; never an argument. Raises UsageError if empty."""
    line = getpass(f"{prompt}: ", sys.stderr) if at_terminal() else sys.stdin.readline()
    if not line.strip():
        raise UsageError(f"{prompt}: nothing was given.", "Type it on the terminal, or send it on stdin.")
    return line.strip()


def line(prompt: str) -> str:
    """One visible line from the terminal, asked on stderr."""
    sys.stderr.write(prompt)
    sys.stderr.flush()
    if isinstance(sys.stdin, TextIOWrapper) and sys.stdin.errors != "replace":
        sys.stdin.reconfigure(errors="replace")  # a byte that is no character is no reason to end
    typed = sys.stdin.readline()
    if not typed:
        raise EOFError
    return typed.strip()


def confirm(question: str, yes: bool) -> None:
    """Go on only with a yes, typed or given as an option. Raises UsageError without one."""
    if yes:
        return
    if not at_terminal():
        raise UsageError(f"{question} Nothing was changed.", "Add --yes to go ahead.")
    if line(f"{question} [y/N] ").casefold() not in ("y", "yes"):
        raise UsageError("Nothing was changed.")

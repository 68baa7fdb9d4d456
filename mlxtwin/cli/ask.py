"""What only a person at the terminal can say. Secrets are asked hidden, or come from the environment or stdin."""

from __future__ import annotations

import os
import sys
from getpass import getpass
from io import TextIOWrapper

from mlxtwin.client.vault import PASSPHRASE_VARIABLE
from mlxtwin.errors import UsageError, VaultLocked


def at_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def passphrase() -> str:
    """The passphrase of a vault that exists. Raises VaultLocked where there is nobody to ask."""
    if not at_terminal():
        message = "The vault is locked with a passphrase, and there is no terminal to ask for it on."
        raise VaultLocked(message, f"Set {PASSPHRASE_VARIABLE}.")
    return getpass("Passphrase: ", sys.stderr)


def new_passphrase() -> str:
    """A passphrase for a new vault: from the environment, else asked twice. Raises UsageError."""
    given = os.environ.get(PASSPHRASE_VARIABLE)
    if given:
        return given
    if not at_terminal():
        raise UsageError("There is no terminal to ask for the new passphrase on.", f"Set {PASSPHRASE_VARIABLE}.")
    first = getpass("New passphrase: ", sys.stderr)
    if not first:
        raise UsageError("The passphrase is empty.", "Several words that are easy to remember are a good one.")
    if getpass("The same again: ", sys.stderr) != first:
        raise UsageError("The two passphrases differ.", "Run the command again.")
    return first


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

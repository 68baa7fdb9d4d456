"""``mlxtwin init``: the vault, its key, and the recovery key, shown once."""

from __future__ import annotations

import click

from mlxtwin.cli import ask
from mlxtwin.cli.frame import command as make_command
from mlxtwin.cli.talk import Answer
from mlxtwin.client import vault
from mlxtwin.paths import find_home

KEEP_IT = (
    "Keep the recovery key on paper, away from this computer: it opens the vault when the keychain or the passphrase "
    "is lost. It is not shown again."
)


@make_command("init", "mlxtwin init")
@click.option("--passphrase", is_flag=True, help="Lock the vault with a passphrase instead of the system's keychain.")
@click.option("--recover", is_flag=True, help="Open an existing vault with its recovery key and lock it anew.")
def command(passphrase: bool, recover: bool) -> Answer:
    """Create the vault and print its recovery key once.

    The key of the vault goes into the keychain of the system. With --passphrase it is sealed with a passphrase, asked
    for on the terminal or read from MLXTWIN_PASSPHRASE.
    """
    return _recover(passphrase) if recover else _create(passphrase)


def _create(with_passphrase: bool) -> Answer:
    home = find_home()
    vault.require_absent(home)
    recovery = vault.create(home, ask.new_passphrase() if with_passphrase else None)
    value = {"home": str(home.root), "mode": _mode(with_passphrase), "recovery_key": recovery}
    return Answer(value, recovery, (f"The vault is in {home.root}. {KEEP_IT}", "Next: mlxtwin import PATH --me NAME"))


def _recover(with_passphrase: bool) -> Answer:
    home = find_home()
    vault.require(home)
    recovery = ask.secret("Recovery key")
    vault.recover(home, recovery, ask.new_passphrase() if with_passphrase else None)
    value = {"home": str(home.root), "mode": _mode(with_passphrase), "recovered": True}
    return Answer(value, notes=(f"The vault in {home.root} opens again, with the {_mode(with_passphrase)}.",))


def _mode(with_passphrase: bool) -> str:
    return "passphrase" if with_passphrase else "keychain"

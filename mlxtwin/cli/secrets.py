"""``mlxtwin secrets``: tokens, in the system's keychain. A value is never an argument: other programs can see those."""

from __future__ import annotations

import click

from mlxtwin.cli import ask
from mlxtwin.cli.frame import command as make_command
from mlxtwin.cli.frame import group
from mlxtwin.cli.talk import Answer, table
from mlxtwin.client import secrets


@make_command("ls", "mlxtwin secrets ls")
def ls() -> Answer:
    """List the names that are set, never the values."""
    names = secrets.ls()
    rows = [(name, secrets.KNOWN.get(name, "")) for name in names]
    notes = () if names else ("No secret is set.",)
    return Answer({"secrets": names}, table(rows), notes)


@make_command("set", "mlxtwin secrets set huggingface")
@click.argument("name")
def put(name: str) -> Answer:
    """Keep a token in the keychain. The value is asked for hidden, or read from stdin."""
    secrets.check_name(name)
    secrets.put(name, ask.secret(f"Value of {name}"))
    return Answer({"set": name}, notes=(f"The secret {name} is in the keychain.",))


@make_command("rm", "mlxtwin secrets rm huggingface")
@click.argument("name")
def rm(name: str) -> Answer:
    """Remove a token from the keychain."""
    secrets.remove(name)
    return Answer({"removed": name}, notes=(f"The secret {name} is gone.",))


command = group("secrets", "Tokens, kept in the system's keychain.", ls, put, rm)

"""``mlxtwin export``: an adapter as other programs read it."""

from __future__ import annotations

import sys
from pathlib import Path
from shlex import quote

import click

from mlxtwin.cli import ask
from mlxtwin.cli.frame import command as make_command
from mlxtwin.cli.talk import Answer
from mlxtwin.client import slots
from mlxtwin.client.vault import unlock_key
from mlxtwin.errors import UsageError
from mlxtwin.paths import find_home

EXAMPLE = "mlxtwin export voice --to mlx ~/voice-adapter"


@make_command("export", EXAMPLE)
@click.argument("slot")
@click.option("--to", "form", type=click.Choice(["mlx"]), help="mlx: a folder that mlx-lm loads.")
@click.option("--version", type=click.IntRange(min=1), help="A version other than the current one.")
@click.argument("folder")
def command(slot: str, form: str | None, version: int | None, folder: str) -> Answer:
    """Write the adapter of a slot in the clear, for use with other programs.

    An adapter can give away the text it was trained on: keep the folder as you would keep that text.
    """
    if form is None:
        raise UsageError("--to is missing: it says for which program.", f"For example: {EXAMPLE}")
    if not folder.strip():
        raise UsageError("The name of the folder is empty.", f"For example: {EXAMPLE}")
    home = find_home()
    target = Path(folder).expanduser()
    found = slots.export(home, unlock_key(home, ask.passphrase), slot, version, target)
    base = found.meta["base"]
    value = {"slot": slot, "version": found.number, "to": form, "folder": str(target), "base": base["path"]}
    notes = (
        "The folder is not encrypted, and an adapter can give away the text it was trained on.",
        f"Try it: {quote(sys.executable)} -m mlx_lm generate --model {quote(base['path'])} "
        f"--adapter-path {quote(str(target))} --prompt Hello",
    )
    return Answer(value, str(target), notes)

"""``mlxtwin export``: an adapter as other programs read it."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

import click

from mlxtwin.cli import ask
from mlxtwin.cli.frame import command as make_command
from mlxtwin.cli.talk import Answer
from mlxtwin.client import slots
from mlxtwin.client.vault import unlock_key
from mlxtwin.paths import find_home


@make_command("export", "mlxtwin export voice --to mlx ~/voice-adapter")
@click.argument("slot")
@click.option("--to", "form", type=click.Choice(["mlx"]), required=True, help="mlx: a folder that mlx-lm loads.")
@click.option("--version", type=click.IntRange(min=1), help="A version other than the current one.")
@click.argument("folder", type=click.Path(path_type=Path))
def command(slot: str, form: str, version: int | None, folder: Path) -> Answer:
    """Write the adapter of a slot in the clear, for use with other programs.

    An adapter can give away the text it was trained on: keep the folder as you would keep that text.
    """
    home = find_home()
    found = slots.export(home, unlock_key(home, ask.passphrase), slot, version, folder)
    base = found.meta["base"]
    value = {"slot": slot, "version": found.number, "to": form, "folder": str(folder), "base": base["path"]}
    notes = (
        "The folder is not encrypted, and an adapter can give away the text it was trained on.",
        f"Try it: mlx_lm.generate --model {quote(base['path'])} --adapter-path {quote(str(folder))} --prompt Hello",
    )
    return Answer(value, str(folder), notes)

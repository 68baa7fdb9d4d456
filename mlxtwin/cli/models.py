"""``mlxtwin models``: the base models a twin can be trained on."""

from __future__ import annotations

from pathlib import Path

import click

from mlxtwin.cli.frame import command as make_command
from mlxtwin.cli.frame import group
from mlxtwin.cli.talk import Answer, table
from mlxtwin.client import models
from mlxtwin.paths import find_home


@make_command("ls", "mlxtwin models ls")
def ls() -> Answer:
    """List the base models: the bundled one, added folders, pulled repositories."""
    found = models.ls(find_home())
    rows = [
        (base["name"], base["revision"][:12] or "-", "bundled" if base["bundled"] else base["path"]) for base in found
    ]
    return Answer({"models": found}, table(rows, ("name", "revision", "folder")))


@make_command("add", "mlxtwin models add ~/models/qwen3-0.6b --name small")
@click.argument("folder", metavar="PATH", type=click.Path(path_type=Path))
@click.option("--name", help="What to call it; the folder's own name otherwise.")
def add(folder: Path, name: str | None) -> Answer:
    """Check a folder with a model and remember it. The files stay where they are."""
    base = models.add(find_home(), folder, name)
    note = f"The base {base['name']} is ready. Next: mlxtwin retrain voice --base {base['name']}"
    return Answer(base, base["name"], (note,))


@make_command("rm", "mlxtwin models rm small")
@click.argument("name")
def rm(name: str) -> Answer:
    """Forget an added or pulled base model. Its files stay where they are."""
    models.remove(find_home(), name)
    return Answer({"removed": name}, name, (f"The base {name} is forgotten; its files were left alone.",))


command = group("models", "The base models a twin can be trained on.", ls, add, rm)

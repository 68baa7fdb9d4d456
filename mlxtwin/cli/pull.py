"""``mlxtwin pull``: the only command that uses the network."""

from __future__ import annotations

import click

from mlxtwin.cli.frame import command as make_command
from mlxtwin.cli.talk import Answer, Talk
from mlxtwin.client import models
from mlxtwin.paths import find_home
from mlxtwin.wording import size


@make_command("pull", "mlxtwin pull HuggingFaceTB/SmolLM2-135M-Instruct@main")
@click.argument("repo", metavar="REPO[@REVISION]")
@click.pass_obj
def command(talk: Talk, repo: str) -> Answer:
    """Fetch a base model from Hugging Face.

    Only safetensors, JSON and tokenizer files are taken, and the commit is written down. For a gated model set a
    token first, with `mlxtwin secrets set huggingface`.
    """

    def progress(done: int, total: int) -> None:
        share = f" ({100 * done // total} %)" if total else ""
        talk.progress(f"{size(done)} of {size(total)}{share}")

    base = models.pull(find_home(), repo, progress)
    name, commit = base["name"], base["revision"][:12]
    note = f"The base {name} is here, at {commit}. Next: mlxtwin retrain voice --base {name}"
    return Answer(base, name, (note,))

"""``mlxtwin eval``: the report card of a version."""

from __future__ import annotations

from typing import Any

import click

from mlxtwin.cli import ask
from mlxtwin.cli.frame import command as make_command
from mlxtwin.cli.talk import Answer, one_line
from mlxtwin.client import run_words, slots
from mlxtwin.client.vault import unlock_key
from mlxtwin.paths import find_home
from mlxtwin.wording import plural


@make_command("eval", "mlxtwin eval voice")
@click.argument("slot", required=False)
@click.option("--version", type=click.IntRange(min=1), help="A version other than the current one.")
def command(slot: str | None, version: int | None) -> Answer:
    """Show the report card: base against twin on held-out words, each gate with its number, sample answers."""
    home = find_home()
    name = slots.default(home, slot)
    card = slots.card(home, unlock_key(home, ask.passphrase), name, version)
    meta = card.version.meta
    value = {
        "slot": name,
        "version": card.version.number,
        "verdict": meta["verdict"],
        "reasons": meta["reasons"],
        "holdout": meta["holdout"],
        "forgetting": meta["forgetting"],
        "copied_run": meta["copied_run"],
        "strength": meta["strength"],
        "samples": card.report["samples"],
    }
    update = meta["recipe"].get("update") is not None
    return Answer(value, "\n".join(lines(value, card.report, update=update)))


def lines(value: dict[str, Any], report: dict[str, Any], *, update: bool = False) -> list[str]:
    """The report card as a person reads it, that of an ``update`` or of another run."""
    out = [f"{value['slot']} version {value['version']}: {value['verdict']}"]
    out += [f"  {'pass' if check['passed'] else 'FAIL'}  {check['reason']}" for check in report["verdict"]["checks"]]
    if turned_down := run_words.strength(report["strength"], update=update):
        out.append(f"  {turned_down}")
    holdout = value["holdout"]
    documents = plural(holdout["documents"], "held-out document")
    out.append(f"  measured on {plural(holdout['tokens'], 'token')} of {documents}")
    for sample in value["samples"]:
        out += ["", f"  prompt  {one_line(sample['prompt'], 200)}", f"  you     {one_line(sample['person'], 200)}"]
        out += [f"  base    {one_line(sample['base'], 300)}", f"  twin    {one_line(sample['twin'], 300)}"]
    return out

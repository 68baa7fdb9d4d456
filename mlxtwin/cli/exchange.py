"""``mlxtwin data export`` and ``data import-preferences``: what other trainers read, and what they wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlxtwin.cli import ask
from mlxtwin.cli.frame import command as make_command
from mlxtwin.cli.talk import Answer, Talk
from mlxtwin.client import exchange
from mlxtwin.client.exchange import PREFERENCE, SIDES, Exported, Side
from mlxtwin.client.vault import open_vault, unlock_key, with_key
from mlxtwin.errors import UsageError
from mlxtwin.paths import find_home
from mlxtwin.wording import plural

if TYPE_CHECKING:
    from mlxtwin.dataset.exchange import ExchangeForm

STDOUT = "-"
FORMS: tuple[ExchangeForm, ...] = ("messages", "alpaca", "sharegpt", "prompt-completion", PREFERENCE)
IN_THE_CLEAR = "These are your words, and those of people who wrote to you, and nothing encrypts them there."
_EXAMPLE = "mlxtwin data export train.jsonl --form messages"


@make_command("export", _EXAMPLE)
@click.argument("file")
@click.option("--form", type=click.Choice(FORMS), help="How a record looks; preference: from corrections and ratings.")
@click.option("--split", "side", type=click.Choice(SIDES), help="What is learned (the default), held out, or both.")
@click.option("--recipe", default="voice", show_default=True, help="Whose data settings count.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Set a key of the recipe.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.pass_obj
def export(
    talk: Talk, file: str, form: ExchangeForm | None, side: Side | None, recipe: str, sets: tuple[str, ...], force: bool
) -> Answer:
    """Write examples in the clear for other trainers: JSON Lines, as a run would learn from them, masked as there.

    FILE is - for stdout. Where the base may write instructions itself, those of templates stand here.
    """
    if form is None:
        raise UsageError("--form is missing: it says how a record looks.", f"For example: {_EXAMPLE}")
    if form == PREFERENCE and side is not None:
        raise UsageError("Preferences are not split.", "Leave out --split.")
    if file == STDOUT and talk.as_json:
        raise UsageError("- writes to stdout, where --json puts its one object.", "Name a file, or leave out --json.")
    home, target = find_home(), Path(file).expanduser()
    if file != STDOUT:
        exchange.require_new(target, force=force)
    key = unlock_key(home, ask.passphrase)
    with with_key(home, key) as vault:
        found = exchange.exported(home, key, vault, form, recipe, sets, side or "train")
    value: dict[str, Any] = {"file": file, "form": form, "split": None if form == PREFERENCE else side or "train"}
    value |= {"records": len(found.records), "examples": found.examples, "words": found.words}
    if file == STDOUT:
        return Answer(value, found.lines(ascii_only=True), (*_notes(found), IN_THE_CLEAR))
    exchange.write(target, found, force=force)
    return Answer(value, str(target), (*_notes(found), IN_THE_CLEAR))


def _notes(found: Exported) -> tuple[str, ...]:
    notes = [f"{plural(len(found.records), 'record')} with {plural(found.words, 'word')} of yours."]
    if found.held_out:
        notes.append(f"Left out: {plural(found.held_out, 'example')} to measure by; they are in --split holdout.")
    if found.unpaired:
        notes.append(f"Left out: {plural(found.unpaired, 'rating')} without one the other way of the same words.")
    return tuple(notes)


@make_command("import-preferences", "mlxtwin data import-preferences pairs.jsonl --slot voice")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--slot", default="voice", show_default=True, help="The slot whose corrections they become.")
def import_preferences(file: Path, slot: str) -> Answer:
    """Take pairs of answers, one chosen and one rejected, in as corrections of a slot.

    JSON Lines or a list, of prompt, chosen and rejected, each as text or as messages. The same pair is taken once.
    """
    home = find_home()
    with open_vault(home, ask.passphrase) as vault:
        found = exchange.import_preferences(home, vault, file.expanduser(), slot)
    told = [f"{plural(found['added'], 'correction')} of slot {slot} added, {found['unchanged']:,} there before."]
    if found["left_out"]:
        told.append(f"Left out: {plural(found['left_out'], 'record')} without a prompt and two different answers.")
    return Answer(found, "", (*told, "Next: mlxtwin retrain corrections"))

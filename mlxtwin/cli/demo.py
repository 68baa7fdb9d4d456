"""``mlxtwin demo``: import to chat on the bundled, invented person, offline, in a throwaway home."""

from __future__ import annotations

import time
from typing import Any

import click

from mlxtwin.cli.frame import command as make_command
from mlxtwin.cli.retrain import card_lines, follow
from mlxtwin.cli.talk import Answer, Talk, one_line
from mlxtwin.client import demo
from mlxtwin.client.doctor import device
from mlxtwin.wording import plural

NEXT = """Next, with your own words:
  mlxtwin init
  mlxtwin import PATH --me "Your Name" --me you@example.org
  mlxtwin retrain voice
  mlxtwin chat"""


@make_command("demo", "mlxtwin demo")
@click.pass_obj
def command(talk: Talk) -> Answer:
    """Run the whole picture on the bundled person and base, offline, in a throwaway home."""
    started = time.monotonic()
    talk.note("The person of this demo, Maud Tarrow, is invented; so is everybody she writes to.")
    machine = device()
    talk.note(f"1 device    {machine['kind']}: {machine['reason']}")
    with demo.throwaway() as stage:
        talk.note("2 vault     an encrypted one in a temporary folder; its key is in memory only")
        report = _import(stage, talk)
        talk.note("4 train     recipe voice, effort quick")
        answer = follow(stage.home, demo.train(stage), talk)
        if answer.value["verdict"] == "stopped":
            return Answer(answer.value, "", ("Stopped; the throwaway home is gone.",), answer.exit_code)
        talk.note("5 chat      the same prompt to base and twin")
        said = demo.side_by_side(stage, answer.value["slot"])
    seconds = time.monotonic() - started
    value = {"import": report, "retrain": answer.value, "chat": said, "seconds": round(seconds, 1)}
    notes = (f"Done in {seconds:.0f} s. The throwaway home is gone.", NEXT)
    return Answer(value, _text(answer.value, said), notes, answer.exit_code)


def _import(stage: demo.Stage, talk: Talk) -> dict[str, Any]:
    report = demo.fill(stage)
    dropped = ", ".join(f"{count:,} {reason}" for reason, count in report["dropped"].items())
    talk.note(
        f"3 import    {plural(report['documents'], 'document')} from {plural(report['files'], 'file')}: "
        f"{report['kept']:,} kept, {plural(report['words_by_me'], 'word')} by her; dropped: {dropped}"
    )
    return report


def _text(result: dict[str, Any], said: dict[str, str]) -> str:
    head = f"{result['slot']} version {result['version']}: {result['verdict']}"
    talk = [
        f"prompt  {said['prompt']}",
        f"base    {one_line(said['base'], 400)}",
        f"twin    {one_line(said['twin'], 400)}",
    ]
    return "\n".join(["", head, *card_lines(result), "", *talk, ""])

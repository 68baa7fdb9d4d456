"""``mlxtwin runs``: training runs, under way and past."""

from __future__ import annotations

import click

from mlxtwin.cli.frame import command as make_command
from mlxtwin.cli.frame import group
from mlxtwin.cli.retrain import card_lines, finish, show
from mlxtwin.cli.talk import Answer, Talk, table
from mlxtwin.client import runs
from mlxtwin.client.run_words import stopped_where
from mlxtwin.errors import Interrupted, UsageError
from mlxtwin.paths import find_home


@make_command("ls", "mlxtwin runs ls")
def ls() -> Answer:
    """List the runs, the newest first."""
    home = find_home()
    found = runs.every(home)
    rows = [
        (
            one["run"],
            one["state"],
            *(one[name] or "?" for name in ("recipe", "slot", "base")),
            _steps(one),
            one["verdict"] or "",
        )
        for one in found
    ]
    header = ("run", "state", "recipe", "slot", "base", "steps", "verdict")
    return Answer({"runs": found}, table(rows, header, f"There are no runs yet. {runs.first_step(home)}"))


def _steps(one: dict[str, object]) -> str:
    return f"{one['step']}/{one['steps'] or '?'}"


@make_command("watch", "mlxtwin runs watch")
@click.argument("run", required=False)
@click.pass_obj
def watch(talk: Talk, run: str | None) -> Answer:
    """Watch a run (the newest unless named) to its end. Ctrl-C leaves; the run goes on."""
    home = find_home()
    found = runs.find(home, run)
    try:
        for event in runs.watch(found):
            if event:
                show(event, talk)
    except KeyboardInterrupt:
        again = f"Watch it again with: mlxtwin runs watch {found.id}; stop it with: mlxtwin runs stop {found.id}"
        raise Interrupted(f"Left; run {found.id} goes on.", again) from None
    return finish(home, found)


@make_command("stop", "mlxtwin runs stop")
@click.argument("run", required=False)
def stop(run: str | None) -> Answer:
    """Ask a run (the newest unless named) to stop cleanly; `mlxtwin retrain --resume` goes on with it."""
    found = runs.find(find_home(), run)
    asked = runs.stop(found)
    again = f"Go on later with: mlxtwin retrain --resume {found.id}"
    note = f"Run {found.id} is asked to stop. {again}" if asked else f"Run {found.id} is not running."
    return Answer({"run": found.id, "asked": asked}, "", (note,))


@make_command("report", "mlxtwin runs report")
@click.argument("run", required=False)
def report(run: str | None) -> Answer:
    """Show how a run (the newest unless named) ended."""
    home = find_home()
    found = runs.find(home, run)
    if found.state() in ("running", "waiting"):
        raise UsageError(f"Run {found.id} has not ended.", "Watch it with: mlxtwin runs watch")
    result = runs.outcome(home, found)
    if result["verdict"] == "stopped":
        return Answer(result, f"stopped {stopped_where(result['step'], result['steps'])}")
    head = f"{result['slot']} version {result['version']}: {result['verdict']}"
    return Answer(result, "\n".join([head, *card_lines(result)]))


command = group("runs", "Training runs, under way and past.", ls, watch, stop, report)

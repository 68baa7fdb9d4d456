"""``mlxtwin slots``: the personalities and their versions."""

from __future__ import annotations

import click

from mlxtwin.cli.frame import command as make_command
from mlxtwin.cli.frame import group
from mlxtwin.cli.talk import Answer, table
from mlxtwin.client import slots
from mlxtwin.paths import find_home
from mlxtwin.slots.registry import SlotState
from mlxtwin.wording import plural


@make_command("ls", "mlxtwin slots ls")
def ls() -> Answer:
    """List the slots."""
    home = find_home()
    found = slots.every(home)
    rows = [(one["slot"], one["current"] or "none", one["versions"]) for one in found]
    empty = f"There are no slots yet. {slots.first_step(home)}"
    told = [(one["slot"], one["current"], one["trained_on_forgotten"]) for one in found if one["trained_on_forgotten"]]
    return Answer({"slots": found}, table(rows, ("slot", "current version", "versions"), empty), _forgotten(told))


@make_command("show", "mlxtwin slots show voice")
@click.argument("slot")
def show(slot: str) -> Answer:
    """Show the versions of a slot with their numbers; * marks the current one."""
    found = slots.show(find_home(), slot)
    rows = [
        (
            f"{one['version']}{'*' if one['version'] == found['current'] else ''}",
            one["created"][:16].replace("T", " "),
            one["recipe"],
            one["base"],
            f"{one['holdout']['base_nll']:.3f}",
            f"{one['holdout']['twin_nll']:.3f}",
            one["verdict"],
        )
        for one in found["versions"]
    ]
    header = ("version", "created", "recipe", "base", "base loss", "twin loss", "verdict")
    told = [(slot, one["version"], one["trained_on_forgotten"]) for one in found["versions"]]
    return Answer(found, table(rows, header), _forgotten(told))


def _forgotten(versions: list[tuple[str, int, int]]) -> tuple[str, ...]:
    """A sentence for each version that was trained on forgotten documents, and how to have one without."""
    told = [slots.forgotten_words(*version) for version in versions if version[2]]
    of = {slot for slot, _, count in versions if count}
    named = "" if of == {"voice"} else f" --slot {of.pop() if len(of) == 1 else 'NAME'}"
    return (*told, f"One without is made by: mlxtwin retrain voice{named}") if told else ()


@make_command("use", "mlxtwin slots use voice 2")
@click.argument("slot")
@click.argument("version", type=click.IntRange(min=1))
@click.option("--anyway", is_flag=True, help="Also a version that the gate rejected.")
def use(slot: str, version: int, anyway: bool) -> Answer:
    """Make a version the current one."""
    return _state(slots.use(find_home(), slot, version, anyway=anyway))


@make_command("rollback", "mlxtwin slots rollback voice")
@click.argument("slot")
def rollback(slot: str) -> Answer:
    """Go back to the version that was current before."""
    return _state(slots.rollback(find_home(), slot))


@make_command("rm", "mlxtwin slots rm voice --yes")
@click.argument("slot")
@click.option("--yes", is_flag=True, help="Do not ask.")
def rm(slot: str, yes: bool) -> Answer:
    """Remove a slot with all its versions."""
    from mlxtwin.cli.ask import confirm

    home = find_home()
    count = len(slots.show(home, slot)["versions"])
    confirm(f"Remove slot {slot} with {plural(count, 'version')}?", yes)
    slots.remove(home, slot)
    return Answer({"removed": slot, "versions": count}, "", (f"Slot {slot} is gone.",))


def _state(state: SlotState) -> Answer:
    value = {"slot": state.name, "current": state.current, "history": list(state.history)}
    return Answer(value, "", (f"Slot {state.name} now uses version {state.current}.",))


command = group("slots", "The personalities and their versions.", ls, show, use, rollback, rm)

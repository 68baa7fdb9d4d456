"""``mlxtwin retrain``: one command from a recipe to a judged version of a slot."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from mlxtwin.cli import ask
from mlxtwin.cli.frame import command as make_command
from mlxtwin.cli.plan_text import memory_text
from mlxtwin.cli.talk import Answer, Talk, fields, table
from mlxtwin.client import plan_words, run_words, runs
from mlxtwin.client.vault import unlock_key
from mlxtwin.errors import Interrupted, NothingNew, UsageError
from mlxtwin.paths import find_home
from mlxtwin.records import RunEvent
from mlxtwin.wording import clock, plural, size

if TYPE_CHECKING:
    from mlxtwin.jobs.runs import Run
    from mlxtwin.jobs.supervisor import Started
    from mlxtwin.paths import Home
    from mlxtwin.train.plan import MemoryPlan
    from mlxtwin.train.recipe import Resolved


@make_command("retrain", "mlxtwin retrain voice --set effort=quick")
@click.argument("recipe", required=False)
@click.option("--slot", help="Train this slot instead of the recipe's.")
@click.option("--base", help="Train on this base instead of the recipe's.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Set a key of the recipe.")
@click.option("--dry-run", is_flag=True, help="Show every value, the data and the memory plan; train nothing.")
@click.option("--detach", is_flag=True, help="Return at once and let it train.")
@click.option("--resume", metavar="RUN", help="Go on with a run that was stopped or killed; 'last' is the newest.")
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=1,
    metavar="N",
    help="Compute in so many processes on this machine.",
)
@click.pass_obj
def command(
    talk: Talk,
    recipe: str | None,
    slot: str | None,
    base: str | None,
    sets: tuple[str, ...],
    dry_run: bool,
    detach: bool,
    resume: str | None,
    processes: int,
) -> Answer:
    """Train a twin from a recipe ('voice' unless named) on what was imported, measure it, and let the gate judge it.

    It goes on when this terminal closes. Ctrl-C stops cleanly; --resume goes on exactly. Exit code 3: trained, but the
    gate said no. 'nightly' goes on from the version in use with what is new; where nothing is, it ends at once, with 0.

    On several machines: mlx.launch --backend ring --hosts A,B -- mlxtwin retrain voice. All of them need the same
    home (a shared folder; what is in it is sealed), the same paths, and the key. What they tell each other is not
    encrypted, and the system does not close the network to them.
    """
    if odd := next((pair for pair in sets if pair.startswith("--")), None):
        raise UsageError(f"--set is followed by {odd}, which is no KEY=VALUE.", "For example: --set effort=quick")
    home = find_home()
    rank = runs.launched_rank()
    if processes > 1 and (resume or dry_run or rank is not None):
        raise UsageError("--processes belongs to the start of a run on one machine.", "Leave it out.")
    if rank:
        code = runs.compute_beside(home, unlock_key(home, ask.passphrase))
        return Answer({"rank": rank}, "", (), code)
    if resume:
        if recipe or slot or base or sets or dry_run:
            raise UsageError("--resume goes on with a run as it was begun.", "Give it no recipe and no other values.")
        found = runs.find(home, resume)
        return follow(home, runs.resume(home, unlock_key(home, ask.passphrase), found), talk, detach)
    if dry_run and detach:
        raise UsageError("--dry-run starts nothing that could be detached.", "Give one of the two.")
    if not dry_run:
        runs.require_free(home)
    overrides = {name: value for name, value in (("slot", slot), ("base", base)) if value}
    if dry_run and (path := runs.bare(base)):
        return _show_bare(*runs.plan_bare(recipe or "voice", overrides, sets, path))
    key = unlock_key(home, ask.passphrase)
    try:
        planned = _plan(home, key, recipe or "voice", overrides, sets)
    except NothingNew as nothing:
        return _nothing_new(nothing)
    if dry_run:
        return _show_plan(planned)
    talk.note(_begun(planned))
    return follow(home, runs.start(home, key, planned, processes), talk, detach)


def _begun(planned: runs.Planned) -> str:
    used = planned.dataset
    if planned.parent is None:
        count = plural(len(used.train), "example")
        return f"Training on {count}; held out to measure by: {len(used.holdout):,} more."
    if counts := used.report.update:
        new, documents = plural(counts["new_words"], "new word"), plural(counts["new_documents"], "document")
        again = f"{plural(counts['rehearsed_documents'], 'old one')} again"
        return f"Going on from version {planned.parent} with {new} in {documents} and {again}."
    learned = [plural(len(used.pairs), "correction"), *([plural(len(used.ratings), "rating")] if used.ratings else [])]
    left = f"; left out: {planned.left_out:,}, of versions that are gone or have another base"
    return f"Going on from version {planned.parent} with {' and '.join(learned)}{left if planned.left_out else ''}."


def _plan(home: Home, key: bytes, recipe: str, overrides: dict[str, Any], sets: tuple[str, ...]) -> runs.Planned:
    from mlxtwin.vault.store import Vault

    with Vault.open(home, key) as vault:
        return runs.plan(home, vault, recipe, overrides, sets, key)


def _nothing_new(nothing: NothingNew) -> Answer:
    """As the end of a run that there was no need for; no failure, lest a nightly job is told of as one."""
    value = {"run": None, "version": None, "verdict": "unchanged", "reasons": [nothing.message]}
    return Answer(value, "", (nothing.sentence(),), nothing.exit_code)


def _show_plan(planned: runs.Planned) -> Answer:
    memory = planned.memory
    values = planned.resolved.recipe.model_dump(mode="json")
    origins = planned.resolved.origins
    data = {
        "train_examples": len(planned.dataset.train),
        "holdout_examples": len(planned.dataset.holdout),
        "train_words": sum(example.words for example in planned.dataset.train),
        "holdout_words": sum(example.words for example in planned.dataset.holdout),
    }
    data |= planned.dataset.report.update
    if planned.resolved.recipe.preference is not None:
        data |= {"corrections": len(planned.dataset.pairs), "ratings": len(planned.dataset.ratings)}
    parts = [
        table(plan_words.values(planned.resolved), ("key", "value", "from")),
        fields([*((name.replace("_", " "), f"{value:,}") for name, value in data.items()), *plan_words.forms(planned)]),
        memory_text(memory),
    ]
    made = {"forms": planned.dataset.report.forms, "asked_by": planned.dataset.report.asked_by}
    value = {"recipe": values, "origins": origins, "data": data | made, "memory": memory.as_dict()}
    return Answer(value | ({"parent": planned.parent} if planned.parent else {}), "\n\n".join(parts))


def _show_bare(resolved: Resolved, memory: MemoryPlan) -> Answer:
    """The plan of a base whose weights are not here."""
    values, origins = resolved.recipe.model_dump(mode="json"), resolved.origins
    rows = table(plan_words.values(resolved), ("key", "value", "from"))
    value = {"recipe": values, "origins": origins, "memory": memory.as_dict()}
    return Answer(value, f"{rows}\n\n{memory_text(memory)}")


def follow(home: Home, started: Started, talk: Talk, detach: bool = False) -> Answer:
    """Show a run until its end; Ctrl-C asks it to stop and waits for that."""
    run = started.run
    if detach:
        started.leave()
        return Answer({"run": run.id}, run.id, (f"Training goes on. Watch it with: mlxtwin runs watch {run.id}",))
    try:
        _watch(started, talk)
    except KeyboardInterrupt:
        again = f"Go on later with: mlxtwin retrain --resume {run.id}"
        raise Interrupted(f"Left while run {run.id} stops.", again) from None
    return finish(home, run)


def _watch(started: Started, talk: Talk) -> None:
    told = False
    with _ctrl_c_stops(started.run) as asked:
        for event in runs.watch(started.run, started):
            if asked() and not told:
                talk.note("Stopping after this step ...")
                told = True
            if event:
                show(event, talk)


def finish(home: Home, run: Run) -> Answer:
    """The end of a run as an answer."""
    result = runs.outcome(home, run)
    if result["verdict"] == "stopped":
        where = run_words.stopped_where(result["step"], result["steps"])
        note = f"Stopped {where}. Go on with: mlxtwin retrain --resume {run.id}"
        return Answer(result, "", (note,), 130)
    promoted = result["verdict"] == "promoted"
    lines = [f"{result['slot']} version {result['version']}: {result['verdict']}", *card_lines(result)]
    slot = result["slot"]
    if promoted:
        return Answer(result, "\n".join(lines), _promoted_notes(home, slot, result["version"]))
    return Answer(result, "\n".join(lines), _rejected_notes(result), 3)


def _promoted_notes(home: Home, slot: str, number: int) -> tuple[str, ...]:
    before = runs.replaced(home, slot, number)
    back = f"It replaces version {before}; go back with: mlxtwin slots rollback {slot}"
    return (*((back,) if before else ()), f"Talk to it: mlxtwin chat --slot {slot}")


_MORE = "Import more of your writing, or train longer: --set effort=balanced."
_REMEDIES = run_words.REMEDIES | dict.fromkeys(("gain", "certainty"), _MORE)


def _rejected_notes(result: dict[str, Any]) -> tuple[str, ...]:
    """What might help against each failed check, each told once, and how to go on with the version as it is."""
    failed = [name for name, check in result["checks"].items() if not check[2]]
    helps = dict.fromkeys(_REMEDIES[name] for name in failed if name in _REMEDIES)
    slot, number = result["slot"], result["version"]
    samples = f"See samples: mlxtwin eval {slot} --version {number}"
    return (*helps, samples, f"To use it all the same: mlxtwin slots use {slot} {number} --anyway")


def card_lines(result: dict[str, Any]) -> list[str]:
    """Each gate with its sentence, and what the run took."""
    passed = [bool(check[2]) for check in result["checks"].values()]
    reasons = result["reasons"] or [f"{name}." for name in result["checks"]]  # the version may be removed by now
    lines = [f"  {'pass' if ok else 'FAIL'}  {reason}" for ok, reason in zip(passed, reasons, strict=True)]
    if turned_down := run_words.strength(result["strength"], update="update" in result):
        lines.append(f"  {turned_down}")
    speed = f"{result['tokens_per_second']:,.0f} tokens/s"
    took = f"{plural(result['supervised_tokens'], 'supervised token')} in {result['seconds']:.0f} s ({speed})"
    peak = size(result["peak_memory_bytes"])
    return [*lines, f"  {plural(result['steps'], 'step')}, {took}, peak memory {peak}"]


_NOTED = frozenset({"validation", "prefix_off", "skipped", "instructed"})


def show(event: RunEvent, talk: Talk) -> None:
    """One event as a JSON line, or as progress for a person."""
    if talk.as_json:
        if event.event != "done":
            talk.data({"event": event.event, "at": event.at, **event.data})
        return
    data = event.data
    if event.event == "step":
        talk.progress(
            f"step {data['step']}/{data['steps']}  loss {data['loss']:.3f}  {data['tokens_per_second']:,.0f} tokens/s  "
            f"{size(data['memory_bytes'])}  {clock(data['seconds_left'])} left"
        )
    elif event.event in ("prefix", "reference", "instructions", "replay", "evaluate"):
        talk.progress(run_words.doing(event) or "")
    elif (event.event in _NOTED or (event.event == "train" and data["step"])) and (said := run_words.said(event)):
        talk.note(said)


@contextmanager
def _ctrl_c_stops(run: Run) -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C asks for a clean stop, the second leaves; the worker stops all the same.

    Gives whether it was asked: a signal may come in the midst of a write, so nothing is said from its handler.
    """
    asked = False

    def ask_once(*_: object) -> None:
        nonlocal asked
        asked = True
        run.ask_to_stop()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, ask_once)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)

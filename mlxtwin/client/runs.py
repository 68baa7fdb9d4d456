"""Training runs: plan one, start it, watch it, stop it, read its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlxtwin.client import corrections, imports
from mlxtwin.client.parent import Parent
from mlxtwin.client.parent import parent as parent_of
from mlxtwin.client.vault import BEGIN, exists
from mlxtwin.errors import RunFailed, TwinError, UsageError, told_of
from mlxtwin.jobs import ranks, runs, supervisor
from mlxtwin.jobs.runs import Run
from mlxtwin.paths import Home
from mlxtwin.records import Example, RunEvent
from mlxtwin.slots.registry import Slots

if TYPE_CHECKING:
    from mlxtwin.dataset.examples import Dataset
    from mlxtwin.dataset.update import Update
    from mlxtwin.security.masking import Masking
    from mlxtwin.train.plan import MemoryPlan
    from mlxtwin.train.recipe import Recipe, Resolved
    from mlxtwin.vault.store import Vault


@dataclass(frozen=True, slots=True)
class Planned:
    """A run before its start: the resolved recipe, the base, and the examples it would train on.

    ``memory``: what it would need against this machine's budget. ``parent``: the number of the version that it goes on
    from, with preferences or with what is new; ``left_out``: of corrections and ratings, those it cannot use.
    """

    resolved: Resolved
    base: dict[str, Any]
    dataset: Dataset
    memory: MemoryPlan
    parent: int | None = None
    left_out: int = 0


def plan(
    home: Home, vault: Vault, name: str, overrides: dict[str, Any], sets: Sequence[str], key: bytes | None = None
) -> Planned:
    """Resolve a recipe, build its dataset, and fit it to the memory of this machine as far as nobody wrote otherwise.

    ``overrides`` are options typed by name, ``sets`` the --set pairs.

    The ``key`` is needed for a recipe that goes on from a version. Raises RecipeError, UsageError for an unknown base
    or too little data, NothingNew for an update.
    """
    found = prepare(home, vault, name, overrides, sets, key)
    resolved, memory = _fitted(Path(found.base["path"]), found.resolved, found.dataset)
    parent = found.parent.version.number if found.parent else None
    return Planned(resolved, found.base, found.dataset, memory, parent, found.left_out)


@dataclass(frozen=True, slots=True)
class Prepared:
    """As `Planned`, of which nothing is fitted to a machine yet."""

    resolved: Resolved
    base: dict[str, Any]
    dataset: Dataset
    parent: Parent | None = None
    left_out: int = 0


def prepare(
    home: Home, vault: Vault, name: str, overrides: dict[str, Any], sets: Sequence[str], key: bytes | None = None
) -> Prepared:
    """Resolve a recipe and build its dataset; raises as `plan` does.

    What an interrupted import left undecided, or an older version decided by other rules, is decided first.
    """
    imports.decide(vault)
    resolved, base, parent = resolve(home, vault, name, overrides, sets, key)
    dataset, left_out = build_dataset(vault, resolved, parent), 0
    if parent and resolved.recipe.preference:
        mask = masking(vault, resolved.recipe).masker()
        dataset, left_out = corrections.with_preferences(dataset, vault, resolved.recipe.preference, parent, mask)
    return Prepared(resolved, base, dataset, parent, left_out)


def resolve(
    home: Home, vault: Vault, name: str, overrides: dict[str, Any], sets: Sequence[str], key: bytes | None = None
) -> tuple[Resolved, dict[str, Any], Parent | None]:
    """A recipe with all its values, its base, and the version that it goes on from. Raises RecipeError, UsageError."""
    from mlxtwin.backend.models import resolve as resolve_base
    from mlxtwin.train import recipe
    from mlxtwin.train.plan import base_shape, read_config

    written = recipe.read(name)
    typed = recipe.parse_sets(sets)
    parent = parent_of(_slots(home, key), written, typed | overrides)
    inherited = parent.inherited if parent else {}
    named = (inherited | written | typed | overrides).get("base")
    base = resolve_base(home, str(named or "starter"))
    described = asdict(base) | {"path": str(base.path)}
    if parent:
        parent.require_same(described)
    shape, words = base_shape(read_config(base.path)), _words(vault, parent)
    return recipe.resolve(written, typed, shape, words, overrides, inherited), described, parent


def _slots(home: Home, key: bytes | None) -> Slots:
    from mlxtwin.security.crypto import SealedFiles

    return Slots(home, None if key is None else SealedFiles(home, key))


def _words(vault: Vault, parent: Parent | None) -> int:
    """The person's own words there are to train on, for an update those that are new."""
    if parent is None or parent.by != "update":
        return sum(row["words"] for row in vault.stats().by_tier.values())
    known = parent.require_learned()
    kept = (one.curated for one in vault.documents(only_kept=True))
    return sum(document.words_by_me for document in kept if not known.knows(document))


def build_dataset(vault: Vault, resolved: Resolved, parent: Parent | None = None) -> Dataset:
    from mlxtwin.dataset.examples import build

    data = resolved.recipe.data
    return build(
        vault,
        kinds=data.kinds,
        tiers=data.tiers,
        holdout=data.holdout,
        max_words=data.max_words,
        max_holdout_words=data.max_words and max(8000, round(data.max_words * data.holdout)),
        seed=resolved.recipe.seed,
        known=parent.learned if parent else None,
        update=_update(resolved.recipe, parent),
        languages=data.languages,
        masking=masking(vault, resolved.recipe),
    )


def masking(vault: Vault, recipe: Recipe) -> Masking:
    """What a run masks, with the placeholders that this vault's datasets have."""
    from mlxtwin.security.masking import Masking
    from mlxtwin.security.names import Names

    data, curation = recipe.data, vault.curation
    names = Names(curation.authors(), vault.names()) if "names" in data.mask else None
    return Masking(data.mask, curation.placeholder_key(), names)


def _update(recipe: Recipe, parent: Parent | None) -> Update | None:
    from mlxtwin.dataset.update import Update

    update = recipe.update
    return Update(parent.version.number, update.rehearse, update.max_words) if parent and update else None


def _fitted(path: Path, resolved: Resolved, dataset: Dataset | None = None) -> tuple[Resolved, MemoryPlan]:
    """For this machine, which a child process is asked for."""
    from mlxtwin.train.plan import fitted

    longest = resolved.recipe.max_seq_length
    tokens = sum(_tokens(example, longest) for example in dataset.train) if dataset else 0
    return fitted(resolved, _memory(path, resolved.recipe, tokens))


def bare(base: str | None) -> Path | None:
    """The folder or file of a config.json that lies there without weights, else None."""
    path = Path(base).expanduser() if base else None
    if path is None:
        return None
    if path.is_file() and path.suffix == ".json":
        return path
    alone = (path / "config.json").is_file() and not any(path.glob("*.safetensors"))
    return path if alone else None


def plan_bare(name: str, overrides: dict[str, Any], sets: Sequence[str], path: Path) -> tuple[Resolved, MemoryPlan]:
    """Recipe and memory plan from a config.json alone: no weights, no vault and no examples are needed."""
    from mlxtwin.train import recipe
    from mlxtwin.train.plan import base_shape, read_config

    typed, shape = recipe.parse_sets(sets), base_shape(read_config(path))
    resolved = recipe.resolve(recipe.read(name), typed, shape, 0, overrides)
    return _fitted(path, resolved)


def _memory(path: Path, recipe: Recipe, tokens: int) -> MemoryPlan:
    from mlxtwin.client.doctor import device
    from mlxtwin.train.plan import Machine, held_bytes, plan, read_config

    found, config = device(), read_config(path)
    machine, budget = Machine.of(found), int(found.get("memory_budget", 0))
    value_bytes = 4 if found.get("base_dtype", "float32") == "float32" else 2
    held = held_bytes(path, config, value_bytes, budget, machine)
    return plan(config, recipe, held, value_bytes, budget, machine, tokens)


# Few tokenizers take fewer, and an estimate should err high.
_LETTERS_PER_TOKEN, _TOKENS_PER_MESSAGE = 3.5, 8


def _tokens(example: Example, longest: int) -> int:
    letters = sum(len(message.content) for message in example.messages)
    return min(longest, int(letters / _LETTERS_PER_TOKEN) + _TOKENS_PER_MESSAGE * len(example.messages))


def spec(planned: Planned, processes: int = 1) -> dict[str, Any]:
    """What a run is begun with, as its folder keeps it; ``parent`` only where it goes on from a version."""
    recipe = planned.resolved.recipe
    return {
        "recipe": recipe.model_dump(mode="json"),
        "origins": planned.resolved.origins,
        "base": planned.base,
        "dataset": planned.dataset.digest(),
        "seed": recipe.seed,
        **({"parent": planned.parent} if planned.parent else {}),
        **({"processes": processes} if processes > 1 else {}),
    }


def start(home: Home, key: bytes, planned: Planned, processes: int = 1) -> supervisor.Started:
    """Make the run folder and start its worker, which computes in so many processes; raises Busy while another run is
    alive."""
    from mlxtwin.security.crypto import SealedFiles

    def make() -> Run:
        return runs.create(home, spec(planned, processes), planned.dataset.to_bytes(), SealedFiles(home, key))

    return supervisor.start(home, make, key)


def compute_beside(home: Home, key: bytes) -> int:
    """Take the place among several processes that the environment gives this one, to its end; the exit code."""
    return supervisor.start_rank(home, key)


def launched_rank() -> int | None:
    """The place that ``mlx.launch`` gave this process, None without it."""
    return ranks.own_rank() if ranks.launched() else None


def resume(home: Home, key: bytes, run: Run) -> supervisor.Started:
    """Go on with a run; raises UsageError for a finished one, Busy while any run is alive."""
    return supervisor.start(home, lambda: run, key)


def require_free(home: Home) -> None:
    """Raise Busy while a run is alive, before work is put into another one."""
    supervisor.require_free(home)


def find(home: Home, name: str | None) -> Run:
    """A run by its name or the beginning of it, the newest for None or ``last``. Raises UsageError."""
    if not runs.every(home) and not exists(home):
        raise UsageError("There is no vault yet, and so no run.", first_step(home))
    return runs.find(home, name)


def first_step(home: Home) -> str:
    """What to do where there is no run yet."""
    return "Start one with: mlxtwin retrain voice" if exists(home) else BEGIN


def every(home: Home) -> list[dict[str, Any]]:
    """One row a run, the newest first."""
    return [row(run) for run in runs.every(home)]


def row(run: Run) -> dict[str, Any]:
    """What can be told of a run; one whose spec is damaged is in the list all the same."""
    state: str = run.state()
    try:
        spec = run.spec
    except TwinError:
        spec, state = {"recipe": {}, "base": {}}, "damaged"
    result = run.result() or {}
    return {
        "run": run.id,
        "state": state,
        "recipe": spec["recipe"].get("name"),
        "slot": spec["recipe"].get("slot"),
        "base": spec["base"].get("name"),
        "effort": spec["recipe"].get("effort"),
        **_place(run),
        "verdict": result.get("verdict"),
        "version": result.get("version"),
    }


def _place(run: Run, event: str = "step") -> dict[str, int | None]:
    """Step and steps by the last such event; that of a stop is exact, while not every step has one of its own."""
    last = run.events.last(event)
    return {"step": last.data.get("step", 0), "steps": last.data.get("steps")} if last else {"step": 0, "steps": None}


def watch(run: Run, started: supervisor.Started | None = None) -> Iterator[RunEvent | None]:
    """Events as they come, None while there is nothing new, until the worker is gone."""
    return runs.watch(run, started.alive if started else None)


def stop(run: Run) -> bool:
    """Ask the worker to stop after the step it is in; whether there is one to ask."""
    if not run.alive():
        return False
    run.ask_to_stop()
    return True


def outcome(home: Home, run: Run) -> dict[str, Any]:
    """The result of a run as in ``retrain --json``; raises what the worker failed with."""
    ending = run.ending()
    if ending == "done":
        return _done(home, run)
    if ending == "stopped":
        slot = run.spec["recipe"]["slot"]
        place = _place(run, "stopped")
        return {"run": run.id, "slot": slot, "version": None, "verdict": "stopped", "reasons": [], **place}
    failure = run.failure()
    if failure:
        raise told_of(failure)
    again = f"Go on with: mlxtwin retrain --resume {run.id}"
    if _place(run)["step"]:
        raise RunFailed(f"The worker of run {run.id} was killed at step {_place(run)['step']}.", again)
    raise RunFailed(
        f"The worker of run {run.id} ended before its first step.",
        f"What it said is in {run.folder / runs.LOG}; check this machine with: mlxtwin doctor",
    )


def replaced(home: Home, slot: str, number: int) -> int | None:
    """The version that this one took the place of, None where it was the first or is not current any more."""
    state = Slots(home).state(slot)
    return state.history[-1] if state.current == number and state.history else None


def _done(home: Home, run: Run) -> dict[str, Any]:
    """The numbers of the run with the sentences of its version; those are gone when the slot was removed."""
    result = dict(run.result() or {})
    if not {"slot", "version", "verdict", "checks"} <= set(result):
        raise RunFailed(f"The events of run {run.id} cannot be read.", "Look at its version with: mlxtwin slots ls")
    checks = result.pop("checks")
    try:
        version = Slots(home).version(result["slot"], result["version"])
        reasons = version.meta["reasons"] if version.meta.get("run") == run.id else []
    except UsageError:
        reasons = []
    return result | {"reasons": reasons, "checks": checks}

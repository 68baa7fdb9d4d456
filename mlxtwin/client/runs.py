"""Training runs: plan one, start it, watch it, stop it, read its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlxtwin.errors import RunFailed, TwinError
from mlxtwin.jobs import runs, supervisor
from mlxtwin.jobs.runs import Run
from mlxtwin.paths import Home
from mlxtwin.records import RunEvent

if TYPE_CHECKING:
    from mlxtwin.dataset.examples import Dataset
    from mlxtwin.train.plan import MemoryPlan
    from mlxtwin.train.recipe import Resolved
    from mlxtwin.vault.store import Vault


@dataclass(frozen=True, slots=True)
class Planned:
    """A run before its start: the resolved recipe, the base, and the examples it would train on."""

    resolved: Resolved
    base: dict[str, Any]
    dataset: Dataset


def plan(home: Home, vault: Vault, name: str, overrides: dict[str, Any], sets: Sequence[str]) -> Planned:
    """Resolve a recipe and build its dataset. ``overrides`` are options typed by name, ``sets`` the --set pairs.

    Raises RecipeError, UsageError for an unknown base or too little data.
    """
    from mlxtwin.backend.models import resolve as resolve_base
    from mlxtwin.train import recipe
    from mlxtwin.train.plan import base_shape, read_config

    written = recipe.read(name)
    typed = recipe.parse_sets(sets) | overrides
    base = resolve_base(home, str(typed.get("base") or written.get("base") or "starter"))
    resolved = recipe.resolve(written, typed, base_shape(read_config(base.path)))
    described = asdict(base) | {"path": str(base.path)}
    return Planned(resolved, described, build_dataset(vault, resolved))


def build_dataset(vault: Vault, resolved: Resolved) -> Dataset:
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
    )


def memory_plan(planned: Planned) -> MemoryPlan:
    """What the run would need against this machine's budget, which a child process is asked for."""
    from mlxtwin.client.doctor import device
    from mlxtwin.train.plan import plan, read_config, weights_bytes

    found = device()
    folder = Path(planned.base["path"])
    config = read_config(folder)
    value_bytes = 4 if found.get("base_dtype", "float32") == "float32" else 2
    held = weights_bytes(folder, config, value_bytes)
    return plan(config, planned.resolved.recipe, held, value_bytes, int(found.get("memory_budget", 0)))


def start(home: Home, key: bytes, planned: Planned) -> supervisor.Started:
    """Make the run folder and start its worker; raises Busy while another run is alive."""
    from mlxtwin.security.crypto import SealedFiles

    recipe = planned.resolved.recipe
    supervisor.require_free(home)
    spec = {
        "recipe": recipe.model_dump(mode="json"),
        "origins": planned.resolved.origins,
        "base": planned.base,
        "dataset": planned.dataset.digest(),
        "seed": recipe.seed,
    }
    run = runs.create(home, spec, planned.dataset.to_bytes(), SealedFiles(home, key))
    return supervisor.start(home, run, key)


def resume(home: Home, key: bytes, name: str) -> supervisor.Started:
    return supervisor.start(home, runs.find(home, name), key)


def find(home: Home, name: str | None) -> Run:
    return runs.find(home, name)


def every(home: Home) -> list[dict[str, Any]]:
    """One row a run, the newest first."""
    return [_row(run) for run in runs.every(home)]


def _row(run: Run) -> dict[str, Any]:
    spec = run.spec
    last = run.events.last("step")
    result = run.result() or {}
    return {
        "run": run.id,
        "state": run.state(),
        "recipe": spec["recipe"]["name"],
        "slot": spec["recipe"]["slot"],
        "base": spec["base"]["name"],
        "step": last.data["step"] if last else 0,
        "steps": last.data["steps"] if last else None,
        "verdict": result.get("verdict"),
        "version": result.get("version"),
    }


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
    state = run.state()
    if state == "done":
        result = dict(run.result() or {})
        checks = result.pop("checks")
        return result | {"reasons": _reasons(home, result), "checks": checks}
    failure = run.failure()
    if state == "failed" and failure:
        raise _as_error(failure)
    last = run.events.last("step")
    if state != "stopped" or not (last or run.events.last("stopped")):
        raise RunFailed(f"The worker of run {run.id} ended early.", f"Go on with: mlxtwin retrain --resume {run.id}")
    return {"run": run.id, "slot": run.spec["recipe"]["slot"], "version": None, "verdict": "stopped", "reasons": []} | (
        {"step": last.data["step"], "steps": last.data["steps"]} if last else {}
    )


def _reasons(home: Home, result: dict[str, Any]) -> list[str]:
    from mlxtwin.slots.registry import Slots

    reasons: list[str] = Slots(home).version(result["slot"], result["version"]).meta["reasons"]
    return reasons


def _as_error(failure: dict[str, Any]) -> TwinError:
    error = TwinError(failure["message"], failure["hint"])
    error.exit_code = failure["exit_code"]
    return error

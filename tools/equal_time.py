"""Ours against stock mlx-lm on one real person's texts in the same time: ``tools/equal_time.py PATH --me NAME``.

Measured: the held-out loss that each trainer reaches in the time that ours took, by one judge (the measure of
``mlxtwin eval``) on the same held-out examples; and beside it how the loss on neutral text rose. Ours is ``mlxtwin
retrain voice`` in a vault of its own; in its clock are the cache of the frozen part, the looks at what is set apart to
stop by, and checkpoints, but not loading and tokenising. mlx-lm gets all training examples, also those that ours sets
apart, with the adapter's shape, the optimizer, the schedule and the seed of ours, at several learning rates; and once
more with its own optimizer, rate and scale. `rivals.py` tells what else it is given and what its clock leaves out.

Not measured: memory; what either would reach with more time; whether the twin sounds like the person. Of a conversation
of several turns mlx-lm trains the last reply alone: that is how it works. One seed tells little of small differences.

Run it on a machine that does nothing else: ``cores``, those that a contestant's process kept busy on average, tells
whether it did. The texts lie in the clear in a private temporary folder while mlx-lm runs.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from judge import Judged, Work
from rivals import TUTORIAL_RATE, Rival
from throwaway import Event, Twin, person_options, table, throwaway, with_cores

from mlxtwin.client.doctor import device
from mlxtwin.security.crypto import SealedFiles
from mlxtwin.slots.registry import Slots, Version

BASE, OURS, RAW = "the base", "mlxtwin", "mlxtwin, not turned down"
# More steps than the pace promises: the clock ends a run, and should not have to wait for one that ended early.
_SPARE = 1.02
Row = dict[str, Any]


def main() -> None:
    arguments = _arguments()
    with throwaway(arguments) as twin:
        sets = [f"effort={arguments.effort}", *arguments.sets]
        _tell(f"{twin.words:,} words. Training with mlxtwin.")
        (*events, result), cores = with_cores(lambda: twin.retrain(sets))
        version = Slots(twin.home).version("voice", result["version"])
        work = _stage(twin, version, sets, arguments)
        rows = [_our_row(version, result, events) | {"cores": cores}, *_rivals(work, result["seconds"], arguments)]
        rows = _judged(work, rows)
    sys.stdout.write(table([_shown(row) for row in rows]) + "\n")
    if arguments.out:
        data = _data(arguments, twin.words, version, work) | {"rows": rows}
        arguments.out.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def _arguments() -> Namespace:
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    person_options(parser)
    parser.add_argument("--effort", default="quick", choices=("quick", "balanced", "deep"))
    parser.add_argument("--rates", metavar="RATE,...", help="peaks for mlx-lm; else ours, its half and tenth, and 1e-5")
    parser.add_argument("--batch", type=int, default=4, help="examples in a step of mlx-lm's; else its own 4")
    parser.add_argument("--order", default="drawn", choices=("drawn", "length"), help="of the lines that mlx-lm reads")
    parser.add_argument("--as-saved", action="store_true", help="give mlx-lm the base in the type it was saved in")
    parser.add_argument("--all-lines", action="store_true", help="give it also lines whose prompt fills its window")
    parser.add_argument("--probe", type=int, default=12, metavar="STEPS", help="to time mlx-lm by before it trains")
    parser.add_argument("--out", type=Path, metavar="FILE.json")
    return parser.parse_args()


def _stage(twin: Twin, version: Version, sets: list[str], arguments: Namespace) -> Work:
    """Lay out for the others what ours was trained on."""
    dataset = twin.plan(sets).dataset
    if dataset.digest() != version.meta["dataset"]:
        raise SystemExit("The dataset built anew is not the one that ours was trained on.")
    machine = device()
    work = Work(
        twin.folder, version.meta["base"], version.meta["recipe"], int(machine["threads"]),
        machine["kind"] == "cpu" and not arguments.as_saved, arguments.order, arguments.all_lines, arguments.batch,
    )  # fmt: skip
    work.dataset.write_bytes(dataset.to_bytes())
    work.adapter(OURS).write_bytes(Slots(twin.home, SealedFiles(twin.home, twin.key)).adapter(version))
    work.file.write_text(json.dumps(asdict(work) | {"folder": str(work.folder)}), encoding="utf-8")
    return work


def _our_row(version: Version, result: Event, events: list[Event]) -> Row:
    recipe = version.meta["recipe"]
    told = {name: result[name] for name in ("seconds", "steps", "supervised_tokens", "strength", "verdict")}
    given = {"learning_rate": recipe["learning_rate"], "scale": recipe["lora_parameters"]["scale"]}
    looks = [event["loss"] for event in events if event["event"] == "validation"]
    return {"trainer": OURS, **given, **told, "losses_set_apart": looks}


def _rivals(work: Work, budget: float, arguments: Namespace) -> Iterator[Row]:
    """One run of mlx-lm after the other, each in a process of its own; those before tell how many steps to plan."""
    rivals = _contestants(work, arguments.rates)
    _tell("Timing mlx-lm.")
    probe = _pace(_run(work, replace(rivals[0], name="probe", steps=arguments.probe)))
    paces: list[float] = []
    for rival in rivals:
        steps = math.ceil(_SPARE * budget / min(paces, default=probe))
        _tell(f"Training with {rival.name}: {steps:,} steps, as it looks, in {budget:.0f} s.")
        row = _run(work, replace(rival, steps=steps, budget=budget))
        paces.append(_pace(row))
        yield row


def _contestants(work: Work, rates: str | None) -> list[Rival]:
    ours = float(work.recipe["learning_rate"])
    peaks = [float(rate) for rate in rates.split(",")] if rates else [ours, ours / 2, ours / 10, TUTORIAL_RATE]
    return [*(Rival(f"mlx-lm at {peak:g}", peak) for peak in sorted({*peaks})), Rival("mlx-lm's defaults", None)]


def _pace(row: Row) -> float:
    """Seconds a step."""
    return float(row["seconds"] / row["steps"])


def _run(work: Work, rival: Rival) -> Row:
    given = work.folder / f"{rival.name}.rival.json"
    given.write_text(json.dumps(asdict(rival)), encoding="utf-8")
    _, cores = with_cores(lambda: _child("rivals.py", work, str(given)))
    row: Row = json.loads(work.result(rival.name).read_text(encoding="utf-8")) | {"cores": cores}
    if row["broke_at"]:
        _tell(f"{rival.name}: its loss was not a number at step {row['broke_at']}, which ended it.")
    return row


def _judged(work: Work, rows: list[Row]) -> list[Row]:
    """The rows with what the judge found, after one for the base. An adapter of ours that the product turned down is
    there once more, as it was trained."""
    ours = rows[0]
    whole = [ours | {"trainer": RAW, "strength": 1.0, "verdict": None}] if ours["strength"] < 1 else []
    bare = Judged(BASE, "", ours["scale"])
    raw = [Judged(RAW, OURS, ours["scale"], ours["strength"])] if whole else []
    wanted = [bare, *raw, *(Judged(row["trainer"], row["trainer"], row["scale"]) for row in rows)]
    _child("judge.py", work, json.dumps([asdict(one) for one in wanted]))
    found = json.loads(work.result("judge").read_text(encoding="utf-8"))
    return [row | found[row["trainer"]] for row in ({"trainer": BASE}, ours, *whole, *rows[1:])]


def _child(script: str, work: Work, argument: str) -> None:
    command = [sys.executable, str(Path(__file__).with_name(script)), str(work.file), argument]
    log = work.folder / f"{script}.log"
    with log.open("wb") as out:
        environment = os.environ | {"TOKENIZERS_PARALLELISM": "false"}
        done = subprocess.run(command, stdout=out, stderr=out, env=environment, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise SystemExit(log.read_text(errors="replace")[-2000:])


def _data(arguments: Namespace, words: int, version: Version, work: Work) -> dict[str, Any]:
    person = {"person": arguments.path.resolve().name, "words": words}
    given = {"float32": work.float32, "order": work.order, "all_lines": work.all_lines, "batch": work.batch}
    holdout = {name: version.meta["holdout"][name] for name in ("tokens", "documents", "base_nll", "twin_nll")}
    return person | {"base": work.base["name"], "recipe": work.recipe, "mlx_lm": given, "holdout": holdout}


def _shown(row: Row) -> Row:
    names = ("learning_rate", "seconds", "cores", "steps", "supervised_tokens", "holdout_nll")
    rise = row["neutral_rise"]
    return {
        "trainer": row["trainer"],
        **{name: row.get(name) for name in names},
        "neutral": None if rise is None else f"{rise:+.1%}",
    }


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    main()

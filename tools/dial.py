"""What the values of a recipe do to one person's held-out loss: ``tools/dial.py PATH --me NAME --vary KEY=V1,V2``.

Measured, for every combination of what is varied: a whole ``mlxtwin retrain voice`` in a slot of its own on one import,
so no run is judged against another; its time of training, the losses of base and twin, the gate's verdict. The cache
of the frozen part is cleared before each, so that every run pays for its own.

To be read with care: ``twin_nll`` is that of the adapter as stored, after it was turned down to ``strength``. Two rows
are comparable where ``base_nll`` is the same; values such as data.holdout, data.max_words and max_seq_length change
what is held out, and so does ``epochs`` under ``effort: quick``, which bounds the words of all epochs together: set
data.max_words beside it. Not measured: the spread between seeds, unless ``seed`` is varied; quality beyond the losses.
"""

from __future__ import annotations

import json
import shutil
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from throwaway import Event, Failed, Twin, line_of, person_options, shown, throwaway, with_cores

MEASURES = (
    "seconds", "cores", "steps", "supervised_tokens", "base_nll", "twin_nll", "gain", "strength", "neutral", "verdict",
)  # fmt: skip
_WIDTH = 8
Row = dict[str, Any]


def main() -> None:
    arguments = _arguments()
    names, combinations = _combinations(arguments)
    with throwaway(arguments) as twin:
        sys.stderr.write(f"{twin.words:,} words, {len(combinations)} runs.\n")
        heads = [*names, *MEASURES]
        widths = [max(_WIDTH, len(head)) for head in heads]
        _print(line_of(heads, widths))
        for number, values in enumerate(combinations, 1):
            row = _measured(twin, f"run-{number}", dict(zip(names, values, strict=True)), arguments)
            _print(line_of([*values, *(shown(value) for value in _columns(row))], widths))
            if arguments.out:
                _append(arguments.out, {"person": arguments.path.resolve().name, "set": arguments.sets} | row)


def _arguments() -> Namespace:
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    person_options(parser)
    parser.add_argument("--vary", action="append", required=True, metavar="KEY=V1,V2", help="may be given again")
    parser.add_argument("--keep-prefix", action="store_true", help="let runs find the frozen part of those before")
    parser.add_argument("--out", type=Path, metavar="FILE.jsonl", help="one line per run is added as it ends")
    return parser.parse_args()


def _combinations(arguments: Namespace) -> tuple[list[str], list[tuple[str, ...]]]:
    """The keys varied, and every combination of their values, the last key changing fastest."""
    keys, lists = [], []
    for pair in arguments.vary:
        key, _, values = pair.partition("=")
        if not values:
            raise SystemExit(f"--vary {pair} is not KEY=V1,V2.")
        keys.append(key)
        lists.append(values.split(","))
    return keys, list(product(*lists))


def _measured(twin: Twin, slot: str, values: dict[str, str], arguments: Namespace) -> Row:
    """What one run told, or why it failed."""
    if not arguments.keep_prefix:
        shutil.rmtree(twin.home.prefix, ignore_errors=True)
    sets = [*arguments.sets, *(f"{key}={value}" for key, value in values.items())]
    try:
        (*events, result), cores = with_cores(lambda: twin.retrain(sets, slot))
    except Failed as failed:
        return {"values": values, "error": str(failed)}
    return {"values": values, "cores": cores} | dict(_told(events, result))


def _told(events: list[Event], result: Event) -> Iterator[tuple[str, Any]]:
    base, twin = result["holdout"]["base_nll"], result["holdout"]["twin_nll"]
    for name in ("seconds", "steps", "supervised_tokens", "strength", "verdict", "peak_memory_bytes"):
        yield name, result[name]
    yield "base_nll", base
    yield "twin_nll", twin
    yield "gain", 1 - twin / base
    yield "gain_ci", result["holdout"]["gain_ci"]
    yield "neutral", result["checks"]["forgetting"][0]
    yield "copied_run", result["checks"]["copying"][0]
    yield "losses_set_apart", [event["loss"] for event in events if event["event"] == "validation"]
    yield "skipped_steps", sum(event["event"] == "skipped" for event in events)


def _columns(row: Row) -> list[Any]:
    if "error" in row:
        return [*[None] * (len(MEASURES) - 1), row["error"]]
    shares = {name: f"{row[name]:+.1%}" for name in ("gain", "neutral")}
    return [(row | shares)[name] for name in MEASURES]


def _append(path: Path, row: Row) -> None:
    with path.open("a", encoding="utf-8") as out:
        out.write(json.dumps(row) + "\n")


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

"""What came out of ``bench train``: each contestant's numbers, and ratios only where the same work was done."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from mlxtwin.paths import read_json
from mlxtwin.train.bench.work import SHAPES, Work

OURS, INSTALLED, SAME, PEFT = "ours", "mlx_lm_as_installed", "mlx_lm_same_blas", "peft"
RIVALS = (SAME, INSTALLED, PEFT)
# Held-out losses further apart than this, in nats per token, are not of the same work.
MOST_APART = 0.02
MEASURED = (
    "Tokens are supervised tokens. Seconds are of training alone: no imports, no loading, no tokenising; compiling is "
    "in. Those of mlx-lm it reports itself, which leaves out making its batches; ours run from the call to the last "
    "step, checkpoints and the cache of the frozen part included. Peak memory: {memory}."
)
_MEMORY = {
    "cpu": "the most that the process held resident, from its start to the end of training",
    "gpu": "the most that the library counted on the device",
}
# Fewer points of an epoch's progress than this do not tell its speed.
_FEWEST_POINTS = 4
_PER_SECOND = "supervised_tokens_per_second"


def assemble(
    work: Work, machine: Mapping[str, Any], numbers: Mapping[str, dict[str, Any]], nll: Mapping[str, float]
) -> dict[str, Any]:
    """The object of ``bench train --json``.

    ``numbers``: what each contestant wrote, by name, with ``peak_memory_bytes``; ``nll``: the judge's answer.
    """
    data = read_json(work.result("stage"))
    epoch = data["supervised_tokens_per_epoch"]
    found = {name: _contestant(work, name, raw, nll, epoch) for name, raw in numbers.items()}
    ratios = {name: ratio(found[OURS], theirs, work.epochs * epoch) for name, theirs in found.items() if name != OURS}
    return {
        "device": work.device,
        "model": work.model,
        "settings": settings(work, machine, data) | {"base_holdout_nll": round(nll["base"], 4)},
        **found,
        "ratio": ratios,
    }


def _contestant(work: Work, name: str, raw: Mapping[str, Any], nll: Mapping[str, float], epoch: int) -> dict[str, Any]:
    first, later = epoch_speeds(raw["curve"], epoch, work.epochs)
    partly = name == INSTALLED and bool(work.part)
    kept = ("supervised_tokens", "steps", "mlx_peak_memory_bytes", "prefix_cache", "versions")
    return {
        "seconds": round(raw["seconds"], 2),
        _PER_SECOND: round(raw["supervised_tokens"] / max(raw["seconds"], 1e-9), 2),
        "peak_memory_bytes": raw["peak_memory_bytes"],
        "holdout_nll": round(nll.get(SAME if partly else name, float("nan")), 4),
        f"{_PER_SECOND}_first_epoch": first,
        f"{_PER_SECOND}_later_epochs": later,
        **{key: raw[key] for key in kept if key in raw},
        **({"part": _part(work, nll)} if partly else {}),
    }


def _part(work: Work, nll: Mapping[str, float]) -> dict[str, Any]:
    """Of a rival timed on its first steps: how many, and the held-out losses after them, its own and that of the run
    which its ``holdout_nll`` is taken from."""
    own, other = nll[INSTALLED], nll.get(f"{SAME}.part", float("nan"))
    losses = {"holdout_nll": round(own, 4), f"{SAME}_holdout_nll": round(other, 4)}
    return {"steps": work.part, "of": work.steps, "holdout_nll_from": SAME, **losses}


def epoch_speeds(curve: Sequence[tuple[int, float]], epoch: int, epochs: int) -> tuple[float | None, float | None]:
    """Supervised tokens per second of the first epoch and of the later ones; None where they cannot be told.

    ``curve``: tokens and seconds so far, rising; ``epoch``: the supervised tokens of one.
    """
    points = [(0, 0.0), *((int(tokens), float(seconds)) for tokens, seconds in curve)]
    tokens, seconds = points[-1]
    if tokens < epoch * epochs or len(curve) < _FEWEST_POINTS * epochs:
        return None, None
    after = bisect_left(points, epoch, key=lambda point: point[0])
    (low, begun), (high, ended) = points[after - 1], points[after]
    turn = begun + (ended - begun) * (epoch - low) / (high - low)
    first = round(epoch / max(turn, 1e-9), 2)
    return first, round((tokens - epoch) / max(seconds - turn, 1e-9), 2) if epochs > 1 else None


def ratio(ours: Mapping[str, Any], theirs: Mapping[str, Any], tokens: int) -> dict[str, Any]:
    """Ours over theirs; None throughout, and the ``reason`` in words, where it would not compare the same work."""
    reason = not_the_same(ours, theirs, tokens)
    if reason:
        return {"speed": None, "memory": None, "speed_later_epochs": None, "reason": reason}
    later = f"{_PER_SECOND}_later_epochs"
    return {
        "speed": _over(ours[_PER_SECOND], theirs[_PER_SECOND]),
        "memory": _over(ours["peak_memory_bytes"], theirs["peak_memory_bytes"]),
        "speed_later_epochs": _over(ours[later], theirs[later]),
        "reason": None,
    }


def not_the_same(ours: Mapping[str, Any], theirs: Mapping[str, Any], tokens: int) -> str:
    """Why two contestants cannot be compared, or empty. ``tokens``: the supervised ones of the whole work."""
    if ours["supervised_tokens"] != tokens:
        return f"ours trained on {ours['supervised_tokens']:,} supervised tokens of {tokens:,}"
    part = theirs.get("part")
    if part is None and theirs["supervised_tokens"] != tokens:
        return f"it trained on {theirs['supervised_tokens']:,} supervised tokens of {tokens:,}"
    if part and not _close(part["holdout_nll"], part[f"{SAME}_holdout_nll"]):
        return (
            f"after its part it is at {part['holdout_nll']:.3f} nats per held-out token and {SAME} at "
            f"{part[f'{SAME}_holdout_nll']:.3f}: they do not do the same"
        )
    if not _close(ours["holdout_nll"], theirs["holdout_nll"]):
        return (
            f"the held-out losses are more than {MOST_APART} nats per token apart: ours {ours['holdout_nll']:.3f}, "
            f"its {theirs['holdout_nll']:.3f}"
        )
    return ""


def _close(one: float, other: float) -> bool:
    """False for what is not a number, too."""
    return abs(one - other) <= MOST_APART + 1e-9


def _over(ours: float | None, theirs: float | None) -> float | None:
    return round(ours / theirs, 3) if ours and theirs else None


def settings(work: Work, machine: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Everything the contestants had in common, and how they were measured."""
    from importlib.metadata import version

    shape = SHAPES[work.model]
    return {
        "parameters": shape.parameters,
        "shape": {name: getattr(shape, name) for name in shape.__slots__ if name != "adapted"},
        "weights": "random",
        "dtype": work.dtype,
        "blas": machine["blas"]["name"],
        "threads": work.threads,
        "num_layers": work.blocks,
        "rank": work.rank,
        "scale": work.scale,
        "optimizer": "AdamW, weight decay 0.01, bias correction, no clipping",
        "learning_rate": work.learning_rate,
        "schedule": f"{work.warmup:.0%} warm-up, then a cosine to a tenth",
        "epochs": work.epochs,
        "examples": work.examples,
        "held_out": work.held_out,
        "batch": work.batch,
        **data,
        "seed": work.seed,
        "measured": MEASURED.format(memory=_MEMORY["cpu" if work.device == "cpu" else "gpu"]),
        "versions": {name: version(name) for name in ("mlxtwin", "mlx", "mlx-lm")},
    }

"""The overview of a house in words and columns, for the home screen. Every line is clean for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlxtwin.client.house import Overview
from mlxtwin.security.redact import clean_terminal
from mlxtwin.wording import plural

BAR = 16
MOST_REASONS = 8
MOST_SLOTS = 8
DONE, NOW, LATER = "✓", "▸", "·"
WAY = (("vault", ("init", "unlock")), ("words", ("import",)), ("training", ("train", "watch")), ("chat", ("chat",)))


def way(overview: Overview) -> str:
    """The four steps from nothing to a chat, and which one is now."""
    now = next(place for place, (_, nexts) in enumerate(WAY) if overview.next in nexts)
    signs = [DONE if place < now else NOW if place == now else LATER for place in range(len(WAY))]
    return "   ".join(f"{sign} {name}" for sign, (name, _) in zip(signs, WAY, strict=True))


def panels(overview: Overview) -> dict[str, list[str]]:
    """Lines by panel; one without lines is not shown."""
    found = {
        "words": _words(overview),
        "dropped": _dropped(overview.dropped),
        "slots": _slots(overview.slots),
        "run": _run(overview.run),
    }
    return {name: [clean_terminal(line) for line in lines] for name, lines in found.items()}


def _words(overview: Overview) -> list[str]:
    if not overview.documents:
        return []
    rows = [("", "documents", "kept", "words of yours")]
    rows += [
        (kind, f"{row['documents']:,}", f"{row['kept']:,}", f"{row['words_by_me']:,}")
        for kind, row in overview.kinds.items()
    ]
    lines = [f"{plural(overview.words, 'word')} of yours to learn from", "", *columns(rows)]
    if overview.tiers:
        lines += ["", *_tiers(overview.tiers)]
    return [*lines, "", _said(overview)]


def _said(overview: Overview) -> str:
    """What the person thought of the answers, or how to say it."""
    if not overview.corrections and not overview.ratings:
        return "No answer is corrected or rated yet: Chat is where."
    return f"{plural(overview.corrections, 'correction')} and {plural(overview.ratings, 'rating')} of answers"


def _tiers(tiers: dict[int, dict[str, int]]) -> list[str]:
    most = max(row["words"] for row in tiers.values()) or 1
    rows = [
        (f"tier {tier}", f"{row['words']:,} words", "█" * max(1, round(BAR * row["words"] / most)))
        for tier, row in sorted(tiers.items())
    ]
    return [f"{name}  {words:>{max(len(row[1]) for row in rows)}}  {bar}" for name, words, bar in rows]


def _dropped(dropped: dict[str, int]) -> list[str]:
    if not dropped:
        return []
    ordered = sorted(dropped.items(), key=lambda one: -one[1])
    shown, rest = ordered[:MOST_REASONS], ordered[MOST_REASONS:]
    if rest:
        shown.append(("for other reasons", sum(count for _, count in rest)))
    width = max(len(f"{count:,}") for _, count in shown)
    return [f"{count:>{width},}  {reason}" for reason, count in shown]


def _slots(slots: tuple[dict[str, Any], ...]) -> list[str]:
    if not slots:
        return []
    lines = [f"{row['slot']}: {_version(row)}" for row in slots[:MOST_SLOTS]]
    return [*lines, f"and {len(slots) - MOST_SLOTS} more"] if len(slots) > MOST_SLOTS else lines


def _version(row: dict[str, Any]) -> str:
    made = plural(row["versions"], "version")
    return f"v{row['current']} speaks, of {made}" if row["current"] else f"none of {made} passed the gate"


def _run(run: dict[str, Any] | None) -> list[str]:
    if not run:
        return []
    steps = f"step {run['step'] or 0:,} of {run['steps']:,}" if run["steps"] else "not a step yet"
    lines = [f"{run['run']}: {run['state']}", f"{run['recipe'] or '?'} on {run['base'] or '?'}, {steps}"]
    if run["verdict"]:
        version = f" as {run['slot']} v{run['version']}" if run["version"] else ""
        lines.append(f"{run['verdict']}{version}")
    return lines


def columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The first column to the left, numbers to the right."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    aligned = [f"<{widths[0]}", *(f">{width}" for width in widths[1:])]
    return ["  ".join(f"{cell:{how}}" for cell, how in zip(row, aligned, strict=True)) for row in rows]

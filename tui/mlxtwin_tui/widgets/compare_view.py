"""Two versions of a slot side by side: their numbers, and each check with its number and what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from mlxtwin.client.versions import ReportCard, VersionRow
from mlxtwin.records import Check
from mlxtwin.security.redact import clean_terminal
from mlxtwin.wording import plural

_ROWS: tuple[tuple[str, Callable[[VersionRow], str]], ...] = (
    ("verdict", lambda row: row.verdict),
    ("in use", lambda row: "yes" if row.current else "no"),
    ("created", lambda row: row.created),
    ("recipe", lambda row: row.recipe),
    ("effort", lambda row: row.effort),
    ("base", lambda row: row.base),
    ("goes on from", lambda row: f"version {row.parent}" if row.parent else "the base"),
    ("held-out loss, base", lambda row: f"{row.base_nll:.3f}"),
    ("held-out loss, twin", lambda row: f"{row.twin_nll:.3f}"),
    ("gain", lambda row: f"{row.gain:.1%}"),
    ("its 95 % interval", lambda row: f"{row.gain_ci[0]:+.3f} to {row.gain_ci[1]:+.3f}"),
    ("loss on neutral text", lambda row: "unknown" if row.forgetting is None else f"{row.forgetting:+.1%}"),
    ("longest copied run", lambda row: "unknown" if row.copied_run is None else plural(row.copied_run, "word")),
    ("strength kept", lambda row: f"{row.strength:.0%}"),
)
# Of these the lower, or the higher, is the better one.
_LOWER, _HIGHER = ("held-out loss, twin",), ("gain",)
_SIGNS = {"forgetting": "≤", "copying": "≤", "certainty": ">"}
_SHARES = ("gain", "forgetting", "preferred")


def compared(
    left: VersionRow, right: VersionRow, cards: tuple[ReportCard | None, ReportCard | None]
) -> list[RenderableType]:
    """All rows; without the ``cards`` the checks are missing."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    table.add_column("")
    for row in (left, right):
        table.add_column(Text(f"version {row.number}"), overflow="fold")
    same = bool(left.holdout_digest) and left.holdout_digest == right.holdout_digest
    for name, value in _ROWS:
        better = _better(name, left, right) if same or name in _HIGHER else None
        cells = (_cell(value(row), better == side) for side, row in enumerate((left, right)))
        table.add_row(Text(name, "dim"), *cells)
    for check in _check_rows(*cards):
        table.add_row(*check)
    return [table, *([] if same else [Text(""), Text(_OTHER_WORDS, "dim")])]


_OTHER_WORDS = "They were measured on different held-out words: compare their gains, not their losses."


def _cell(value: str, better: bool) -> Text:
    return Text(clean_terminal(value), "bold green" if better else "")


def _better(name: str, left: VersionRow, right: VersionRow) -> int | None:
    """Which side is the better one, None for neither."""
    pair = (left.twin_nll, right.twin_nll) if name in _LOWER else (-left.gain, -right.gain) if name in _HIGHER else None
    if pair is None or pair[0] == pair[1]:
        return None
    return 0 if pair[0] < pair[1] else 1


def _check_rows(left: ReportCard | None, right: ReportCard | None) -> Iterator[tuple[Text, Text, Text]]:
    sides = [{check.name: check for check in card.checks} if card else {} for card in (left, right)]
    for name in dict.fromkeys((*sides[0], *sides[1])):
        yield Text(f"check: {name}", "dim"), _check(sides[0].get(name)), _check(sides[1].get(name))


def _check(check: Check | None) -> Text:
    if check is None:
        return Text("not asked", "dim")
    mark = ("✓ ", "green") if check.passed else ("✗ ", "bold red")
    asked = f"  asked for {_SIGNS.get(check.name, '≥')} {_number(check.name, check.threshold)}"
    return Text.assemble(mark, _number(check.name, check.value), (asked, "dim"))


def _number(name: str, value: float) -> str:
    if name in _SHARES:
        return f"{value:.1%}"
    return plural(int(value), "word") if name == "copying" else f"{value:.3f}"

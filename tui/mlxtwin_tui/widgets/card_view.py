"""The report card: the verdict, each check with its number and what was asked for, and sample answers side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from mlxtwin.client.run_words import REMEDIES, strength
from mlxtwin.client.versions import ReportCard, Sample
from mlxtwin.security.redact import clean_terminal
from mlxtwin.wording import plural

STYLES = {"promoted": "bold green", "rejected": "bold red"}


class CardView(VerticalScroll, can_focus=True):
    """Scrolls; its parts come from the functions below."""

    def compose(self) -> ComposeResult:
        yield Static("", id="card-text", markup=False)

    def show(self, *parts: RenderableType) -> None:
        """One below the other, from the top."""
        self.query_one("#card-text", Static).update(Group(*parts))
        self.scroll_home(animate=False)


def title(slot: str, version: int, verdict: str) -> Text:
    """``voice version 3: promoted``."""
    return Text.assemble((f"{slot} version {version}: ", "bold"), (verdict, STYLES.get(verdict, "bold")))


def loss_line(base: float, twin: float, low: float, high: float) -> Text:
    """Held-out loss of both, and the gain with its interval."""
    return Text(
        f"Held-out loss {base:.3f} -> {twin:.3f} nats per token: "
        f"gain {base - twin:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}."
    )


def checks(rows: Iterable[tuple[str, bool, str]]) -> Table:
    """One row each: passed or not, its name, and the sentence with number and threshold."""
    table = Table.grid(padding=(0, 1, 0, 0))
    for name, passed, said in rows:
        mark = Text("✓ pass", "green") if passed else Text("✗ FAIL", "bold red")
        table.add_row(mark, Text(name, "bold"), Text(clean_terminal(said)))
    return table


def remedies(rows: Iterable[tuple[str, bool, str]]) -> Text:
    """What might help against those that failed, each told once."""
    helps = dict.fromkeys(REMEDIES[name] for name, passed, _ in rows if not passed and name in REMEDIES)
    return Text(" ".join(helps))


def of_card(card: ReportCard) -> list[RenderableType]:
    """A version's card in whole, with its samples."""
    row = card.version
    rows = [(one.name, one.passed, one.reason) for one in card.checks]
    return [
        title(row.slot, row.number, row.verdict),
        loss_line(row.base_nll, row.twin_nll, *row.gain_ci),
        *measured(card),
        Text(""),
        checks(rows),
        *filled(remedies(rows)),
        *samples(card.samples),
    ]


def measured(card: ReportCard) -> list[RenderableType]:
    """On how much it was measured, and whether the adapter was turned down."""
    size = f"Measured on {plural(card.tokens, 'token')} of {plural(card.documents, 'held-out document')}."
    kept = strength(card.version.strength, update=card.update)
    return [Text(f"{size} {kept.capitalize()}." if kept else size, "dim")]


def filled(text: Text) -> list[RenderableType]:
    """Nothing where there is nothing to say."""
    return [text] if text.plain else []


def samples(found: Sequence[Sample]) -> list[RenderableType]:
    """Each prompt with the person's own words, and below it what base and twin answered, side by side."""
    parts: list[RenderableType] = []
    for sample in found:
        head = Table.grid(padding=(0, 1, 0, 0))
        head.add_row(Text("prompt", "bold dim"), _personal(sample.prompt))
        head.add_row(Text("you", "bold dim"), _personal(sample.person))
        pair = Table(box=None, padding=(0, 2, 0, 0), expand=True, show_edge=False, header_style="bold dim")
        pair.add_column("base", ratio=1, overflow="fold")
        pair.add_column("twin", ratio=1, overflow="fold")
        pair.add_row(_personal(sample.base), _personal(sample.twin))
        parts += [Text(""), head, pair]
    return parts


def _personal(text: str, most: int = 600) -> Text:
    """Words of a person or a model: cleaned, on one paragraph, cut where they go on for long."""
    line = " ".join(clean_terminal(text).split())
    return Text(line if len(line) <= most else f"{line[: most - 1]}…")

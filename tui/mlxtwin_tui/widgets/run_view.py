"""One run: where it is, its curves, what was said, and at its end the report card with what to do next."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import RenderableType
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from mlxtwin.client.progress import Progress
from mlxtwin.client.run_words import stopped_where
from mlxtwin.client.training import Ending
from mlxtwin.client.versions import SlotRow
from mlxtwin.errors import TwinError
from mlxtwin.security.redact import clean_terminal
from mlxtwin.wording import clock, plural, size
from mlxtwin_tui.followed import Followed
from mlxtwin_tui.widgets import card_view
from mlxtwin_tui.widgets.card_view import CardView
from mlxtwin_tui.widgets.keys import key_of
from mlxtwin_tui.widgets.loss_plot import LossPlot

Key = Callable[[str], str]
MOST_SHOWN = 60
_STATES = {
    "waiting": ("starting", "bold $text-warning"),
    "running": ("running", "bold $text-success"),
    "stopped": ("stopped", "bold $text-warning"),
    "killed": ("killed", "bold $text-error"),
    "failed": ("failed", "bold $text-error"),
    "done": ("done", "bold $text-success"),
}


class StepBar(Widget):
    """One line as wide as the screen is: drawn anew, without a layout, as it ticks and when the width changes."""

    _followed: Followed | None = None

    def show(self, followed: Followed) -> None:
        """The steps of this run."""
        self._followed = followed
        self.refresh()

    def render(self) -> Content:
        return Content("") if self._followed is None else _bar(self._followed, self.size.width)


class RunView(Vertical):
    """Draws a `Followed`: `draw` what ticks, `end` the card."""

    def compose(self) -> ComposeResult:
        yield Static("", id="run-head", markup=False)
        yield StepBar(id="run-bar")
        yield Static("", id="run-numbers", markup=False)
        with Container(id="run-middle"):
            yield CardView(id="run-card")
            yield LossPlot(id="run-plot")
        with VerticalScroll(id="run-log", can_focus=True):
            yield Static("", id="run-said", markup=False)

    def draw(self, followed: Followed) -> None:
        """Numbers and curves; called at most twice a second."""
        self.set_class(not followed.live, "-ended")
        self.set_class(followed.ending is not None and bool(followed.ending.checks), "-judged")
        self.query_one("#run-head", Static).update(_head(followed))
        self.query_one(StepBar).show(followed)
        self.query_one("#run-numbers", Static).update(_numbers(followed))
        self.query_one(LossPlot).draw(followed.progress)
        self._say(followed.progress)

    def end(self, followed: Followed) -> None:
        """The report card, or what went wrong and what to do."""
        self.query_one(CardView).show(*_end(followed, lambda id: key_of(self, id)))

    def _say(self, progress: Progress) -> None:
        lines = [f"{clock(at):>7}  {clean_terminal(line)}" for at, line in progress.said[-MOST_SHOWN:]]
        log = self.query_one("#run-log", VerticalScroll)
        below = log.is_vertical_scroll_end
        self.query_one("#run-said", Static).update("\n".join(lines))
        if below:
            log.scroll_end(animate=False)


def _head(followed: Followed) -> Content:
    word, style = _STATES[followed.state]
    if followed.asked and followed.live:
        word, style = "stopping after this step", "bold $text-warning"
    row = followed.row
    about = [row.recipe, row.effort, f"slot {row.slot}", f"base {row.base}"] if row and row.recipe else []
    shown = [clean_terminal(one) for one in (*about, followed.run) if one]
    return Content.assemble((word, style), ("  " + " · ".join(shown), "$text-muted"))


def _bar(followed: Followed, width: int) -> Content:
    """Steps as a bar, their number and the time that is left."""
    progress = followed.progress
    if not progress.steps:
        return Content.styled(progress.activity, "$text-muted")
    share = min(progress.step / progress.steps, 1.0)
    left = progress.seconds_left if followed.live else None
    words = f" {share:4.0%}  step {progress.step:,}/{progress.steps:,}" + (
        "" if left is None else f"  {clock(left)} left"
    )
    room = max(width - len(words), 6)
    done = round(room * share)
    return Content.assemble(("━" * done, "$primary"), ("━" * (room - done), "$panel-lighten-2"), words)


def _numbers(followed: Followed) -> Content:
    progress = followed.progress
    parts = [] if progress.loss is None else [f"loss {progress.loss:.3f}"]
    if progress.set_apart:
        parts.append(f"words set apart {progress.set_apart[max(progress.set_apart)][1]:.3f}")
    if progress.held_out:
        parts.append("held-out base {:.3f}, twin {:.3f}".format(*progress.held_out))
    if progress.tokens_per_second:
        parts.append(f"{progress.tokens_per_second:,.0f} tokens/s")
    if progress.memory_bytes:
        budget = f" of {size(followed.budget_bytes)}" if followed.budget_bytes else ""
        parts.append(f"memory {size(progress.memory_bytes)}{budget}")
    if followed.live and progress.steps and progress.activity not in ("", "training"):
        parts.append(progress.activity)
    return Content(" · ".join(parts))


def _end(followed: Followed, key: Key) -> list[RenderableType]:
    if followed.failure is not None:
        return _failed(followed, followed.failure, key)
    ending = followed.ending
    if ending is None:
        return []
    if ending.verdict == "stopped":
        where = stopped_where(ending.step, ending.steps)
        then = f"{key('train.resume')} goes on exactly there; {key('train.new')} plans a new run."
        return [Text(f"Stopped {where}.", "bold"), Text(""), Text(then)]
    return _judged(followed, ending, key)


def _failed(followed: Followed, failure: TwinError, key: Key) -> list[RenderableType]:
    """A killed worker's hint is the command that goes on, for which there is a key here."""
    killed = followed.state == "killed"
    hint = "" if killed else clean_terminal(failure.hint)
    again = f"{key('train.resume')} goes on from the last checkpoint"
    then = f"{again if killed else f'When that is mended, {again}'}; {key('train.new')} plans a new run."
    head = Text(clean_terminal(failure.message), "bold red")
    return [head, *card_view.filled(Text(hint)), Text(""), Text(then)]


def _judged(followed: Followed, ending: Ending, key: Key) -> list[RenderableType]:
    parts: list[RenderableType] = [card_view.title(ending.slot, ending.version or 0, ending.verdict)]
    parts.append(Text(_next(ending, followed.slot, key)))
    if ending.holdout:
        parts += [Text(""), card_view.loss_line(*ending.holdout)]
    if followed.card:
        parts += card_view.measured(followed.card)
    parts += [card_view.checks(ending.checks), *card_view.filled(card_view.remedies(ending.checks))]
    parts.append(Text(_took(ending), "dim"))
    if followed.card:
        return parts + card_view.samples(followed.card.samples)
    why = followed.no_card.message if followed.no_card else ""
    return [*parts, Text(clean_terminal(f"No samples to show. {why}"), "dim")]


def _next(ending: Ending, slot: SlotRow | None, key: Key) -> str:
    """Which version is in use now, and the keys that change it."""
    if slot is None:
        return "The slot was removed since."
    if slot.current == ending.version:
        back = f" {key('train.keep')} takes version {slot.before} back;" if slot.before else ""
        return f"It is in use.{back} {key('go.chat')} talks to it."
    stays = f"Version {slot.current} stays in use." if slot.current else "No version is in use."
    how = "all the same" if ending.verdict == "rejected" else "again"
    return f"{stays} {key('train.promote')} uses this one {how}."


def _took(ending: Ending) -> str:
    speed = f"{ending.tokens_per_second:,.0f} tokens/s"
    took = f"{plural(ending.tokens, 'supervised token')} in {clock(ending.seconds)} ({speed})"
    return f"{plural(ending.step, 'step')}, {took}, peak memory {size(ending.peak_memory_bytes)}."

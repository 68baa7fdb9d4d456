"""The curves of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual_plot import HiResMode, LegendLocation, PlotWidget

from mlxtwin.client.progress import Point, Progress, thinned

MOST_POINTS = 120
LEAST_SPREAD = 0.1


class LossPlot(PlotWidget):
    """Training loss, the loss of words set apart, and base and twin on held-out words, all in nats per token."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"loss--training", "loss--apart", "loss--base", "loss--twin"}
    DEFAULT_CSS = """
    LossPlot { min-height: 6; }
    LossPlot > .loss--training { color: $primary; }
    LossPlot > .loss--apart { color: $warning; }
    LossPlot > .loss--base { color: $text-muted; }
    LossPlot > .loss--twin { color: $success; }
    LossPlot #legend { border: none; background: $surface; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, allow_pan_and_zoom=False)
        self.can_focus = False
        self.set_reactive(LossPlot.margin_top, 0)
        self.set_reactive(LossPlot.margin_bottom, 1)
        self.set_reactive(LossPlot.margin_left, 7)

    def draw(self, progress: Progress) -> None:
        """All curves anew; the caller sees to it that this is at most twice a second."""
        self.clear()
        apart = sorted(progress.set_apart.values())
        self.set_xlimits(0, max(progress.steps or 0, progress.step, 1))
        training = thinned(progress.training, MOST_POINTS)
        self._limit(loss for _, loss in (*training, *apart, *((0, loss) for loss in progress.held_out or ())))
        self._curve(training, "training", "training")
        self._curve(apart, "apart", "set apart")
        if progress.held_out:
            base, twin = progress.held_out
            end = float(progress.steps or progress.step or 1)
            self._curve([(0.0, base), (end, base)], "base", f"held-out base {base:.2f}")
            self._curve([(0.0, twin), (end, twin)], "twin", f"held-out twin {twin:.2f}")
        self.show_legend(LegendLocation.TOPRIGHT, is_visible=bool(progress.training))

    def _limit(self, losses: Iterable[float]) -> None:
        """A single loss, or equal ones, would leave the axis without a length."""
        known = list(losses)
        if known and max(known) - min(known) < LEAST_SPREAD:
            self.set_ylimits(min(known) - LEAST_SPREAD, max(known) + LEAST_SPREAD)
        else:
            self.set_ylimits()

    def _curve(self, points: Sequence[Point], name: str, label: str) -> None:
        if not points:
            return
        style = str(self.get_component_rich_style(f"loss--{name}").color.name)  # type: ignore[union-attr]
        x, y = [at for at, _ in points], [loss for _, loss in points]
        if len(points) == 1:
            self.scatter(x, y, marker="•", marker_style=style, label=label)
        else:
            self.plot(x, y, line_style=style, hires_mode=HiResMode.BRAILLE, label=label)

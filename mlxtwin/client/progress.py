"""What the events of a run add up to: where it is, its curves, and what was said so far. Nothing here reads a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from mlxtwin.client.run_words import doing, said
from mlxtwin.records import RunEvent

State = Literal["waiting", "running", "stopped", "killed", "done", "failed"]
Point = tuple[float, float]
MOST_LINES = 500
_ENDS: dict[str | None, State] = {"done": "done", "stopped": "stopped", "failed": "failed", "start": "killed"}


@dataclass
class Progress:
    """Fed with every event from the first; losses in nats per token, ``said`` with seconds since the first event.

    ``training``: (step, loss); ``set_apart``: the same by epoch, of words that stop a run early; ``held_out``: the
    loss of base and twin on the words that the gate asks about, once they are measured.
    """

    step: int = 0
    steps: int | None = None
    loss: float | None = None
    tokens_per_second: float = 0.0
    memory_bytes: int = 0
    seconds_left: float | None = None
    activity: str = ""
    training: list[Point] = field(default_factory=list)
    set_apart: dict[int, Point] = field(default_factory=dict)
    held_out: tuple[float, float] | None = None
    said: list[tuple[float, str]] = field(default_factory=list)
    ending: str | None = None
    _began: float | None = None

    def take(self, events: Iterable[RunEvent]) -> None:
        """Events of a worker that says less than this one expects are passed over."""
        for event in events:
            self._began = event.at if self._began is None else self._began
            try:
                self._note(event)
                self._count(event)
            except (KeyError, TypeError, ValueError):
                continue

    def state(self, working: bool) -> State:
        """``working``: whether a worker has the run, or one is just being started. A worker that is gone without a
        last word was killed."""
        if working:
            return "running" if self.ending else "waiting"
        return _ENDS.get(self.ending, "stopped")

    def _note(self, event: RunEvent) -> None:
        if event.event in _ENDS:
            self.ending = event.event
        now = doing(event)
        self.activity = self.activity if now is None else now
        line = said(event)
        if line:
            self.said = [*self.said[1 - MOST_LINES :], (event.at - (self._began or event.at), line)]

    def _count(self, event: RunEvent) -> None:
        data = event.data
        match event.event:
            case "start":
                self.tokens_per_second, self.seconds_left = 0.0, None
            case "train":
                self._go_back(int(data["step"]))
                self.step, self.steps = int(data["step"]), int(data["steps"])
            case "step":
                self.step, self.steps, self.loss = int(data["step"]), int(data["steps"]), float(data["loss"])
                self.training.append((self.step, self.loss))
                self.tokens_per_second = float(data["tokens_per_second"])
                self.memory_bytes, self.seconds_left = int(data["memory_bytes"]), float(data["seconds_left"])
            case "validation" if data["loss"] is not None and self.steps:
                at = self.steps * int(data["epoch"]) / int(data["epochs"])
                self.set_apart[int(data["epoch"])] = (at, float(data["loss"]))
            case "evaluate":
                self.seconds_left = None
                if "twin_nll" in data:
                    self.held_out = float(data["base_nll"]), float(data["twin_nll"])
            case "stopped":
                self.step, self.steps = int(data["step"]), int(data["steps"])
            case "done":
                self.held_out = float(data["holdout"]["base_nll"]), float(data["holdout"]["twin_nll"])
                self.step = self.steps = int(data["steps"])

    def _go_back(self, step: int) -> None:
        """A resumed run does again what came after its checkpoint."""
        self.training = [point for point in self.training if point[0] <= step]
        self.set_apart = {epoch: point for epoch, point in self.set_apart.items() if point[0] <= step}


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """At most so many points, each the mean of its neighbours; the last one stays where it is."""
    if len(points) <= most:
        return list(points)
    size = -(-len(points) // most)
    groups = [points[at : at + size] for at in range(0, len(points), size)]
    means = [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]
    return [*means[:-1], (points[-1][0], means[-1][1])]

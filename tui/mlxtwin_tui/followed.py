"""A run as a screen follows it: its events read on and on, and its end once it is there."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlxtwin.client.progress import Progress, State
from mlxtwin.client.training import Ending, RunRow, Training, followed
from mlxtwin.client.versions import ReportCard, SlotRow
from mlxtwin.errors import TwinError

LIVE = ("waiting", "running")


@dataclass
class Followed:
    """``asked``: whether it was asked to stop; ``told``: whether its end was shown. Of its end: ``ending`` or
    ``failure``, the ``card`` or why there is ``no_card``, and the ``slot`` it is in."""

    run: str
    row: RunRow | None = None
    progress: Progress = field(default_factory=Progress)
    offset: int = 0
    working: bool | None = None
    budget_bytes: int = 0
    asked: bool = False
    told: bool = False
    ending: Ending | None = None
    failure: TwinError | None = None
    card: ReportCard | None = None
    no_card: TwinError | None = None
    slot: SlotRow | None = None

    @property
    def state(self) -> State:
        return self.progress.state(bool(self.working))

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def ended(self) -> bool:
        """Whether all of its end is here to be shown."""
        return self.ending is not None or self.failure is not None

    def read_on(self, training: Training) -> bool:
        """Take what is new, and whether anything is. Blocks; raises UsageError for a run that is gone."""
        tail = followed(training, self.run, self.progress, self.offset)
        news = bool(tail.events) or tail.working != self.working
        self.offset, self.working = tail.offset, tail.working
        if self.live:
            self.ending = self.failure = self.card = None  # somebody may have gone on with it
            return news
        self.asked = False
        if self.ended:
            return news
        self.read_end(training)
        return True

    def read_end(self, training: Training) -> None:
        """How it ended and which version is in use now. Blocks; what goes wrong is kept to be shown."""
        self.ending = self.failure = self.card = self.no_card = None
        try:
            ending = training.ending(self.run)
            slots = training.versions.slots()
        except TwinError as failure:
            self.failure = failure
            return
        self.slot = next((row for row in slots if row.slot == ending.slot), None)
        if ending.version is not None:
            try:
                self.card = training.versions.card(ending.slot, ending.version)
            except TwinError as error:
                self.no_card = error
        self.ending = ending

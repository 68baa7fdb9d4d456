"""Choose a recipe, see what it will do, start it, and watch it to its verdict."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.timer import Timer
from textual.widgets import Button, ContentSwitcher, Static

from mlxtwin.client.house import House, Overview
from mlxtwin.client.training import Plan, RunRow, Training
from mlxtwin.errors import NothingNew, TwinError
from mlxtwin_tui.dialogs.run_list import RunList
from mlxtwin_tui.dialogs.sure import Sure
from mlxtwin_tui.followed import LIVE, Followed
from mlxtwin_tui.screens.page import Page
from mlxtwin_tui.widgets.keys import key_of
from mlxtwin_tui.widgets.plan_form import PlanForm
from mlxtwin_tui.widgets.plan_view import PlanView
from mlxtwin_tui.widgets.run_view import RunView

_WIDTHS = [(0, "-narrow"), (100, "-wide")]
PLAN_SECONDS, TICK_SECONDS = 0.4, 0.25
# From one look at a run to the next: the curves are drawn no more often.
LOOK_SECONDS = 0.5


class TrainScreen(Page):
    """Three views: ``train-empty`` where there is nothing to learn from, ``train-form`` with the plan of a new run,
    ``train-run`` with a run.

    A run is followed by its events alone, whoever started it; it goes on when nobody looks.
    """

    NAME = "train"
    TITLE = "Train"
    PURPOSE = "Choose a recipe, start it and watch it"
    CSS_PATH = "train.tcss"
    HORIZONTAL_BREAKPOINTS = _WIDTHS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Start", id="train.start", tooltip="Start the run that is planned"),
        Binding("s", "stop", "Stop", id="train.stop", tooltip="Stop the run cleanly after the step it is in"),
        Binding("r", "resume", "Resume", id="train.resume", tooltip="Go on with a run that stopped"),
        Binding("u", "promote", "Use it", id="train.promote", tooltip="Make this version the one in use, by hand"),
        Binding("k", "keep", "Keep the old one", id="train.keep", tooltip="Take the version before back into use"),
        Binding("n", "new", "New run", id="train.new", tooltip="Plan a new run"),
        Binding("w", "watch", "Watch", id="train.watch", tooltip="Back to the run"),
        Binding("v", "curve", "Curve", id="train.curve", tooltip="The curves or the report card"),
        Binding("l", "list", "Runs", id="train.list", tooltip="All runs, to look at one"),
        Binding("escape", "leave_field", "Leave the field", show=False),
    ]

    training_of: Callable[[House], Training] = Training

    def __init__(self) -> None:
        super().__init__()
        self._training: Training | None = None
        self._rows: list[RunRow] = []
        self._followed: Followed | None = None
        self._plan: Plan | None = None
        self._planning: Timer | None = None
        self._words = -1
        self._looked = 0.0
        self._newest: tuple[object, object] = (None, None)
        self._reading = self._starting = self._in_plan = self._wanted = False

    def body(self) -> ComposeResult:
        with ContentSwitcher(initial="train-empty", id="train-views"):
            with Vertical(id="train-empty"):
                yield Static("", id="train-nothing", classes="empty", markup=False)
                yield Button("Import", variant="primary", classes="next", action="app.switch_mode('data')")
            with Container(id="train-form"):
                yield PlanForm(id="plan-form")
                yield PlanView(id="plan-view")
            yield RunView(id="train-run")

    @property
    def training(self) -> Training:
        """Of the house of the app; made when it is first needed."""
        if self._training is None:
            self._training = type(self).training_of(self.house)
        return self._training

    @property
    def view(self) -> str:
        """The id of the view that is shown."""
        return self.query_one(ContentSwitcher).current or ""

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(TICK_SECONDS, self._tick)

    async def came_back(self) -> None:
        self._refresh()

    def show_overview(self, overview: Overview) -> None:
        super().show_overview(overview)
        run = overview.run or {}
        newest = run.get("run"), run.get("state")
        if (overview.words, newest) != (self._words, self._newest) and not self.closed:
            replan = self._words not in (-1, overview.words) and self.view == "train-form"
            self._words, self._newest = overview.words, newest
            self._refresh()
            if replan:
                self._plan_soon()

    # What there is

    @work(exclusive=True, group="refresh")
    async def _refresh(self) -> None:
        """Look at what there is, and show the run under way unless a new one is being planned."""
        ask = self.twin_app.ask
        try:
            rows = await ask(self.training.runs)
            recipes, bases = await ask(self.training.recipes), await ask(self.training.bases)
            slots = await ask(self.training.versions.slots)
        except TwinError as error:
            self.twin_app.tell(error)
            return
        self.query_one(PlanForm).offer(recipes, bases, [row.slot for row in slots])
        seen, self._rows = {row.run for row in self._rows}, rows
        self._choose_view(seen)
        self.refresh_bindings()

    def _choose_view(self, seen: set[str]) -> None:
        """The newest run at first, and later one that was not ``seen`` yet, unless a new one is being planned."""
        newest = self._rows[0] if self._rows else None
        if newest is None and not (self.twin_app.overview and self.twin_app.overview.words):
            self._show_nothing()
        elif newest and (self.view == "train-empty" or self._appeared(newest, seen)):
            self._follow(newest)
        elif self.view == "train-empty":
            self.action_new()

    def _appeared(self, newest: RunRow, seen: set[str]) -> bool:
        known = {*seen, self._followed.run if self._followed else ""}
        return newest.state in LIVE and newest.run not in known and self.view == "train-run"

    def _show_nothing(self) -> None:
        key = key_of(self, "go.data")
        words = f"There is nothing to train on yet. Import some of your own writing first: {key} goes to your data."
        self.query_one("#train-nothing", Static).update(words)
        self._switch("train-empty")

    def _switch(self, view: str) -> None:
        self.query_one(ContentSwitcher).current = view
        self.refresh_bindings()
        first = {"train-form": "#recipe", "train-run": "#run-log", "train-empty": "Button.next"}[view]
        if self.is_current and not self.closed:
            self.query_one(f"#{view}").query_one(first).focus()

    # A new run

    def on_plan_form_changed(self, event: PlanForm.Changed) -> None:
        self._plan_soon()

    def _plan_soon(self) -> None:
        """Once typing pauses."""
        self._plan = None
        self.query_one(PlanView).wait()
        self.refresh_bindings()
        if self._planning is not None:
            self._planning.stop()
        self._planning = self.set_timer(PLAN_SECONDS, self._make_plan)

    @work(group="plan")
    async def _make_plan(self) -> None:
        """One at a time, however often something changes meanwhile: a large vault takes seconds to read."""
        self._wanted = True
        if self._in_plan:
            return
        self._in_plan = True
        try:
            while self._wanted:
                self._wanted = False
                await self._plan_once()
        finally:
            self._in_plan = False

    async def _plan_once(self) -> None:
        form, view = self.query_one(PlanForm), self.query_one(PlanView)
        choice, plan, refused = form.choice, None, None
        try:
            plan = await self.twin_app.ask(self.training.plan, choice)
        except TwinError as error:
            refused = error
        if choice != form.choice or self._wanted:
            return  # another one is wanted by now
        self._plan = plan
        if plan is not None:
            form.show_plan(plan)
            view.show(plan)
        elif refused is not None:
            view.refuse(refused.message, refused.hint, calm=isinstance(refused, NothingNew))
        self.refresh_bindings()

    @work(exclusive=True, group="act")
    async def action_start(self) -> None:
        """Start what is planned; the worker is alive, or over, when this comes back."""
        if self._plan is None or self._starting:
            return
        plan, self._starting = self._plan, True
        self.notify("Starting …", timeout=3)
        try:
            run = await self.twin_app.ask(self.training.start, plan)
            self._follow(await self.twin_app.ask(self.training.look, run))
            self._plan = None
        except TwinError as error:
            self.twin_app.tell(error)
        finally:
            self._starting = False
            self.refresh_bindings()

    def action_new(self) -> None:
        """Plan a new run."""
        self._switch("train-form")
        if self._plan is None:
            self._plan_soon()

    def action_leave_field(self) -> None:
        """Out of a field, so that keys are actions again."""
        if self.view == "train-form":
            self.query_one(PlanView).focus()

    # A run

    def _follow(self, row: RunRow) -> None:
        """Show a run from its first event on."""
        self._followed = Followed(row.run, row)
        self._switch("train-run")
        self._tick()
        self._ask_budget()

    @work(exclusive=True, group="budget")
    async def _ask_budget(self) -> None:
        budget, shown = await self.twin_app.ask(self.training.budget_bytes), self._followed
        if shown is not None:
            shown.budget_bytes = budget
            if shown.working is not None:  # it was read at least once
                self._show(shown)

    def _tick(self) -> None:
        due = monotonic() - self._looked >= LOOK_SECONDS
        if due and self.app.current_mode == self.NAME and self.view == "train-run" and not self._reading:
            self._reading = True
            self._read_on()

    @work(group="tail")
    async def _read_on(self) -> None:
        """Take what is new of the run that is shown, and its end once it is there."""
        try:
            shown = self._followed
            if shown is not None:
                await self._take(shown)
        finally:
            self._reading, self._looked = False, monotonic()

    async def _take(self, shown: Followed) -> None:
        try:
            news = await self.twin_app.ask(shown.read_on, self.training)
        except TwinError as error:
            self.twin_app.tell(error)
            self._followed = None
            self.action_new()
            return
        if news and shown is self._followed:
            self._show(shown)

    def _show(self, shown: Followed) -> None:
        view = self.query_one(RunView)
        view.draw(shown)
        if shown.ended:
            view.end(shown)
        if shown.ended and not shown.told and self.is_current:
            view.query_one("#run-card").focus()
        shown.told = shown.ended
        self.refresh_bindings()

    @work(exclusive=True, group="act")
    async def action_stop(self) -> None:
        """Ask the worker to stop after its step."""
        shown = self._followed
        if shown is None:
            return
        try:
            shown.asked = await self.twin_app.ask(self.training.stop, shown.run)
        except TwinError as error:
            self.twin_app.tell(error)
        self._show(shown)

    @work(exclusive=True, group="act")
    async def action_resume(self) -> None:
        """Go on where it stopped."""
        shown = self._followed
        if shown is None or self._starting:
            return
        self._starting = True
        self.notify("Starting …", timeout=3)
        try:
            await self.twin_app.ask(self.training.resume, shown.run)
        except TwinError as error:
            self.twin_app.tell(error)
        finally:
            self._starting = False
        self._tick()

    def action_watch(self) -> None:
        """From the plan back to the run."""
        if self._followed is not None:
            self._switch("train-run")
            self._tick()

    def action_curve(self) -> None:
        """Where both do not fit: the curves in place of the report card, and back."""
        self.query_one(RunView).toggle_class("-curve")

    @work(exclusive=True, group="act")
    async def action_list(self) -> None:
        """Choose a run to look at."""
        shown = self._followed.run if self._followed else ""
        try:
            self._rows = await self.twin_app.ask(self.training.runs)
        except TwinError as error:
            self.twin_app.tell(error)
        chosen = await self.app.push_screen_wait(RunList(self._rows, shown))
        row = next((row for row in self._rows if row.run == chosen), None)
        if row is not None:
            self._follow(row)

    # Which version is in use

    @work(exclusive=True, group="act")
    async def action_promote(self) -> None:
        """Use this version although the gate said no, or again."""
        shown = self._followed
        if shown is None or shown.ending is None or shown.ending.version is None:
            return
        ending, number = shown.ending, shown.ending.version
        failed = ", ".join(name for name, passed, _ in ending.checks if not passed)
        question = f"Version {number} of slot {ending.slot} did not pass: {failed}. Use it all the same?"
        if failed and not await self.app.push_screen_wait(Sure(question, "Use it")):
            return
        await self._change_use(shown, partial(self.training.versions.use, ending.slot, number, anyway=True))

    @work(exclusive=True, group="act")
    async def action_keep(self) -> None:
        """Take the version that was in use before back."""
        shown = self._followed
        if shown is not None and shown.ending is not None:
            await self._change_use(shown, partial(self.training.versions.rollback, shown.ending.slot))

    async def _change_use(self, shown: Followed, change: Callable[[], object]) -> None:
        try:
            await self.twin_app.ask(change)
        except TwinError as error:
            self.twin_app.tell(error)
        await self.twin_app.ask(shown.read_end, self.training)
        self._show(shown)

    # What can be done now

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in _WHEN and self.is_mounted and not (self.closed or _WHEN[action](self)):
            return False
        return super().check_action(action, parameters)

    def on_descendant_focus(self) -> None:
        self.refresh_bindings()

    def _can_start(self) -> bool:
        return self.view == "train-form" and self._plan is not None and self._plan.fits and not self._starting

    def _can_go_on(self) -> bool:
        shown = self._run_shown()
        damaged = shown is not None and shown.row is not None and shown.row.state == "damaged"
        return shown is not None and not damaged and shown.ended and shown.state in ("stopped", "killed", "failed")

    def _run_shown(self) -> Followed | None:
        return self._followed if self.view == "train-run" else None

    def _is_live(self) -> bool:
        shown = self._run_shown()
        return shown is not None and shown.live and not shown.asked

    def _in_use(self) -> bool | None:
        """Whether the version that this run made is in use; None where it made none or the slot is gone."""
        shown = self._run_shown()
        if shown is None or shown.slot is None or shown.ending is None or shown.ending.version is None:
            return None
        return shown.slot.current == shown.ending.version

    def _can_keep(self) -> bool:
        shown = self._run_shown()
        return bool(self._in_use() and shown and shown.slot and shown.slot.before)

    def _may_plan(self) -> bool:
        return self.view == "train-run" and not self._is_live()

    def _has_both(self) -> bool:
        return self.view == "train-run" and self.has_class("-narrow") and self.query_one(RunView).has_class("-judged")


_WHEN: dict[str, Callable[[TrainScreen], bool]] = {
    "start": TrainScreen._can_start,
    "stop": TrainScreen._is_live,
    "resume": TrainScreen._can_go_on,
    "promote": lambda screen: screen._in_use() is False,
    "keep": TrainScreen._can_keep,
    "new": TrainScreen._may_plan,
    "watch": lambda screen: screen.view == "train-form" and screen._followed is not None,
    "curve": TrainScreen._has_both,
    "list": lambda screen: bool(screen._rows),
    "leave_field": lambda screen: screen.view == "train-form",
}

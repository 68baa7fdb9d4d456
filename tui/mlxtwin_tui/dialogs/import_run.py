"""An import under way: what came so far, and a way to stop it."""

from __future__ import annotations

from threading import Event
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import LoadingIndicator, Static

from mlxtwin.client.imports import ImportRequest, Pace
from mlxtwin.errors import TwinError
from mlxtwin.wording import clock, plural
from mlxtwin_tui.dialogs.dialog import Dialog

SECONDS_BETWEEN = 0.25


class ImportRun(Dialog[dict[str, Any] | TwinError]):
    """Answers with what the import found, or why it ended, which is Interrupted where the person stopped it.

    The house reads in a thread. It is asked to stop when this goes, too, so that leaving the app does not wait for it.
    """

    HEADING = "Importing"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Stop", id="dialog.leave")]

    def __init__(self, request: ImportRequest) -> None:
        super().__init__()
        self._request = request
        self._stop = Event()
        self._done, self._files, self._documents = 0, 0, 0
        self._pace = Pace()

    def content(self) -> ComposeResult:
        yield Static("Looking at the files …", id="count", markup=False)
        yield LoadingIndicator()

    def on_mount(self) -> None:
        self.set_interval(SECONDS_BETWEEN, self._show)
        self._import()

    def on_unmount(self) -> None:
        self._stop.set()

    @work
    async def _import(self) -> None:
        house = self.twin_app.house
        found: dict[str, Any] | TwinError
        try:
            found = await self.twin_app.ask(
                house.import_documents, self._request, self._note, self._stop.is_set, self._pace.told
            )
        except TwinError as error:
            found = error
        self.dismiss(found)

    def _note(self, done: int, files: int, documents: int) -> None:
        """Called from the thread, for each document."""
        self._done, self._files, self._documents = done, files, documents

    def _show(self) -> None:
        if self._stop.is_set():
            words = "Stopping: what was read is being kept …"
        elif self._files and self._done == self._files:
            words = f"{plural(self._documents, 'document')} read. Deciding what to learn from …"
        elif self._files:
            words = f"{self._done:,} of {plural(self._files, 'file')}, {plural(self._documents, 'document')}"
            words += _read(self._pace)
        else:
            return
        self.query_one("#count", Static).update(Content(words), layout=False)

    def action_leave(self) -> None:
        """Ask it to stop; the dialog goes when it has."""
        self._stop.set()
        self._show()


def _read(pace: Pace) -> str:
    """How much of all is read, and how long the rest takes, as far as that is known."""
    share, left = pace.share, pace.seconds_left
    return "" if share is None else f", {share:.0%} read" + ("" if left is None else f", {clock(left)} left")

"""What every dialog has: a title, a place for what went wrong, Escape, and one question to the house at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from mlxtwin.errors import TwinError
from mlxtwin.security.redact import clean_terminal
from mlxtwin_tui.widgets.foot import Foot

if TYPE_CHECKING:
    from mlxtwin_tui.app import TwinApp

Answer = TypeVar("Answer")
Result = TypeVar("Result")


class Dialog(ModalScreen[Answer], Generic[Answer]):
    """Subclasses compose `content`. Dismissed with None by Escape, unless something is under way."""

    CSS_PATH = "dialog.tcss"
    HEADING: ClassVar[str] = ""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Cancel", id="dialog.leave")]

    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall")]  # noqa: RUF012  Textual annotates it otherwise

    busy = False

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog", can_focus=False):
            yield Static(self.HEADING, classes="title", markup=False)
            yield from self.content()
            yield Static("", id="trouble", classes="bad", markup=False)
        yield Foot()

    def content(self) -> ComposeResult:
        """The widgets below the title."""
        yield from ()

    @property
    def twin_app(self) -> TwinApp:
        """The app with its own type."""
        return cast("TwinApp", self.app)

    def action_leave(self) -> None:
        """Give no answer."""
        if not self.busy:
            self.dismiss(None)

    def trouble(self, sentence: str) -> None:
        """Say what is wrong with what was given, below it; empty takes it away."""
        line = self.query_one("#trouble", Static)
        line.update(Content(clean_terminal(sentence)))
        if sentence:
            self.call_after_refresh(line.scroll_visible, animate=False)

    async def attempt(self, question: Callable[..., Result], *given: Any, hint: str | None = None) -> Result | None:
        """Ask the house and show in the dialog why it would not, with a ``hint`` of this dialog's in place of the
        command line's; None then, and while another question is under way."""
        if self.busy:
            return None
        self.busy = True
        self.trouble("One moment …")
        try:
            answer = await self.twin_app.ask(question, *given)
        except TwinError as error:
            self.trouble(error.sentence() if hint is None else f"{error.message} {hint}".strip())
            return None
        finally:
            self.busy = False
        self.trouble("")
        return answer

"""What the twin is made of and what to do next."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from mlxtwin.client.house import Next, Overview
from mlxtwin_tui.screens.page import Page
from mlxtwin_tui.widgets import facts

# What to say, what stands on the button, and the action behind it.
STEPS: dict[Next, tuple[str, str, str]] = {
    "init": (
        "mlxtwin trains a small language model on your own words, on this computer, and talks back in your voice. "
        "First it needs a vault: one encrypted file for all that is yours.",
        "Make the vault",
        "app.open_vault",
    ),
    "unlock": ("The vault is locked. Your words and your twin are in it.", "Unlock the vault", "app.open_vault"),
    "import": (
        "Now it needs words of yours: mail, notes, chats or transcripts that you exported. Some hundred messages do; "
        "more is better.",
        "Import my words",
        "app.import_documents",
    ),
    "train": ("Your words are here. Train a twin on them.", "Train the twin", "app.switch_mode('train')"),
    "watch": ("A training run is under way; it goes on when you leave.", "Watch the run", "app.switch_mode('train')"),
    "chat": ("The twin is ready.", "Chat with the twin", "app.switch_mode('chat')"),
}
BROKEN = ("One of the two files of the vault is missing.", "See what to do", "app.switch_mode('settings')")
NOT_MINE = "There are documents, and none of their words are yours. Import them again and say which author you are."


class HomeScreen(Page):
    """One button has the focus: the next thing to do."""

    NAME = "home"
    TITLE = "Home"
    PURPOSE = "What the twin is made of and what to do next"
    CSS_PATH = "home.tcss"
    NEEDS_VAULT = False
    AUTO_FOCUS = "#next"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (96, "-wide")]  # noqa: RUF012  Textual annotates it otherwise
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "app.import_documents", "Import", id="home.import", tooltip="Read mail, notes and chats"),
        Binding("l", "app.lock", "Lock", id="home.lock", tooltip="Forget the key until the vault is unlocked again"),
    ]

    _action = ""

    def body(self) -> ComposeResult:
        with VerticalScroll(id="home", can_focus=False):
            with Vertical(id="step"):
                yield Static(id="way", markup=False)
                yield Static("Looking …", id="sentence", markup=False)
                yield Button("", variant="primary", id="next", classes="next")
            with Container(id="panels"):
                for name, title in (("run", "Run"), ("slots", "Slots"), ("words", "Made of"), ("dropped", "Left out")):
                    panel = Static(id=name, classes="panel", markup=False)
                    panel.border_title = title
                    yield panel

    def on_mount(self) -> None:
        self.query_one("#next").display = False
        super().on_mount()

    def show_overview(self, overview: Overview) -> None:
        super().show_overview(overview)
        self._show_step(overview)
        for name, lines in facts.panels(overview).items():
            panel = self.query_one(f"#{name}", Static)
            panel.display = bool(lines)
            panel.update(Content("\n".join(lines)))
        self.refresh_bindings()

    def _show_step(self, overview: Overview) -> None:
        sentence, label, self._action = BROKEN if overview.door == "broken" else STEPS[overview.next]
        if overview.next == "import" and overview.documents:
            sentence = NOT_MINE
        self.query_one("#way", Static).update(Content(facts.way(overview)))
        self.query_one("#sentence", Static).update(Content(sentence))
        button = self.query_one("#next", Button)
        button.label = label
        button.refresh(layout=True)  # a longer label needs a wider button
        if not button.display:
            button.display = True
            self.set_focus(button)

    async def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "next":
            await self.run_action(self._action)

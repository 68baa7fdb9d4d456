"""What shall open the vault: the keychain, or a passphrase that is typed twice and never shown."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from mlxtwin.errors import UsageError
from mlxtwin.security.redact import clean_terminal

KEYCHAIN, PASSPHRASE = "keychain", "passphrase"
FEWEST_CHARACTERS = 8


class LockChoice(Vertical):
    """``keychain``: its name, or an empty one and why there is none, as `House.keychain` gives it."""

    class Chosen(Message):
        """All is given: Enter on the keychain, or in the second passphrase."""

    def __init__(self, keychain: tuple[str, str]) -> None:
        super().__init__()
        self._keychain = clean_terminal(keychain[0])
        self._warned_of = ""

    def compose(self) -> ComposeResult:
        if self._keychain:
            yield OptionList(
                Option(Content(f"The keychain of this computer ({self._keychain})"), id=KEYCHAIN),
                Option(Content("A passphrase, typed each time"), id=PASSPHRASE),
                compact=True,
            )
        else:
            yield Static("No keychain can be used here (Settings tells why), so a passphrase locks it.", markup=False)
        yield Input(password=True, placeholder="Passphrase: several words are a good one", id="first")
        yield Input(password=True, placeholder="The same again", id="second")

    def on_mount(self) -> None:
        for field in self.query(Input):
            field.display = not self._keychain

    @property
    def by_passphrase(self) -> bool:
        """Whether a passphrase is what is chosen now."""
        return bool(self.query_one("#first").display)

    def passphrase(self) -> str | None:
        """The passphrase, None for the keychain. Raises UsageError for an empty one or two that differ, and once for
        one that is short: given again it is taken."""
        if not self.by_passphrase:
            return None
        first, second = (self.query_one(f"#{name}", Input).value for name in ("first", "second"))
        if not first.strip():
            raise UsageError("The passphrase is empty.", "Several words that are easy to remember are a good one.")
        if first != second:
            raise UsageError("The two passphrases differ.", "Type the same twice.")
        if len(first) < FEWEST_CHARACTERS and self._warned_of != first:
            self._warned_of = first
            message = f"It has fewer than {FEWEST_CHARACTERS} characters, which a program finds by trying."
            raise UsageError(message, "Press Enter again to use it all the same.")
        return first

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        for field in self.query(Input):
            field.display = event.option_id == PASSPHRASE

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self.by_passphrase:
            self.query_one("#first").focus()
        else:
            self.post_message(self.Chosen())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.input.id == "first":
            self.query_one("#second").focus()
        else:
            self.post_message(self.Chosen())

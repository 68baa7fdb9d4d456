"""What an import brought."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Label

from mlxtwin.client.preview import unclaimed
from mlxtwin.security.redact import clean_terminal
from mlxtwin.wording import plural
from mlxtwin_tui.dialogs.dialog import Dialog

MOST_ERRORS = 10


class ImportSummary(Dialog[str]):
    """Answers "train" or "more", or nothing."""

    HEADING = "Imported"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Close", id="dialog.leave")]
    AUTO_FOCUS = "Button"

    def __init__(self, found: dict[str, Any]) -> None:
        super().__init__()
        self._found = found

    def content(self) -> ComposeResult:
        for line in summary(self._found):
            yield Label(Content(clean_terminal(line)))
        with Horizontal(classes="buttons"):
            if self._found["kept"]:
                yield Button("Train the twin", variant="primary", id="train")
            yield Button("Import more", id="more")
            yield Button("Close", id="close")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(None if event.button.id == "close" else event.button.id)


def summary(found: dict[str, Any]) -> list[str]:
    """The lines, the good news first."""
    lines = [
        f"{plural(found['words_by_me'], 'word')} of yours, in {found['kept']:,} of "
        f"{plural(found['documents'], 'document')}.",
        f"{found['added']:,} new, {found['updated']:,} changed; {plural(found['files'], 'file')} looked at.",
    ]
    if not found["words_by_me"]:
        lines.append("Nothing of it can train the twin: import it again and say which author you are.")
    lines += unclaimed(found)
    lines += _counted("Left out", found["dropped"]) + _counted("Files passed over", found["skipped"])
    errors = [f"Not read: {one['path']}: {one['why']}" for one in found["errors"]]
    lines += errors[:MOST_ERRORS]
    return [*lines, f"... and {len(errors) - MOST_ERRORS:,} more."] if len(errors) > MOST_ERRORS else lines


def _counted(title: str, reasons: dict[str, int]) -> list[str]:
    said = ", ".join(f"{count:,} {reason}" for reason, count in reasons.items())
    return [f"{title}: {said}."] if said else []

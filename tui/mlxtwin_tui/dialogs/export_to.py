"""Where to write an adapter, in the clear."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input, Static

from mlxtwin.client.versions import Versions
from mlxtwin_tui.dialogs.dialog import Dialog

WARNING = (
    "A folder that mlx-lm loads. It is not encrypted, and an adapter can give away the text it was trained on: keep it "
    "as you would keep that text."
)


class ExportTo(Dialog[tuple[str, str]]):
    """Answers with the folder written and that of the base it belongs to."""

    HEADING: ClassVar[str] = "Export a version"
    AUTO_FOCUS = "#folder"

    def __init__(self, versions: Versions, slot: str, number: int) -> None:
        super().__init__()
        self.versions, self.slot, self.number = versions, slot, number

    def content(self) -> ComposeResult:
        yield Static(WARNING, markup=False)
        yield Input(f"~/{self.slot}-v{self.number}", id="folder")
        with Horizontal(classes="buttons"):
            yield Button("Export", variant="primary", id="export")
            yield Button("Cancel", id="cancel", action="screen.leave")

    async def on_input_submitted(self) -> None:
        self._write()

    async def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "export":
            self._write()

    def _write(self) -> None:
        folder = self.query_one(Input).value.strip()

        async def write() -> None:
            base = await self.attempt(self.versions.export, self.slot, self.number, folder)
            if base is not None:
                self.dismiss((folder, base))

        self.run_worker(write(), exclusive=True)

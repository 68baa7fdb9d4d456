"""Choosing what to import, and as what."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Button, DirectoryTree, Input, Select, Tree
from textual.widgets.directory_tree import DirEntry

from mlxtwin.client.imports import ImportRequest
from mlxtwin_tui.dialogs.dialog import Dialog
from mlxtwin_tui.widgets.paths import PathInput, PathSuggester, PathTree, meant, spelled

TIERS = (("any tier", 0), ("tier 1, best", 1), ("tier 2", 2), ("tier 3", 3))
BY_CONTENT = ""


class ImportFiles(Dialog[ImportRequest]):
    """``before``: what was asked for last time, to be mended, with the ``trouble`` there was."""

    HEADING = "Import a file or folder"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "go", "Import it", id="import.go", tooltip="Import the path shown above")
    ]
    AUTO_FOCUS = "PathInput"

    def __init__(self, sources: tuple[str, ...], before: ImportRequest | None = None, trouble: str = "") -> None:
        super().__init__()
        self._sources, self._before, self._trouble = sources, before, trouble

    def content(self) -> ComposeResult:
        before = self._before or ImportRequest((Path.home(),))
        text = spelled(before.paths[0]) + ("" if self._before else "/")
        yield PathInput(text, suggester=PathSuggester(), compact=True, select_on_focus=False)
        yield PathTree(_root(before.paths[0]))
        with Horizontal(id="options"):
            yield Select(
                [("any source", BY_CONTENT), *((f"as {name}", name) for name in self._sources)],
                value=before.as_source or BY_CONTENT, allow_blank=False, compact=True, id="source",
            )  # fmt: skip
            yield Select(
                TIERS,
                value=before.tier or 0, allow_blank=False, compact=True, id="tier",
            )  # fmt: skip
            yield Button("Import", variant="primary", compact=True, id="go")

    def on_mount(self) -> None:
        self.trouble(self._trouble)
        self.query_one(PathTree).show_root = True

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[DirEntry]) -> None:
        """What the cursor of the tree is on is what would be imported."""
        place = self.query_one(PathTree).place
        if place is not None and self.query_one(PathTree).has_focus:
            self.query_one(PathInput).value = spelled(place)
            self.trouble("")

    def on_directory_tree_file_selected(self, event: DirectoryTree.FileSelected) -> None:
        self.query_one(PathInput).value = spelled(event.path)
        self.action_go()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.action_go()

    def on_button_pressed(self) -> None:
        self.action_go()

    def action_go(self) -> None:
        """Answer with the path and the options, once there is such a path."""
        text = self.query_one(PathInput).value
        path = meant(text)
        if not text.strip():
            self.trouble("Type a path, or walk to it in the tree.")
        elif not _is_there(path):
            self.trouble(f"{path} does not exist, or cannot be looked at.")
        elif path.resolve() == Path.home().resolve():
            self.trouble("That is all of your own folder. Choose a file or folder in it.")
        else:
            source, tier = (self.query_one(f"#{name}", Select).value for name in ("source", "tier"))
            self.dismiss(ImportRequest((path,), (), str(source) or None, int(str(tier)) or None))


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _root(path: Path) -> Path:
    """The person's own folder where the path is in it, else the folder of the path."""
    home = Path.home()
    return home if path.is_relative_to(home) or not path.parent.is_dir() else path.parent

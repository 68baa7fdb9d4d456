"""Choosing a file or folder by keys: a line that completes, and a tree to walk in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.suggester import Suggester
from textual.widgets import DirectoryTree, Input

from mlxtwin.security.redact import clean_terminal

MOST_ENTRIES = 5000


def spelled(path: Path) -> str:
    """With ``~`` where it lies in the person's own folder."""
    try:
        return str(Path("~") / path.relative_to(Path.home()))
    except ValueError:
        return str(path)


def meant(text: str) -> Path:
    """The path a person wrote, quotes around it or not."""
    written = text.strip().strip("'\"")
    try:
        return Path(written).expanduser()
    except RuntimeError:  # no such person, in ~person
        return Path(written)


class PathSuggester(Suggester):
    """The first entry that goes on as the person began; folders end in a slash."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        return await asyncio.to_thread(completed, value)


def completed(value: str) -> str | None:
    """The completion of a path, None for one that cannot go on."""
    folder, slash, begun = value.rpartition("/")
    if not slash:
        return "~/" if value == "~" else None
    place = meant(folder or "/")
    try:
        names = [entry.name for _, entry in zip(range(MOST_ENTRIES), place.iterdir(), strict=False)]
    except (OSError, ValueError):
        return None
    fitting = sorted(name for name in names if begun and name.startswith(begun))
    if not fitting or not fitting[0].isprintable():
        return None
    return f"{folder}/{fitting[0]}" + ("/" if (place / fitting[0]).is_dir() else "")


class PathInput(Input):
    """Tab completes as in a shell, and goes on where there is nothing to complete; Down goes to the tree."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", id="path.complete"),
        Binding("down", "app.focus_next", "To the tree", id="path.down", show=False),
    ]

    def action_complete(self) -> None:
        """Take the suggestion, if there is one."""
        self.action_end()
        before = self.value
        self.action_cursor_right()
        if self.value == before:
            self.screen.focus_next()


class PathTree(DirectoryTree):
    """What an import could read: no hidden files. Names are shown as they are, less what a terminal would obey."""

    ICON_NODE = "▸ "
    ICON_NODE_EXPANDED = "▾ "
    ICON_FILE = "  "
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("backspace", "up", "Folder above", id="tree.up", tooltip="Show the folder that this one is in"),
        Binding("right", "open", "Open the folder", id="tree.open", show=False),
        Binding("left", "close", "Close the folder", id="tree.close", show=False),
    ]

    def process_label(self, label: str | Text) -> Text:
        return Text(clean_terminal(str(label)).replace("\n", " "), no_wrap=True)

    def filter_paths(self, paths: Iterable[Path]) -> Iterable[Path]:
        return [path for path in paths if not path.name.startswith(".")]

    @property
    def place(self) -> Path | None:
        """The file or folder under the cursor."""
        node = self.cursor_node
        return node.data.path if node and node.data else None

    def action_up(self) -> None:
        """Root the tree one folder higher."""
        self.path = Path(self.path).absolute().parent

    def action_open(self) -> None:
        """Open the folder under the cursor."""
        if self.cursor_node and self.cursor_node.allow_expand:
            self.cursor_node.expand()

    def action_close(self) -> None:
        """Close it, or go to the folder that holds it."""
        node = self.cursor_node
        if node and node.is_expanded and node.allow_expand:
            node.collapse()
        elif node and node.parent:
            self.move_cursor(node.parent)

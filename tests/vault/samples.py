"""Documents for the vault's tests, and looking at its files from outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from mlxtwin.paths import Home
from mlxtwin.records import Document, Kind, Turn

DUSK = datetime(2024, 2, 29, 18, 30, 5, 123456, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))
LONG = "On the evening of the harvest we walked home along the river without a word"


def document(number: int = 1, text: str = LONG, *, kind: Kind = "mail", title: str = "", drop: str = "") -> Document:
    turns = (
        Turn("Ann Other", False, f"Question {number}?", "quoted", DUSK),
        Turn("Me Myself", True, text, "own", datetime(2024, 3, 1, 8, 0, tzinfo=UTC)),
        Turn("", True, "-- \nMe", "signature"),
    )
    return Document(
        kind, kind, f"key-{number}", title or f"Title {number}", turns, DUSK, "thread", f"box:{number}", drop
    )


def snapshot(home: Home) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(home.root.rglob("*")) if path.is_file()}


def files_with(folder: Path, *pieces: str) -> list[str]:
    """The files under a folder in which any 20 neighbouring characters of a piece stand, in two encodings."""
    needles = {
        piece[start : start + 20].encode(code)
        for piece in pieces
        for start in range(len(piece) - 19)
        for code in ("utf-8", "utf-16-le")
    }
    return [
        str(path)
        for path in folder.rglob("*")
        if path.is_file() and any(needle in content for content in [path.read_bytes()] for needle in needles)
    ]

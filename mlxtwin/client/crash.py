"""An error nobody foresaw, told by its type and its place in the source only.

Its message and the local variables may hold personal text, so neither is ever shown.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from pathlib import Path

MOST_FRAMES = 40
_ROOT = Path(__file__).resolve().parents[1]
_PACKAGES = (_ROOT, _ROOT.parent / "tui" / "mlxtwin_tui", _ROOT.parent / "mlxtwin_tui")
_EDGE = _ROOT / "cli" / "edge.py"


def crash_sentence(error: BaseException) -> str:
    """The type of an error and where it rose, never its message."""
    frames = list(_frames(error))
    own = [frame for frame in frames if _is_ours(frame[0]) and Path(frame[0]) != _EDGE]
    file, line, _ = (own or frames or [("", 0, "")])[-1]
    place = f" at {_short(file)}:{line}" if file else ""
    reason = f" ({os.strerror(error.errno)})" if isinstance(error, OSError) and error.errno else ""
    return f"Something unforeseen went wrong: {type(error).__name__}{reason}{place}."


def trace(error: BaseException) -> list[str]:
    """The frames of an error and of its causes: places and names of types and functions, no values."""
    lines: list[str] = []
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        frames = list(_frames(following))[-MOST_FRAMES:]
        lines.append(f"{type(following).__module__}.{type(following).__qualname__}")
        lines.extend(f"  {_short(file)}:{line} in {function}" for file, line, function in frames)
        following = following.__cause__ or following.__context__
    return lines


def _frames(error: BaseException) -> Iterator[tuple[str, int, str]]:
    for frame, line in traceback.walk_tb(error.__traceback__):
        yield frame.f_code.co_filename, line, frame.f_code.co_name


def _short(file: str) -> str:
    """A source file from its package on, so that no name of a person's folders is shown."""
    path = Path(file)
    for package in _PACKAGES:
        if package in path.parents:
            return path.relative_to(package.parent).as_posix()
    return "/".join(path.parts[-2:])


def _is_ours(file: str) -> bool:
    return any(package in Path(file).parents for package in _PACKAGES)

"""``mlxtwin`` alone, at a terminal: open the screens."""

from __future__ import annotations

import sys

from mlxtwin.cli.talk import Answer
from mlxtwin.client.house import House
from mlxtwin.paths import find_home


def wanted() -> bool:
    """Whether there is a terminal to draw on and to be typed at; Textual draws on stderr."""
    return all(stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stdout__, sys.__stderr__))


def open_screens() -> Answer:
    """Until the person leaves."""
    from mlxtwin_tui.app import run

    return Answer({}, exit_code=run(House(find_home())))

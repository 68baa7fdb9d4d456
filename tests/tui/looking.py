"""What tests of the screens see and wait for."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input

SIZES = [(60, 20), (80, 24), (120, 40)]
TURNS = 400


def text(app: App[None]) -> str:
    """What the present screen shows, line by line, as a person reads it."""
    width, height = app.size
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in lines[:height])[: (width + 1) * height]


async def until(pilot: Pilot[None], true: Callable[[], object]) -> None:
    """Wait for a condition, in turns of the loop."""
    for _ in range(TURNS):
        if true():
            return
        await pilot.pause(0.01)
    raise AssertionError(f"it never came to be; the screen shows:\n{text(pilot.app)}")


async def shows(pilot: Pilot[None], words: str) -> None:
    """Wait until the words are on the screen, wherever its lines break."""
    await until(pilot, lambda: words in " ".join(_unframed(text(pilot.app)).split()))


def _unframed(shown: str) -> str:
    return "".join(" " if "\u2500" <= letter <= "\u259f" else letter for letter in shown)


async def type_in(pilot: Pilot[None], words: str) -> None:
    """One key a letter, as a person would."""
    await pilot.press(*(NAMES.get(letter, letter) for letter in words))


NAMES = {" ": "space", "/": "slash", "~": "tilde", "-": "minus", ".": "full_stop", "_": "underscore", "@": "at"}


async def still(pilot: Pilot[None]) -> None:
    """Nothing blinks in a picture."""
    for field in pilot.app.screen.query(Input):
        field.cursor_blink = False
    await pilot.pause()

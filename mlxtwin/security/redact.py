"""Text made harmless for the screen: terminal escapes and control characters out of it.

What must not be learned is another matter: see `security.masking`.
"""

from __future__ import annotations

import re

_ESCAPES = re.compile(
    "\x1b\\[[0-?]*[ -/]*[@-~]"  # control sequences: colours, cursor
    "|\x9b[0-?]*[ -/]*[@-~]"
    "|(?:\x1b[\\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\\\|\x9c)"  # titles, links, device strings
    "|\x1b[ -/]*[0-~]?"
)
_BEGUN_ESCAPE = re.compile(
    "(?:(?:\x1b\\[|\x9b)[0-?]*[ -/]*|(?:\x1b[\\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*\x1b?|\x1b[ -/]*)\\Z"
)
_LONGEST_ESCAPE = 4096
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # writing direction
    "\ufff9-\ufffb\ufeff\U000e0000-\U000e007f]"
)


def clean_terminal(text: str) -> str:
    """Printable text, line feeds and tabs only: no escapes, no control characters (C0, C1), no bidi overrides.

    Harmless on a piece of a stream too, but of an escape cut in two the rest would show: see TerminalStream.
    """
    return _CONTROLS.sub("", _ESCAPES.sub("", text))


class TerminalStream:
    """``clean_terminal`` over a text that comes in pieces: all that was given out is what it makes of the whole.

    A piece's end that may be the beginning of an escape waits for the next piece, as long as it is not absurdly long.
    """

    def __init__(self) -> None:
        self._waiting = ""

    def feed(self, piece: str) -> str:
        text = self._waiting + piece
        begun = _BEGUN_ESCAPE.search(text)
        end = begun.start() if begun and len(text) - begun.start() <= _LONGEST_ESCAPE else len(text)
        self._waiting = text[end:]
        return clean_terminal(text[:end])

    def finish(self) -> str:
        """What still waited, now that nothing follows it."""
        text, self._waiting = self._waiting, ""
        return clean_terminal(text)

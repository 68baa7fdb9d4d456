"""The words of one block of HTML, with how they are set, to Markdown's emphasis."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

BOLD, ITALIC, STRUCK, CODE, FORMULA = 1, 2, 4, 8, 16
_SPACES = re.compile(r"[ \t\n\r\f]+")
_WIDE = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u200b": "", "\u2060": "", "\u00ad": "", "\ufeff": ""})
_MANY_LINES = re.compile(r"\n{3,}")


@dataclass(slots=True)
class _Run:
    """Words set alike: ``style`` is a sum of the above, ``target`` what they link to."""

    style: int
    target: str
    parts: list[str] = field(default_factory=list)


class Words:
    """Gathers the text of a block; blanks collapse as a browser shows them."""

    def __init__(self) -> None:
        self._runs: list[_Run] = []
        self._last = "\n"

    @property
    def at_line_start(self) -> bool:
        return self._last == "\n"

    def add(self, text: str, style: int = 0, target: str = "") -> None:
        """Text as in the source: blanks and line ends are one blank, none at the start of a line."""
        shown = _SPACES.sub(" ", text)
        if self._last in "\n ":
            shown = shown.removeprefix(" ")
        self._put(shown, style, target)

    def add_lines(self, text: str, style: int = 0, target: str = "") -> None:
        """Text whose blanks and line ends are shown as they are."""
        self._put(text.replace("\r\n", "\n").replace("\r", "\n").expandtabs(4), style, target)

    def end_line(self) -> None:
        self._put("\n", 0, "")

    def _put(self, text: str, style: int, target: str) -> None:
        if not text:
            return
        self._last = text[-1]
        if not self._runs or (self._runs[-1].style, self._runs[-1].target) != (style, target):
            self._runs.append(_Run(style, target))
        self._runs[-1].parts.append(text)

    def take(self, without: int = 0) -> str:
        """What was gathered, less the emphasis in ``without``; empty again afterwards. Blank lines at its ends stay."""
        runs, self._runs, self._last = self._runs, [], "\n"
        text = "".join(_marked(run, run.style & ~without) for run in runs)
        lines = (line.strip() for line in text.translate(_WIDE).split("\n"))
        return _MANY_LINES.sub("\n\n", "\n".join(lines))


def _marked(run: _Run, style: int) -> str:
    text = "".join(run.parts)
    if not style and not run.target:
        return text
    return "\n".join(_marked_line(line, style, run.target) for line in text.split("\n"))


def _marked_line(line: str, style: int, target: str) -> str:
    """Marks stand close to the words, blanks outside of them."""
    core = line.strip()
    if not core:
        return line
    start = line.index(core[0])
    before, after = line[:start], line[start + len(core) :]
    if style & CODE:
        tick = "``" if "`" in core else "`"
        core = f"{tick}{core}{tick}"
    for bit, mark in ((STRUCK, "~~"), (ITALIC, "*"), (BOLD, "**")):
        if style & bit and not style & CODE:
            core = f"{mark}{core}{mark}"
    return f"{before}[{core}]({target}){after}" if target else f"{before}{core}{after}"

"""What importers of chats share: times, pages, what a message answers, and the quotes and code that it holds."""

from __future__ import annotations

import re
from collections import OrderedDict
from datetime import UTC, datetime

from mlxtwin.errors import SourceError
from mlxtwin.sources.base import decode_text, unreadable
from mlxtwin.sources.files import File

QUOTE_CHARACTERS = 600
RECENT_MESSAGES = 5000
MOST_PAGE_BYTES = 64 * 1024 * 1024
_LATEST_SECONDS = 4_102_444_800  # the year 2100
_QUOTE = re.compile(r"[ \t]*>{1,3}(?:[ \t]+|(?=[^\W_]{2})|$)")
_FENCE = re.compile(r"```(?:[\w+#.-]{1,20}\n)?(.*?)```", re.DOTALL)
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")


def unix_moment(value: object, per_second: int = 1) -> datetime | None:
    """Seconds since 1970, or a part of them, as a number or as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value) / per_second
    except (ValueError, OverflowError):
        return None
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < _LATEST_SECONDS else None


def page_text(file: File) -> str:
    """The whole text of an HTML page. Raises SourceError, also for one over MOST_PAGE_BYTES."""
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_PAGE_BYTES + 1)
    except OSError as error:
        raise unreadable(file, error) from None
    if len(data) > MOST_PAGE_BYTES:
        raise SourceError(f"{file.name} is too large: over {MOST_PAGE_BYTES // 1024 // 1024} MB.", "Export it as JSON.")
    return decode_text(data)


def own_and_quoted(text: str) -> tuple[str, str]:
    """A message less what it quotes, and that: lines after ``>``, all after ``>>>``, and blocks of code."""
    own: list[str] = []
    quoted = [code.strip("\n") for code in _FENCE.findall(text)]
    lines = iter(_FENCE.sub("\n", text).split("\n"))
    for line in lines:
        mark = _QUOTE.match(line)
        (quoted if mark else own).append(line[mark.end() :] if mark else line)
        if mark and mark[0].strip() == ">>>":
            quoted.extend(lines)
    return trimmed("\n".join(own)), trimmed("\n".join(quoted))


def trimmed(text: str) -> str:
    """Less outer blanks, blanks at the ends of lines, and more than one empty line in a row."""
    return _BLANK_LINES.sub("\n\n", "\n".join(line.rstrip() for line in text.split("\n"))).strip()


def joined(*parts: str) -> str:
    """The parts that are not blank, a line each."""
    return "\n".join(part for part in parts if part.strip())


class Recent:
    """The latest messages of a chat by their ids, so that an answer can show what it answers."""

    def __init__(self) -> None:
        self._texts: OrderedDict[str, str] = OrderedDict()

    def remember(self, key: object, text: str) -> None:
        if not text or key is None:
            return
        self._texts[str(key)] = text[:QUOTE_CHARACTERS]
        if len(self._texts) > RECENT_MESSAGES:
            self._texts.popitem(last=False)

    def text(self, key: object) -> str:
        """What was said under that id; empty for no id, or none that is remembered."""
        return self._texts.get(str(key), "") if key is not None else ""

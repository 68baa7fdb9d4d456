"""What began a thread of Slack: of the same day, or in the file of the day it was written on."""

from __future__ import annotations

from datetime import timedelta

from mlxtwin.errors import SourceError
from mlxtwin.sources.chat_text import QUOTE_CHARACTERS, Recent, unix_moment
from mlxtwin.sources.files import File
from mlxtwin.sources.json_file import items
from mlxtwin.sources.shapes import as_dict, as_name
from mlxtwin.sources.slack_lists import Workspace
from mlxtwin.sources.slack_text import words_of

MOST_DAYS = 60
_AROUND = tuple(timedelta(days=days) for days in (0, -1, 1))


class Parents:
    """The messages of a day by their time, and of the days before when a thread of theirs goes on."""

    def __init__(self, file: File, place: Workspace) -> None:
        self._file, self._place = file, place
        self._seen = Recent()
        self._opened = {file.name}

    def remember(self, ts: str, text: str) -> None:
        self._seen.remember(ts, text)

    def text(self, ts: str) -> str:
        """The message of that time; empty where it is not in the export, or too many days were looked at."""
        at = unix_moment(ts)
        # A day is that of the workspace, which may be another than that of UTC.
        for days in _AROUND if at else ():
            if found := self._seen.text(ts):
                return found
            assert at
            self._open(f"{at + days:%Y-%m-%d}.json")
        return self._seen.text(ts)

    def _open(self, name: str) -> None:
        if name in self._opened or len(self._opened) > MOST_DAYS:
            return
        self._opened.add(name)
        try:
            for raw in map(as_dict, items(self._file.parent / name, "item")):
                if as_name(raw.get("reply_count")) or raw.get("thread_ts") == raw.get("ts"):
                    said = words_of(raw, self._place)
                    self.remember(as_name(raw.get("ts")), said.text[:QUOTE_CHARACTERS] if said else "")
        except SourceError:
            return

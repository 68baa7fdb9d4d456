"""Signal's chats as text or JSON: what signal-export, sigtop and dumps of Signal Desktop write, and its own JSON Lines.

In all but the oldest of these the person is called "Me" or "You", or each message says which way it went, so nobody has
to say who they are. Not covered: encrypted backups and databases; the HTML beside the text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import head_text, relative_name
from mlxtwin.sources.chat_threads import Chat, mixed_chats, one_chat
from mlxtwin.sources.files import File
from mlxtwin.sources.signal_json import json_form, json_messages, line_entries
from mlxtwin.sources.signal_text import ME, PAGES, Entry, messages_of, text_entries, text_form, told_title

_FOLDER_FILES = frozenset({"chat", "index", "data"})


class Signal:
    """See the module; ``Document.key`` is the chat's name or id and the time of the first message."""

    name = "signal"
    kind: Kind = "chat"

    def recognises(self, file: File) -> float:
        text = head_text(file)
        form = json_form(text)
        if form == "lines":
            # Beside the text that says the same.
            return 0.0 if any((file.parent / page).is_file() for page in PAGES) else 0.95
        if form:
            return 0.95
        # Surer than WhatsApp, whose lines may look alike but for the seconds or the comma.
        return 0.97 if text_form(text, file.name) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        if json_form(head_text(file)) in ("frames", "rows"):
            return
        told = Counter(entry.author for entry in _entries(file))
        if not ME & told.keys() and len(told) > 1:
            yield from told.elements()

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        origin = relative_name(file, root)
        form = json_form(head_text(file))
        if form in ("frames", "rows"):
            yield from mixed_chats(json_messages(file, form, person), source=self.name, origin=origin)
            return
        chat = _chat(file, origin)
        yield from one_chat(messages_of(_entries(file), person), chat, source=self.name, origin=origin)


def _entries(file: File) -> Iterator[Entry]:
    head = head_text(file)
    if json_form(head) == "lines":
        return line_entries(file)
    form = text_form(head)
    if not form:
        raise SourceError(f"{file.name} is no export of Signal that can be read.", "Export it again as text.")
    return text_entries(file, form)


def _chat(file: File, origin: str) -> Chat:
    """Named by the folder of the chat, or the file, or by whom it is with."""
    folder = origin.split("/")[-2:-1] if file.stem in _FOLDER_FILES else []
    others = dict.fromkeys(entry.author for entry in islice(_entries(file), 2000) if entry.author not in ME)
    title = told_title(head_text(file)) or "".join(folder) or " & ".join(sorted(islice(others, 2))) or "Note to Self"
    return Chat(title, title)

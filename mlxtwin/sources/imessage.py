"""Messages on a Mac: ``~/Library/Messages/chat.db`` where it lies, or a copy; also ``sms.db`` of an iPhone's backup.

The database tells which messages the person sent, so nobody needs to be named. Left out are reactions, events of a
group, what apps put into a chat, and what was unsent; an edited message counts as last worded. On a Mac the terminal
needs Full Disk Access. Not covered: attachments, names from Contacts, messages in "Recently Deleted".
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.apple_database import columns_of, database_of, one_line
from mlxtwin.sources.base import relative_name
from mlxtwin.sources.chat import ChatMessage, documents
from mlxtwin.sources.database import has_tables
from mlxtwin.sources.files import File
from mlxtwin.sources.imessage_text import archived_text, edited_text, plain
from mlxtwin.sources.moments import APPLE, since

ME = "me"
_TABLES = ("message", "handle", "chat", "chat_message_join")
_WANTED = (
    "guid", "text", "attributedBody", "message_summary_info", "subject", "handle_id", "date", "is_from_me",
    "thread_originator_guid", "balloon_bundle_id", "associated_message_type", "is_forward",
)  # fmt: skip
# Set in what no person wrote: events of a group, notices, automatic answers, unsent messages.
_NOTICES = (
    "item_type", "group_action_type", "is_system_message", "is_service_message", "is_auto_reply", "is_spam",
    "date_retracted",
)  # fmt: skip
# Types of "associated" messages that are messages still; all others are reactions to one.
_MESSAGES = (0, 2, 3)
_LINK_APP = "com.apple.messages.URLBalloonProvider"
# Until 2017 the seconds were counted, since then their billionths.
_NANOSECONDS_FROM = 10**11
REMEMBERED = 2000
QUOTED_CHARACTERS = 2000
TITLE_MEMBERS = 5


class IMessage:
    """See the module; ``Document.key`` is the address or number of the chat and the time of the first message."""

    name = "imessage"
    kind: Kind = "chat"

    def recognises(self, file: File) -> float:
        return 0.95 if has_tables(file, *_TABLES) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        return iter(())

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        origin = relative_name(file, root)
        with database_of(file, "Messages", "~/Library/Messages/chat.db", _TABLES) as database:
            store = _Store(database)
            for thread, rows in groupby(store.order(), lambda row: one_line(row["thread"])):
                yield from store.chat(thread, rows, origin)


class _Store:
    """The database while its chats are read one after the other."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        names = [name for name in (*_WANTED, *_NOTICES) if name in columns_of(database, "message")]
        self._query = f"SELECT {', '.join(names) or 'ROWID'} FROM message WHERE ROWID = ?"
        self._named = "display_name" in columns_of(database, "chat")
        self._handles = {row[0]: one_line(row[1]) for row in database.execute("SELECT ROWID, id FROM handle")}
        self._members: defaultdict[int, list[str]] = defaultdict(list)
        if {"chat_id", "handle_id"} <= columns_of(database, "chat_handle_join"):
            for chat, handle in database.execute("SELECT chat_id, handle_id FROM chat_handle_join"):
                self._members[chat].append(self._handles.get(handle, ""))

    def order(self) -> Iterator[sqlite3.Row]:
        """Which message belongs to which chat, a thread after the other and each by date.

        Newer systems keep the date beside that; else each message would be looked at once more.
        """
        dated = "(SELECT m.date FROM message m WHERE m.ROWID = j.message_id)"
        if "message_date" in columns_of(self._database, "chat_message_join"):
            dated = f"coalesce(nullif(j.message_date, 0), {dated})"
        named = "coalesce(nullif(c.chat_identifier, ''), c.guid, '') AS thread"
        query = f"SELECT {named}, c.ROWID AS chat, j.message_id AS message FROM chat_message_join j"
        query += f" JOIN chat c ON c.ROWID = j.chat_id ORDER BY 1, {dated}, j.message_id"
        return iter(self._database.execute(query))

    def chat(self, thread: str, rows: Iterator[sqlite3.Row], origin: str) -> Iterator[Document]:
        first = next(rows)
        title = self._title(first["chat"], thread)
        messages = self._messages(_each_once(first, rows), thread)
        return documents(messages, source=IMessage.name, title=title, thread=thread, origin=origin)

    def _title(self, chat: int, thread: str) -> str:
        """The name that a group was given, else its first members."""
        named = "display_name" if self._named else "NULL"
        row = self._database.execute(f"SELECT {named} FROM chat WHERE ROWID = ?", (chat,)).fetchone()
        members = sorted(filter(None, self._members[chat]))[:TITLE_MEMBERS]
        return (one_line(row[0]) if row else "") or " & ".join(members) or thread or "Messages"

    def _messages(self, rows: Iterator[int], thread: str) -> Iterator[ChatMessage]:
        recent = _Recent()
        for number in rows:
            row = self._row(number)
            words = _words(row)
            if not words:
                continue
            quoted = recent.quoted(row.get("thread_originator_guid"))
            recent.add(row.get("guid"), words)
            author, mine = self._author(row, thread)
            yield ChatMessage(author, words, _moment(row.get("date")), mine, quoted)

    def _author(self, row: dict[str, Any], thread: str) -> tuple[str, bool]:
        """Who wrote a message and whether that is the person; what was passed on is another's, whoever sent it."""
        if row.get("is_from_me") == 1:
            return ("", False) if row.get("is_forward") else (ME, True)
        return self._handles.get(row.get("handle_id") or 0, "") or thread, False

    def _row(self, number: int) -> dict[str, Any]:
        row = self._database.execute(self._query, (number,)).fetchone()
        return dict(row) if row else {}


def _each_once(first: sqlite3.Row, rows: Iterator[sqlite3.Row]) -> Iterator[int]:
    """The numbers of messages in order; one that stands in two chats with the same address comes once."""
    last = first["message"]
    yield last
    for row in rows:
        if row["message"] != last:
            last = row["message"]
            yield last


class _Recent:
    """The texts of the latest messages of a chat, to quote from."""

    def __init__(self) -> None:
        self._texts: OrderedDict[str, str] = OrderedDict()

    def add(self, guid: object, words: str) -> None:
        if isinstance(guid, str):
            self._texts[guid] = words[:QUOTED_CHARACTERS]
            if len(self._texts) > REMEMBERED:
                self._texts.popitem(last=False)

    def quoted(self, guid: object) -> str:
        """The message answered, unless it is the one just before."""
        if not isinstance(guid, str) or guid not in self._texts or guid == next(reversed(self._texts)):
            return ""
        return self._texts[guid]


def _words(row: dict[str, Any]) -> str:
    """What a person wrote in a row, with the subject above it; empty for everything else."""
    app = row.get("balloon_bundle_id")
    if any(row.get(name) for name in _NOTICES) or (row.get("associated_message_type") or 0) not in _MESSAGES:
        return ""
    if app and app != _LINK_APP:
        return ""
    told = row.get("text")
    text = plain(told) if isinstance(told, str) else ""
    text = (
        text or plain(archived_text(row.get("attributedBody"))) or plain(edited_text(row.get("message_summary_info")))
    )
    subject = row.get("subject")
    above = plain(subject) if isinstance(subject, str) else ""
    return "\n".join(filter(None, (above, text)))


def _moment(value: object) -> datetime:
    """A date of the database, which counts from 2001 on; 2001 itself for one that cannot be."""
    if not isinstance(value, int | float):
        return APPLE
    return since(APPLE, value / 10**9 if abs(value) >= _NANOSECONDS_FROM else value) or APPLE

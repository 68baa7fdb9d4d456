"""Reddit's data request: ``comments.csv``, ``posts.csv``, ``messages.csv`` and ``chat_history.csv``.

Comments and posts are the person's own but for the lines they quote; of a post that links elsewhere the title is not,
for it is mostly that of the page. In messages ``statistics.csv`` beside them tells the person's name, else ``--me``.
Not covered: what a comment answers, which the export does not hold; drafts; votes.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person
from mlxtwin.sources.base import clean_text, head_text, relative_name
from mlxtwin.sources.chat import ChatMessage, documents
from mlxtwin.sources.files import File
from mlxtwin.sources.moments import UNIX, written
from mlxtwin.sources.quoted_lines import own_turns, split
from mlxtwin.sources.table import rows

ME = "me"
# Messages of many threads stand mixed in one file; so much of it is held to sort them.
HELD_CHARACTERS = 64 * 1024 * 1024
_COLUMNS = {
    "chat": {"message_id", "created_at", "username", "message", "channel_url"},
    "message": {"id", "thread_id", "date", "from", "to", "body"},
    "post": {"id", "permalink", "date", "subreddit", "title", "body"},
    "comment": {"id", "permalink", "date", "subreddit", "body"},
}
_GONE = frozenset({"[removed]", "[deleted]", "[removed by reddit]", "[ removed by reddit ]", "[deleted by user]"})
_NAMES = frozenset({"account name", "account_name", "username", "user name"})
_ENTITIES = (("&gt;", ">"), ("&lt;", "<"), ("&#x200b;", ""), ("&amp;", "&"))
_PLACE = re.compile(r"/comments/(?P<post>\w{1,20})(?:/(?P<slug>[^/?#\s]{1,300}))?")
_OWN_PAGE = re.compile(r"(?i)(?:https?://(?:\w+\.)?reddit\.com)?/(?:r|user)/[^/\s]+/comments/")

Row = dict[str, str]


class Reddit:
    """See the module; ``Document.key`` is Reddit's own number of the item, or the thread's with its first time."""

    name = "reddit"
    kind: Kind = "post"

    def recognises(self, file: File) -> float:
        return 0.95 if kind_of(file) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        """Senders of messages, where no file beside them tells the person's name."""
        kind = kind_of(file)
        if kind in ("message", "chat") and not _account(file):
            sender = "from" if kind == "message" else "username"
            yield from (name for row in rows(file) if (name := _name(row.get(sender, ""))))

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        kind, account, origin = kind_of(file), _account(file), relative_name(file, root)
        if kind in ("message", "chat"):
            yield from _letters(_sent(file, kind), _is_me(account, person), origin)
        else:
            yield from _posts(file, kind, account or ME, origin)


def kind_of(file: File) -> str:
    """``comment``, ``post``, ``message`` or ``chat`` by the names of the columns; empty for another file."""
    line = head_text(file)[:2000].split("\n", 1)[0]
    with suppress(csv.Error, StopIteration):
        names = {name.strip().casefold() for name in next(csv.reader([line]))}
        return next((kind for kind, needed in _COLUMNS.items() if needed <= names), "")
    return ""


def _account(file: File) -> str:
    """The person's name from the file beside; empty where it is not told."""
    with suppress(SourceError):
        for row in rows(file.parent / "statistics.csv"):
            if row.get("statistic", "").strip().casefold() in _NAMES:
                return _name(row.get("value", ""))
    return ""


def _is_me(account: str, person: Person) -> Callable[[str], bool]:
    known = Person.of([account])
    return known.is_me if known else person.is_me


def _name(value: str) -> str:
    """A user's name without the ``u/`` before it."""
    return re.sub(r"\A/?u/", "", " ".join(value.split()))


def _plain(value: str) -> str:
    """Text with the few entities of Reddit's decoded; nothing for what was removed or deleted."""
    words = clean_text(value)
    for entity, character in _ENTITIES:
        words = words.replace(entity, character)
    return "" if words.strip().casefold() in _GONE else words.strip()


def _posts(file: File, kind: str, author: str, origin: str) -> Iterator[Document]:
    seen: set[str] = set()
    found = False
    for row in rows(file):
        found = found or "body" in row
        key = row.get("id", "").strip()
        if key and key not in seen:
            seen.add(key)
            yield _post(row, kind or "comment", key, author, origin)
    if not found and not kind:
        raise SourceError(f"{file.name} is no file of Reddit's export.", "Import its comments.csv or posts.csv.")


def _post(row: Row, kind: str, key: str, author: str, origin: str) -> Document:
    at = written(row.get("date", ""))
    place = _PLACE.search(row.get("permalink", "")) or _PLACE.search(row.get("link", ""))
    gone = row.get("body", "").strip().casefold() in _GONE
    turns = tuple(own_turns(author, _words(row, kind), at))
    own = any(turn.trainable for turn in turns)
    drop = "" if own else "deleted" if gone else "not by me" if turns else "empty"
    title = " ".join(row.get("title", "").split()) or _heading(place, row)
    thread = place["post"] if place else key
    return Document("post", Reddit.name, f"{kind}/{key}", title, turns, at, thread, f"{origin}#{key}", drop)


def _words(row: Row, kind: str) -> str:
    """The body; of a post without one its title, if it links to nothing but itself."""
    body = _plain(row.get("body", ""))
    link = row.get("url", "").strip()
    alone = kind == "post" and not row.get("body", "").strip() and (not link or _OWN_PAGE.match(link))
    return _plain(row.get("title", "")) if alone else body


def _heading(place: re.Match[str] | None, row: Row) -> str:
    """The title of the post that a comment stands under, as its address has it; else the subreddit."""
    slug = " ".join((place["slug"] or "").replace("_", " ").split()) if place else ""
    return slug or f"r/{row.get('subreddit', '').strip()}"


@dataclass(frozen=True, slots=True)
class _Sent:
    """One message as a row has it."""

    thread: str
    at: datetime
    author: str
    title: str
    text: str
    key: str
    answers: str = ""


def _sent(file: File, kind: str) -> Iterator[_Sent]:
    for row in rows(file):
        text = _plain(row.get("body" if kind == "message" else "message", ""))
        if not text:
            continue
        if kind == "message":
            key, author, at = row.get("id", ""), _name(row.get("from", "")), written(row.get("date", ""))
            thread, title = row.get("thread_id", "") or key, row.get("subject", "")
            yield _Sent(thread.strip(), at or UNIX, author, title, text, key)
        else:
            thread, title = row.get("channel_url", ""), row.get("channel_name", "") or row.get("subreddit", "")
            at, answers = written(row.get("created_at", "")), row.get("thread_parent_message_id", "")
            author, key = _name(row.get("username", "")), row.get("message_id", "")
            yield _Sent(thread.strip(), at or UNIX, author, title, text, key, answers)


def _letters(sent: Iterator[_Sent], is_me: Callable[[str], bool], origin: str) -> Iterator[Document]:
    for held in _stretches(sent):
        known = {message.key: message.text for message in held if message.key}
        held.sort(key=lambda message: (message.thread, message.at))
        for thread, run in groupby(held, lambda message: message.thread):
            messages = list(run)
            told = (_message(message, is_me, known) for message in messages)
            title = next((" ".join(one.title.split()) for one in messages if one.title.strip()), "") or "Messages"
            yield from documents(
                (one for one in told if one), source=Reddit.name, title=title, thread=thread, origin=origin
            )


def _stretches(sent: Iterator[_Sent]) -> Iterator[list[_Sent]]:
    """The messages in stretches that fit into memory; mostly there is but one. What is wrong is told after them."""
    held: list[_Sent] = []
    size = 0
    trouble: SourceError | None = None
    try:
        for message in sent:
            held.append(message)
            size += len(message.text)
            if size > HELD_CHARACTERS:
                yield held
                held, size = [], 0
    except SourceError as error:
        trouble = error
    if held:
        yield held
    if trouble:
        raise trouble


def _message(sent: _Sent, is_me: Callable[[str], bool], known: dict[str, str]) -> ChatMessage | None:
    mine = is_me(sent.author)
    parts = split(sent.text) if mine else [("own", sent.text)]
    quoted = [known.get(sent.answers, "")] if sent.answers else []
    quoted += [words for role, words in parts if role == "quoted"]
    own = "\n\n".join(words for role, words in parts if role == "own")
    if not own:
        return None
    return ChatMessage(sent.author, own, sent.at.astimezone(UTC), mine, "\n\n".join(filter(None, quoted)))

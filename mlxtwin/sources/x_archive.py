"""The archive of X, formerly Twitter: ``tweets.js`` (``tweet.js``), ``note-tweet.js`` and ``direct-messages.js``.

Each file is JSON behind the name of a variable. Tweets are the person's own but for what they retweet; a reply keeps
the thread it stands in, without the names of those it answers. In direct messages ``account.js`` beside them tells who
the person is, else ``--me`` with the number that X knows them by. Not covered: likes, deleted tweets, lists, pictures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from textwrap import shorten
from typing import Any

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person, Turn
from mlxtwin.sources.base import head_text, read_head, relative_name, unreadable
from mlxtwin.sources.chat import ChatMessage, documents
from mlxtwin.sources.files import File
from mlxtwin.sources.json_file import items, text
from mlxtwin.sources.moments import UNIX, written
from mlxtwin.sources.shapes import as_dict, as_list, as_name
from mlxtwin.sources.x_archive_text import Words, decoded, is_cut, is_reply, likeness, linked, targets, words_of

ME = "me"
_VARIABLE = re.compile(
    r"\s*(?:window\.YTD\.(?P<kind>\w{1,60})\.part\d+|(?P<old>Grailbird\.data\.tweets_\w{1,20}))\s*=\s*"
)
_TWEETS = frozenset({"tweet", "tweets", "community_tweet", "twitter_circle_tweet"})
_LONG = "note_tweet"
_LETTERS = frozenset({"direct_messages", "direct_message", "direct_messages_group", "direct_message_group"})
_DAY_FORM = "%a %b %d %H:%M:%S %z %Y"


class X:
    """See the module; ``Document.key`` is the tweet's number, or the conversation's with its first message's time."""

    name = "x"
    kind: Kind = "post"

    def recognises(self, file: File) -> float:
        return 0.95 if kind_of(file) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        """Senders of messages, where no account beside them says which is the person's."""
        if kind_of(file) in _LETTERS and not _account(file):
            for conversation in _items(file, "dmConversation"):
                for message in _messages(conversation):
                    yield as_name(message.get("senderId"))

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        kind, origin = kind_of(file), relative_name(file, root)
        if not kind:
            raise _refusal(file)
        if kind in _LETTERS:
            yield from _told_once(_letters(file, origin, person))
        elif kind == _LONG:
            yield from _told_once(_long_tweets(file, origin))
        else:
            yield from _told_once(_tweets(file, origin))


def kind_of(file: File) -> str:
    """``tweets``, ``note_tweet`` or a name of direct messages; empty for a file that holds neither."""
    found = _VARIABLE.match(head_text(file)[:400])
    kind = (found["kind"] or "tweets") if found else ""
    return kind if kind in _TWEETS | _LETTERS | {_LONG} else ""


def _refusal(file: File) -> SourceError:
    try:
        file.open("rb").close()
    except OSError as error:
        return unreadable(file, error)
    return SourceError(f"{file.name} is no file of X's archive.", "Import its tweets.js or direct-messages.js.")


def _items(file: File, wrapper: str) -> Iterator[dict[str, Any]]:
    """The objects of the list behind the variable's name, out of the wrapper that newer archives put around each."""
    skip = read_head(file, 1024).find(b"=") + 1
    for item in items(file, "item", skip=skip):
        told = as_dict(item)
        yield as_dict(told.get(wrapper)) or told


def _account(file: File) -> dict[str, Any]:
    """The account that the archive is of, as told by the file beside; empty where there is none."""
    with suppress(SourceError):
        return next(_items(file.parent / "account.js", "account"), {})
    return {}


def _told_once(made: Iterator[Document]) -> Iterator[Document]:
    seen: set[str] = set()
    for document in made:
        if document.key not in seen:
            seen.add(document.key)
            yield document


def _tweets(file: File, origin: str) -> Iterator[Document]:
    author = as_name(_account(file).get("username")) or ME
    answered = _answered(file)
    whole = _beginnings(file.parent / "note-tweet.js")
    for tweet in _items(file, "tweet"):
        key = _number(tweet)
        if key:
            yield _tweet(tweet, key, _root(key, answered), author, origin, whole)


def _tweet(tweet: dict[str, Any], key: str, thread: str, author: str, origin: str, whole: set[str]) -> Document:
    words, at = words_of(tweet), _moment(tweet.get("created_at"))
    turns = tuple(_turns(words, author, at))
    drop = "" if words.own else "a retweet" if words.passed_on else "empty"
    if is_cut(words.own) and likeness(words.own) in whole:
        drop = "whole in another file"
    title = shorten(words.own or words.passed_on, 60, placeholder=" …") or key
    if is_reply(tweet) and as_name(tweet.get("in_reply_to_screen_name")):
        title = f"Reply to @{as_name(tweet.get('in_reply_to_screen_name'))}"
    return Document("post", X.name, key, title, turns, at, thread, f"{origin}#{key}", drop)


def _turns(words: Words, author: str, at: datetime | None) -> Iterator[Turn]:
    if words.own:
        yield Turn(author, True, words.own, "own", at)
    if words.passed_on:
        yield Turn(words.author, False, words.passed_on, "forwarded", at)


def _long_tweets(file: File, origin: str) -> Iterator[Document]:
    author = as_name(_account(file).get("username")) or ME
    for note in _items(file, "noteTweet"):
        key = as_name(note.get("noteTweetId"))
        own, at = _long_words(note), _moment(note.get("createdAt"))
        if key and own:
            turns = (Turn(author, True, own, "own", at),)
            title = shorten(own, 60, placeholder=" …")
            yield Document("post", X.name, f"note/{key}", title, turns, at, f"note/{key}", f"{origin}#{key}")


def _long_words(note: dict[str, Any]) -> str:
    core = as_dict(note.get("core"))
    return decoded(linked(text(core.get("text")), targets(core.get("urls"), "expandedUrl")))


def _beginnings(file: File) -> set[str]:
    """How the long tweets beside begin: ``tweets.js`` has them cut."""
    found: set[str] = set()
    with suppress(SourceError):
        found.update(likeness(_long_words(note)) for note in _items(file, "noteTweet"))
    return found - {""}


def _answered(file: File) -> dict[str, str]:
    """Of each tweet that answers one, the number of that one."""
    found: dict[str, str] = {}
    # What is wrong with the file is told when it is read.
    with suppress(SourceError):
        for tweet in _items(file, "tweet"):
            parent = as_name(tweet.get("in_reply_to_status_id_str")) or as_name(tweet.get("in_reply_to_status_id"))
            if parent:
                found[_number(tweet)] = parent
    return found


def _root(key: str, answered: dict[str, str]) -> str:
    """The tweet a thread starts with; what stands between is led there as well, so that no chain is walked twice."""
    path = []
    while key in answered:
        path.append(key)
        key = answered.pop(key)
    answered.update(dict.fromkeys(path, key))
    return key


def _number(tweet: dict[str, Any]) -> str:
    return as_name(tweet.get("id_str")) or as_name(tweet.get("id"))


def _letters(file: File, origin: str, person: Person) -> Iterator[Document]:
    told = _account(file)
    account, me = as_name(told.get("accountId")), as_name(told.get("username")) or ME
    is_me: Callable[[str], bool] = (lambda sender: sender == account) if account else person.is_me
    for conversation in _items(file, "dmConversation"):
        thread = as_name(conversation.get("conversationId"))
        if not thread:
            continue
        messages = sorted(_words(conversation, is_me, me), key=lambda message: message.at)
        title = _title(conversation, thread, account)
        yield from documents(messages, source=X.name, title=title, thread=thread, origin=origin)


def _messages(conversation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for entry in as_list(conversation.get("messages")):
        message = as_dict(as_dict(entry).get("messageCreate"))
        if message:
            yield message


def _words(conversation: dict[str, Any], is_me: Callable[[str], bool], me: str) -> Iterator[ChatMessage]:
    for message in _messages(conversation):
        sender = as_name(message.get("senderId"))
        own = decoded(linked(text(message.get("text")), targets(message.get("urls"), "expanded")))
        if own:
            author, mine = (me, True) if is_me(sender) else (sender, False)
            yield ChatMessage(author, own, _moment(message.get("createdAt")) or UNIX, mine)


def _title(conversation: dict[str, Any], thread: str, account: str) -> str:
    """The last name given to a group, else the numbers of the others."""
    changes = (as_dict(as_dict(entry).get("conversationNameUpdate")) for entry in as_list(conversation.get("messages")))
    named = sorted((as_name(change.get("createdAt")), as_name(change.get("name"))) for change in changes if change)
    if named and named[-1][1]:
        return named[-1][1]
    others = [number for number in thread.split("-") if number != account]
    return f"Messages with {' and '.join(others)}" if others else thread


def _moment(value: Any) -> datetime | None:
    made = written(value)
    if made or not isinstance(value, str):
        return made
    try:
        return datetime.strptime(value, _DAY_FORM).astimezone(UTC)
    except (ValueError, OverflowError):
        return None

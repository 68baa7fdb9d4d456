"""Messages of any chat to Documents: stretches without a long silence, what one person sent in a row as one turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mlxtwin.records import Document, Turn

SESSION_GAP = timedelta(hours=6)
MOST_TURNS = 60
CUT_TURNS = 48
MOST_WORDS = 3000
MOST_TITLE_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """What one person sent. ``text``: cleaned and not blank; ``at``: aware; ``mine``: by the person themselves.

    ``quoted``: what the message answers or passes on, as context that nobody learns from.
    """

    author: str
    text: str
    at: datetime
    mine: bool
    quoted: str = ""


def documents(
    messages: Iterable[ChatMessage], *, source: str, title: str, thread: str, origin: str
) -> Iterator[Document]:
    """A Document per session, in the order of the messages; none for no messages.

    ``thread`` names the chat within the source and never changes from one export to the next: it and the time of the
    first message are the key.
    """
    title = title[:MOST_TITLE_CHARACTERS].strip()
    keys: Counter[str] = Counter()
    for turns in sessions(messages):
        start = turns[0].at or datetime.min.replace(tzinfo=UTC)
        key = f"{thread}|{start:%Y-%m-%dT%H:%M:%S}"
        keys[key] += 1
        number = f".{keys[key]}" if keys[key] > 1 else ""
        drop = "" if any(turn.trainable for turn in turns) else "not by me"
        place = f"{origin}#{start:%Y-%m-%dT%H:%M}"
        yield Document("chat", source, key + number, title, tuple(turns), start, thread, place, drop)


def sessions(messages: Iterable[ChatMessage]) -> Iterator[list[Turn]]:
    """Cut at a long silence, and where a stretch grows too long and somebody else begins."""
    held: list[list[ChatMessage]] = []
    words, last = 0, datetime.min.replace(tzinfo=UTC)
    for message in messages:
        same = bool(held) and held[-1][0].author == message.author and held[-1][0].mine == message.mine
        full = len(held) >= CUT_TURNS or words >= MOST_WORDS
        cut = full and not same and (len(held) >= MOST_TURNS or not message.mine)
        if held and (cut or abs(message.at - last) > SESSION_GAP or words >= 2 * MOST_WORDS):
            yield [turn for run in held for turn in _turns(run)]
            held, words, same = [], 0, False
        if same and not message.quoted:
            held[-1].append(message)
        else:
            held.append([message])
        words += len(message.text.split())
        last = message.at
    if held:
        yield [turn for run in held for turn in _turns(run)]


def _turns(run: list[ChatMessage]) -> Iterator[Turn]:
    """Messages one person sent in a row, a line each."""
    first = run[0]
    if first.quoted.strip():
        yield Turn("", False, first.quoted, "quoted", first.at)
    text = "\n".join(message.text for message in run)
    yield Turn(first.author, first.mine, text, "own" if first.mine else "received", first.at)

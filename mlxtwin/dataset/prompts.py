"""The requests that a text of one's own answers when nobody's words came before it."""

from __future__ import annotations

import re

from mlxtwin.dataset.pieces import last_words
from mlxtwin.records import Kind

TITLE_CHARACTERS = 120
CONTINUE_WORDS = 40

# Importers number the parts of a long file.
_PART = re.compile(r" \(\d+\)$")
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*\.?"
_WEEKDAY = r"(?:(?:mon|tue|tues|wed|wednes|thu|thur|thurs|fri|sat|satur|sun)(?:day)?\.?,?\s+)?"
_YEAR = r"(?:,?\s+\d{4}(?:[/–-]\d{1,4})?)?"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_DATE = re.compile(
    rf"{_WEEKDAY}(?:\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}"
    rf"|{_DAY}\.?\s+(?:of\s+)?{_MONTH}{_YEAR}|{_MONTH}\s+{_DAY}{_YEAR})",
    re.IGNORECASE,
)


def write(kind: Kind, title: str) -> str:
    """The request for a text of this kind; its title as one line, a date as a diary entry."""
    title = one_line(title)
    if kind == "mail":
        return f'Write a mail with the subject "{title}".' if title else "Write a mail."
    if _PART.search(title):  # a later part of a long text is not what its title asks for
        title = ""
    if kind == "note":
        if is_date(title):
            return f"Write a diary entry for {title.rstrip('.')}."
        return f'Write a note titled "{title}".' if title else "Write a note."
    if kind == "document":
        return f'Write a text titled "{title}".' if title else "Write a text."
    if kind == "post":
        return f'Write a post titled "{title}".' if title else "Write a post."
    return f'Start a conversation titled "{title}".' if title and kind == "transcript" else "Start a conversation."


def is_titled(kind: Kind, title: str) -> bool:
    """Whether the request that `write` makes says more than the kind of text that is wanted."""
    return write(kind, title) != write(kind, "")


def go_on(before: str) -> str:
    """The request to go on from the end of one's own text."""
    return f"Continue: {last_words(before, CONTINUE_WORDS)}"


def about(request: str, given: str) -> str:
    """A request with the text that it is about."""
    return f"{request}\n\n{given}"


def in_parts(user: str) -> tuple[str, str]:
    """The request, and what it is about, of what `about` or `write` made."""
    request, _, given = user.partition("\n\n")
    return request, given


def with_subject(title: str, received: str) -> str:
    """Received mail as it is shown to the model."""
    title = one_line(title)
    return f"Subject: {title}\n\n{received}" if title else received


def is_date(title: str) -> bool:
    return bool(_DATE.fullmatch(title.strip().rstrip(".")))


def one_line(title: str) -> str:
    return " ".join(title.split())[:TITLE_CHARACTERS].rstrip()

"""What a person typed into Slack: its marks for people, channels and links as words, and which messages are none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlxtwin.sources.chat_text import own_and_quoted
from mlxtwin.sources.json_file import text
from mlxtwin.sources.shapes import as_dict, as_list, as_name
from mlxtwin.sources.slack_lists import Workspace

_SLACKBOT = "USLACKBOT"
_TYPED = frozenset({"", "thread_broadcast", "reply_broadcast", "me_message", "file_share", "file_comment"})
_MARK = re.compile(r"<(?:([@#!])([^<>|\n]{1,2000})|([a-zA-Z][\w+.-]{1,20}:[^<>|\n]{1,2000}))(?:\|([^<>\n]{0,2000}))?>")
_UPLOAD = re.compile(
    r"<@\w+(?:\|[^<>]*)?> (?:uploaded|shared) (?:an?|\d+) [\w ]{1,30}:? .*?(?:and commented: (.*))?", re.DOTALL
)
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
_MOST_ELEMENTS = 10_000


@dataclass(frozen=True, slots=True)
class Said:
    """What the user of that id typed, and what they quoted."""

    user: str
    text: str
    quoted: str


def words_of(raw: dict[str, Any], place: Workspace) -> Said | None:
    """None for what no person typed."""
    kind = as_name(raw.get("subtype"))
    if raw.get("type", "message") != "message" or kind not in _TYPED or raw.get("bot_id") or raw.get("hidden"):
        return None
    user, typed = as_name(raw.get("user")), text(raw.get("text"))
    if user == _SLACKBOT:
        return None
    if kind == "file_comment":
        comment = as_dict(raw.get("comment"))
        user, typed = as_name(comment.get("user")), text(comment.get("comment"))
    elif kind == "file_share" and (upload := _UPLOAD.fullmatch(typed)):
        typed = upload[1] or ""
    typed = typed or _block_text(raw)
    own, quoted = own_and_quoted(readable(typed, place))
    return Said(user, own, quoted) if user and own else None


def readable(typed: str, place: Workspace) -> str:
    """Slack's marks as the words that a reader sees."""

    def shown(mark: re.Match[str]) -> str:
        sign, what, address, label = mark.groups()
        if address:
            return label or address.removeprefix("mailto:")
        if sign == "@":
            return f"@{place.members[what].name if what in place.members else label or what}"
        if sign == "#":
            return f"#{label or place.channels.get(what, what)}"
        return label or f"@{what.partition('^')[0]}"

    plain = _MARK.sub(shown, typed)
    for entity, sign in _ENTITIES:
        plain = plain.replace(entity, sign)
    return plain


def _block_text(raw: dict[str, Any]) -> str:
    """The words of the rich text that a message is made of, where it has no plain text."""
    return "".join(_elements(raw)).strip()


def _elements(raw: dict[str, Any]) -> Iterator[str]:
    waiting = [block for block in reversed(as_list(raw.get("blocks"))) if as_dict(block).get("type") == "rich_text"]
    for _ in range(_MOST_ELEMENTS):
        if not waiting:
            return
        element = waiting.pop()
        if isinstance(element, str):
            yield element
            continue
        found = as_dict(element)
        kind = as_name(found.get("type"))
        if kind in ("rich_text_quote", "rich_text_preformatted"):
            continue
        if kind in ("rich_text_section", "rich_text_list"):
            waiting.append("\n")
        waiting.extend(reversed(as_list(found.get("elements"))))
        yield _element_text(kind, found)


def _element_text(kind: str, found: dict[str, Any]) -> str:
    if kind == "user":
        return f"<@{as_name(found.get('user_id'))}>"
    if kind == "channel":
        return f"<#{as_name(found.get('channel_id'))}>"
    if kind == "emoji":
        return f":{as_name(found.get('name'))}:"
    return text(found.get("text")) or text(found.get("url")) if kind in ("text", "link") else ""

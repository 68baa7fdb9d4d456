"""The text of a tweet or direct message as it was typed: links written out or gone, entities decoded, retweets told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from mlxtwin.sources.json_file import text
from mlxtwin.sources.shapes import as_dict, as_list

_SHORT = re.compile(r"https?://t\.co/\w{1,40}")
_TWEET_LINK = re.compile(r"(?i)https?://(?:mobile\.|www\.)?(?:twitter|x)\.com/[^/\s]+(?:/web)?/status(?:es)?/\d+")
_RETWEET = re.compile(r"(?:^|\s)[\"“]?RT @(?P<author>\w{1,30}):?\s?")
_ANSWERED = re.compile(r"\A(?:\.?@\w{1,30}\s+)+")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "'"), ("&amp;", "&"))
_ELLIPSIS = re.compile(r"\s*…\s*$")
_SPACE = re.compile(r"[ \t]{2,}")
# Of a long tweet, the short form and the whole begin alike.
LIKENESS_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class Words:
    """What the person wrote, and what they passed on of ``author``; each may be empty."""

    own: str
    passed_on: str = ""
    author: str = ""


def words_of(tweet: dict[str, Any]) -> Words:
    """The words of one tweet of the archive."""
    plain = decoded(linked(text(tweet.get("full_text")) or text(tweet.get("text")), _links(tweet)))
    retweet = _RETWEET.search(plain)
    if retweet:
        return Words(plain[: retweet.start()].strip(), plain[retweet.end() :].strip(' "”\n'), retweet["author"])
    if "retweeted_status" in tweet:
        return Words("", plain)
    return Words(_ANSWERED.sub("", plain, count=1) if is_reply(tweet) else plain)


def is_reply(tweet: dict[str, Any]) -> bool:
    return any(
        tweet.get(name) for name in ("in_reply_to_status_id_str", "in_reply_to_status_id", "in_reply_to_user_id")
    )


def linked(words: str, links: dict[str, str]) -> str:
    """Short links written out; gone are those that lead to another tweet or to the picture beside the text."""

    def put(found: re.Match[str]) -> str:
        target = links.get(found[0], "")
        return "" if _TWEET_LINK.match(target) else target

    return "\n".join(_SPACE.sub(" ", line).strip() for line in _SHORT.sub(put, words).split("\n")).strip()


def targets(urls: Any, expanded: str) -> dict[str, str]:
    """Short links to what they stand for, from a list of objects that call it ``expanded``."""
    told = (as_dict(url) for url in as_list(urls))
    return {text(url.get("url")): text(url.get(expanded)) for url in told}


def decoded(words: str) -> str:
    """The few entities that the service writes, decoded once."""
    for entity, character in _ENTITIES:
        words = words.replace(entity, character)
    return words


def likeness(words: str) -> str:
    """How the text of a long tweet begins, in its short form as well as whole."""
    plain = _ANSWERED.sub("", _SHORT.sub("", words), count=1)
    return " ".join(_ELLIPSIS.sub("", plain).split())[:LIKENESS_CHARACTERS]


def is_cut(words: str) -> bool:
    """Whether the text of a tweet ends in the mark of one that is longer."""
    return bool(_ELLIPSIS.search(words))


def _links(tweet: dict[str, Any]) -> dict[str, str]:
    return targets(as_dict(tweet.get("entities")).get("urls"), "expanded_url")

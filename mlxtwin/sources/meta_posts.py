"""What the person posted and commented on Facebook or Instagram: lists of which every item is theirs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Turn
from mlxtwin.sources.base import head_text
from mlxtwin.sources.chat_text import trimmed, unix_moment
from mlxtwin.sources.files import File
from mlxtwin.sources.json_file import items
from mlxtwin.sources.meta_account import Service
from mlxtwin.sources.meta_text import mended, mended_name
from mlxtwin.sources.shapes import as_dict, as_list

ME = "me"
_FACEBOOK = ("comments_v2", "group_comments_v2", "group_posts_v2")
_INSTAGRAM = (
    "comments_media_comments", "comments_reels_comments", "ig_reels_media", "ig_stories", "ig_archived_post_media",
)  # fmt: skip
_KEY = re.compile(rf'\s*\{{\s*"({"|".join((*_FACEBOOK, *_INSTAGRAM))})"\s*:\s*\[')
_POST = re.compile(r'\s*\[\s*\{.*?"data"\s*:\s*\[\s*\{\s*"(?:post|comment)"\s*:', re.DOTALL)
_MEDIA = re.compile(r'\s*\[\s*\{\s*"media"\s*:\s*\[\s*\{\s*"uri".*?"creation_timestamp"', re.DOTALL)
_COMMENT = re.compile(r'\s*\[\s*\{.{0,4000}?"string_map_data"\s*:\s*\{\s*"[^"]{1,60}"\s*:\s*\{\s*"value"', re.DOTALL)
_OF_OTHERS = re.compile(r"(?i)other[_ ]people|sent_to_you|wall_posts")
_COMMENT_FILE = re.compile(r"(?i)comment")


@dataclass(frozen=True, slots=True)
class _Post:
    text: str
    at: datetime | None
    title: str = ""

    @property
    def key(self) -> str:
        stamp = hashlib.blake2b(self.text.encode(), digest_size=6).hexdigest()
        return f"post|{self.at:%Y-%m-%dT%H:%M:%S}|{stamp}" if self.at else f"post||{stamp}"


def posts_service(file: File, head: str) -> Service | None:
    """From which of the two a list of posts or comments is; None where it is none, or one of what others wrote."""
    if _OF_OTHERS.search(file.name):
        return None
    key = _KEY.match(head)
    if key:
        return "facebook" if key[1] in _FACEBOOK else "instagram"
    if _POST.match(head):
        return "facebook"
    comments = _COMMENT_FILE.search(file.name) and _COMMENT.match(head)
    return "instagram" if comments or _MEDIA.match(head) else None


def posts(file: File, source: str, origin: str) -> Iterator[Document]:
    """A Document for each post that has words. Raises SourceError."""
    key = _KEY.match(head_text(file))
    prefix = f"{key[1]}.item" if key else "item"
    found = False
    for raw in items(file, prefix):
        found = found or isinstance(raw, dict)
        post = _post(as_dict(raw))
        if post and post.text:
            turn = Turn(ME, True, post.text, "own", post.at)
            title = post.title or " ".join(post.text.split()[:8])
            yield Document("post", source, post.key, title, (turn,), post.at, "", origin)
    if not found:
        raise SourceError(f"{file.name} holds no posts of Facebook or Instagram.", "Export it again as JSON.")


def _post(raw: dict[str, Any]) -> _Post | None:
    if "data" in raw or "attachments" in raw:
        return _of_facebook(raw)
    if "string_map_data" in raw or "string_list_data" in raw:
        return _comment(raw)
    media = [as_dict(one) for one in as_list(raw.get("media"))]
    first = media[0] if media else {}
    caption = trimmed(mended(raw.get("title"))) or trimmed(mended(first.get("title")))
    return _Post(caption, unix_moment(raw.get("creation_timestamp") or first.get("creation_timestamp")))


def _of_facebook(raw: dict[str, Any]) -> _Post:
    data = [as_dict(one) for one in as_list(raw.get("data"))]
    said = [one.get("post") or as_dict(one.get("comment")).get("comment") for one in data]
    words = next((mended(one) for one in said if one), "") or _caption(raw)
    return _Post(trimmed(words), unix_moment(raw.get("timestamp")), mended_name(raw.get("title")))


def _caption(raw: dict[str, Any]) -> str:
    """What stands under the first picture of a post that says nothing itself."""
    for attachment in as_list(raw.get("attachments")):
        for one in as_list(as_dict(attachment).get("data")):
            if words := mended(as_dict(as_dict(one).get("media")).get("description")):
                return words
    return ""


def _comment(raw: dict[str, Any]) -> _Post:
    """A comment by the names of its parts, which are in the person's language: the words come first."""
    listed = as_dict(next(iter(as_list(raw.get("string_list_data"))), None))
    parts: dict[str, Any] = as_dict(raw.get("string_map_data"))
    named = as_dict(parts.get("Comment")) or as_dict(next(iter(parts.values()), None))
    times = [as_dict(part).get("timestamp") for part in parts.values()]
    at = unix_moment(next((one for one in times if one), None) or listed.get("timestamp"))
    return _Post(trimmed(mended(named.get("value") or listed.get("value"))), at)

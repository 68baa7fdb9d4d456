"""Who is in a workspace of Slack, and which conversation a folder of its export is: the lists beside the folders."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from mlxtwin.sources.base import decode_text
from mlxtwin.sources.chat_threads import Chat
from mlxtwin.sources.files import File
from mlxtwin.sources.shapes import as_dict, as_list, as_name

NAMELESS = "Somebody"
MOST_BYTES = 64 * 1024 * 1024
_USERS = ("users.json", "org_users.json")
_CONVERSATIONS = ("channels.json", "groups.json", "dms.json", "mpims.json")
_PROFILE_NAMES = ("real_name", "display_name", "real_name_normalized", "display_name_normalized", "email")


@dataclass(frozen=True, slots=True)
class Member:
    """``name`` is shown; ``names`` are all by which the person may have named themselves."""

    name: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Workspace:
    chat: Chat
    members: Mapping[str, Member] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)

    def member(self, id: str, profile: Mapping[str, Any] = MappingProxyType({})) -> Member:
        """The member of that id; one that is not listed is known by what the message says of them."""
        return self.members.get(id) or _member({"id": id, "profile": profile, "name": profile.get("name")})


@dataclass(frozen=True, slots=True)
class _Lists:
    members: dict[str, Member]
    channels: dict[str, str]
    conversations: dict[str, dict[str, Any]]


def workspace(file: File, origin: str = "") -> Workspace:
    """What the lists of an export say; a conversation that they do not know is named by its folder in the import."""
    lists = _parsed(tuple(_read(file.parent.parent / name) for name in (*_USERS, *_CONVERSATIONS)))
    known = lists.conversations.get(file.parent.name, {})
    folder = " ".join("".join(origin.split("/")[-2:-1]).split())
    return Workspace(_chat(known, folder, lists.members), lists.members, lists.channels)


def _chat(raw: dict[str, Any], folder: str, members: Mapping[str, Member]) -> Chat:
    name = as_name(raw.get("name"))
    people = [members[id].name for id in map(as_name, as_list(raw.get("members"))) if id in members]
    title = " & ".join(people[:4]) if not name or name.startswith("mpdm-") else ""
    shown = name or folder
    return Chat(as_name(raw.get("id")) or folder or "Slack", title or (f"#{shown}" if shown else "Slack"))


def _member(raw: dict[str, Any]) -> Member:
    profile = as_dict(raw.get("profile"))
    shown = [profile.get("real_name"), raw.get("real_name"), profile.get("display_name"), raw.get("name")]
    told = (*shown, raw.get("id"), *(profile.get(name) for name in _PROFILE_NAMES))
    names = tuple(dict.fromkeys(filter(None, map(as_name, told))))
    return Member(names[0] if names else NAMELESS, names)


def _read(file: File) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MOST_BYTES)
    except OSError:
        return b""


@lru_cache(maxsize=4)
def _parsed(lists: tuple[bytes, ...]) -> _Lists:
    # Kept by content, since each of thousands of days asks for the same.
    users = [raw for data in lists[: len(_USERS)] for raw in _objects(data)]
    found = [raw for data in lists[len(_USERS) :] for raw in _objects(data)]
    members = {as_name(raw.get("id")): _member(raw) for raw in users}
    channels = {as_name(raw.get("id")): as_name(raw.get("name")) for raw in found if raw.get("name")}
    named = {as_name(raw.get(key)): raw for key in ("name", "id") for raw in found if as_name(raw.get(key))}
    return _Lists(members, channels, named)


def _objects(data: bytes) -> Iterator[dict[str, Any]]:
    try:
        yield from map(as_dict, as_list(json.loads(decode_text(data)) if data else None))
    except (ValueError, RecursionError):
        return

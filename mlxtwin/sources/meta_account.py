"""Whose export of Facebook or Instagram it is, and which of the two, as far as the files around one tell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from mlxtwin.errors import SourceError
from mlxtwin.records import Person
from mlxtwin.sources.base import clean_text
from mlxtwin.sources.files import File
from mlxtwin.sources.json_file import whole
from mlxtwin.sources.meta_text import mended_name
from mlxtwin.sources.shapes import as_dict, as_list

Service = Literal["facebook", "instagram"]
MOST_PROFILE_BYTES = 4 * 1024 * 1024
_LEVELS = 5
_PROFILES = (
    "personal_information/profile_information/profile_information.json",
    "profile_information/profile_information.json",
    "personal_information/personal_information/personal_information.json",
    "personal_information/personal_information.json",
)
_ONLY: dict[Service, tuple[str, ...]] = {
    "facebook": ("friends_and_followers", "your_facebook_activity", "comments_and_reactions", "profile_information"),
    "instagram": ("followers_and_following", "your_instagram_activity"),
}
_IN_PATH: dict[Service, re.Pattern[str]] = {
    "facebook": re.compile(r"(?i)facebook|messenger"),
    "instagram": re.compile(r"(?i)instagram|insta[-_. ]"),
}
_IN_TEXT = re.compile(r"instagram\.com/|Instagram [Uu]ser")
_BOXES = frozenset({"inbox", "archived_threads", "filtered_threads", "message_requests", "e2ee_cutover", "other"})
_NAME_KEYS = ("Name", "Username", "Nombre", "Nom", "Nome", "Naam", "Benutzername", "Nutzername")


@dataclass(frozen=True, slots=True)
class Owner:
    """The names under which the owner of an export writes; none where it is not told."""

    names: Person

    def wrote(self, name: str, person: Person) -> bool:
        """Whether a message is theirs; what ``person`` is called counts only where the export does not tell."""
        return (self.names or person).is_me(name)


def service_of(file: File, head: str) -> Service | None:
    """Which of the two a file is from; None where nothing tells, for they write the same."""
    place = "/".join(file.parts[-_LEVELS - 1 :])
    told = [service for service, mark in _IN_PATH.items() if mark.search(place)]
    if len(told) == 1:
        return told[0]
    for folder in _above(file):
        around = [service for service, names in _ONLY.items() if any(_is_dir(folder / name) for name in names)]
        if len(around) == 1:
            return around[0]
    return "instagram" if _IN_TEXT.search(head) else None


def owner_of(file: File) -> Owner:
    """What the profile in the same export says, if there is one that can be read."""
    for folder in _above(file):
        for place in _PROFILES:
            profile = folder
            for name in place.split("/"):
                profile = profile / name
            if _is_file(profile):
                return Owner(Person.of(_names(profile)))
    return Owner(Person.of([]))


def thread_folder(file: File) -> str:
    """The folder of a chat, whose name never changes from one export to the next; empty where it is none."""
    name = file.parent.name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return " ".join(clean_text(name).split()) if file.parent.parent.name in _BOXES else ""


def _names(profile: File) -> Iterator[str]:
    try:
        told = as_dict(whole(profile, MOST_PROFILE_BYTES))
    except SourceError:
        return
    of_facebook = as_dict(next((value for key, value in told.items() if key.startswith("profile")), None))
    name = of_facebook.get("name")
    yield mended_name(name if isinstance(name, str) else as_dict(name).get("full_name"))
    for entry in as_list(told.get("profile_user")):
        values: dict[str, Any] = as_dict(as_dict(entry).get("string_map_data"))
        for key in _NAME_KEYS:
            yield mended_name(as_dict(values.get(key)).get("value"))


def _above(file: File) -> Iterator[File]:
    """The folders around a file, the nearest first."""
    folder = file.parent
    for _ in range(_LEVELS):
        yield folder
        if folder.parent.parts == folder.parts:
            return
        folder = folder.parent


def _is_dir(folder: File) -> bool:
    try:
        return folder.is_dir()
    except OSError:
        return False


def _is_file(file: File) -> bool:
    try:
        return file.is_file()
    except OSError:
        return False

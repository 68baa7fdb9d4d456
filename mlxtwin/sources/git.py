"""Repositories of git: the messages of commits, and the Markdown of one that is bare.

The folder ``.git`` (or a bare repository) is read as data: git is not run, and nothing of the repository's settings has
an effect, neither hooks, filters and includes nor objects kept elsewhere. A message is its author's; merges, what a
program wrote, lines that only repeat another commit and trailers are left out. One with more than a subject is a
Document; the others are gathered by day, with those of other people of that day as context.

The Markdown files beside ``.git`` are read as notes, which ask `git_lines.line_authors` whose they are, so they are not
read here again: what is yielded is that of a bare repository. Code is left out. Not covered: the newer kind of
references (reftable), notes and tags.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Kind, Person, Turn
from mlxtwin.sources.base import relative_name
from mlxtwin.sources.files import File
from mlxtwin.sources.git_history import Commit, History, history, is_repository
from mlxtwin.sources.git_lines import markdown
from mlxtwin.sources.git_messages import Message, message_of

MOST_OTHERS = 60


class Git:
    """See the module; ``Document.key`` is the commit's own number, of a day its first commit's."""

    name = "git"
    kind: Kind = "note"

    def recognises(self, file: File) -> float:
        folder = _folder(file)
        return 0.95 if folder is not None and is_repository(folder) else 0.0

    def authors(self, file: File) -> Iterator[str]:
        for commit in _history(file).commits:
            if message_of(commit):
                yield commit.name or commit.address

    def read(self, file: File, root: File, person: Person) -> Iterator[Document]:
        found = _history(file)
        place = _place(file, root)
        told = [(commit, message) for commit in found.commits if (message := message_of(commit))]
        mine = [one for one in told if _is_me(one[0], person)]
        if told and not mine:
            yield _day(told[-MOST_OTHERS:], person, place)
        for day in _days_of(told, mine):
            yield from _of_day(day, person, place)
        if found.bare:
            yield from markdown(found, person, place)
        if found.damage:
            raise SourceError(f"{file.name} lacks some of its commits.", "Fetch the repository whole.")


_Told = tuple[Commit, Message]


def _folder(file: File) -> File | None:
    """The folder of a repository, which its HEAD may stand for."""
    return file if file.is_dir() else file.parent if file.name == "HEAD" else None


def _history(file: File) -> History:
    folder = _folder(file)
    if folder is None or not is_repository(folder):
        raise SourceError(f"{file.name} is no repository.")
    if not isinstance(folder, Path):
        raise SourceError(f"{file.name} is a repository inside an archive.", "Unpack it and import it alone.")
    return history(folder)


def _place(file: File, root: File) -> str:
    """The repository's place within the import."""
    return relative_name(file, root).removesuffix("/HEAD").removesuffix("/.git")


def _is_me(commit: Commit, person: Person) -> bool:
    return person.is_me(commit.name, commit.address)


def _days_of(told: list[_Told], mine: list[_Told]) -> Iterator[list[_Told]]:
    """The commits of each day on which the person made one."""
    days = {commit.at.date() for commit, _ in mine}
    for day, found in groupby(told, key=lambda one: one[0].at.date()):
        if day in days:
            yield list(found)


def _of_day(day: list[_Told], person: Person, place: str) -> Iterator[Document]:
    """Each of the person's that says more than a subject, and the others as the talk of the day."""
    whole = {commit.number for commit, message in day if message.body and _is_me(commit, person)}
    rest = [one for one in day if one[0].number not in whole]
    talk = [_day(rest, person, place)] if any(_is_me(commit, person) for commit, _ in rest) else []
    made = [_whole(commit, message, place) for commit, message in day if commit.number in whole]
    yield from sorted([*talk, *made], key=lambda document: document.at or day[0][0].at)


def _day(day: list[_Told], person: Person, place: str) -> Document:
    turns: list[Turn] = []
    others = 0
    for (mine, author), run in groupby(day, key=lambda one: (_is_me(one[0], person), one[0].name or one[0].address)):
        commits = list(run)
        kept = commits if mine else commits[: max(0, MOST_OTHERS - others)]
        others += 0 if mine else len(kept)
        if kept:
            text = "\n".join(message.subject for _, message in kept)
            turns.append(Turn(author, mine, text, "own" if mine else "received", kept[0][0].at))
    first = next((commit for commit, _ in day if _is_me(commit, person)), day[0][0])
    title = f"Commits of {first.at.day} {first.at:%B %Y}"
    drop = "" if any(turn.trainable for turn in turns) else "not by me"
    origin = f"{place}#{first.number[:12]}"
    return Document("note", Git.name, f"day|{first.number}", title, tuple(turns), first.at, place, origin, drop)


def _whole(commit: Commit, message: Message, place: str) -> Document:
    author = commit.name or commit.address
    turns: list[Turn] = []
    for quoted, run in groupby(message.body, key=lambda block: block.kind == "quote"):
        text = "".join((block.glue if at else "") + block.text for at, block in enumerate(run))
        turns.append(Turn("" if quoted else author, not quoted, text, "quoted" if quoted else "own", commit.at))
    if turns[0].mine:
        turns[0] = replace(turns[0], text=f"{message.subject}\n\n{turns[0].text}")
    else:
        turns.insert(0, Turn(author, True, message.subject, "own", commit.at))
    origin = f"{place}#{commit.number[:12]}"
    return Document("note", Git.name, commit.number, message.subject, tuple(turns), commit.at, place, origin)

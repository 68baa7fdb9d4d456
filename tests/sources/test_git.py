"""Repositories: whose a message is, who wrote which line, and settings that must have no effect."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal, Self

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.git import Git
from mlxtwin.sources.git_history import history
from mlxtwin.sources.git_lines import authorship, line_authors
from mlxtwin.sources.notes import Notes
from mlxtwin.sources.registry import match, walk

from .making import Repository

ANN_BAKER, BOB_MILLER = "Ann <ann@example.org>", "Bob <bob@example.org>"
ANN = Person.of(["ann@example.org"])
START = 1_709_373_600
BODY = "Say how bread is baked\n\nIt was asked again and\nagain, so here it is."


def put(root: Path, made: Repository, name: str = ".git") -> Path:
    folder = root / name
    for place, data in made.files.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(data)
    return folder


def read(root: Path, made: Repository, name: str = ".git", person: Person = ANN) -> list[Document]:
    folder = put(root, made, name)
    return list(Git().read(folder, root, person))


def messages(root: Path, *told: tuple[str, str]) -> list[str]:
    made = Repository()
    for number, (author, message) in enumerate(told):
        made.commit(author, START + 60 * number, message)
    return [document.own_text for document in read(root, made)]


def test_a_message_with_a_body_is_a_document_of_its_own(tmp_path: Path) -> None:
    made = Repository()
    number = made.commit(ANN_BAKER, START, BODY)
    (document,) = read(tmp_path / "bread", made)
    assert (document.key, document.title, document.kind) == (number, "Say how bread is baked", "note")
    assert document.own_text == "Say how bread is baked\n\nIt was asked again and again, so here it is."
    assert document.at is not None and document.at.timestamp() == START


def test_subjects_of_a_day_stand_together_with_those_of_others_as_context(tmp_path: Path) -> None:
    made = Repository()
    for after, author, message in [
        (0, BOB_MILLER, "Ask for salt"), (1, ANN_BAKER, "Add salt (#12)"), (2, ANN_BAKER, "Add more"),
        (3, BOB_MILLER, "Thank her"), (90_000, BOB_MILLER, "Go home"), (180_000, ANN_BAKER, "Add flour"),
    ]:  # fmt: skip
        made.commit(author, START + after, message)
    found = read(tmp_path, made)
    assert [document.title for document in found] == ["Commits of 2 March 2024", "Commits of 4 March 2024"]
    assert [(turn.author, turn.role, turn.text) for turn in found[0].turns] == [
        ("Bob", "received", "Ask for salt"), ("Ann", "own", "Add salt\nAdd more"), ("Bob", "received", "Thank her"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "message",
    [
        "Merge branch 'side'", 'Revert "Add salt"\n\nThis reverts commit 0123456789.', "Bump rye from 1.0 to 1.1",
        "v1.2.3",
        "Update README.md", "Initial commit", "fixup! Add salt", "vault backup: 2024-03-02", "wip", "",
    ],
)  # fmt: skip
def test_what_a_program_wrote_is_no_message(tmp_path: Path, message: str) -> None:
    assert messages(tmp_path, (ANN_BAKER, message), (ANN_BAKER, "Add salt")) == ["Add salt"]


@pytest.mark.parametrize(
    "trailer",
    [
        "🤖 Generated with [Claude Code](https://example.org)",
        "Generated with GitHub Copilot",
        "Co-Authored-By: Claude <noreply@anthropic.com>",
        "Co-authored-by: Claude Opus 4 <a@example.org>",
        "Co-authored-by: aider (some-model) <a@example.org>",
        "co-authored-by: Cursor Agent <a@example.org>",
        "Co-authored-by: helper[bot] <1+helper[bot]@example.org>",
    ],
)
def test_a_message_that_an_assistant_wrote_is_not_the_persons(tmp_path: Path, trailer: str) -> None:
    assert messages(tmp_path, (ANN_BAKER, f"{BODY}\n\n{trailer}\n"), (ANN_BAKER, "Add salt")) == ["Add salt"]


@pytest.mark.parametrize("author", ["dependabot[bot] <ann@example.org>", "Ann <49699333+dependabot[bot]@example.org>"])
def test_the_messages_of_programs_are_nobodys(tmp_path: Path, author: str) -> None:
    assert messages(tmp_path, (author, "Add flour"), (ANN_BAKER, "Add salt")) == ["Add salt"]


@pytest.mark.parametrize(
    "more",
    [
        "Signed-off-by: Ann <ann@example.org>",
        "Co-authored-by: Bob <bob@example.org>\nReviewed-by: Cy\n  <cy@example.org>",
        "Co-authored-by: Claude Miller <claude@example.org>",
        "Fixes: 0123456789\n\nSigned-off-by: Ann <a@b>\n(cherry picked from commit 0123456789)",
        "git-svn-id: https://example.org/trunk@1 0",
    ],
)
def test_lines_that_name_people_and_other_commits_are_left_out(tmp_path: Path, more: str) -> None:
    (text,) = messages(tmp_path, (ANN_BAKER, f"{BODY}\n\n{more}\n"))
    assert text.endswith("so here it is.")


def test_a_merge_has_no_words_and_both_its_sides_are_read(tmp_path: Path) -> None:
    made = Repository()
    first = made.commit(ANN_BAKER, START, "Add salt")
    left = made.commit(ANN_BAKER, START + 1, "Add flour", parents=[first])
    right = made.commit(ANN_BAKER, START + 2, "Add water", parents=[first])
    made.commit(ANN_BAKER, START + 3, "Bring them together", parents=[left, right])
    assert read(tmp_path, made)[0].own_text == "Add salt\nAdd flour\nAdd water"


def test_branches_that_are_not_checked_out_and_packed_ones_are_read(tmp_path: Path) -> None:
    made = Repository()
    first = made.commit(ANN_BAKER, START, "Add salt")
    made.commit(ANN_BAKER, START + 1, "Add flour", parents=[first])
    made.files["refs/heads/side"] = made.files["refs/heads/main"]
    made.files["packed-refs"] = f"# pack-refs\n{first} refs/heads/main\n".encode()
    del made.files["refs/heads/main"]
    assert read(tmp_path, made)[0].own_text == "Add salt\nAdd flour"


def test_where_nothing_is_the_persons_one_document_says_whose_it_is(tmp_path: Path) -> None:
    made = Repository()
    for number in range(99):
        made.commit(BOB_MILLER, START + number, f"Add {number}")
    (document,) = read(tmp_path, made)
    assert document.drop == "not by me" and {turn.author for turn in document.turns} == {"Bob"}
    assert len(document.turns[0].text.split("\n")) == 60
    assert set(Git().authors(tmp_path / ".git")) == {"Bob"}


def bread() -> Repository:
    """Ann writes, Bob adds a paragraph and mends a word of hers, Ann moves the file and adds one of her own."""
    made = Repository()
    first = "# Bread\n\nWith patience and a hot stone one bakes the rye.\n\nIt takes two days to do it well.\n"
    made.commit(ANN_BAKER, START, "One", {"bread.md": first, "code.py": "x = 1\n"})
    mended = first.replace("do it well", "do it really well") + "\nHow do you bake it without any stone at all?\n"
    made.commit(BOB_MILLER, START + 1, "Two", {"bread.md": mended})
    made.commit(ANN_BAKER, START + 2, "Three", {"loaf.md": mended, "salt.md": "Salt is what she wrote of herself.\n"})
    return made


def test_a_bare_repository_gives_its_markdown_by_the_authors_of_its_lines(tmp_path: Path) -> None:
    found = {document.thread: document for document in read(tmp_path, bread(), "bread.git")}
    assert set(found) == {"bread.git", "bread.git/loaf.md", "bread.git/salt.md"}
    assert [(turn.author, turn.role, turn.text) for turn in found["bread.git/loaf.md"].turns] == [
        (
            ANN_BAKER,
            "own",
            "With patience and a hot stone one bakes the rye.\n\nIt takes two days to do it really well.",
        ),
        (BOB_MILLER, "received", "How do you bake it without any stone at all?"),
    ]
    assert found["bread.git/salt.md"].own_text == "Salt is what she wrote of herself."
    assert found["bread.git/loaf.md"].kind == "note"


def test_markdown_beside_the_repository_is_left_to_the_notes(tmp_path: Path) -> None:
    assert [document.thread for document in read(tmp_path, bread())] == [".git"]


def test_who_wrote_a_line_of_a_file_in_a_work_tree_is_told(tmp_path: Path) -> None:
    put(tmp_path, bread())
    (tmp_path / "loaf.md").write_text(
        "# Bread\nA line that nobody has put away.\n\nHow do you bake it without any stone at all?\n"
    )
    assert line_authors(tmp_path / "loaf.md", tmp_path) == [ANN_BAKER, None, ANN_BAKER, BOB_MILLER, ANN_BAKER]
    (tmp_path / "new.md").write_text("x")
    assert line_authors(tmp_path / "new.md", tmp_path) is None
    assert line_authors(tmp_path / "loaf.md", tmp_path / "below") is None


def notes_of(root: Path, name: str, person: Person = ANN, root_of_import: Path | None = None) -> list[tuple[str, str]]:
    found = Notes().read(root / name, root_of_import or root, person)
    return [(turn.author, turn.text) for document in found for turn in document.turns]


def test_notes_that_others_committed_are_theirs(tmp_path: Path) -> None:
    made = Repository()
    manual = "# Manual\n\nPress the button.\n"
    made.commit(BOB_MILLER, START, "One", {"manual.md": manual, "both.md": "Press the button.\n"})
    both = "Press the button.\n\nI press it every day.\n"
    made.commit(ANN_BAKER, START + 1, "Two", {"manual.md": manual, "both.md": both})
    put(tmp_path, made)
    (tmp_path / "manual.md").write_text(manual)
    (tmp_path / "both.md").write_text(f"{both}\nAnd again, which is not put away yet.\n")
    (tmp_path / "new.md").write_text("This is mine alone.\n")
    assert notes_of(tmp_path, "manual.md") == [("Bob", "Press the button.")]
    assert notes_of(tmp_path, "both.md") == [
        ("Bob", "Press the button."), ("me", "I press it every day.\n\nAnd again, which is not put away yet."),
    ]  # fmt: skip
    assert notes_of(tmp_path, "new.md") == [("me", "This is mine alone.")]
    assert notes_of(tmp_path, "manual.md", Person.of(["Bob"])) == [("me", "Press the button.")]


def test_of_a_repository_around_the_import_nothing_is_asked(tmp_path: Path) -> None:
    made = Repository()
    made.commit(BOB_MILLER, START, "One", {"notes/a.md": "Press the button.\n"})
    put(tmp_path, made)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("Press the button.\n")
    found = notes_of(tmp_path / "notes", "a.md", root_of_import=tmp_path / "notes")
    assert found == [("me", "Press the button.")]


def test_what_a_copy_that_was_cut_short_does_not_tell_is_not_the_persons(tmp_path: Path) -> None:
    made = Repository()
    made.commit(BOB_MILLER, START, "One", {"a.md": "Press the button.\n"})
    second = made.commit(ANN_BAKER, START + 1, "Two", {"a.md": "Press the button.\n", "b.md": "I press it.\n"})
    made.files["shallow"] = f"{second}\n".encode()
    put(tmp_path, made)
    (tmp_path / "a.md").write_text("Press the button.\n")
    assert notes_of(tmp_path, "a.md") == [("somebody", "Press the button.")]


def test_a_paragraph_of_two_people_is_not_the_persons(tmp_path: Path) -> None:
    made = Repository()
    made.commit(ANN_BAKER, START, "One", {"a.md": "With patience and a stone\n"})
    made.commit(BOB_MILLER, START + 1, "Two", {"a.md": "With patience and a stone\nthe rye is baked, says he\n"})
    documents = read(tmp_path, made, "bread.git")
    (text,) = [document for document in documents if document.thread.endswith("a.md")]
    assert text.drop == "author unknown" or not text.own_text
    assert text.turns[0].author == f"{ANN_BAKER}, {BOB_MILLER}"


def test_lines_from_a_merge_keep_their_authors(tmp_path: Path) -> None:
    made = Repository()
    first = made.commit(ANN_BAKER, START, "One", {"a.md": "first line of hers\n"})
    left = made.commit(ANN_BAKER, START + 1, "Two", {"a.md": "first line of hers\n\nsecond line of hers\n"}, [first])
    right = made.commit(BOB_MILLER, START + 2, "Three", {"a.md": "a line that is his\n\nfirst line of hers\n"}, [first])
    merged = "a line that is his\n\nfirst line of hers\n\nsecond line of hers\n"
    made.commit(BOB_MILLER, START + 3, "Merge", {"a.md": merged}, [left, right])
    version = authorship(history(put(tmp_path, made)))[b"a.md"]
    told = {line: author for line, author in zip(version.lines, version.authors, strict=True) if line}
    assert told == {
        "a line that is his": BOB_MILLER, "first line of hers": ANN_BAKER, "second line of hers": ANN_BAKER,
    }  # fmt: skip


def test_what_was_there_before_a_history_was_cut_is_nobodys(tmp_path: Path) -> None:
    made = Repository()
    made.commit(ANN_BAKER, START, "Zero", {"a.md": "an old line of anybody\n"})
    cut = made.commit(ANN_BAKER, START + 1, "One", {"a.md": "an old line of anybody\n\nanother old one\n"})
    made.commit(
        ANN_BAKER, START + 2, "Two", {"a.md": "an old line of anybody\n\nanother old one\n\na new line of hers\n"}
    )
    made.files["shallow"] = f"{cut}\n".encode()
    documents = read(tmp_path, made, "bread.git")
    assert [document.own_text for document in documents if document.thread.endswith("a.md")] == ["a new line of hers"]
    assert documents[0].own_text == "One\nTwo"


def test_a_missing_commit_is_told_after_what_could_be_read(tmp_path: Path) -> None:
    made = Repository()
    first = made.commit(ANN_BAKER, START, "Add salt")
    made.commit(ANN_BAKER, START + 1, "Add flour")
    del made.files[f"objects/{first[:2]}/{first[2:]}"]
    found = []
    with pytest.raises(SourceError, match="lacks some of its commits"):
        for document in Git().read(put(tmp_path, made), tmp_path, ANN):
            found.append(document.own_text)
    assert found == ["Add flour"]


def test_objects_kept_elsewhere_are_not_followed(tmp_path: Path) -> None:
    made = Repository()
    made.commit(ANN_BAKER, START, "Add salt")
    elsewhere = put(tmp_path, made, "elsewhere")
    files = {"HEAD": made.files["HEAD"], "refs/heads/main": made.files["refs/heads/main"]}
    files["objects/info/alternates"] = f"{elsewhere / 'objects'}\n".encode()
    made.files = files
    with pytest.raises(SourceError, match="no commits that can be read"):
        read(tmp_path, made)


@pytest.mark.parametrize("place", ["objects", "refs", "HEAD"])
def test_a_repository_whose_parts_are_links_is_refused(tmp_path: Path, place: str) -> None:
    made = Repository()
    made.commit(ANN_BAKER, START, "Add salt")
    folder = put(tmp_path, made)
    (folder / place).rename(tmp_path / "moved")
    (folder / place).symlink_to(tmp_path / "moved")
    with pytest.raises(SourceError, match="not followed"):
        list(Git().read(folder, tmp_path, ANN))


def test_a_reference_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    made = Repository()
    number = made.commit(ANN_BAKER, START, "Add salt")
    (tmp_path / "outside").write_text(number)
    made.files["HEAD"] = b"ref: refs/../../outside\n"
    del made.files["refs/heads/main"]
    made.files["refs/heads/.keep"] = b""
    with pytest.raises(SourceError, match="no commits"):
        read(tmp_path, made)


def test_settings_and_hooks_have_no_effect(tmp_path: Path) -> None:
    made = Repository()
    made.commit(ANN_BAKER, START, "Add salt", {".gitattributes": "*.md filter=bad\n", "a.md": "a line of hers\n"})
    touch = f"touch {tmp_path / 'ran'}"
    made.files["config"] = (
        f"[core]\n\tfsmonitor = {touch}\n\thooksPath = {tmp_path}\n\tworktree = /\n\tbare = nonsense\n"
        f'[filter "bad"]\n\tsmudge = {touch}\n'
        f"\tclean = {touch}\n[include]\n\tpath = {tmp_path / 'broken'}\n[extensions]\n\tobjectFormat = nonsense\n[[["
    ).encode()
    made.files["hooks/post-checkout"] = f"#!/bin/sh\n{touch}\n".encode()
    (tmp_path / "broken").write_text("[[[")
    assert [document.own_text for document in read(tmp_path, made, "bread.git")] == ["Add salt", "a line of hers"]
    assert not (tmp_path / "ran").exists()


class _Member:
    """A folder inside an archive: all that a File has, and no Path."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self.name, self.stem, self.suffix, self.parts = place.name, place.stem, place.suffix, place.parts

    @property
    def parent(self) -> Self:
        return type(self)(self._place.parent)

    def __truediv__(self, name: str) -> Self:
        return type(self)(self._place / name)

    def open(self, mode: Literal["rb"]) -> IO[bytes]:
        return self._place.open(mode)

    def is_file(self) -> bool:
        return self._place.is_file()

    def is_dir(self) -> bool:
        return self._place.is_dir()

    def iterdir(self) -> Iterator[Self]:
        return iter(())


def test_a_repository_inside_an_archive_is_refused_with_the_next_step(tmp_path: Path) -> None:
    made = Repository()
    made.commit(ANN_BAKER, START, "Add salt")
    member = _Member(put(tmp_path, made))
    with pytest.raises(SourceError, match="inside an archive") as caught:
        list(Git().read(member, tmp_path, ANN))
    assert caught.value.hint == "Unpack it and import it alone."


def test_the_walk_offers_the_folder_and_the_match_is_this_source(tmp_path: Path) -> None:
    made = Repository()
    made.commit(ANN_BAKER, START, "Add salt")
    folder = put(tmp_path, made)
    (tmp_path / "a.md").write_text("x")
    assert list(walk(tmp_path)) == [(folder, ""), (tmp_path / "a.md", "")]
    importer = match(folder)
    assert importer and importer.name == "git"


def test_a_repository_that_git_itself_packed_is_read(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "Ann",
        "GIT_AUTHOR_EMAIL": "ann@example.org", "GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "ann@example.org",
    }  # fmt: skip

    def run(*words: str) -> None:
        subprocess.run(["git", *words], cwd=tmp_path / "bread", env=environment, check=True, capture_output=True)

    (tmp_path / "bread").mkdir()
    try:
        run("init", "-q")
    except FileNotFoundError:
        pytest.skip("git is not installed")
    for number in range(20):
        (tmp_path / "bread" / "a.md").write_text("\n\n".join(f"Line {one} of the bread" for one in range(number + 1)))
        run("add", ".")
        run("commit", "-q", "-m", f"Say it for the {number}. time\n\nIt has to be said.")
    run("gc", "-q")
    folder = tmp_path / "bread" / ".git"
    assert not list((folder / "refs" / "heads").iterdir()) and list((folder / "objects" / "pack").iterdir())
    assert len(list(Git().read(folder, tmp_path, ANN))) == 20
    assert set(authorship(history(folder))[b"a.md"].authors) == {ANN_BAKER}

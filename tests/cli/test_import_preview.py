"""What an import shows of itself: what would come in, and how far it is."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.cli.imports import _progress, _text
from mlxtwin.cli.talk import Talk
from mlxtwin.client.imports import Pace

Run = Callable[..., Any]

DAYS = (
    "I walked along the harbour wall before breakfast and watched two boats come in with herring.",
    "The kitchen floor is laid at last, and my knees will remember each of its forty oak boards.",
    "My sister phoned about the auction; she wants the clock, although it has never once struck right.",
    "Rain all day. I sorted seeds into envelopes and wrote the wrong year on half of them.",
    "We climbed up to the chapel with a basket of plums and ate them looking at the wrong valley.",
    "The dentist found nothing, which he said twice, as if he had wanted to find something.",
    "I finished the long novel and disliked its end so much that I read the last page aloud to the cat.",
    "Somebody has painted the bus shelter blue overnight, badly, and everybody is rather pleased.",
    "Frost on the beans this morning; I should have covered them, and I knew it when I went to bed.",
)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Notes, and a chat in an archive."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    for number, said in enumerate(DAYS, start=1):
        text = f"# Day {number}\n\n{said}\n"
        (folder / f"2024-03-0{number} day.md").write_text(text, encoding="utf-8")
    (folder / "quoted.md").write_text("> Somebody else wrote this about the sea.\n", encoding="utf-8")
    with zipfile.ZipFile(folder / "WhatsApp Chat - Ben.zip", "w") as archive:
        archive.writestr(
            "_chat.txt",
            "[02/03/2024, 10:01:00] Ben: How do you bake the rye?\n"
            "[02/03/2024, 10:02:00] Anna Berg: With patience and a hot stone, and I never open the door before time.\n",
        )
    return folder


def test_a_dry_run_shows_by_source_and_kind_what_would_come_in(run: Run, mixed: Path, tmp_path: Path) -> None:
    preview = run("import", str(mixed), "--me", "Anna Berg", "--dry-run", "--json").value["preview"]
    notes, chat = preview
    assert (notes["source"], notes["kind"], notes["documents"], notes["kept"]) == ("notes", "note", 10, 9)
    assert notes["dropped"] == {"not by me": 1}
    assert notes["words_by_me"] > 100
    assert len(notes["examples"]) == 5 == len({one["title"] for one in notes["examples"]})
    assert {"title": "Day 1", "at": "2024-03-01"} in notes["examples"]
    assert (chat["source"], chat["kind"], chat["documents"], chat["kept"]) == ("whatsapp", "chat", 1, 1)
    assert chat["examples"] == [{"title": "Ben", "at": "2024-03-02"}]
    assert not list((tmp_path / "home").rglob("*"))


def test_a_dry_run_shows_people_a_table_titles_and_reasons(run: Run, mixed: Path) -> None:
    shown = run("import", str(mixed), "--me", "Anna Berg", "--dry-run").out
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "source kind documents kept words by me" in lines
    assert any(line.startswith("notes note 10 9 ") for line in lines)
    assert "notes, for example:" in lines
    assert "2024-03-01 Day 1" in lines
    assert "notes, note, left out: 1 not by me" in lines
    assert lines.count("2024-03-02 Ben") == 1


def test_titles_cannot_write_on_the_screen_where_they_like() -> None:
    row = {"source": "notes", "kind": "note", "documents": 1, "kept": 1, "words_by_me": 9, "dropped": {}}
    examples = [{"title": "a\nb" + "c" * 200, "at": None}]
    counts: dict[str, Any] = dict.fromkeys(("files", "documents", "added", "updated", "kept", "words_by_me"), 1)
    found = {**counts, "dropped": {}, "skipped": {}, "kinds": {}, "kind": "note", "errors": [], "dry_run": True}
    line = _text(found | {"preview": [row | {"examples": examples}]}).splitlines()[-1]
    assert line.startswith(" " * 14 + "a bc") and len(line) < 80


def test_an_import_that_is_no_dry_run_shows_no_titles(vault_home: Run, mixed: Path) -> None:
    assert "Day 1" not in vault_home("import", str(mixed), "--me", "Anna Berg").out


def test_the_words_of_a_dry_run_are_nowhere_on_disk(vault_home: Run, mixed: Path, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    vault_home("import", str(mixed), "--me", "Anna Berg", "--dry-run", TMPDIR=str(scratch))
    assert not list(scratch.iterdir())
    for file in (found for root in (tmp_path / "home", scratch) for found in root.rglob("*") if found.is_file()):
        assert b"harbour wall" not in file.read_bytes()


class Screen(StringIO):
    """A terminal to write on."""

    def isatty(self) -> bool:
        return True


def test_a_screen_shows_the_share_that_is_read_and_the_time_left_once_it_is_known() -> None:
    clock, screen = [0.0], Screen()
    progress = _progress(Talk(err=screen), lambda: clock[0])
    progress(0, 0, 0)
    for clock[0], read in ((1.0, 100), (1.9, 200), (5.0, 400), (5.1, 401)):
        progress.pace.told(read, 1000)
        progress(1, 3, read)
    lines = screen.getvalue().split("\r\033[K")[1:]
    assert lines == [
        "Looking at the files",
        "1 of 3 files, 100 documents, 10% read",
        "1 of 3 files, 200 documents, 20% read",
        "1 of 3 files, 400 documents, 40% read, 0:06 left",
    ]


def test_the_time_left_is_unknown_at_first_and_then_what_the_bytes_say() -> None:
    now = [10.0]
    pace = Pace(lambda: now[0])
    assert (pace.share, pace.seconds_left) == (None, None)
    pace.told(0, 100)
    now[0] = 12.0
    assert (pace.share, pace.seconds_left) == (0, None)
    pace.told(20, 100)
    assert pace.seconds_left == pytest.approx(8)
    pace.told(100, 100)
    assert (pace.share, pace.seconds_left) == (1, 0)


def test_a_source_of_which_nothing_is_the_persons_says_who_wrote_there(run: Run, mixed: Path) -> None:
    """The notes are theirs all the same, so nobody is asked."""
    done = run("import", str(mixed), "--me", "Anna B.", "--dry-run")
    assert "Nothing from whatsapp is yours (1 chat)" in done.err
    assert "Anna Berg, Ben" in done.err or "Ben, Anna Berg" in done.err
    assert "Nothing from" not in run("import", str(mixed), "--me", "Anna Berg", "--dry-run").err

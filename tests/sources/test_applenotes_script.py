"""Notes asked on a Mac, with a program of the same name in its place."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.sources.applenotes import AppleNotes
from mlxtwin.sources.applenotes_script import SCRIPT, export_with_applescript


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the lines of an ``osascript`` are to be written, as Python."""
    place = tmp_path / "bin"
    place.mkdir()
    monkeypatch.setenv("PATH", str(place))
    return place / "osascript"


def make(program: Path, body: str) -> None:
    program.write_text(f"#!{sys.executable}\nimport os, sys, time\n{body}\n")
    program.chmod(0o755)


def tell(program: Path, *notes: dict[str, Any], ending: str = "") -> None:
    lines = "\n".join(f"print({json.dumps(note)!r}, flush=True)" for note in notes)
    make(program, f"{lines}\n{ending}")


def note(name: str = "x-coredata://1/ICNote/p1", text: str = "Bread\nWith patience.", **more: Any) -> dict[str, Any]:
    told = {"id": name, "folder": "Notes", "locked": False, "shared": False, "made": "2024-03-02T10:00:00.000Z"}
    return {**told, "title": "Bread", "text": text, **more}


def test_notes_come_as_the_program_tells_them(program: Path) -> None:
    tell(program, note(), note("p2", "One line only", title="One line only"))
    first, second = AppleNotes().from_program()
    assert (first.title, first.own_text, first.at) == ("Bread", "With patience.", datetime(2024, 3, 2, 10, tzinfo=UTC))
    assert (first.source, first.kind, first.key) == ("applenotes", "note", "x-coredata://1/ICNote/p1")
    assert second.own_text == "One line only"


def test_the_script_is_handed_over_whole_and_no_shell_reads_it(program: Path) -> None:
    make(
        program,
        "print('{\"id\": \"1\", \"text\": \"%d\"}' % (sys.argv[1:] == ['-l', 'JavaScript', '-e', sys.argv[4]]))",
    )
    assert next(export_with_applescript()).own_text == "1"
    assert "plaintext()" in SCRIPT and "Application('Notes')" in SCRIPT


@pytest.mark.parametrize(
    ("told", "reason"),
    [({"folder": "Recently Deleted"}, "deleted"), ({"locked": True}, "locked"), ({"text": "\ufffc"}, "empty")],
)
def test_deleted_locked_and_empty_notes_are_left_out(program: Path, told: dict[str, Any], reason: str) -> None:
    tell(program, note(**told))
    document = next(export_with_applescript())
    assert (document.drop, document.turns) == (reason, ())


def test_a_shared_note_is_context(program: Path) -> None:
    tell(program, note(shared=True))
    document = next(export_with_applescript())
    assert (document.drop, document.words_by_me, document.turns[0].role) == ("shared", 0, "received")


def test_no_note_comes_twice(program: Path) -> None:
    tell(program, note(), note())
    assert len(list(export_with_applescript())) == 1


def test_where_there_is_no_such_program_the_other_way_is_told(program: Path) -> None:
    with pytest.raises(SourceError, match="on a Mac only") as refusal:
        next(export_with_applescript())
    assert "NoteStore.sqlite" in refusal.value.hint


def test_a_refusal_of_the_system_is_explained_after_what_came_before(program: Path) -> None:
    complaint = (
        "sys.stderr.write('execution error: Not authorized to send Apple events to Notes. (-1743)'); sys.exit(1)"
    )
    tell(program, note(), ending=complaint)
    found = export_with_applescript()
    assert next(found).own_text
    with pytest.raises(SourceError, match="does not let this terminal") as refusal:
        next(found)
    assert "Automation" in refusal.value.hint


def test_another_failure_does_not_pass_on_what_the_program_said(program: Path) -> None:
    tell(program, ending="sys.stderr.write('cannot read A secret'); sys.exit(1)")
    with pytest.raises(SourceError) as refusal:
        list(export_with_applescript())
    assert "secret" not in refusal.value.sentence()


def test_notes_that_the_program_could_not_tell_are_counted(program: Path) -> None:
    tell(program, {"id": "1", "failed": True}, note(), ending="print('{damaged')")
    found = export_with_applescript()
    assert next(found).own_text
    with pytest.raises(SourceError, match="2 notes"):
        next(found)


def test_much_complaint_does_not_block_the_program(program: Path) -> None:
    tell(program, note(), ending="sys.stderr.write('warning\\n' * 100_000)")
    assert len(list(export_with_applescript())) == 1


def test_the_program_ends_with_its_reader(program: Path, tmp_path: Path) -> None:
    place = tmp_path / "number"
    kept = f"open({str(place)!r}, 'w').write(str(os.getpid()))"
    make(program, f"{kept}\nprint({json.dumps(note())!r}, flush=True)\ntime.sleep(600)")
    found = export_with_applescript()
    assert next(found).own_text
    found.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int(place.read_text()), 0)

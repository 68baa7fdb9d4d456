"""A person's first hour: init, import, look, search, forget; and what goes wrong in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.cli.imports import _progress
from mlxtwin.cli.talk import Talk

Run = Callable[..., Any]

PASSPHRASE = "correct horse battery staple"
CHAT = """\
**Anna Berg:** Have you been down to the boat house since the storm? The whole roof was on the lawn.

**Ben Ode:** I have, and I would not call it a roof any more. I carried what was left of it behind the shed.

**Anna Berg:** Then we should ask the carpenter in the village before the next rain comes in.

**Ben Ode:** He said the same to me on Sunday, and that he can be here by the end of the month.
"""


@pytest.fixture
def chat(tmp_path: Path) -> Path:
    file = tmp_path / "talk.md"
    file.write_text(CHAT, encoding="utf-8")
    return file


def _vault_bytes(tmp_path: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted((tmp_path / "home").rglob("*")) if path.is_file())


def test_init_import_stats_search_show_and_forget(vault_home: Run, notes: Path, tmp_path: Path) -> None:
    imported = vault_home("import", str(notes), "--json").value
    assert (imported["kind"], imported["files"], imported["documents"]) == ("note", 4, 4)
    assert imported["kept"] == 3
    assert sum(imported["dropped"].values()) == 1
    assert imported["words_by_me"] > 100
    assert imported["errors"] == []

    stats = vault_home("data", "stats", "--json").value
    assert stats["documents"] == stats["by_kind"]["note"]["documents"] == 4
    assert stats["by_kind"]["note"]["kept"] == 3
    assert stats["dropped"] == imported["dropped"]

    found = vault_home("data", "search", "runner", "beans", "--json").value["found"]
    assert len(found) == 1
    shown = vault_home("data", "show", found[0]["id"][:6], "--json").value
    assert "slugs" in shown["turns"][-1]["text"]
    assert shown["turns"][-1]["mine"] is True

    gone = vault_home("data", "forget", found[0]["id"][:8], "--json").value
    assert gone["forgotten"] == [found[0]["id"]]
    assert (gone["versions"], gone["runs"], gone["states_dropped"]) == ([], [], False)
    assert vault_home("data", "search", "slugs", "--json").value["found"] == []
    assert vault_home("data", "stats", "--json").value["documents"] == 3
    assert b"slugs left them alone" not in _vault_bytes(tmp_path)


def test_the_same_in_words(vault_home: Run, notes: Path) -> None:
    imported = vault_home("import", str(notes))
    assert imported.code == 0
    assert "words by me" in imported.out
    assert "Next: mlxtwin retrain voice" in imported.err
    listed = vault_home("data", "ls", "--kept")
    assert len(listed.out.splitlines()) == 4
    number = listed.out.splitlines()[1].split()[0]
    assert "thinking about" in vault_home("data", "show", number).out
    assert "dropped because" in vault_home("data", "stats").out
    assert vault_home("data", "forget", number).code == 0
    assert number not in vault_home("data", "ls").out


def test_importing_twice_adds_nothing_and_counts_the_same(vault_home: Run, notes: Path) -> None:
    first = vault_home("import", str(notes), "--json").value
    second = vault_home("import", str(notes), "--json").value
    assert second["added"] == second["updated"] == 0
    assert second["unchanged"] == 4
    for name in ("documents", "kept", "dropped", "words_by_me"):
        assert second[name] == first[name]


def test_a_dry_run_stores_nothing_and_needs_no_vault(run: Run, notes: Path, tmp_path: Path) -> None:
    value = run("import", str(notes), "--dry-run", "--json").value
    assert (value["documents"], value["kept"], value["dry_run"]) == (4, 3, True)
    assert not list((tmp_path / "home").rglob("*"))


def test_a_tier_that_was_asked_for_is_given(vault_home: Run, notes: Path) -> None:
    assert vault_home("import", str(notes), "--tier", "3").code == 0
    assert set(vault_home("data", "stats", "--json").value["by_tier"]) == {"3"}


def test_dropped_documents_are_listed_with_their_reason(vault_home: Run, notes: Path) -> None:
    dropped = vault_home("import", str(notes), "--json").value["dropped"]
    listed = vault_home("data", "ls", "--dropped", "--json").value["documents"]
    assert [one["dropped"] for one in listed] == list(dropped)


def test_who_is_me_lists_the_candidates_and_exits_2(vault_home: Run, chat: Path) -> None:
    done = vault_home("import", str(chat), "--json")
    assert done.code == 2
    names = {one["name"] for one in done.value["error"]["candidates"]}
    assert names == {"Anna Berg", "Ben Ode"}
    assert "--me" in vault_home("import", str(chat)).err
    assert vault_home("data", "stats", "--json").value["documents"] == 0


def test_names_are_remembered(vault_home: Run, chat: Path) -> None:
    first = vault_home("import", str(chat), "--me", "ben ode", "--json").value
    assert first["words_by_me"] > 20
    assert vault_home("import", str(chat), "--json").value["words_by_me"] == first["words_by_me"]


def test_a_name_that_is_nobody_here_is_told(vault_home: Run, chat: Path) -> None:
    done = vault_home("import", str(chat), "--me", "Carl")
    assert "None of these words are yours" in done.err


def test_who_is_me_is_asked_on_a_terminal(
    vault_home: Run, at_terminal: Run, chat: Path, environment: dict[str, str]
) -> None:
    environment["MLXTWIN_PASSPHRASE"] = PASSPHRASE
    done = at_terminal("import", str(chat), answers=[("separated by commas: ", "1")])
    assert done.code == 0
    assert "Anna Berg (2 messages)" in done.out
    stats = vault_home("data", "stats", "--json").value
    assert stats["by_kind"]["transcript"]["words_by_me"] > 20


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["import", "nowhere.mbox"], 2, "nowhere.mbox does not exist."),
        (["import", ".", "--as", "letters"], 2, "letters"),
        (["data", "show", "12"], 2, "is no document id"),
        (["data", "show", "abcdef"], 2, "There is no document abcdef."),
        (["data", "forget", "abcdef"], 2, "There is no document abcdef."),
        (["data", "forget"], 2, "It is not said what to forget."),
    ],
)
def test_wrong_input_is_named_in_a_sentence(vault_home: Run, arguments: list[str], code: int, sentence: str) -> None:
    done = vault_home(*arguments)
    assert (done.code, done.out) == (code, "")
    assert sentence in done.err
    assert len(done.err.splitlines()) == 1


def test_a_prefix_of_two_documents_is_not_enough(vault_home: Run, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(400):
        (folder / f"{number}.txt").write_text(f"Today I counted {number} sheep and then went home.", encoding="utf-8")
    assert vault_home("import", str(folder)).code == 0
    ids = [one["id"] for one in vault_home("data", "ls", "--limit", "400", "--json").value["documents"]]
    assert vault_home("data", "show", ids[0], "--json").value["id"] == ids[0]
    done = vault_home("data", "forget", ids[0][:8], "0" * 31)
    assert done.code == 2
    assert vault_home("data", "stats", "--json").value["documents"] == 400


def test_an_empty_folder_is_no_success(vault_home: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = vault_home("import", str(tmp_path / "empty"))
    assert done.code == 2
    assert "empty" in done.err


def test_an_empty_vault_says_what_to_do(vault_home: Run) -> None:
    assert "mlxtwin import" in vault_home("data", "stats").err
    assert "mlxtwin import" in vault_home("data", "ls").out


def test_all_of_a_person_is_forgotten_after_a_look_and_a_yes(vault_home: Run, chat: Path, notes: Path) -> None:
    vault_home("import", str(chat), "--me", "Ben Ode")
    vault_home("import", str(notes))
    asked = vault_home("data", "forget", "--person", "anna BERG")
    assert asked.code == 2
    assert "transcript  transcript          1" in asked.err
    assert "Forget 1 document for good? Nothing was changed. Add --yes to go ahead." in asked.err
    assert vault_home("data", "stats", "--json").value["documents"] == 5
    gone = vault_home("data", "forget", "--person", "anna BERG", "--yes", "--json")
    assert len(gone.value["forgotten"]) == 1
    assert "1 document forgotten." in gone.err
    assert vault_home("data", "stats", "--json").value["documents"] == 4
    nobody = vault_home("data", "forget", "--person", "Anna Berg", "--yes")
    assert (nobody.code, nobody.out) == (2, "")
    assert "Nobody called Anna Berg wrote in any document." in nobody.err
    assert "Ben Ode is you" in vault_home("data", "forget", "--person", "Ben Ode", "--yes").err


def test_all_of_a_source_is_forgotten_once_it_is_answered_with_yes(
    vault_home: Run, at_terminal: Run, notes: Path, environment: dict[str, str]
) -> None:
    vault_home("import", str(notes))
    environment["MLXTWIN_PASSPHRASE"] = PASSPHRASE
    question = "Forget 4 documents for good? [y/N] "
    assert at_terminal("data", "forget", "--source", "notes", answers=[(question, "n")]).code == 2
    assert vault_home("data", "stats", "--json").value["documents"] == 4
    assert at_terminal("data", "forget", "--source", "notes", answers=[(question, "y")]).code == 0
    assert vault_home("data", "stats", "--json").value["documents"] == 0


def test_documents_are_listed_and_searched_by_source_time_and_author(vault_home: Run, chat: Path, notes: Path) -> None:
    vault_home("import", str(chat), "--me", "Ben Ode")
    vault_home("import", str(notes))

    def listed(*options: str) -> int:
        return len(vault_home("data", "ls", *options, "--json").value["documents"])

    assert (listed(), listed("--source", "notes"), listed("--source", "transcript"), listed("--mine")) == (5, 4, 1, 5)
    assert listed("--source", "notes", "--kind", "transcript") == 0
    assert listed("--until", "1900") == 0
    assert "no documents of whatsapp. Sources of what there is: notes, transcript." in (
        vault_home("data", "ls", "--source", "whatsapp").err
    )
    assert "'soon' is no day, month or year." in vault_home("data", "search", "boat", "--since", "soon").err

    def found(*arguments: str) -> set[str]:
        return {one["kind"] for one in vault_home("data", "search", *arguments, "--json").value["found"]}

    assert found("boat", "house") == {"note", "transcript"}
    assert found("boat", "house", "--kind", "note") == found("boat", "house", "--source", "notes") == {"note"}
    assert found("lawn") == {"transcript"}
    assert found("lawn", "--mine") == set()
    assert found("shed", "--mine") == {"transcript"}


def test_a_search_marks_what_it_found_where_it_can_be_seen_and_says_that_there_is_more(
    vault_home: Run, notes: Path
) -> None:
    vault_home("import", str(notes))
    one = vault_home("data", "search", "neighbour")
    assert "[neighbour]" in one.out and one.err == ""
    many = vault_home("data", "search", "thinking", "--limit", "2")
    assert len(many.out.splitlines()) == 2
    assert "There are more; --limit 20 shows more of them." in many.err
    assert "[thinking]" in vault_home("data", "search", "thinking", "--json").value["found"][0]["snippet"]


def test_forgetting_checks_every_id_before_the_first_is_gone(vault_home: Run, notes: Path) -> None:
    vault_home("import", str(notes))
    first = vault_home("data", "ls", "--json").value["documents"][0]["id"]
    assert vault_home("data", "forget", first, "ffffffff").code == 2
    assert vault_home("data", "stats", "--json").value["documents"] == 4


def test_what_was_forgotten_stays_out_of_a_later_import_also_from_another_folder(
    vault_home: Run, notes: Path, tmp_path: Path
) -> None:
    first = vault_home("import", str(notes), "--json").value
    gone = vault_home("data", "search", "runner", "beans", "--json").value["found"][0]["id"]
    told = vault_home("data", "forget", gone).err
    assert "1 document forgotten." in told
    assert "leaves it out" in told
    moved = tmp_path / "elsewhere" / "diary"
    shutil.copytree(notes, moved)
    for folder in (notes, moved):
        again = vault_home("import", str(folder), "--json").value
        assert again["dropped"] == first["dropped"] | {"forgotten": 1}
        assert (again["added"], again["documents"], again["kept"]) == (0, 4, 2)
    assert vault_home("data", "stats", "--json").value["documents"] == 3
    assert "1 document left out as forgotten; --include-forgotten" in vault_home("import", str(notes)).err


def test_what_was_forgotten_is_taken_in_again_when_asked_for(vault_home: Run, notes: Path) -> None:
    first = vault_home("import", str(notes), "--json").value
    gone = vault_home("data", "search", "runner", "beans", "--json").value["found"][0]["id"]
    vault_home("data", "forget", gone)
    trial = vault_home("import", str(notes), "--include-forgotten", "--dry-run", "--json").value
    assert (trial["added"], trial["kept"]) == (1, 3)
    assert vault_home("data", "stats", "--json").value["documents"] == 3
    again = vault_home("import", str(notes), "--include-forgotten", "--json").value
    assert (again["added"], again["unchanged"], again["dropped"]) == (1, 3, first["dropped"])
    later = vault_home("import", str(notes), "--json").value
    assert (later["unchanged"], later["dropped"]) == (4, first["dropped"])


def test_an_import_of_forgotten_words_alone_does_not_doubt_the_name(vault_home: Run, chat: Path) -> None:
    vault_home("import", str(chat), "--me", "Ben Ode")
    vault_home("data", "forget", vault_home("data", "ls", "--json").value["documents"][0]["id"])
    done = vault_home("import", str(chat))
    assert "1 document left out as forgotten" in done.err
    assert "None of these words are yours" not in done.err


def test_a_dry_run_tells_what_the_import_would(vault_home: Run, notes: Path, chat: Path) -> None:
    vault_home("import", str(notes))
    vault_home("import", str(chat), "--me", "Ben Ode")
    (notes / "boat.md").write_text((notes / "bread.txt").read_text(encoding="utf-8"), encoding="utf-8")
    trial = vault_home("import", str(notes), str(chat), "--me", "Carl", "--dry-run", "--json").value
    assert vault_home("data", "stats", "--json").value["documents"] == 5
    real = vault_home("import", str(notes), str(chat), "--me", "Carl", "--json").value
    assert trial == real | {"dry_run": True}
    assert (real["unchanged"], real["added"]) == (4, 1)


def test_a_number_that_is_not_in_the_list_is_asked_again(
    made_vault: Path, tmp_path: Path, at_terminal: Run, chat: Path, environment: dict[str, str]
) -> None:
    shutil.copytree(made_vault, tmp_path / "home")
    environment["MLXTWIN_PASSPHRASE"] = PASSPHRASE
    question = "separated by commas: "
    done = at_terminal("import", str(chat), answers=[(question, "7"), (question, "2")])
    assert done.code == 0
    assert "There is no number 7 in the list" in done.out


def test_an_import_that_could_read_nothing_fails_and_says_why_once(vault_home: Run, tmp_path: Path) -> None:
    (tmp_path / "note00.txt").write_text("I went down to the boat house and mended the roof.", encoding="utf-8")
    done = vault_home("import", "note00.txt", "--as", "whatsapp", "--me", "Ann", "--json")
    assert done.code == 1
    assert len(done.value["errors"]) == 1
    assert done.err.count("note00.txt") == 1


class Screen(StringIO):
    """A terminal to write on."""

    def isatty(self) -> bool:
        return True


def _shown(stream: StringIO, calls: list[tuple[float, tuple[int, int, int]]]) -> str:
    """What is on the screen after calls at those times, in seconds."""
    clock = [0.0]
    progress = _progress(Talk(err=stream), lambda: clock[0])
    for clock[0], call in calls:
        progress(*call)
    return stream.getvalue()


def test_a_long_mailbox_shows_how_far_it_is_a_few_times_a_second() -> None:
    calls = [(number / 100, (0, 1, number)) for number in range(1, 101)]
    shown = _shown(Screen(), calls)
    assert 2 <= shown.count("\r") <= 4
    assert "0 of 1 file, 1 document" in shown
    assert "0 of 1 file, 26 documents" in shown


def test_the_end_of_an_import_is_shown_however_soon_it_comes() -> None:
    assert "1 of 1 file, 2 documents" in _shown(Screen(), [(0.0, (0, 1, 1)), (0.01, (1, 1, 2))])


def test_an_import_shows_no_progress_where_there_is_no_terminal(vault_home: Run, notes: Path) -> None:
    assert _shown(StringIO(), [(0.0, (0, 1, 1)), (9.0, (1, 1, 1))]) == ""
    assert "of 4 files" not in vault_home("import", str(notes)).err


def test_a_pipe_is_refused_and_not_waited_for(vault_home: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in ("pipe", "/dev/null", "/dev/fd/0"):
        done = vault_home("import", path, "--me", "Ann")
        assert done.code == 2
        assert "neither a regular file nor a folder" in done.err

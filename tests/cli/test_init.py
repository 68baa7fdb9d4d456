"""Creating and recovering the vault, asked the way a person is asked."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

PASSPHRASE = "correct horse battery staple"
ANOTHER = "seven green bottles"
RECOVERY = re.compile(r"\b(?:[0-9A-Z]{4}-){8}[0-9A-Z]{4}\b")


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_init_prints_the_recovery_key_once_on_stdout(run: Run) -> None:
    done = run("init", "--passphrase", MLXTWIN_PASSPHRASE=PASSPHRASE)
    assert done.code == 0
    assert RECOVERY.fullmatch(done.out.strip())
    assert done.out.strip() not in done.err
    assert PASSPHRASE not in done.out + done.err


def test_init_as_json_has_the_recovery_key_in_the_object(run: Run) -> None:
    value = run("init", "--passphrase", "--json", MLXTWIN_PASSPHRASE=PASSPHRASE).value
    assert RECOVERY.fullmatch(value["recovery_key"])
    assert value["mode"] == "passphrase"


def test_a_second_init_changes_nothing(run: Run, tmp_path: Path) -> None:
    assert run("init", "--passphrase", MLXTWIN_PASSPHRASE=PASSPHRASE).code == 0
    before = _files(tmp_path / "home")
    second = run("init", "--passphrase", MLXTWIN_PASSPHRASE=ANOTHER)
    assert second.code == 2
    assert second.out == ""
    assert "already; nothing was changed" in second.err
    assert _files(tmp_path / "home") == before
    assert run("data", "stats", MLXTWIN_PASSPHRASE=PASSPHRASE).code == 0


def test_without_a_keychain_init_names_the_passphrase_option(run: Run, tmp_path: Path) -> None:
    done = run("init")
    assert done.code == 3
    assert "--passphrase" in done.err
    assert len(done.err.splitlines()) == 1
    assert not _files(tmp_path / "home")


def test_a_passphrase_with_nobody_to_ask_is_a_sentence(run: Run) -> None:
    done = run("init", "--passphrase")
    assert done.code == 2
    assert "MLXTWIN_PASSPHRASE" in done.err


@pytest.mark.parametrize("command", [["data", "stats"], ["data", "ls"], ["import", "."], ["init", "--recover"]])
def test_without_a_vault_the_next_step_is_init(run: Run, command: list[str]) -> None:
    done = run(*command)
    assert done.code == 3
    assert "Create one with `mlxtwin init`." in done.err


def test_a_wrong_passphrase_is_refused(vault_home: Run) -> None:
    done = vault_home("data", "stats", "--json", MLXTWIN_PASSPHRASE="wrong")
    assert done.code == 3
    assert "wrong" not in done.value["error"]["message"]


def test_a_locked_vault_with_nobody_to_ask_is_a_sentence(vault_home: Run) -> None:
    done = vault_home("data", "stats", MLXTWIN_PASSPHRASE="")
    assert done.code == 3
    assert "MLXTWIN_PASSPHRASE" in done.err


def test_the_recovery_key_opens_the_vault_and_sets_a_new_passphrase(run: Run) -> None:
    recovery = run("init", "--passphrase", "--json", MLXTWIN_PASSPHRASE=PASSPHRASE).value["recovery_key"]
    done = run("init", "--recover", "--passphrase", stdin=f"{recovery.lower()}\n", MLXTWIN_PASSPHRASE=ANOTHER)
    assert done.code == 0
    assert recovery not in done.out + done.err
    assert run("data", "stats", MLXTWIN_PASSPHRASE=ANOTHER).code == 0
    assert run("data", "stats", MLXTWIN_PASSPHRASE=PASSPHRASE).code == 3


def test_a_mistyped_recovery_key_is_refused(vault_home: Run) -> None:
    done = vault_home("init", "--recover", "--passphrase", stdin="AAAA-BBBB\n")
    assert done.code == 2
    assert "recovery key" in done.err
    assert vault_home("data", "stats").code == 0


def test_the_passphrase_is_asked_twice_and_not_shown(at_terminal: Run) -> None:
    answers = [("New passphrase: ", PASSPHRASE), ("The same again: ", PASSPHRASE)]
    done = at_terminal("init", "--passphrase", answers=answers)
    assert done.code == 0
    assert RECOVERY.search(done.out)
    assert PASSPHRASE not in done.out
    stats = at_terminal("data", "stats", answers=[("Passphrase: ", PASSPHRASE)])
    assert stats.code == 0
    assert PASSPHRASE not in stats.out


def test_a_short_passphrase_has_to_be_confirmed(at_terminal: Run, tmp_path: Path) -> None:
    asked = ("Use it all the same? [y/N] ", "n")
    refused = at_terminal("init", "--passphrase", answers=[("New passphrase: ", "1234567"), asked])
    assert (refused.code, "fewer than 8 characters" in refused.out) == (2, True)
    assert not _files(tmp_path / "home")
    answers = [("New passphrase: ", "1234567"), (asked[0], "y"), ("The same again: ", "1234567")]
    assert at_terminal("init", "--passphrase", answers=answers).code == 0
    assert at_terminal("data", "stats", answers=[("Passphrase: ", "1234567")]).code == 0


def test_a_short_passphrase_in_the_environment_is_warned_of_in_one_sentence(run: Run, tmp_path: Path) -> None:
    done = run("init", "--passphrase", MLXTWIN_PASSPHRASE="1234567")
    assert (done.code, done.err.count("fewer than 8 characters")) == (0, 1)
    assert done.err.splitlines()[0].startswith("Warning: ")
    assert "1234567" not in done.out + done.err
    shutil.rmtree(tmp_path / "home")
    assert "characters" not in run("init", "--passphrase", MLXTWIN_PASSPHRASE="12345678").err


@pytest.mark.parametrize("empty", ["", "   "])
def test_an_empty_passphrase_is_refused(run: Run, at_terminal: Run, tmp_path: Path, empty: str) -> None:
    asked = at_terminal("init", "--passphrase", answers=[("New passphrase: ", empty)])
    assert (asked.code, "The passphrase is empty." in asked.out) == (2, True)
    assert run("init", "--passphrase", MLXTWIN_PASSPHRASE=empty).code == 2
    assert not _files(tmp_path / "home")


def test_two_passphrases_that_differ_make_no_vault(at_terminal: Run, tmp_path: Path) -> None:
    done = at_terminal(
        "init", "--passphrase", answers=[("New passphrase: ", PASSPHRASE), ("The same again: ", ANOTHER)]
    )
    assert done.code == 2
    assert "differ" in done.out
    assert not _files(tmp_path / "home")


def test_a_wrong_passphrase_may_be_typed_again(made_vault: Path, tmp_path: Path, at_terminal: Run) -> None:
    shutil.copytree(made_vault, tmp_path / "home")
    prompt, wrong = "Passphrase: ", "That passphrase is not the right one."
    assert wrong not in at_terminal("data", "stats", answers=[(prompt, PASSPHRASE)]).out
    opened = at_terminal("data", "stats", answers=[(prompt, "wrong"), (prompt, PASSPHRASE)])
    assert opened.code == 0
    assert opened.out.replace("\r", "").startswith(f"Passphrase: \n{wrong}\nPassphrase: \n")
    refused = at_terminal("data", "stats", answers=[(prompt, "wrong")] * 3)
    assert refused.code == 3
    assert refused.out.count(wrong) == 2
    assert "mlxtwin init --recover" in refused.out


@pytest.mark.parametrize(("gone", "left"), [("vault.db", "keys.json"), ("keys.json", "vault.db")])
def test_half_a_vault_is_told_as_such(vault_home: Run, tmp_path: Path, gone: str, left: str) -> None:
    for file in (tmp_path / "home" / "vault").glob(f"{gone}*"):
        file.unlink()
    for command, code in ((["init", "--passphrase"], 2), (["data", "stats"], 1), (["init", "--recover"], 1)):
        done = vault_home(*command)
        assert done.code == code
        assert f"{gone} is missing, and {left} beside it" in done.err
        assert "Restore both from a backup" in done.err
        assert ("recovery key does not help" in done.err) is (gone == "keys.json")


def test_a_home_that_cannot_be_written_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for home in (str(tmp_path / "file"), "/proc/mlxtwin"):
        done = run("init", "--passphrase", MLXTWIN_PASSPHRASE=PASSPHRASE, MLXTWIN_HOME=home)
        assert done.code == 1
        assert f"{home}/vault cannot be written: " in done.err
        assert "MLXTWIN_HOME" in done.err

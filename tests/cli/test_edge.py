"""Errors at the edge: a sentence and an exit code, and never anything personal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.cli.edge import explain
from mlxtwin.client.crash import crash_sentence, trace
from mlxtwin.errors import NotEnoughMemory, RunFailed, UsageError, WhoIsMe

Run = Callable[..., Any]

SECRET = "my-grandmother-lives-in-elm-street"
COMMAND = """
import os, socket, sys, threading
import click
from mlxtwin.cli.frame import command as make_command
from mlxtwin.cli.talk import Answer
from mlxtwin.errors import GateRefused, StorageFull

def crash():
    secret = "my-grandmother-lives-in-elm-street"
    try:
        raise KeyError(secret)
    except KeyError as error:
        raise ValueError(f"bad value {secret}") from error

def in_thread():
    thread = threading.Thread(target=crash)
    thread.start()
    thread.join()

def connect():
    socket.create_connection(("192.0.2.1", 80), timeout=0.2)

def interrupt():
    raise KeyboardInterrupt

def refuse():
    raise GateRefused("The gate said no.", "Import more.")

def fill():
    raise StorageFull("No room left.", "Free some space.")

def chatter():
    print("a library prints")

def escape():
    return Answer({"text": "\\x1b[31mred\\x9b0m"}, "\\x1b]0;title\\x07\\x1b[31mred\\u202e", ("\\x1b[2Jnote",))

def offline():
    names = ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_XET")
    return Answer({name: os.environ.get(name) for name in names})

def surrogate():
    return Answer({"name": "caf\\udce9"}, "caf\\udce9")

def not_finite():
    return Answer({"loss": float("nan"), "gain": [float("inf"), 1.5]})

@make_command("act", "mlxtwin act crash")
@click.argument("what")
def command(what):
    \"\"\"Do one thing.\"\"\"
    return globals()[what]() or Answer({"done": what}, what)
"""
START = (
    "import sys; from mlxtwin.cli import program; program.COMMANDS['act'] = ('act', 'Do one thing.'); "
    "from mlxtwin.cli.edge import main; sys.exit(main())"
)


@pytest.fixture
def act(run: Run, tmp_path: Path) -> Run:
    """Run a command made for the test."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "act.py").write_text(COMMAND, encoding="utf-8")

    def runner(*arguments: str, **keywords: str) -> Any:
        return run("act", *arguments, program=f"-c{START}", **keywords)

    return runner


@pytest.mark.parametrize("trace_wanted", ["", "1"])
@pytest.mark.parametrize("arguments", [["crash"], ["crash", "--json"], ["in_thread"]])
def test_a_crash_with_a_secret_in_a_local_prints_no_secret(act: Run, arguments: list[str], trace_wanted: str) -> None:
    done = act(*arguments, MLXTWIN_TRACE=trace_wanted)
    assert SECRET not in done.out + done.err
    assert "ValueError at modules/act.py:13" in done.err
    assert done.code == (0 if arguments == ["in_thread"] else 1)


def test_a_trace_shows_the_way_there_without_values(act: Run) -> None:
    plain, traced = act("crash").err, act("crash", MLXTWIN_TRACE="1").err
    assert len(plain.splitlines()) == 1
    assert "builtins.KeyError" in traced
    assert "in crash" in traced
    assert "bad value" not in traced


def test_json_has_the_error_and_nothing_else(act: Run) -> None:
    error = act("refuse", "--json").value["error"]
    assert error == {"message": "The gate said no.", "hint": "Import more.", "exit_code": 3}
    assert act("crash", "--json").value["error"]["exit_code"] == 1


@pytest.mark.parametrize(
    ("what", "code"), [("refuse", 3), ("fill", 1), ("interrupt", 130), ("crash", 1), ("chatter", 0)]
)
def test_exit_codes(act: Run, what: str, code: int) -> None:
    assert act(what).code == act(what, "--json").code == code


def test_an_interrupt_is_one_quiet_line(act: Run) -> None:
    assert act("interrupt").err == "Interrupted.\n"


def test_what_a_library_prints_is_no_data(act: Run) -> None:
    assert act("chatter").out == "chatter\n"
    done = act("chatter", "--json")
    assert done.value == {"done": "chatter"}
    assert done.err == "a library prints\n"


def test_nothing_printed_can_steer_the_terminal(act: Run) -> None:
    text, as_json = act("escape"), act("escape", "--json")
    assert text.out == "red\n"
    assert text.err == "note\n"
    assert "\x1b" not in as_json.out and "\x9b" not in as_json.out
    assert as_json.value["text"].startswith("\x1b")


def test_a_name_that_is_no_text_is_printed_all_the_same(act: Run) -> None:
    done = act("surrogate")
    assert done.code == 0
    assert done.out.startswith("caf")
    assert act("surrogate", "--json").code == 0


def test_numbers_that_json_lacks_become_null(act: Run) -> None:
    assert act("not_finite", "--json").value == {"loss": None, "gain": [None, 1.5]}


def test_airplane_mode_is_on_before_a_command_runs(act: Run) -> None:
    assert set(act("offline", "--json").value.values()) == {"1"}
    refused = act("connect", "--json")
    assert refused.code == 3
    assert refused.value["error"]["exit_code"] == 3


def test_a_reader_that_leaves_is_no_error(environment: dict[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "mlxtwin", "--help"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, env=environment, timeout=60, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_every_error_of_ours_keeps_its_sentence_hint_and_code() -> None:
    for error in (UsageError("A.", "B."), NotEnoughMemory("A.", "B."), RunFailed("A.", "B.")):
        failure = explain(error)
        assert (failure.message, failure.hint, failure.exit_code) == ("A.", "B.", error.exit_code)


def test_candidates_come_with_the_error() -> None:
    failure = explain(WhoIsMe("Who?", "Say it.", (("Anna", 3), ("Ben", 1))))
    assert failure.as_value()["error"]["candidates"] == [
        {"name": "Anna", "messages": 3},
        {"name": "Ben", "messages": 1},
    ]


def test_a_refusal_of_the_system_is_told_by_its_reason_and_not_by_the_file() -> None:
    try:
        Path("/nowhere/diary.txt").read_text(encoding="utf-8")
    except OSError as error:
        assert "(No such file or directory)" in crash_sentence(error)
        assert "diary" not in crash_sentence(error) + "".join(trace(error))

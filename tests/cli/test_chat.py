"""``mlxtwin chat`` as a person uses it: on a terminal, through a pipe, with Ctrl-C, Ctrl-D and a dying engine."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.client.engine import stop
from mlxtwin.paths import Home
from mlxtwin.records import Message
from mlxtwin.security.crypto import SealedFiles, new_key
from mlxtwin.security.unlock import unlock
from mlxtwin.slots.registry import Slots
from mlxtwin.vault.store import Vault

Run = Callable[..., Any]

PASSPHRASE = "correct horse battery staple"
FAKE = Path(__file__).parents[1] / "serve" / "fake_engine.py"
START = (
    "import sys; import mlxtwin.client.engine as engine; "
    f"engine.child_command = lambda module, *rest: [sys.executable, {str(FAKE)!r}, *rest]; "
    "from mlxtwin.cli.edge import main; sys.exit(main())"
)
META = {"verdict": "promoted", "base": {"name": "base", "fingerprint": "f", "path": "/base"}, "reasons": []}
SECONDS = 60
CTRL_C, CTRL_D = b"\x03", b"\x04"


@pytest.fixture
def talk(vault_home: Run, tmp_path: Path, environment: dict[str, str]) -> Iterator[Run]:
    """Run the program with a slot and an engine that says what was planned."""
    environment["MLXTWIN_PASSPHRASE"] = PASSPHRASE
    slots = Slots(Home(tmp_path / "home"), SealedFiles(Home(tmp_path / "home"), new_key()))
    slots.use("voice", slots.add("voice", b"adapter", META | {"run": "r"}, {}).number)

    def runner(*arguments: str, plan: list[list[Any]] | None = None, **keywords: str) -> Any:
        (tmp_path / "home" / "plan.json").write_text(json.dumps(plan or [["Hello."]]))
        return vault_home(*arguments, program=f"-c{START}", **keywords)

    yield runner
    stop(Home(tmp_path / "home"))


class Terminal:
    """The program on a terminal of its own, which is where Ctrl-C comes from."""

    def __init__(self, environment: dict[str, str], *arguments: str) -> None:
        self.shown = ""
        self.read = 0
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.execve(sys.executable, [sys.executable, "-c", START, *arguments], environment)

    def until(self, text: str) -> None:
        """Wait until the text is shown, after what was waited for before."""
        while text not in self.shown[self.read :]:
            assert self._more(), f"{text!r} never came: {self.shown}"
        self.read = self.shown.index(text, self.read) + len(text)

    def _more(self) -> bool:
        """Read what comes next; False at the end of the program."""
        assert select.select([self.descriptor], [], [], SECONDS)[0], f"nothing came after: {self.shown}"
        try:
            piece = os.read(self.descriptor, 4096)
        except OSError:
            piece = b""
        self.shown += piece.decode(errors="replace")
        return bool(piece)

    def type(self, text: bytes) -> None:
        os.write(self.descriptor, text)

    def end(self) -> int:
        while self._more():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture
def terminal(talk: Run, environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def start(*answers: list[Any]) -> Terminal:
        (tmp_path / "home" / "plan.json").write_text(json.dumps(answers))
        opened.append(Terminal(environment, "chat"))
        opened[-1].until("voice> ")
        return opened[-1]

    yield start
    for one in opened:
        os.close(one.descriptor)


def kept(tmp_path: Path) -> list[tuple[str, str, bool]]:
    home = Home(tmp_path / "home")
    with Vault.open(home, unlock(home, passphrase=PASSPHRASE)) as vault:
        number = vault.conversations(1)[0].id
        return [(one.role, one.content, one.complete) for one in vault.messages(number)]


def patience(tmp_path: Path, **seconds: float) -> None:
    """What the next engine has of it."""
    (tmp_path / "home" / "patience.json").write_text(json.dumps({"LOOK_SECONDS": 0.05} | seconds))


def engine_ends(tmp_path: Path) -> bool:
    """Whether the engine process is gone, waiting a while for it."""
    pid = int((tmp_path / "home" / "engine.pid").read_text())
    deadline = time.monotonic() + SECONDS / 2
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


def test_once_prints_the_answer_alone(talk: Run, tmp_path: Path) -> None:
    done = talk("chat", "--once", "How are you?", plan=[["Quite ", "well."]])
    assert (done.code, done.out, done.err) == (0, "Quite well.\n", "")
    assert kept(tmp_path) == [("user", "How are you?", True), ("assistant", "Quite well.", True)]


def test_once_as_json_is_one_object(talk: Run) -> None:
    value = talk("chat", "--once", "Hi", "--json", plan=[["Quite ", "well."]]).value
    assert (value["answer"], value["slot"], value["version"], value["ended"]) == ("Quite well.", "voice", 1, "end")


def test_a_pipe_of_prompts_is_answered_line_by_line(talk: Run, tmp_path: Path) -> None:
    plan = [["First."], ["Base."], ["Second."]]
    done = talk("chat", plan=plan, stdin="one\n/base\n/slot nobody\n/nonsense\n\ntwo\n/quit\nnever\n")
    assert done.out == "First.\nBase.\nSecond.\n"
    assert done.code == 2  # of the slot that is not there
    assert "nobody" in done.err
    assert "There is no /nonsense." in done.err
    assert [content for _, content, _ in kept(tmp_path)] == ["one", "First.", "two", "Second."]


def test_base_before_any_prompt_says_what_to_do(talk: Run) -> None:
    done = talk("chat", stdin="/base\n")
    assert (done.code, done.out) == (0, "")
    assert "Ask something first" in done.err


def test_answers_are_rated_and_said_better_of_twin_and_base(talk: Run, tmp_path: Path) -> None:
    plan = [["First."], ["Base."]]
    typed = "one\n/bad\n/good\n/better Mine.\n/base\n/better\nOurs, not the base's.\n/better\n\n/better Base.\n"
    done = talk("chat", plan=plan, stdin=typed)
    assert done.out == "First.\nBase.\n"
    assert "Stored as good: 1 rating of voice so far." in done.err
    assert "Stored: 2 corrections of voice so far. The twin learns from them with: mlxtwin retrain" in done.err
    assert "Nothing was stored. Type how you would have said it" in done.err
    assert "That is what was said already." in done.err
    home, prompt = Home(tmp_path / "home"), (Message("user", "one"),)
    with Vault.open(home, unlock(home, passphrase=PASSPHRASE)) as vault:
        assert [(one.prompt, one.answer, one.good, one.version) for one in vault.ratings("voice")] == [
            (prompt, "First.", True, 1)
        ]
        assert [(one.prompt, one.rejected, one.chosen, one.version) for one in vault.pairs("voice")] == [
            (prompt, "First.", "Mine.", 1),
            (prompt, "Base.", "Ours, not the base's.", None),
        ]
    counted = talk("data", "stats", "--json").value
    assert (counted["corrections"], counted["ratings"]) == (2, 1)


def test_rating_before_any_answer_says_what_to_do(talk: Run) -> None:
    for word in ("/good", "/bad", "/better", "/better words"):
        done = talk("chat", stdin=f"{word}\n")
        assert "There is no answer yet. Ask something first" in done.err


def test_a_correction_is_typed_when_asked_and_ctrl_c_leaves_it(terminal: Callable[..., Terminal]) -> None:
    screen = terminal(["said"])
    screen.type(b"one\n")
    screen.until("said")
    screen.until("voice> ")
    screen.type(b"/better\n")
    screen.until("How would you have said it? ")
    screen.type(CTRL_C)
    screen.until("(stopped)")
    screen.until("voice> ")
    screen.type(b"/better\n")
    screen.until("How would you have said it? ")
    screen.type(b"Better.\n")
    screen.until("Stored: 1 correction of voice so far.")
    screen.until("voice> ")
    screen.type(CTRL_D)
    assert screen.end() == 0


def test_bytes_that_are_no_characters_are_no_crash(environment: dict[str, str], talk: Run) -> None:
    talk("chat", "--once", "x")
    done = subprocess.run(
        [sys.executable, "-c", START, "chat"], input=b"caf\xe9\n",
        capture_output=True, env=environment, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, b"Hello.\n")


def test_an_escape_that_is_cut_in_two_pieces_does_not_show(talk: Run, tmp_path: Path) -> None:
    plan = [["red: \x1b", "[31", "mrose\x1b]0;ti", "tle\x07 end\u202e"]]
    assert talk("chat", "--once", "Hi", plan=plan).out == "red: rose end\n"


def test_an_engine_that_dies_is_one_sentence_and_the_next_prompt_works(talk: Run, tmp_path: Path) -> None:
    plan = [["half", {"die": True}], ["whole"]]
    done = talk("chat", plan=plan, stdin="one\ntwo\n")
    assert done.out == "half\nwhole\n"
    assert done.err.count("The engine process ended.") == 1
    assert "Traceback" not in done.err
    assert kept(tmp_path)[1] == ("assistant", "half", False)
    assert kept(tmp_path)[3] == ("assistant", "whole", True)


def test_an_engine_that_dies_at_once_is_a_sentence_and_exit_code_1(talk: Run) -> None:
    done = talk("chat", "--once", "Hi", plan=[[{"die": True}]])
    assert done.code == 1
    assert "The engine process ended." in done.err
    assert len(done.err.splitlines()) == 1


def test_ctrl_c_ends_the_answer_and_the_next_prompt_works(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    screen = terminal(["begun ", {"wait": "never"}, "unsaid"], [{"wait": "never"}, "unsaid"], ["third"])
    screen.type(b"one\n")
    screen.until("begun ")
    screen.type(CTRL_C)
    screen.until("what was said is kept")
    screen.until("voice> ")
    screen.type(b"two\n")
    _wait_for(lambda: len((tmp_path / "home" / "asked.jsonl").read_text().splitlines()) == 2)
    screen.type(CTRL_C)
    screen.until("what was said is kept")
    screen.until("voice> ")
    screen.type(b"three\n")
    screen.until("third")
    screen.until("voice> ")
    screen.type(CTRL_C)
    screen.until("/quit leaves.")
    screen.type(b"/quit\n")
    assert screen.end() == 0
    assert "unsaid" not in screen.shown
    assert kept(tmp_path) == [
        ("user", "one", True),
        ("assistant", "begun ", False),
        ("user", "two", True),
        ("assistant", "", False),
        ("user", "three", True),
        ("assistant", "third", True),
    ]


def test_ctrl_c_in_once_keeps_what_was_said_and_exits_130(
    talk: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    talk("slots", "ls", plan=[["begun ", {"wait": "never"}, "unsaid"]])
    screen = Terminal(environment, "chat", "--once", "Hi")
    screen.until("begun ")
    screen.type(CTRL_C)
    assert screen.end() == 130
    os.close(screen.descriptor)
    assert kept(tmp_path)[1] == ("assistant", "begun ", False)


def test_a_second_ctrl_c_does_not_wait_for_an_engine_that_hears_nothing(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    screen = terminal(["begun ", {"wait": "never"}], ["again"])
    screen.type(b"one\n")
    screen.until("begun ")
    os.kill(int((tmp_path / "home" / "engine.pid").read_text()), signal.SIGSTOP)
    screen.type(CTRL_C)
    screen.until("^C")
    time.sleep(0.1)  # two signals at once are one
    screen.type(CTRL_C)
    screen.until("(stopped)")
    screen.until("voice> ")
    screen.type(b"two\n")
    screen.until("again")
    screen.type(CTRL_D)
    assert screen.end() == 0


def test_ctrl_d_leaves_and_the_engine_ends_soon_when_nobody_else_is_there(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    patience(tmp_path, ALONE_SECONDS=0.2)
    screen = terminal(["one"])
    screen.type(CTRL_D)
    assert screen.end() == 0
    assert engine_ends(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_the_program_killed_ends_its_answer_and_so_the_engine_in_time(
    terminal: Callable[..., Terminal], tmp_path: Path, number: signal.Signals
) -> None:
    """Nobody says goodbye for a program that is killed; but who hangs up has cancelled, or the answer would wait on."""
    patience(tmp_path, IDLE_SECONDS=2.0, ALONE_SECONDS=2.0)
    screen = terminal(["begun ", {"wait": "never"}])
    screen.type(b"one\n")
    screen.until("begun ")
    os.kill(screen.pid, number)
    assert screen.end() != 0
    assert engine_ends(tmp_path)
    assert "Traceback" not in screen.shown
    if number != signal.SIGKILL:
        assert kept(tmp_path)[1] == ("assistant", "begun ", False)


def test_a_terminal_that_is_closed_keeps_the_answer_and_ends_the_engine_in_time(
    talk: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    talk("slots", "ls", plan=[["begun ", {"wait": "never"}]])
    patience(tmp_path, IDLE_SECONDS=2.0, ALONE_SECONDS=2.0)
    screen = Terminal(environment, "chat", "--once", "Hi")
    screen.until("begun ")
    os.close(screen.descriptor)
    assert os.waitstatus_to_exitcode(os.waitpid(screen.pid, 0)[1]) != 0
    assert engine_ends(tmp_path)
    assert kept(tmp_path)[1] == ("assistant", "begun ", False)


def test_a_reader_that_leaves_is_no_error(talk: Run, environment: dict[str, str], tmp_path: Path) -> None:
    talk("slots", "ls", plan=[["many words "] * 10_000])
    program = subprocess.Popen(
        [sys.executable, "-c", START, "chat", "--once", "Hi"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert program.stdout is not None
    assert program.stdout.read(20) == b"many words many word"
    program.stdout.close()
    assert program.stderr is not None
    assert program.stderr.read() == b""
    program.stderr.close()
    assert program.wait(SECONDS) == 0
    assert kept(tmp_path)[1][2] is False


def test_a_slot_without_a_passed_version_says_so(talk: Run, tmp_path: Path) -> None:
    slots = Slots(Home(tmp_path / "home"), SealedFiles(Home(tmp_path / "home"), new_key()))
    slots.add("draft", b"adapter", META | {"run": "d", "verdict": "rejected"}, {})
    done = talk("chat", "--slot", "draft", "--once", "Hi")
    assert done.code == 2
    assert "No version of slot draft has passed the gate yet." in done.err
    slots.remove("voice")
    assert "No version of any slot has passed" in talk("chat", "--once", "Hi").err


def test_a_slot_removed_in_mid_conversation_is_one_sentence_and_the_end(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    screen = terminal(["one"], ["two"])
    screen.type(b"Hi\n")
    screen.until("one")
    screen.until("voice> ")
    Slots(Home(tmp_path / "home")).remove("voice")
    screen.type(b"More\n")
    screen.until("Slot voice was removed meanwhile, so this conversation ends here; it is kept.")
    assert screen.end() == 2
    assert "two" not in screen.shown
    assert kept(tmp_path) == [("user", "Hi", True), ("assistant", "one", True)]


def test_json_without_a_prompt_is_wrong_usage(talk: Run) -> None:
    assert talk("chat", "--json").value["error"]["exit_code"] == 2


def _wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)

"""The conversation with an engine that streams, is cut short, dies and comes back."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.client import engine as engine_module
from mlxtwin.client.chat import Chat, Engine, SlotGone
from mlxtwin.client.engine import stop
from mlxtwin.errors import RunFailed, TwinError, UsageError
from mlxtwin.paths import Home
from mlxtwin.security.crypto import SealedFiles, new_key
from mlxtwin.slots.registry import Slots
from mlxtwin.vault.store import Vault

# How long a fake answer waits at most.
WAITS_SECONDS = 60
FAKE = Path(__file__).parents[1] / "serve" / "fake_engine.py"
META = {"verdict": "promoted", "base": {"name": "base", "fingerprint": "f", "path": "/base"}, "reasons": []}


def slot(home: Home, name: str, **changes: Any) -> None:
    slots = Slots(home, SealedFiles(home, new_key()))
    slots.use(name, slots.add(name, b"adapter", META | {"run": name} | changes, {}).number)


def plan(home: Home, *answers: list[Any]) -> None:
    (home.root / "plan.json").write_text(json.dumps(answers))


def asked(home: Home) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home.root / "asked.jsonl").read_text().splitlines()]


@pytest.fixture
def fake(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(engine_module, "child_command", lambda _module, *rest: [sys.executable, str(FAKE), *rest])
    yield
    stop(home)


@pytest.fixture
def chat(home: Home, vault: Vault, fake: None) -> Iterator[Chat]:
    slot(home, "voice")
    with Engine(home, new_key()) as engine:
        yield Chat(engine, vault, home, "voice")


def pid_of(chat: Chat) -> int:
    pid = chat.engine.pid
    assert pid is not None
    return pid


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def kept(chat: Chat) -> list[tuple[str, str, bool]]:
    assert chat.conversation is not None
    return [(one.role, one.content, one.complete) for one in chat.vault.messages(chat.conversation)]


def test_an_answer_streams_and_every_turn_is_kept(chat: Chat, home: Home) -> None:
    plan(home, ["Hel", "lo"], ["Well", "."])
    assert list(chat.say("Hi")) == ["Hel", "lo"]
    assert "".join(chat.say("How are you?")) == "Well."
    assert kept(chat) == [
        ("user", "Hi", True),
        ("assistant", "Hello", True),
        ("user", "How are you?", True),
        ("assistant", "Well.", True),
    ]
    shown = [message["content"] for message in asked(home)[1]["messages"]]
    assert shown == ["Hi", "Hello", "How are you?"]


def test_the_prompt_is_in_the_vault_before_the_answer_comes(chat: Chat, home: Home) -> None:
    plan(home, ["one", {"wait": "never"}])
    pieces = chat.say("Hi")
    assert next(pieces) == "one"
    assert kept(chat) == [("user", "Hi", True)]
    pieces.close()


def test_a_cancelled_answer_is_kept_as_far_as_it_went_and_the_next_prompt_works(chat: Chat, home: Home) -> None:
    plan(home, ["one", {"wait": "never"}, "two"], ["three"])
    said = []
    for piece in chat.say("Hi"):
        said.append(piece)
        chat.cancel()
    assert said == ["one"]
    assert chat.engine.last["ended"] == "stopped"
    assert "".join(chat.say("More")) == "three"
    assert kept(chat)[1] == ("assistant", "one", False)
    assert kept(chat)[3] == ("assistant", "three", True)


def test_an_answer_that_is_left_is_cancelled_and_kept(chat: Chat, home: Home) -> None:
    plan(home, ["one", {"wait": "never"}, "two"], ["three"])
    with closing(chat.say("Hi")) as pieces:
        next(pieces)
    assert kept(chat)[1] == ("assistant", "one", False)
    assert "".join(chat.say("More")) == "three"


def test_an_answer_that_is_left_while_more_was_said_is_kept_as_incomplete(chat: Chat, home: Home) -> None:
    """Also where the engine was so fast that the whole answer was on its way."""
    plan(home, ["one", {"touch": "said"}, " and two"])
    with closing(chat.say("Hi")) as pieces:
        next(pieces)
        until((home.root / "said").exists)
        until(lambda: answers_ended(chat))
    assert kept(chat)[1] == ("assistant", "one", False)


def answers_ended(chat: Chat) -> bool:
    """Seen from outside: another conversation's answer comes after all that was said before."""
    with Engine(chat.home, chat.engine._key) as other:
        other.open(META["base"])
        return True


def test_who_hangs_up_has_cancelled(chat: Chat, home: Home) -> None:
    """The next answer of a conversation would wait for the end of the one before."""
    plan(home, ["one", {"wait": "never"}], ["two"])
    answer = chat.engine.ask((), "voice", 1, 0)
    assert next(answer) == "one"
    with pytest.raises(KeyboardInterrupt):
        answer.throw(KeyboardInterrupt)
    began = time.monotonic()
    assert "".join(chat.say("More")) == "two"
    assert time.monotonic() - began < WAITS_SECONDS / 2


def test_a_cancel_after_the_last_piece_leaves_the_answer_complete(chat: Chat, home: Home) -> None:
    plan(home, ["all of it"], ["more"])
    assert list(chat.say("Hi")) == ["all of it"]
    chat.cancel()
    assert "".join(chat.say("And?")) == "more"
    assert [complete for _, _, complete in kept(chat)] == [True] * 4


def test_a_cancel_before_the_first_token_ends_the_answer(chat: Chat, home: Home) -> None:
    plan(home, [{"wait": "never"}, "never said"], ["said"])
    answer = chat.say("Hi")
    chat.cancel()
    assert list(answer) == []
    assert kept(chat) == [("user", "Hi", True), ("assistant", "", False)]
    assert "".join(chat.say("Again")) == "said"
    assert [message["content"] for message in asked(home)[-1]["messages"]] == ["Again"]


def test_a_signal_while_the_prompt_is_sent_breaks_no_line(chat: Chat, home: Home) -> None:
    """The prompt is larger than a socket holds, so the handler runs in the midst of it."""
    plan(home, [{"wait": "never"}, "never said"], ["said"])
    pid = pid_of(chat)
    os.kill(pid, signal.SIGSTOP)

    def handler(*_: object) -> None:
        chat.cancel()
        os.kill(pid, signal.SIGCONT)

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        assert list(chat.say("word " * 100_000)) == []
    finally:
        signal.signal(signal.SIGALRM, before)
    assert "".join(chat.say("Again")) == "said"


def test_a_killed_engine_keeps_the_partial_answer_says_so_and_comes_back(chat: Chat, home: Home) -> None:
    plan(home, ["half a ", "sen", {"die": True}], ["back again"])
    said = []
    with pytest.raises(RunFailed, match=r"engine process ended\.$"):
        said.extend(chat.say("Hi"))
    assert "".join(chat.say("Are you there?")) == "back again"
    assert kept(chat) == [
        ("user", "Hi", True),
        ("assistant", "half a sen", False),
        ("user", "Are you there?", True),
        ("assistant", "back again", True),
    ]


def test_an_engine_killed_between_two_turns_is_started_again(chat: Chat, home: Home) -> None:
    plan(home, ["one"], ["two"])
    list(chat.say("Hi"))
    before = pid_of(chat)
    os.kill(before, signal.SIGKILL)
    until(lambda: chat.engine.pid is None)
    assert "".join(chat.say("More")) == "two"
    assert pid_of(chat) != before


def test_another_slot_goes_on_with_the_conversation(chat: Chat, home: Home) -> None:
    plan(home, ["one"], ["two"])
    slot(home, "work")
    list(chat.say("Hi"))
    chat.switch("work")
    list(chat.say("More"))
    assert asked(home)[1]["slot"] == "work"
    assert len(asked(home)[1]["messages"]) == 3
    assert chat.conversation is not None
    assert [one.slot for one in chat.vault.messages(chat.conversation)] == ["voice", "voice", "work", "work"]


def test_an_unknown_slot_leaves_the_conversation_as_it_is(chat: Chat, home: Home) -> None:
    plan(home, ["one"], ["two"])
    list(chat.say("Hi"))
    with pytest.raises(UsageError, match="nobody"):
        chat.switch("nobody")
    list(chat.say("More"))
    assert asked(home)[1]["slot"] == "voice"
    assert len(kept(chat)) == 4


def test_a_slot_that_was_removed_ends_the_conversation_and_nothing_more_is_asked(chat: Chat, home: Home) -> None:
    plan(home, ["one"], ["two"])
    list(chat.say("Hi"))
    Slots(home).remove("voice")
    with pytest.raises(SlotGone, match="Slot voice was removed") as caught:
        chat.say("More")
    assert caught.value.hint == "Train one with: mlxtwin retrain voice"
    assert len(asked(home)) == 1
    assert kept(chat) == [("user", "Hi", True), ("assistant", "one", True)]


def test_a_slot_trained_anew_under_the_same_name_is_not_the_one_that_was_talked_with(chat: Chat, home: Home) -> None:
    plan(home, ["one"], ["two"])
    slot(home, "work")
    list(chat.say("Hi"))
    Slots(home).remove("voice")
    slot(home, "voice", run="another")
    with pytest.raises(SlotGone) as caught:
        chat.say("More")
    assert caught.value.hint.endswith("chat --slot voice")
    assert len(asked(home)) == 1
    chat.switch("voice")
    assert "".join(chat.say("More")) == "two"


def test_another_version_in_use_leaves_the_conversation_with_its_own(chat: Chat, home: Home) -> None:
    plan(home, ["one"], ["two"])
    list(chat.say("Hi"))
    before = pid_of(chat)
    slot(home, "voice", run="later")
    assert "".join(chat.say("More")) == "two"
    assert [one["version"] for one in asked(home)] == [1, 1]
    assert pid_of(chat) == before


def test_the_bare_base_gets_the_same_prompt_and_is_not_kept(chat: Chat, home: Home) -> None:
    plan(home, ["the twin"], ["the base"], ["later"])
    list(chat.say("Hi"))
    before = kept(chat)
    assert "".join(chat.base()) == "the base"
    twin, base = asked(home)
    assert (base["slot"], base["version"]) == (None, None)
    assert {**base, "slot": 0, "version": 0} == {**twin, "slot": 0, "version": 0}
    assert kept(chat) == before
    list(chat.say("More"))
    assert [message["content"] for message in asked(home)[2]["messages"]] == ["Hi", "the twin", "More"]


def test_a_prompt_with_bytes_that_are_no_characters_is_asked_all_the_same(chat: Chat, home: Home) -> None:
    plan(home, ["one"])
    assert "".join(chat.say("caf\udce9")) == "one"
    assert kept(chat)[0] == ("user", "caf?", True)


def test_leaving_the_context_says_goodbye_and_leaves_the_engine_to_others(home: Home, fake: None) -> None:
    home.root.mkdir()
    key = new_key()
    plan(home, ["one"])
    with Engine(home, key) as stays:
        with Engine(home, key) as engine:
            engine.open({"fingerprint": "f"})
            pid = engine.pid
        until((home.root / "forgotten").exists)
        assert (home.root / "forgotten").read_text() == f"{engine.conversation}\n"
        stays.open({"fingerprint": "f"})
        assert "".join(stays.ask((), None, None, 0)) == "one"
        assert stays.pid == pid


def test_an_engine_that_nobody_asks_is_not_started(home: Home, fake: None) -> None:
    home.root.mkdir()
    with Engine(home, new_key()) as engine:
        engine.cancel()
    assert engine.pid is None
    assert not (home.root / "engine.pid").exists()


def test_two_clients_share_one_process_and_neither_gets_the_others_answer(chat: Chat, home: Home) -> None:
    plan(home, ["one", {"wait": "go"}, " and one"], ["two", {"touch": "go"}, " and two"])
    with Engine(home, chat.engine._key) as engine:
        other = Chat(engine, chat.vault, home, "voice")
        answer = chat.say("Hi")
        assert next(answer) == "one"
        assert engine.pid == pid_of(chat)
        heard: list[str] = []
        thread = threading.Thread(target=lambda: heard.extend(answer_of(engine)))
        other.switch("voice")
        thread.start()
        (home.root / "go").touch()
        assert "".join(answer) == " and one"
        thread.join(60)
    assert "".join(heard) == "two and two"


def answer_of(engine: Engine) -> list[str]:
    return list(engine.ask((), "voice", 1, 0))


def test_two_starts_at_once_give_one_engine(home: Home, fake: None) -> None:
    home.root.mkdir()
    key, pids = new_key(), []
    plan(home, ["one"])
    gate = threading.Barrier(4)

    def start() -> None:
        with Engine(home, key) as engine:
            gate.wait()
            engine.open({"fingerprint": "f"})
            pids.append(engine.pid)
            gate.wait()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(pids) == 4
    assert len(set(pids)) == 1


def test_another_thread_may_cancel(chat: Chat, home: Home) -> None:
    plan(home, ["one", {"wait": "never"}, "two"], ["three"])
    heard: list[str] = []

    def ask() -> None:
        heard.extend(chat.engine.ask((), "voice", 1, 0))

    thread = threading.Thread(target=ask)
    thread.start()
    until(lambda: heard == ["one"])
    chat.engine.cancel()
    thread.join(60)
    assert heard == ["one"]
    assert chat.engine.last["ended"] == "stopped"
    assert "".join(chat.say("More")) == "three"


def test_the_socket_of_a_dead_engine_is_no_obstacle(chat: Chat, home: Home) -> None:
    plan(home, ["one"])
    before = pid_of(chat)
    os.kill(before, signal.SIGKILL)
    until(lambda: chat.engine.pid is None)
    found = engine_module.address.read(home)
    assert found is not None
    assert Path(found.socket).exists()
    assert "".join(chat.say("Hi")) == "one"
    assert pid_of(chat) != before


def test_an_engine_that_hears_nothing_is_killed_and_another_one_answers(
    chat: Chat, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan(home, ["one"])
    before = pid_of(chat)
    os.kill(before, signal.SIGSTOP)
    monkeypatch.setattr(engine_module, "DEAF_SECONDS", 2.0)
    chat.switch("voice")
    monkeypatch.undo()
    monkeypatch.setattr(engine_module, "child_command", lambda _module, *rest: [sys.executable, str(FAKE), *rest])
    assert "".join(chat.say("Hi")) == "one"
    assert pid_of(chat) != before


def test_an_engine_of_an_earlier_vault_of_this_home_is_replaced(chat: Chat, home: Home) -> None:
    plan(home, ["one"])
    before = pid_of(chat)
    with Engine(home, new_key()) as engine:
        engine.open(META["base"])
        assert "".join(engine.ask((), None, None, 0)) == "one"
        assert engine.pid not in (None, before)


def test_an_engine_that_cannot_start_is_a_sentence(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.root.mkdir()
    monkeypatch.setattr(engine_module, "child_command", lambda *_: [sys.executable, "-c", "raise SystemExit(1)"])
    with Engine(home, new_key()) as engine, pytest.raises(RunFailed, match="engine process ended"):
        engine.open({"fingerprint": "f"})


def test_what_is_wrong_with_a_question_is_told_and_the_engine_goes_on(chat: Chat, home: Home) -> None:
    plan(home, ["one"])
    with pytest.raises(TwinError, match="does not know") as caught:
        chat.engine.open({"no": "fingerprint"})
    assert caught.value.exit_code == 2
    assert "".join(chat.say("Hi")) == "one"


def test_the_key_is_in_no_representation() -> None:
    from mlxtwin.client.demo import Stage
    from mlxtwin.serve.twin import Twin

    key = new_key()
    home = Home(Path("/nowhere"))
    stage = Stage(home, key, None)  # type: ignore[arg-type]
    assert repr(key) not in repr(stage) + repr(Twin(home, key)) + repr(Engine(home, key))

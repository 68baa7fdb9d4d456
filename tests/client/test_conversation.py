"""The conversation with an engine that streams, is cut short, dies and comes back."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.client import chat as chat_module
from mlxtwin.client.chat import Chat, Engine, SlotGone
from mlxtwin.errors import RunFailed, UsageError
from mlxtwin.paths import Home
from mlxtwin.security.crypto import SealedFiles, new_key
from mlxtwin.slots.registry import Slots
from mlxtwin.vault.store import Vault

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
def chat(home: Home, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    monkeypatch.setattr(chat_module, "child_command", lambda _module, *rest: [sys.executable, str(FAKE), *rest])
    slot(home, "voice")
    with Engine(home, new_key()) as engine:
        yield Chat(engine, vault, home, "voice")


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
    """The prompt is larger than a pipe holds, so the handler runs in the midst of its line."""
    plan(home, [{"wait": "never"}, "never said"], ["said"])
    process = chat.engine.process
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)

    def handler(*_: object) -> None:
        chat.cancel()
        os.kill(process.pid, signal.SIGCONT)

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
    process = chat.engine.process
    assert process is not None
    process.kill()
    process.wait()
    assert "".join(chat.say("More")) == "two"


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
    before = chat.engine.process
    Slots(home).remove("voice")
    slot(home, "voice", run="another")
    with pytest.raises(SlotGone) as caught:
        chat.say("More")
    assert caught.value.hint.endswith("chat --slot voice")
    chat.switch("voice")
    assert "".join(chat.say("More")) == "two"
    assert chat.engine.process is not before


def test_another_version_in_use_leaves_the_conversation_with_its_own(chat: Chat, home: Home) -> None:
    plan(home, ["one"], ["two"])
    list(chat.say("Hi"))
    before = chat.engine.process
    slot(home, "voice", run="later")
    assert "".join(chat.say("More")) == "two"
    assert [one["version"] for one in asked(home)] == [1, 1]
    assert chat.engine.process is before


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


def test_leaving_the_context_ends_the_engine(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.root.mkdir()
    monkeypatch.setattr(chat_module, "child_command", lambda _module, *rest: [sys.executable, str(FAKE), *rest])
    with Engine(home, new_key()) as engine:
        engine.open({"fingerprint": "f"})
        process = engine.process
    assert process is not None
    assert process.returncode is not None


def test_the_key_is_in_no_representation() -> None:
    from mlxtwin.client.demo import Stage
    from mlxtwin.serve.engine import Engine as Served

    key = new_key()
    stage = Stage(Home(Path("/nowhere")), key, None)  # type: ignore[arg-type]
    served = Served(Home(Path("/nowhere")), key, sys.stdout)
    assert repr(key) not in repr(stage) + repr(served)

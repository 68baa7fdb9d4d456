"""One contract, kept by the conversations of a vault and by those of the screens' tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from mlxtwin.client.conversations import Talks
from mlxtwin.client.house import House
from mlxtwin.errors import Busy, RunFailed, TwinError, UsageError
from mlxtwin.paths import Home
from mlxtwin.records import Message
from mlxtwin.security.crypto import SealedFiles, new_key
from mlxtwin.slots.registry import Slots
from mlxtwin.vault.store import Vault

from .fake_talks import FakeTalks
from .fakes import FakeHouse

META = {"verdict": "promoted", "base": {"name": "starter", "fingerprint": "f", "path": "/b"}, "reasons": []}


@dataclass
class FakeEngine:
    """Says what it was told to, one answer after the other; an error among the pieces is raised in its place."""

    answers: list[list[str | TwinError]]
    asked: list[tuple[Message, ...]] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)
    cancelled: bool = False
    ended: int = 0

    def __enter__(self) -> FakeEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def open(self, base: dict[str, Any]) -> None:
        assert base["name"] == "starter"

    def ask(
        self, messages: tuple[Message, ...], slot: str | None, version: int | None, seed: int
    ) -> Generator[str, None, None]:
        self.last = {}
        pieces = self.answers[len(self.asked) % len(self.answers)]
        self.asked.append(messages)
        for piece in pieces:
            if self.cancelled:
                break
            if isinstance(piece, TwinError):
                raise piece
            yield piece
        self.last = {"ended": "stopped" if self.cancelled else "end", "tokens": 2, "tokens_per_second": 9.0}

    def cancel(self) -> None:
        self.cancelled = True

    def end(self) -> None:
        self.ended += 1


@dataclass
class Subject:
    talks: Talks
    answers: list[list[str | TwinError]]
    add_slot: Callable[[str], None]
    remove_slot: Callable[[str], None]


@pytest.fixture(params=["fake", "real"])
def subject(request: pytest.FixtureRequest, home: Home) -> Iterator[Subject]:
    made = _fake() if request.param == "fake" else _real(home)
    yield made
    made.talks.close()


def _fake() -> Subject:
    from mlxtwin.client.conversations import Choice

    talks = FakeTalks(FakeHouse())

    def remove(name: str) -> None:
        talks.choices = [one for one in talks.choices if one.slot != name]

    return Subject(talks, talks.answers, lambda name: talks.choices.append(Choice(name, 1, "starter")), remove)


def _real(home: Home) -> Subject:
    key = new_key()
    Vault.create(home, key).close()
    slots = Slots(home, SealedFiles(home, key))

    def add(name: str) -> None:
        slots.use(name, slots.add(name, b"adapter", META | {"run": name}, {}).number)

    add("voice")
    engine = FakeEngine([["Well, ", "that was a **fine** week."]])
    talks = Talks(House(home, key), lambda _home, _key: engine)  # type: ignore[arg-type,return-value]
    return Subject(talks, engine.answers, add, slots.remove)


def said(talks: Talks) -> list[tuple[str, str, bool]]:
    assert talks.conversation is not None
    return [(one.message.role, one.message.content, one.message.complete) for one in talks.messages(talks.conversation)]


def test_an_answer_is_kept_and_the_next_prompt_knows_it(subject: Subject) -> None:
    talks = subject.talks
    subject.answers[:] = [["Well", "."], ["More."]]
    assert talks.choose() == "voice"
    assert talks.conversation is None
    assert list(talks.say("Hi")) == ["Well", "."]
    assert talks.last["ended"] == "end"
    assert "".join(talks.say("And?")) == "More."
    assert [text for _, text, _ in said(talks)] == ["Hi", "Well.", "And?", "More."]
    assert {role: complete for role, _, complete in said(talks)} == {"user": True, "assistant": True}
    last = talks.answered()
    assert (last.slot, last.version, last.answer) == ("voice", 1, "More.")
    assert [one.content for one in last.prompt] == ["Hi", "Well.", "And?"]


def test_another_answer_takes_the_place_of_the_last(subject: Subject) -> None:
    talks = subject.talks
    subject.answers[:] = [["One."], ["Two."], ["Three."]]
    list(talks.say("Hi"))
    list(talks.say("And?"))
    assert list(talks.again()) == ["Three."]
    assert [text for _, text, _ in said(talks)] == ["Hi", "One.", "And?", "Three."]
    assert [one.content for one in talks.answered().prompt] == ["Hi", "One.", "And?"]


def test_an_answer_stays_where_no_other_comes(subject: Subject) -> None:
    talks = subject.talks
    subject.answers[:] = [["One."], [RunFailed("The engine ended.")]]
    list(talks.say("Hi"))
    with pytest.raises(RunFailed):
        list(talks.again())
    assert [text for _, text, _ in said(talks)] == ["Hi", "One."]
    assert talks.answered().answer == "One."


def test_what_failed_can_be_asked_again(subject: Subject) -> None:
    talks = subject.talks
    subject.answers[:] = [[RunFailed("The engine ended.")], ["There."]]
    with pytest.raises(RunFailed):
        list(talks.say("Hi"))
    assert said(talks) == [("user", "Hi", True), ("assistant", "", False)]
    assert list(talks.again()) == ["There."]
    assert said(talks) == [("user", "Hi", True), ("assistant", "There.", True)]


def test_a_cancelled_answer_is_kept_as_far_as_it_went(subject: Subject) -> None:
    talks = subject.talks
    subject.answers[:] = [["one", "two", "three"]]
    for _ in talks.say("Hi"):
        talks.cancel()
    assert talks.last["ended"] == "stopped"
    assert said(talks) == [("user", "Hi", True), ("assistant", "one", False)]


def test_the_bare_base_answers_the_same_and_is_not_kept(subject: Subject) -> None:
    talks = subject.talks
    subject.answers[:] = [["Twin."], ["Base."]]
    list(talks.say("Hi"))
    assert list(talks.base()) == ["Base."]
    assert len(said(talks)) == 2
    assert (talks.answered().answer, talks.answered().version) == ("Twin.", 1)
    of_base = talks.answered(of_base=True)
    assert (of_base.answer, of_base.version) == ("Base.", None)
    list(talks.say("And?"))
    with pytest.raises(UsageError):
        talks.answered(of_base=True)


def test_what_the_person_thinks_of_an_answer_is_kept_with_it(subject: Subject) -> None:
    talks = subject.talks
    subject.answers[:] = [["Twin."], ["Base."]]
    list(talks.say("Hi"))
    assert talks.rate(True) == 1
    assert talks.rate(False) == 1
    assert talks.correct(" Mine. ") == 1
    list(talks.base())
    assert talks.rate(True, of_base=True) == 2
    with pytest.raises(UsageError):
        talks.correct("Twin.")
    assert talks.conversation is not None
    answer = talks.messages(talks.conversation)[-1]
    assert (answer.good, answer.better) == (False, "Mine.")


def test_without_an_answer_there_is_nothing_to_say_of_it(subject: Subject) -> None:
    talks = subject.talks
    for attempt in (talks.answered, lambda: talks.rate(True), lambda: talks.correct("x"), lambda: list(talks.again())):
        with pytest.raises(UsageError):
            attempt()
    with pytest.raises(UsageError):
        list(talks.base())


def test_a_past_conversation_goes_on_where_it_stood(subject: Subject) -> None:
    talks = subject.talks
    subject.answers[:] = [["One."], ["Other."], ["Two."]]
    list(talks.say("Hi"))
    first = talks.conversation
    assert first is not None
    talks.begin()
    assert talks.conversation is None
    list(talks.say("Elsewhere"))
    assert [row.id for row in talks.conversations()] == [talks.conversation, first]
    assert [row.id for row in talks.conversations("one")] == [first]
    assert talks.reopen(first) == ""
    assert talks.answered().answer == "One."
    list(talks.say("And?"))
    assert [one.content for one in talks.answered().prompt] == ["Hi", "One.", "And?"]
    assert [text for _, text, _ in said(talks)] == ["Hi", "One.", "And?", "Two."]


def test_a_conversation_whose_slot_is_gone_goes_on_with_another(subject: Subject) -> None:
    talks = subject.talks
    subject.add_slot("work")
    assert talks.choose("work") == "work"
    list(talks.say("Hi"))
    conversation = talks.conversation
    assert conversation is not None
    talks.begin()
    subject.remove_slot("work")
    with pytest.raises(UsageError):
        list(talks.say("Still there?"))
    assert talks.conversation is None
    note = talks.reopen(conversation)
    assert "work" in note
    assert talks.slot == "voice"
    list(talks.say("And you?"))
    assert talks.answered().slot == "voice"


def test_pages_of_a_conversation(subject: Subject) -> None:
    talks = subject.talks
    for number in range(4):
        list(talks.say(f"turn {number}"))
    assert talks.conversation is not None
    told = talks.messages(talks.conversation)
    last = talks.messages(talks.conversation, limit=3)
    assert last == told[-3:]
    assert talks.messages(talks.conversation, before=last[0].message.id, limit=3) == told[-6:-3]
    assert talks.messages(talks.conversation, after=told[0].message.id, limit=3) == told[1:4]


def test_a_forgotten_conversation_is_gone(subject: Subject) -> None:
    talks = subject.talks
    list(talks.say("Hi"))
    conversation = talks.conversation
    assert conversation is not None
    talks.forget(conversation)
    assert (talks.conversation, talks.conversations()) == (None, [])
    with pytest.raises(UsageError):
        talks.reopen(conversation)


def test_no_slot_is_said_and_nothing_kept(subject: Subject) -> None:
    talks = subject.talks
    subject.remove_slot("voice")
    assert (talks.slots(), talks.choose()) == ([], "")
    with pytest.raises(UsageError):
        list(talks.say("Hi"))
    with pytest.raises(UsageError):
        talks.choose("nobody")
    assert talks.conversations() == []


def test_a_closed_conversation_opens_again_by_itself(subject: Subject) -> None:
    talks = subject.talks
    list(talks.say("Hi"))
    talks.close()
    list(talks.say("And?"))
    assert len(said(talks)) == 4


def test_closing_ends_an_answer_under_way_and_keeps_it(home: Home) -> None:
    subject = _real(home)
    subject.answers[:] = [["one", "two", "three"]]
    first, go_on = threading.Event(), threading.Event()

    def listen() -> None:
        for _ in subject.talks.say("Hi"):
            first.set()
            go_on.wait(10)

    thread = threading.Thread(target=listen)
    thread.start()
    assert first.wait(10)
    closing = threading.Thread(target=subject.talks.close)
    closing.start()
    with pytest.raises(Busy):
        list(subject.talks.say("Me too"))
    go_on.set()
    thread.join(10)
    closing.join(10)
    assert said(subject.talks) == [("user", "Hi", True), ("assistant", "one", False)]


def test_an_engine_that_does_not_open_leaves_nothing_open(home: Home) -> None:
    subject = _real(home)

    class Broken(FakeEngine):
        def open(self, base: dict[str, Any]) -> None:
            raise RunFailed("It does not start.")

    engine = Broken([["x"]])
    talks = Talks(subject.talks.house, lambda _home, _key: engine)  # type: ignore[arg-type,return-value]
    with suppress(RunFailed):
        list(talks.say("Hi"))
    assert (engine.ended, talks.conversation, talks.conversations()) == (1, None, [])

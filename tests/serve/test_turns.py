"""Who is answered when, with a mind that says numbers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mlxtwin.serve import turns as module
from mlxtwin.serve.prefixes import MOST_KEPT, Prefixes
from mlxtwin.serve.turns import Asked, Job, Said, Turns

BASES = {name: {"fingerprint": name} for name in "xy"}


class Counted(Iterator[str]):
    def __init__(self, name: str, pieces: int, stop: Callable[[], bool]) -> None:
        self.pieces = iter([f"{name}{number}" for number in range(pieces)])
        self.stop = stop

    def __next__(self) -> str:
        if self.stop():
            raise StopIteration
        return next(self.pieces)

    def numbers(self) -> Said:
        return {"ended": "stopped" if self.stop() else "end"}


class Counter:
    """Says as many pieces as the question allows tokens, and fails where it allows none."""

    kind: str | None = "cpu"

    def __init__(self) -> None:
        self.loads, self.base = 0, ""
        self.forgotten: list[str] = []

    def holds(self, base: dict[str, Any]) -> bool:
        return bool(self.base == base["fingerprint"])

    def open(self, base: dict[str, Any]) -> Said:
        if not self.holds(base):
            self.base, self.loads = base["fingerprint"], self.loads + 1
        return {}

    def answer(self, asked: Asked, stop: Callable[[], bool]) -> Counted:
        self.open(asked.base)
        if not asked.max_tokens:
            raise ZeroDivisionError("with something personal")
        return Counted(asked.conversation, asked.max_tokens, stop)

    def forget(self, conversation: str) -> None:
        self.forgotten.append(conversation)


class Hall:
    """The turns, and all that was said in its order."""

    def __init__(self) -> None:
        self.mind = Counter()
        self.turns = Turns(self.mind)
        self.said: list[tuple[str, Said]] = []
        self.jobs: list[Job] = []
        self.ended = threading.Semaphore(0)

    def ask(self, conversation: str, pieces: int, base: str = "x") -> Job:
        asked = Asked(conversation, BASES[base], (), None, None, pieces, 0.0, 0)

        def say(value: Said) -> None:
            self.said.append((conversation, value))
            if "piece" not in value:
                self.ended.release()

        self.jobs.append(Job(conversation, asked.base, say, asked))
        self.turns.put(self.jobs[-1])
        return self.jobs[-1]

    def answer_all(self) -> None:
        threading.Thread(target=self.turns.run, daemon=True).start()
        for _ in self.jobs:
            assert self.ended.acquire(timeout=60)

    def pieces(self) -> list[str]:
        return [value["piece"] for _, value in self.said if "piece" in value]


@pytest.fixture
def hall(monkeypatch: pytest.MonkeyPatch) -> Hall:
    monkeypatch.setattr(module, "SLICE_SECONDS", 0.0)
    return Hall()


def test_several_conversations_are_answered_by_turns(hall: Hall) -> None:
    for name in "abc":
        hall.ask(name, 3)
    hall.answer_all()
    assert hall.pieces() == ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"]


def test_a_conversation_is_answered_one_question_after_the_other(hall: Hall) -> None:
    hall.ask("a", 2)
    hall.ask("a", 2)
    hall.ask("b", 2)
    hall.answer_all()
    assert hall.pieces() == ["a0", "b0", "a1", "b1", "a0", "a1"]


def test_another_base_waits_for_its_turn_and_is_not_overtaken(hall: Hall) -> None:
    hall.ask("a", 3)
    hall.ask("b", 2, base="y")
    hall.ask("c", 2)
    hall.answer_all()
    assert hall.pieces() == ["a0", "a1", "a2", "b0", "b1", "c0", "c1"]
    assert hall.mind.loads == 3


def test_no_more_than_a_few_are_answered_at_once(hall: Hall) -> None:
    for name in "abcde":
        hall.ask(name, 2)
    hall.answer_all()
    assert hall.pieces()[:4] == ["a0", "b0", "c0", "d0"]
    assert hall.pieces().index("e0") > hall.pieces().index("a1")


def test_who_waits_and_cancels_is_told_so_without_an_answer(hall: Hall) -> None:
    hall.ask("a", 2)
    hall.ask("b", 2, base="y").cancelled.set()
    hall.answer_all()
    assert hall.pieces() == ["a0", "a1"]
    assert next(value for name, value in hall.said if name == "b")["end"]["ended"] == "stopped"
    assert hall.mind.loads == 1


def test_one_that_fails_is_told_by_its_kind_alone_and_the_others_go_on(hall: Hall) -> None:
    hall.ask("a", 2)
    hall.ask("b", 0)
    hall.answer_all()
    assert hall.pieces() == ["a0", "a1"]
    error = next(value for name, value in hall.said if name == "b")["error"]
    assert error["message"] == "The engine failed with ZeroDivisionError."
    assert "personal" not in str(hall.said)


def test_too_many_who_wait_are_turned_away(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    for name in "abc":
        hall.ask(name, 1)
    assert hall.said == [("c", hall.said[0][1])]
    assert hall.said[0][1]["error"]["exit_code"] == 3
    hall.answer_all()
    assert hall.pieces() == ["a0", "b0"]


def test_who_left_is_forgotten_and_idleness_begins_after_the_last_answer(hall: Hall) -> None:
    hall.ask("a", 1)
    assert hall.turns.idle_seconds() == 0.0
    hall.turns.forget("a")
    hall.answer_all()
    assert hall.mind.forgotten == ["a"]
    while hall.turns.idle_seconds() == 0.0:
        threading.Event().wait(0.001)


class Thing:
    def __init__(self, size_bytes: int = 1) -> None:
        self.size_bytes = size_bytes


def test_prefixes_are_kept_by_conversation_and_wearer_and_the_least_recent_go() -> None:
    kept: Prefixes[Thing] = Prefixes()
    first = kept.of("a", 1, Thing, 100)
    assert kept.of("a", 2, Thing, 100) is not first
    assert kept.of("a", 1, Thing, 100) is first
    for number in range(MOST_KEPT - 1):
        kept.of("b", number, Thing, 100)
    assert len(kept) == MOST_KEPT
    assert kept.of("a", 1, Thing, 100) is first
    assert ("a", 2) not in kept
    kept.forget("b")
    assert list(kept) == [("a", 1)]


def test_prefixes_that_grew_too_large_go_but_not_the_one_in_use() -> None:
    kept: Prefixes[Thing] = Prefixes()
    kept.of("a", 1, lambda: Thing(60), 100)
    kept.of("b", 1, lambda: Thing(30), 100)
    assert len(kept) == 2
    kept.of("c", 1, lambda: Thing(200), 100)
    assert list(kept) == [("c", 1)]

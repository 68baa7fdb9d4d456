from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.errors import GateRefused, SealBroken, TwinError, UsageError
from mlxtwin.paths import Home
from mlxtwin.security.crypto import SealedFiles, new_key
from mlxtwin.slots import registry
from mlxtwin.slots.registry import Slots


@pytest.fixture
def slots(home: Home) -> Slots:
    return Slots(home, SealedFiles(home, new_key()))


def add(slots: Slots, run: str, verdict: str = "promoted", name: str = "voice") -> int:
    meta, report = {"run": run, "verdict": verdict}, {"samples": [run]}
    version = slots.add(name, f"adapter of {run}".encode(), meta, report, f"learned of {run}".encode())
    if version.promoted:
        slots.use(name, version.number)
    return version.number


def test_versions_count_up_and_give_back_what_was_put_in(slots: Slots) -> None:
    assert [add(slots, "a"), add(slots, "b")] == [1, 2]
    version = slots.version("voice", 1)
    assert slots.adapter(version) == b"adapter of a"
    assert slots.report(version) == {"samples": ["a"]}
    assert slots.learned(version) == b"learned of a"
    assert slots.version("voice").number == 2


def test_a_version_from_before_does_not_say_what_it_learned(slots: Slots) -> None:
    assert slots.learned(slots.add("voice", b"adapter", {"run": "a", "verdict": "promoted"}, {})) is None


def test_the_same_run_is_stored_once(slots: Slots) -> None:
    assert add(slots, "a") == add(slots, "a") == 1


def test_rollback_goes_back_through_history_and_then_says_so(slots: Slots) -> None:
    for run in ("a", "b", "c"):
        add(slots, run)
    slots.use("voice", 1)
    assert slots.rollback("voice").current == 3
    assert slots.rollback("voice").current == 2
    assert slots.rollback("voice").current == 1
    with pytest.raises(UsageError, match="no earlier version"):
        slots.rollback("voice")


def test_a_rejected_version_is_used_only_when_asked_for_twice(slots: Slots) -> None:
    add(slots, "a")
    assert add(slots, "b", "rejected") == 2
    assert slots.state("voice").current == 1
    with pytest.raises(GateRefused):
        slots.use("voice", 2)
    assert slots.use("voice", 2, anyway=True).current == 2


def test_a_slot_with_rejected_versions_alone_has_no_current_one(slots: Slots) -> None:
    add(slots, "a", "rejected")
    with pytest.raises(UsageError, match="passed the gate"):
        slots.version("voice")


def test_a_slot_that_never_was_is_named_with_the_closest(slots: Slots) -> None:
    add(slots, "a")
    with pytest.raises(UsageError) as caught:
        slots.state("voise")
    assert "voice" in caught.value.hint
    with pytest.raises(UsageError):
        slots.state("../voice")


def test_a_version_moved_to_another_slot_does_not_open(slots: Slots, home: Home) -> None:
    add(slots, "a")
    add(slots, "b", name="other")
    adapter = home.slots / "other" / "v0001" / "adapter.sealed"
    adapter.chmod(0o600)
    adapter.write_bytes((home.slots / "voice" / "v0001" / "adapter.sealed").read_bytes())
    with pytest.raises(SealBroken):
        slots.adapter(slots.version("other"))


@pytest.mark.parametrize("nth", range(1, 10))
def test_dying_at_any_file_operation_leaves_the_old_state_or_the_new(
    slots: Slots, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    add(slots, "a")
    count = 0

    def dying(real: Any) -> Any:
        def operation(*arguments: Any, **keywords: Any) -> Any:
            nonlocal count
            count += 1
            if count == nth:
                raise KeyboardInterrupt
            return real(*arguments, **keywords)

        return operation

    with monkeypatch.context() as patched:
        patched.setattr(SealedFiles, "write", dying(SealedFiles.write))
        patched.setattr(registry, "write_json", dying(registry.write_json))
        patched.setattr(registry, "sync_folder", dying(registry.sync_folder))
        patched.setattr(Path, "rename", dying(Path.rename))
        try:
            add(slots, "b")
            died = False
        except KeyboardInterrupt:
            died = True
    state = slots.state("voice")
    assert state.current in ((1, 2) if died else (2,))
    assert slots.adapter(slots.version("voice")).startswith(b"adapter of ")
    assert slots.learned(slots.version("voice")) is not None
    assert add(slots, "b") == 2
    assert slots.state("voice").current == 2


def test_meta_and_state_hold_no_adapter_and_no_sample(slots: Slots, home: Home) -> None:
    add(slots, "a-run-with-a-long-name")
    for path in home.slots.rglob("*"):
        if path.is_file():
            assert b"adapter of" not in path.read_bytes()
            assert b"learned of" not in path.read_bytes()
            if path.suffix == ".json":
                json.loads(path.read_text())


@pytest.mark.parametrize("name", ["never", "../outside", ""])
def test_asking_for_a_slot_that_never_was_makes_none(slots: Slots, home: Home, name: str) -> None:
    for ask in (slots.rollback, slots.remove, slots.state, slots.version, lambda one: slots.use(one, 1)):
        with pytest.raises(UsageError):
            ask(name)
    assert not home.root.exists()


def test_a_removal_that_was_killed_does_not_block_the_next(slots: Slots, home: Home) -> None:
    add(slots, "a")
    left = home.slots / ".voice.removed"
    left.mkdir()
    (left / "rest").touch()
    slots.remove("voice")
    assert slots.names() == []
    assert not left.exists()


@pytest.mark.parametrize("file", ["state.json", "v0001/meta.json"])
def test_a_damaged_file_of_a_slot_is_named(slots: Slots, home: Home, file: str) -> None:
    add(slots, "a")
    path = home.slots / "voice" / file
    path.chmod(0o600)
    path.write_bytes(b"{")
    with pytest.raises(TwinError, match=path.name):
        slots.state("voice")

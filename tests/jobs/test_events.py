from __future__ import annotations

from pathlib import Path

import pytest

from mlxtwin.jobs.events import EventLog


def test_events_come_back_in_order_and_from_where_reading_left_off(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.emit("start", pid=1)
    first, offset = log.read()
    log.emit("step", loss=2.5, step=1)
    second, _ = log.read(offset)
    assert [event.event for event in first] == ["start"]
    assert [event.data for event in second] == [{"loss": 2.5, "step": 1}]


def test_a_torn_last_line_is_not_read_and_does_not_swallow_the_next_event(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.emit("start")
    path = tmp_path / "events.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"event": "st')
    assert [event.event for event in log] == ["start"]
    log.emit("step", step=1)
    assert [event.event for event in log] == ["start", "step"]


@pytest.mark.parametrize("text", ["my dear friend, I", "two words", "tschüss", "line\nbreak"])
def test_personal_text_cannot_be_emitted(tmp_path: Path, text: str) -> None:
    log = EventLog(tmp_path)
    with pytest.raises(ValueError, match="numbers and ids"):
        log.emit("step", sample=text)
    with pytest.raises(ValueError, match="numbers and ids"):
        log.emit("step", samples=[{"x": text}])
    assert not (tmp_path / "events.jsonl").exists()

"""The whole path by keys in a real terminal, with the real engine, the bundled base and the bundled person."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

import mlxtwin.sample

TOOLS = Path(__file__).parents[2] / "tools"
TITLES = [
    "first look", "recovery key", "a vault without words", "choosing what to import", "who of them it is",
    "what came in", "plan", "training", "opened again in mid-run", "the run where it is", "verdict",
    "a chat not begun", "answer", "correcting it", "the correction is kept", "a second verdict",
]  # fmt: skip


@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed")
def test_from_an_empty_home_to_a_version_rolled_back_by_keys_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOOLS))
    import walk

    person = Path(str(mlxtwin.sample.__path__[0])) / "exports"
    with walk.prepared(person, (120, 40)) as (terminal, copy):
        whole = walk.Walk(
            terminal, [sys.executable, "-m", "mlxtwin"], copy, "Maud Tarrow", first="data.max_words=600 epochs=3"
        )
        whole.go()
        assert terminal.over
    titles = [title for title, _ in whole.frames]
    assert titles[: len(TITLES)] == TITLES
    assert titles[-2:] == ["slots", "rolled back"]
    screens = dict(whole.frames)
    assert "cut short" not in screens["answer"]
    assert walk.PASSPHRASE not in "".join(screens.values())

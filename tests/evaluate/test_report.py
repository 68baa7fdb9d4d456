"""The sampled replies of the report card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from backend.small import small_folder

from mlxtwin.backend.engine import load_base
from mlxtwin.backend.models import describe
from mlxtwin.dataset.examples import Dataset, DatasetReport
from mlxtwin.evaluate import report
from mlxtwin.evaluate.report import _answer, _fitting
from mlxtwin.records import Example, Message


def test_a_prompt_longer_than_the_base_reads_loses_its_oldest_words(tmp_path: Path) -> None:
    loaded = load_base(describe(small_folder(tmp_path / "base"), "small"))
    words = [f"word{number}" for number in range(2000)]
    prompt = (Message("user", " ".join(words)),)
    assert isinstance(_answer(loaded, prompt, 0), str)
    kept = _fitting(loaded, prompt)[-1].content.split(" ")
    assert kept and kept == words[-len(kept) :]


def test_a_prompt_that_fits_stays_as_it_is(tmp_path: Path) -> None:
    loaded = load_base(describe(small_folder(tmp_path / "base"), "small"))
    prompt = (Message("user", "How are you?"),)
    assert _fitting(loaded, prompt) == prompt
    assert _fitting(loaded, ()) == ()


def test_a_copy_of_what_only_an_earlier_version_was_trained_on_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: Any = None
    example = Example("d", "write", (Message("user", "Say."), Message("assistant", "one two three four")), 1, "train")
    dataset = Dataset((example,), (), DatasetReport({}, {}, {}, {}, {}, {}), learned_before=("five six seven eight",))
    for said, run in (("So one two three.", 3), ("So five six seven eight nine.", 4), ("four five six", 0)):
        monkeypatch.setattr(report, "_answer", lambda *_, said=said: said)
        assert report._copied_run(loaded, dataset, 0) == (run, 1)

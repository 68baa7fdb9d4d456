"""Counts in what a person reads: one of a thing is not called by its plural."""

from __future__ import annotations

from typing import Any

import pytest

from mlxtwin.cli import evaluation, imports
from mlxtwin.cli.retrain import card_lines
from mlxtwin.client.run_words import stopped_where
from mlxtwin.wording import plural


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (1200, "1,200 files"), (-1, "-1 files")]
)
def test_a_count_goes_with_its_noun(count: int, said: str) -> None:
    assert plural(count, "file") == said


def test_a_noun_may_have_a_plural_of_its_own() -> None:
    assert (plural(1, "copy", "copies"), plural(2, "copy", "copies")) == ("1 copy", "2 copies")


def result(count: int) -> dict[str, Any]:
    return {
        "checks": {"gain": [0.1, 0.0, True]}, "reasons": ["It gains."], "strength": 1, "supervised_tokens": count,
        "steps": count, "seconds": 1.0, "tokens_per_second": 3.0, "peak_memory_bytes": 1024,
    }  # fmt: skip


def test_a_run_of_one_step_is_told_as_such() -> None:
    assert "  1 step, 1 supervised token in 1 s" in card_lines(result(1))[-1]
    assert "  2 steps, 2 supervised tokens in 1 s" in card_lines(result(2))[-1]
    assert stopped_where(1, 1) == "while measuring, after its one step"
    assert stopped_where(9, 9) == "while measuring, after all 9 steps"


@pytest.mark.parametrize(
    ("count", "said"),
    [(1, "measured on 1 token of 1 held-out document"), (2, "measured on 2 tokens of 2 held-out documents")],
)
def test_a_report_card_counts_what_it_measured_on(count: int, said: str) -> None:
    value = {"slot": "voice", "version": 1, "verdict": "promoted", "samples": []}
    value |= {"holdout": {"tokens": count, "documents": count}}
    lines = evaluation.lines(value, {"verdict": {"checks": []}, "strength": 1})
    assert lines[-1].strip() == said


def test_an_update_that_was_turned_down_says_what_of_it_is_left() -> None:
    told = result(2) | {"strength": 0.55}
    assert card_lines(told)[-2] == "  kept at 55% of its strength, so as not to forget other text"
    assert (
        card_lines(told | {"update": {}})[-2] == "  kept at 55% of what it learned anew, so as not to forget other text"
    )
    value = {"slot": "voice", "version": 1, "verdict": "promoted", "samples": []}
    value |= {"holdout": {"tokens": 2, "documents": 2}}
    report = {"verdict": {"checks": []}, "strength": 0.55}
    assert "learned anew" in evaluation.lines(value, report, update=True)[1]


def test_an_import_names_its_kinds_by_their_number() -> None:
    found = {
        "kinds": {"mail": 1, "note": 2}, "kind": "note", "files": 3, "documents": 3, "added": 3, "updated": 0,
        "kept": 3, "dropped": {}, "skipped": {}, "words_by_me": 30, "errors": [], "dry_run": False,
    }  # fmt: skip
    assert imports._rows(found)[0] == ("kinds", "1 mail, 2 notes")

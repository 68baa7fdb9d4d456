from __future__ import annotations

import pytest

from mlxtwin.evaluate.gate import against_current, against_parent, judge
from mlxtwin.evaluate.leakage import CopyIndex
from mlxtwin.records import Holdout, Verdict


def verdict(
    *, base: float = 4.0, twin: float = 3.6, low: float = 0.3, forgetting: float = 0.0, copied: int = 5
) -> Verdict:
    holdout = Holdout(base, twin, (low, 0.5), tokens=1000, documents=20)
    return judge(holdout, forgetting, copied, min_gain=0.02, max_forgetting=0.03, max_copied_run=13)


def test_a_better_adapter_that_forgot_nothing_and_copied_nothing_is_promoted() -> None:
    judged = verdict()
    assert judged.outcome == "promoted"
    assert len(judged.reasons) == 4


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ({"twin": 3.95}, "gain"),
        ({"low": -0.01}, "certainty"),
        ({"forgetting": 0.031}, "forgetting"),
        ({"copied": 14}, "copying"),
    ],
)
def test_one_failed_check_rejects_and_says_which(fault: dict[str, float], check: str) -> None:
    judged = verdict(**fault)  # type: ignore[arg-type]
    assert judged.outcome == "rejected"
    assert [one.name for one in judged.checks if not one.passed] == [check]


def test_a_version_worse_than_the_one_in_use_is_rejected_and_an_equal_one_is_not() -> None:
    assert against_current(verdict(), 3.6, 2, 3.6).outcome == "promoted"
    assert against_current(verdict(), 3.53, 2, 3.5, 0.01).outcome == "promoted"
    assert against_current(verdict(), 3.54, 2, 3.5, 0.01).outcome == "rejected"
    worse = against_current(verdict(), 3.6, 2, 3.5)
    assert worse.outcome == "rejected"
    assert "version 2" in worse.reasons[-1]
    assert against_current(verdict(copied=14), 3.6, 2, 3.9).outcome == "rejected"
    assert against_current(verdict(), 3.6, 2, 3.6, which="the last").reasons[-1].endswith("of version 2, the last.")


def test_a_version_that_prefers_fewer_wanted_answers_than_its_parent_is_rejected() -> None:
    same = against_parent(verdict(), 7, 7, 10, 3, held_out=True)
    assert same.outcome == "promoted"
    assert same.reasons[-1] == "The answer you wanted is the likelier one in 7 of 10 pairs held out; version 3: 7."
    fewer = against_parent(verdict(), 6, 7, 10, 3, held_out=False)
    assert fewer.outcome == "rejected"
    assert (fewer.checks[-1].name, fewer.checks[-1].value, fewer.checks[-1].threshold) == ("preferred", 0.6, 0.7)
    assert "pairs trained on" in fewer.reasons[-1]
    assert against_parent(verdict(copied=14), 9, 7, 10, 3, held_out=True).outcome == "rejected"


def test_the_thresholds_themselves_pass() -> None:
    assert verdict(base=4.0, twin=3.92, forgetting=0.03, copied=13).outcome == "promoted"


def test_the_longest_copied_run_is_counted_in_words_and_not_across_texts() -> None:
    index = CopyIndex(["One two three four five.", "six seven eight nine"])
    assert index.longest_run("He said: one, TWO three four and left.") == 4
    assert index.longest_run("four five six seven") == 0
    assert index.longest_run("three four five six seven eight nine") == 4
    assert index.longest_run("nothing of the kind") == 0


def test_a_run_at_the_end_of_everything_is_found_whole() -> None:
    assert CopyIndex(["a b c d e f"]).longest_run("x a b c d e f") == 6

"""What was typed into a box that knows Markdown, less quotes and code; moments as exports write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlxtwin.sources.moments import APPLE, UNIX, since, written
from mlxtwin.sources.quoted_lines import own_turns, split

QUICK = settings(max_examples=60, deadline=None, database=None, derandomize=True)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        (" \n\n ", []),
        ("Rye.\n\nWheat.", [("own", "Rye.\n\nWheat.")]),
        ("> Rye?\n>\n> Wheat?\nBoth.", [("quoted", "Rye?\n\nWheat?"), ("own", "Both.")]),
        (">> Rye?\n> > Wheat?", [("quoted", "Rye?\nWheat?")]),
        ("a > b", [("own", "a > b")]),
        ("    > deep", [("own", "> deep")]),
        ("See:\n```\na\n\n> b\n```\nSo.", [("own", "See:"), ("quoted", "a\n\n> b"), ("own", "So.")]),
        ("~~~ py\na\n```\nb", [("quoted", "a\n```\nb")]),
        ("Use ```x``` here", [("own", "Use ```x``` here")]),
        ("```x``` first", [("own", "```x``` first")]),
        ("````\n```\na\n````\nown", [("quoted", "```\na"), ("own", "own")]),
    ],
)
def test_quotes_and_fenced_code_are_told_apart(text: str, parts: list[tuple[str, str]]) -> None:
    assert split(text) == parts


@QUICK
@given(st.text(st.sampled_from("a \n>`~"), max_size=80))
def test_no_letter_is_lost_and_no_part_is_blank(text: str) -> None:
    parts = split(text)
    assert all(words.strip() for _, words in parts)
    assert sum(words.count("a") for _, words in parts) <= text.count("a")
    assert "`" in text or "~" in text or sum(words.count("a") for _, words in parts) == text.count("a")


def test_only_what_is_own_is_the_persons() -> None:
    quoted, own = own_turns("me", "> Rye?\nYes.", None)
    assert (quoted.mine, quoted.role, quoted.author) == (False, "quoted", "")
    assert (own.mine, own.role, own.author) == (True, "own", "me")


def test_seconds_count_from_an_epoch() -> None:
    assert since(UNIX, 1709373600.5) == datetime(2024, 3, 2, 10, 0, 0, 500_000, tzinfo=UTC)
    assert since(APPLE, 731066400) == datetime(2024, 3, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize("value", [None, True, "5", float("nan"), float("inf"), 10**30, -(10**30), 1e300, []])
def test_what_is_no_moment_is_none(value: Any) -> None:
    assert since(UNIX, value) is None


@pytest.mark.parametrize(
    "text",
    ["2024-03-02T10:00:00Z", "2024-03-02T10:00:00.000Z", "2024-03-02 10:00:00 UTC", "2024-03-02 10:00:00",
     "2024-03-02T12:00:00+02:00", "2024-03-02 10:00:00 +0000"],
)  # fmt: skip
def test_a_written_moment_is_aware(text: str) -> None:
    assert written(text) == datetime(2024, 3, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize("value", [None, 5, "", "not a time", "registration ip", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_written_moment_is_none(value: Any) -> None:
    assert written(value) is None

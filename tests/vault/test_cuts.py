"""Cuts: what is left of a document, what becomes of the pieces, and how they are kept."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlxtwin.records import Document, Turn
from mlxtwin.vault.cuts import Cut, merged, of_text, to_text, without
from mlxtwin.vault.rows import StoredDocument

TEXT = "One two three.\n\nFour five six.\n\nSeven eight."
MAIL = Document("mail", "s", "k", "", (Turn("Bo", False, "Well?", "quoted"), Turn("Ann", True, TEXT, "own")))
FOUR = (TEXT.index("Four"), TEXT.index("six.") + 4)


def pieces(*cuts: Cut, document: Document = MAIL) -> list[tuple[str, bool, str]]:
    return [(turn.role, turn.mine, turn.text) for turn in without(document, cuts).turns]


def test_a_pasted_stretch_becomes_a_quoted_turn_of_somebody_unknown() -> None:
    found = without(MAIL, [Cut(1, *FOUR, "pasted")])
    assert [turn.author for turn in found.turns] == ["Bo", "Ann", "", "Ann"]
    assert pieces(Cut(1, *FOUR, "pasted")) == [
        ("quoted", False, "Well?"), ("own", True, "One two three."), ("quoted", False, "Four five six."),
        ("own", True, "Seven eight."),
    ]  # fmt: skip
    assert found.own_text == "One two three.\n\nSeven eight."


@pytest.mark.parametrize("why", ["templated", "signature"])
def test_what_recurs_is_neither_own_nor_anybody_else_s(why: str) -> None:
    cut = Cut(1, *FOUR, why)  # type: ignore[arg-type]
    assert ("signature", True, "Four five six.") in pieces(cut)


def test_pieces_without_a_word_and_turns_of_others_are_left_alone() -> None:
    assert pieces(Cut(1, 0, FOUR[1], "pasted"))[1:] == [
        ("quoted", False, "One two three.\n\nFour five six."), ("own", True, "Seven eight."),
    ]  # fmt: skip
    assert pieces(Cut(1, 0, len(TEXT) - 1, "signature"))[1:] == [("signature", True, TEXT[:-1])]
    assert pieces(Cut(0, 0, 3, "pasted")) == pieces()
    assert without(MAIL, []) is MAIL


spans = st.tuples(st.integers(0, 1), st.integers(0, 12), st.integers(1, 6), st.sampled_from(("pasted", "signature")))


@given(st.lists(spans, max_size=8))
def test_merged_cuts_are_ordered_apart_and_cover_the_same(some: list[tuple[int, int, int, str]]) -> None:
    cuts = [Cut(turn, start, start + length, why) for turn, start, length, why in some]  # type: ignore[arg-type]
    found = merged(cuts)
    covered = {(cut.turn, place) for cut in cuts for place in range(cut.start, cut.end)}
    assert {(cut.turn, place) for cut in found for place in range(cut.start, cut.end)} == covered
    for before, after in pairwise(found):
        assert before.turn < after.turn or before.end <= after.start
    assert merged(found) == found
    assert of_text(to_text(found)) == found


def test_what_is_kept_is_read_back_and_anything_else_refused() -> None:
    assert (to_text([]), of_text("")) == ("", ())
    for broken in ("[[1, 2, 3]]", '[[0, 0, 3, "stolen"]]', "{", '[["a", 0, 3, "pasted"]]'):
        with pytest.raises((ValueError, TypeError)):
            of_text(broken)


def test_a_document_kept_by_hand_stays_whole_where_most_of_it_was_cut() -> None:
    most, little = Cut(1, 0, FOUR[1], "pasted"), Cut(1, *FOUR, "pasted")
    for cut, whole in ((most, True), (little, False)):
        stored = StoredDocument(MAIL, decided=True, forced_keep=True, cuts=(cut,))
        assert (stored.curated == MAIL) is whole
        assert StoredDocument(MAIL, decided=True, cuts=(cut,)).curated != MAIL

"""Runs of one character or mark, as damaged files and pictures in text have them, take no time to judge or mask."""

from __future__ import annotations

import time

import pytest
from writing import own, theirs, written

from mlxtwin.curate import noise
from mlxtwin.curate.case import looked_at
from mlxtwin.curate.judge import judge
from mlxtwin.curate.marks import closings, paragraphs
from mlxtwin.curate.passages import runs, said_by
from mlxtwin.curate.prose import measure
from mlxtwin.curate.recurring import closing_cuts
from mlxtwin.curate.words import WordHashes
from mlxtwin.security.masking import MASK_KINDS, Masker
from mlxtwin.security.names import Names
from mlxtwin.vault.rows import StoredDocument

CHARACTERS, ALL_SECONDS = 20_000, 2.0
RUNS = (
    " ", "\t", "\n", "1", "(", "[", "a", "a ", "1.", "- ", ">", "+", "=", "@", "a@", ".a", "-----BEGIN", "key=",
    " \n", "[](", "eyJ-", "secret=a_ ",
)  # fmt: skip
ENDS = ("", "\u00a7")
# What begins a phrase that blanks may follow.
BEGINNINGS = ("", "Total", "join zoom meeting", "order number", "password: ", "[a](", "- a")


def _everything(text: str) -> None:
    document, hashes = (
        written("one", own(text), theirs(text), own("So it ends.\n" + text), kind="mail", day=1),
        WordHashes(),
    )
    judge(document)
    for why in noise._TOLD:
        noise._TOLD[why](text)
    list(noise.device_lines(document))
    marks = {mark for _, mark in closings(text, alone=False)} | {mark for _, _, mark in paragraphs(text)}
    list(closing_cuts(document, marks, "signature"))
    list(runs(text, said_by([text], hashes), hashes))
    looked_at([(1, StoredDocument(document))], hashes)
    Masker(MASK_KINDS, b"k", Names([text, "Bob Baker"], ["Ann"]))(text)


@pytest.mark.parametrize("run", RUNS, ids=repr)
def test_a_long_run_is_judged_cut_and_masked_in_no_time(run: str) -> None:
    looked_at([(1, StoredDocument(written("warm", own("Bread is warm today."), day=1)))], WordHashes())
    began = time.process_time()
    for end in ENDS:
        _everything((run * CHARACTERS)[:CHARACTERS] + end)
    assert time.process_time() - began < ALL_SECONDS


@pytest.mark.parametrize("beginning", BEGINNINGS, ids=repr)
@pytest.mark.parametrize("blank", [" ", "\n", "\t"], ids=repr)
def test_blanks_after_the_beginning_of_a_phrase_take_no_time(beginning: str, blank: str) -> None:
    began = time.process_time()
    _everything(beginning + blank * CHARACTERS + "\u00a7")
    assert time.process_time() - began < ALL_SECONDS


def test_a_list_item_with_blanks_in_a_row_is_measured_in_no_time() -> None:
    began = time.process_time()
    found = measure("- a" + " " * CHARACTERS + "b")
    assert found.words == 3
    assert time.process_time() - began < 1


def test_a_secret_of_marks_in_a_row_is_looked_at_in_no_time() -> None:
    began = time.process_time()
    Masker()("password: " + "_" * 60 + "\u00a7 and token=" + "a_" * 90 + ".1")
    assert time.process_time() - began < 1

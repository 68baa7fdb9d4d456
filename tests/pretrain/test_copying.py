from __future__ import annotations

import numpy as np

from pretrain.copying import Runs, run_hashes, split

TRAINED = "One two three four five six seven eight nine ten eleven twelve thirteen, fourteen. Fifteen!"


def test_thirteen_words_in_a_row_are_found_whatever_their_case_and_punctuation() -> None:
    runs = Runs([TRAINED])
    found = runs.first("Yes: TWO three, four five six. Seven eight nine ten eleven twelve thirteen fourteen")
    assert found == "two three four five six seven eight nine ten eleven twelve thirteen fourteen"


def test_twelve_words_in_a_row_are_nobodys() -> None:
    assert Runs([TRAINED]).first("two three four five six seven eight nine ten eleven twelve thirteen and more") is None


def test_a_run_does_not_reach_from_one_text_into_the_next() -> None:
    halves = [" ".join(split(TRAINED)[:7]), " ".join(split(TRAINED)[7:])]
    assert Runs(halves).first(TRAINED) is None
    assert Runs([" ".join(halves)]).first(TRAINED) is not None


def test_the_order_of_words_counts() -> None:
    assert Runs([TRAINED]).first(" ".join(reversed(split(TRAINED)))) is None


def test_short_texts_and_no_texts_have_no_runs() -> None:
    assert Runs([]).first(TRAINED) is None
    assert Runs(["a few words"]).first(TRAINED) is None
    assert Runs([TRAINED]).first("") is None


def test_words_never_seen_in_training_are_not_all_alike_to_a_known_one() -> None:
    assert Runs([TRAINED]).first("x " * 40) is None


def test_hashes_of_many_runs_differ() -> None:
    ids = np.random.default_rng(0).integers(1, 20, 200_000).tolist()
    hashes = run_hashes(ids, 13)
    assert len(np.unique(hashes)) == len({tuple(ids[place : place + 13]) for place in range(len(hashes))})


def test_curly_apostrophes_are_the_same_word() -> None:
    assert split("Don’t stop, it's") == ["don't", "stop", "it's"]

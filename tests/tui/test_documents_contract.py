"""One contract, kept by the documents of a vault and by those of the screens' tests."""

from __future__ import annotations

from typing import Any

import pytest

from mlxtwin.client.documents import Documents, StoredDocument, Wanted
from mlxtwin.client.house import House
from mlxtwin.errors import UsageError
from mlxtwin.paths import Home
from mlxtwin.security.crypto import new_key
from mlxtwin.vault.store import Vault

from .fake_documents import FakeDocuments, letter
from .fakes import FakeHouse

LETTERS = [
    (letter(1, "The lighthouse keeper slept."), 1, ""),
    (letter(2, "A light supper.", kind="note"), 2, "near duplicate"),
    (letter(3, "Nothing of mine.", mine=False), 2, "not by me"),
    (letter(4, "Lightly said.", kind="chat", day=None), 3, ""),
]


@pytest.fixture(params=["fake", "real"])
def documents(request: pytest.FixtureRequest, home: Home) -> Documents:
    if request.param == "fake":
        return FakeDocuments(FakeHouse(), [StoredDocument(one, tier, None, why, True) for one, tier, why in LETTERS])
    key = new_key()
    with Vault.create(home, key) as vault:
        vault.put(one for one, _, _ in LETTERS)
        vault.decide_many((one.id, tier, why, b"") for one, tier, why in LETTERS)
    return Documents(House(home, key))


def titles(documents: Documents, **wanted: Any) -> list[str]:
    return [row.title.removeprefix("Letter ") for row in documents.rows(documents.numbers(Wanted(**wanted)))]


def test_the_newest_stand_first_and_the_filters_answer(documents: Documents) -> None:
    assert titles(documents) == ["3", "2", "1", "4"]
    assert len(documents.numbers(Wanted(), 2)) == 2
    assert titles(documents, kind="mail") == ["3", "1"]
    assert titles(documents, source="note") == ["2"]
    assert titles(documents, state="kept") == ["1", "4"]
    assert titles(documents, state="dropped") == ["3", "2"]
    assert titles(documents, tier=3) == ["4"]
    assert titles(documents, words="lig") == ["2", "1", "4"]
    assert titles(documents, words="light ") == ["2"]
    assert titles(documents, words="keeper the") == ["1"]
    assert titles(documents, words="keeper nobody") == []
    assert documents.sources() == {"chat": 1, "mail": 2, "note": 1}


def test_what_the_person_decides_goes_before_curation_and_can_be_taken_back(documents: Documents) -> None:
    ids = [LETTERS[0][0].id, LETTERS[1][0].id]
    documents.set_keep(ids[:1], False)
    documents.set_keep(ids[1:], True)
    documents.set_tier(ids[1:], 1)
    assert titles(documents, state="kept") == ["2", "4"]
    assert titles(documents, state="by hand") == ["2", "1"]
    assert titles(documents, tier=1) == ["2"]
    dropped, kept = documents.document(ids[0]), documents.document(ids[1])
    assert (dropped.kept, dropped.reason, dropped.forced_keep) == (False, "by hand", False)
    assert (kept.kept, kept.reason, kept.forced_keep, kept.effective_tier) == (True, "", True, 1)
    documents.set_keep(ids, None)
    documents.set_tier(ids, None)
    assert titles(documents, state="by hand") == []
    assert documents.document(ids[1]).reason == "near duplicate"


def test_a_line_says_what_the_document_says(documents: Documents) -> None:
    (row,) = documents.rows(documents.numbers(Wanted(words="keeper")))
    stored = documents.document(row.id)
    assert (row.title, row.at, row.words_by_me) == (stored.document.title, stored.document.at, 4)
    assert (row.kept, row.effective_tier, row.decided, row.reason) == (True, 1, True, "")


def test_what_is_forgotten_is_gone(documents: Documents) -> None:
    numbers = documents.numbers(Wanted())
    ids = [LETTERS[0][0].id, LETTERS[1][0].id]
    assert documents.forget(ids) == 2
    assert [row.title for row in documents.rows(numbers)] == ["Letter 3", "Letter 4"]
    with pytest.raises(UsageError):
        documents.document(ids[0])
    with pytest.raises(UsageError):
        documents.forget(ids)

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import DUSK, document

from mlxtwin.paths import Home
from mlxtwin.security.crypto import new_key
from mlxtwin.vault.store import Vault

TEXTS = {
    1: "The lighthouse keeper wrote a letter about the storm",
    2: "A storm came over the harbour, and the keeper slept",
    3: "Café crème in Zürich, naïve façade — 日本語 текст",
    4: 'He said "AND OR NOT NEAR" and title:colon* went ^up',
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    with Vault.create(Home(tmp_path_factory.mktemp("library")), new_key()) as vault:
        vault.put([document(number, text) for number, text in TEXTS.items()])
        yield vault


def numbers(vault: Vault, query: str) -> set[str]:
    return {found.title.removeprefix("Title ") for found in vault.search(query, 10)}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("lighthouse", {"1"}),
        ("storm keeper", {"1", "2"}),
        ("KEEPER letter", {"1"}),
        ("light", {"1"}),
        ("lighthouse harbour", {"1", "2"}),
        ("cafe", {"3"}),
        ("CAFÉ", {"3"}),
        ("cafe\u0301", {"3"}),
        ("zurich", {"3"}),
        ("日本", {"3"}),
        ("Текст", {"3"}),
        ("NEAR", {"4"}),
        ("AND", {"2", "4"}),
        ('"AND OR"', {"4"}),
        ("title:colon", {"4"}),
        ("Title 2", {"2"}),
        ("nowhere", set()),
    ],
)
def test_words_find_their_documents(library: Vault, query: str, expected: set[str]) -> None:
    assert numbers(library, query) == expected


@pytest.mark.parametrize(
    "query",
    ["", " ", '"', '""', "'", "*", "(", ")", "a OR", "NOT", "NEAR(", "{a b}: c", "-x", "^", "a AND", "\0", "x\0y",
     "\ud800", "%", "a" * 100_000, "a " * 10_000, "\u0301", "🙂", "x:y:z", "a + b", "--", "; DROP TABLE documents"],
)  # fmt: skip
def test_no_query_is_an_error(library: Vault, query: str) -> None:
    assert isinstance(library.search(query, 5), list)
    assert library.count() == len(TEXTS)


@settings(max_examples=300, deadline=None)
@given(query=st.text(max_size=40))
def test_no_text_at_all_is_an_error(library: Vault, query: str) -> None:
    assert isinstance(library.search(query, 5), list)


def test_what_is_found_says_where_and_marks_the_words(library: Vault) -> None:
    (found,) = library.search("lighthouse", 5)
    assert (found.id, found.kind, found.title, found.at) == (document(1).id, "mail", "Title 1", DUSK)
    assert "The [lighthouse] keeper" in found.snippet
    assert "\n" not in found.snippet
    (found,) = library.search("lighthouse", 5, marks=("<<", ">>"))
    assert "<<lighthouse>>" in found.snippet


def test_a_word_in_the_title_counts_more_and_the_limit_holds(library: Vault) -> None:
    assert len(library.search("storm", 1)) == 1
    assert library.search("storm", 0) == []
    assert library.search("storm", -1) == []

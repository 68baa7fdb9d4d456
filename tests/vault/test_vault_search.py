from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import DUSK, document

from mlxtwin.paths import Home
from mlxtwin.records import Document, Turn
from mlxtwin.security.crypto import new_key
from mlxtwin.vault.search import Among
from mlxtwin.vault.search_own import BEGIN, END, own_snippet
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


def talk(number: int, *turns: tuple[str, bool], day: int | None = None, source: str = "letters") -> Document:
    said = tuple(Turn("Me" if mine else "Bo", mine, text, "own" if mine else "received") for text, mine in turns)
    at = None if day is None else datetime(2024, 1, day, 23, tzinfo=timezone(timedelta(hours=-5)))
    return Document("chat" if number % 2 else "mail", source, f"t{number}", f"Talk {number}", said, at)


TALKS = [
    talk(1, ("The storm took the roof", False), ("And the keeper slept through it", True), day=1),
    talk(2, ("Did the keeper sleep?", False), ("He says the storm woke him", True), day=2, source="forum"),
    talk(3, ("The storm and the keeper", True), day=31),
    talk(4, ("The storm and the keeper", False), ("Yes", True)),
]


@pytest.fixture(scope="module")
def talks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    with Vault.create(Home(tmp_path_factory.mktemp("talks")), new_key()) as vault:
        vault.put(TALKS)
        yield vault


@pytest.mark.parametrize(
    ("query", "among", "expected"),
    [
        ("storm keeper", Among(), {"1", "2", "3", "4"}),
        ("storm keeper", Among(kind="chat"), {"1", "3"}),
        ("storm keeper", Among(source="forum"), {"2"}),
        ("storm keeper", Among(kind="chat", source="forum"), set()),
        ("storm keeper", Among(since="2024-01-02"), {"2", "3"}),
        ("storm keeper", Among(until="2024-01-02"), {"1", "2"}),
        ("storm keeper", Among(since="2024-01-02", until="2024-01-02"), {"2"}),
        ("storm keeper", Among(since="2024", until="2024"), {"1", "2", "3"}),
        ("storm keeper", Among(since="2024-02"), set()),
        ("storm keeper", Among(until="2023-12"), set()),
        ("storm keeper", Among(mine=True), {"3"}),
        ("storm keep", Among(mine=True), {"3"}),
        ("storm", Among(mine=True), {"2", "3"}),
        ("keeper", Among(mine=True), {"1", "3"}),
        ("STÓRM", Among(mine=True), {"2", "3"}),
        ("stor", Among(mine=True), {"2", "3"}),
        ("roof", Among(mine=True), set()),
        ("Talk", Among(mine=True), set()),
        ("roof harbour", Among(mine=True), set()),
        ("keeper harbour", Among(mine=True), {"1", "3"}),
    ],
)
def test_a_search_may_be_among_some_documents_and_for_the_persons_own_words(
    talks: Vault, query: str, among: Among, expected: set[str]
) -> None:
    found = talks.search(query, 10, among=among)
    assert {one.title.removeprefix("Talk ") for one in found} == expected


def test_of_own_words_what_the_person_said_is_shown(talks: Vault) -> None:
    found = {one.title: one.snippet for one in talks.search("keeper", among=Among(mine=True), marks=("<", ">"))}
    assert found["Talk 1"] == "And the <keeper> slept through it"


def test_own_words_are_looked_for_until_there_are_enough(home: Home) -> None:
    with Vault.create(home, new_key()) as vault:
        vault.put(talk(number, ("a storm", number % 60 == 59), ("well", True)) for number in range(180))
        assert len(vault.search("storm", 20, among=Among(mine=True))) == 3
        assert len(vault.search("storm", 2, among=Among(mine=True))) == 2
        assert len(vault.search("storm", 500)) == 180


def test_a_long_turn_is_shown_around_what_was_found() -> None:
    words = [f"w{number}" for number in range(100)]
    marked = " ".join([*words[:50], f"{BEGIN}storm{END}", *words[50:]])
    text = marked.replace(BEGIN, "").replace(END, "")
    turns = f'[{{"mine": true, "role": "own", "length": {len(text)}}}]'
    shown = own_snippet(marked, turns, ['"storm"'], True, ("[", "]"))
    assert shown.startswith("…w42 ") and "w49 [storm] w50" in shown and shown.endswith("…")
    assert len(shown.split()) == 24


@settings(max_examples=300, deadline=None)
@given(query=st.text(max_size=40), mine=st.booleans())
def test_no_text_is_an_error_among_own_words(talks: Vault, query: str, mine: bool) -> None:
    assert isinstance(talks.search(query, 5, among=Among(mine=mine, since="2024")), list)

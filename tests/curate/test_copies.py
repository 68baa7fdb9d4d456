"""Copies across kinds and imports: the better tier stays, then what was there before, then the earlier."""

from __future__ import annotations

import itertools

import pytest
from writing import curated, own, prose, reasons, written

from mlxtwin.records import Kind
from mlxtwin.vault.store import Vault

TEXT = prose(1, 120)
NEARLY = TEXT.replace(TEXT.split()[60], "otherwise", 1)


@pytest.mark.parametrize("order", list(itertools.permutations(("chat", "transcript", "post"))))
def test_of_copies_in_several_kinds_the_best_tier_stays_whenever_it_comes(
    vault: Vault, order: tuple[Kind, ...]
) -> None:
    """A blog post that was also sent in a chat and read out loud; each of them in an import of its own."""
    imports = [[written(kind, TEXT if kind == "post" else NEARLY, kind=kind, day=n)] for n, kind in enumerate(order)]
    found = reasons(curated(vault, *imports))
    assert (found["post"], bool(found["chat"]), bool(found["transcript"])) == ("", True, True)


@pytest.mark.parametrize("kinds", list(itertools.permutations(("note", "mail", "document"))))
def test_in_one_import_of_one_tier_the_earlier_stays(vault: Vault, kinds: tuple[Kind, ...]) -> None:
    found = reasons(curated(vault, [written(kind, TEXT, kind=kind, day=9 - n) for n, kind in enumerate(kinds)]))
    assert found == {kinds[0]: "exact duplicate", kinds[1]: "exact duplicate", kinds[2]: ""}


def test_a_better_copy_goes_before_an_earlier_one_of_the_same_import(vault: Vault) -> None:
    found = reasons(
        curated(vault, [written("chat", TEXT, kind="chat", day=1), written("post", NEARLY, kind="post", day=5)])
    )
    assert found == {"chat": "near duplicate", "post": ""}


def test_one_of_the_same_tier_that_comes_later_is_the_copy(vault: Vault) -> None:
    found = curated(vault, [written("old", TEXT, day=5)], [written("new", NEARLY, kind="post", day=1)])
    assert reasons(found) == {"old": "", "new": "near duplicate"}
    assert found["old"].tier == found["new"].tier == 1


def test_a_better_copy_does_not_take_the_place_of_what_was_decided_by_hand(vault: Vault) -> None:
    chat = written("chat", TEXT, kind="chat", day=1)
    curated(vault, [chat])
    vault.set_keep([chat.id], True)
    assert reasons(curated(vault, [written("post", TEXT, kind="post", day=5)])) == {
        "chat": "",
        "post": "exact duplicate",
    }
    dropped = written("dropped", prose(9, 90), kind="chat", day=1)
    curated(vault, [dropped])
    vault.set_keep([dropped.id], False)
    found = reasons(curated(vault, [written("again", prose(9, 90), kind="post", day=5)]))
    assert (found["dropped"], found["again"]) == ("by hand", "exact duplicate")


def test_the_tier_that_the_person_chose_counts(vault: Vault) -> None:
    chat = written("chat", TEXT, kind="chat", day=1)
    vault.put([chat])
    vault.set_tier([chat.id], 1)
    assert reasons(curated(vault, [written("post", TEXT, kind="post", day=5)])) == {
        "chat": "",
        "post": "exact duplicate",
    }


def test_a_copy_of_what_took_another_s_place_is_a_copy_too(vault: Vault) -> None:
    found = curated(
        vault,
        [written("chat", TEXT, kind="chat", day=1)],
        [written("post", TEXT, kind="post", day=5)],
        [written("again", TEXT, kind="chat", day=0), written("note", NEARLY, kind="note", day=0)],
    )
    assert reasons(found) == {
        "chat": "exact duplicate", "post": "", "again": "exact duplicate", "note": "near duplicate",
    }  # fmt: skip
    assert sum(bool(stored.signature) for stored in found.values()) == 1


def test_copies_are_told_by_what_is_left_when_others_words_are_cut(vault: Vault) -> None:
    from writing import theirs

    news, first, second = prose(5, 90), prose(6, 20), prose(7, 20)
    found = curated(
        vault,
        [
            written("news", theirs(news), day=1),
            written("a", own(f"{first} {news}"), day=2),
            written("b", own(f"{second} {news}"), day=3),
        ],
    )
    assert reasons(found) == {"news": "not by me", "a": "", "b": ""}

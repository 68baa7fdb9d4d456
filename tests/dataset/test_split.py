"""Training and hold-out: by kind and time, threads whole, repeated paragraphs gone."""

from __future__ import annotations

import random

from mlxtwin.dataset.split import Chosen, split, without_repeats

from .people import document, own, prose


def mails(count: int, *, words: int = 40, first: int = 0) -> list[Chosen]:
    return [
        Chosen.of(document("mail", own(prose(n, words)), key=f"m{n}", day=n), 1) for n in range(first, first + count)
    ]


def keys(chosen: list[Chosen]) -> set[str]:
    return {one.document.key for one in chosen}


def test_the_newest_of_each_kind_is_held_out() -> None:
    chats = [Chosen.of(document("chat", own(prose(n, 20)), key=f"c{n}", day=500 + n), 3) for n in range(50)]
    train, held = split([*mails(100), *chats], 0.1)
    assert keys(held) == {f"m{n}" for n in range(90, 100)} | {f"c{n}" for n in range(45, 50)}
    assert keys(train) | keys(held) == keys([*mails(100), *chats])
    assert not keys(train) & keys(held)


def test_undated_documents_are_held_out_by_hash_in_the_same_share() -> None:
    notes = [Chosen.of(document("note", own(prose(n, 40)), key=f"n{n}"), 1) for n in range(200)]
    _, held = split(notes, 0.1)
    assert len(held) == 20
    assert not keys(held) <= {f"n{n}" for n in range(180, 200)}


def test_the_order_of_the_documents_changes_nothing() -> None:
    chosen = mails(60) + [Chosen.of(document("note", own(prose(n, 40)), key=f"n{n}"), 1) for n in range(60)]
    expected = split(chosen, 0.2)
    random.Random(1).shuffle(chosen)
    assert split(chosen, 0.2) == expected


def test_a_mail_thread_and_a_day_of_a_chat_stay_on_one_side() -> None:
    threads = [
        Chosen.of(document("mail", own(prose(n, 40)), key=f"m{n}", day=n, thread=f"t{n % 17}"), 1) for n in range(100)
    ]
    days = [Chosen.of(document("chat", own(prose(n, 40)), key=f"c{n}", day=n // 7, thread="Bo"), 1) for n in range(100)]
    train, held = split([*threads, *days], 0.15)
    assert {one.document.thread for one in held if one.document.kind == "mail"}
    for kind, unit in (("mail", lambda d: d.thread), ("chat", lambda d: d.at.date())):
        sides = [{unit(one.document) for one in side if one.document.kind == kind} for side in (train, held)]
        assert sides[1]
        assert not sides[0] & sides[1]


def test_parts_of_a_small_file_stay_together_but_a_diary_in_one_file_does_not() -> None:
    parts = [
        Chosen.of(document("transcript", own(prose(n, 40)), key=f"p{n}", thread=f"f{n // 4}"), 2) for n in range(120)
    ]
    diary = [Chosen.of(document("note", own(prose(n, 40)), key=f"d{n}", day=n, thread="diary"), 1) for n in range(100)]
    train, held = split([*parts, *diary], 0.1)
    files = [{one.document.thread for one in side if one.document.kind == "transcript"} for side in (train, held)]
    assert files[1]
    assert not files[0] & files[1]
    assert {f"d{n}" for n in range(90, 100)} <= keys(held)


def test_one_huge_document_does_not_swallow_the_hold_out() -> None:
    huge = Chosen.of(document("mail", own(prose(7, 3000)), key="huge", day=200), 1)
    train, held = split([*mails(100), huge], 0.1)
    assert "huge" in keys(train)
    assert 0.05 < sum(one.words for one in held) / sum(one.words for one in (*train, *held)) < 0.16


def test_few_documents_give_at_least_five_held_out_but_not_more_than_a_third() -> None:
    assert len(split(mails(20), 0.05)[1]) == 5
    assert len(split(mails(9), 0.1)[1]) == 3


def test_a_long_paragraph_of_training_is_removed_from_the_hold_out() -> None:
    shared, new = prose(1, 16), prose(2, 16)
    train = [Chosen.of(document("note", own(f"Start.\n\n{shared}"), key="a"), 1)]
    both = Chosen.of(document("note", own(f"{shared.upper()}\n\nSee you.\n\n{new}"), key="b"), 1)
    only = Chosen.of(document("note", own(shared), key="c"), 1)
    short = Chosen.of(document("note", own("Start."), key="d"), 1)
    kept, removed = without_repeats(train, [both, only, short])
    assert removed == 2
    assert [one.document.own_text for one in kept] == [f"See you.\n\n{new}", "Start."]
    assert kept[0].words == 18
    assert kept[0].document.id == both.document.id

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import DUSK, document

from mlxtwin.errors import UsageError
from mlxtwin.paths import Home
from mlxtwin.records import Document, Message, PreferencePair, Rating, Turn
from mlxtwin.security.crypto import new_key
from mlxtwin.vault.apart import beside
from mlxtwin.vault.store import Decision, PutResult, Vault, VaultStats


def kept(vault: Vault, *numbers: int, tier: int = 2) -> None:
    vault.decide_many([Decision(document(number).id, tier, "", b"sig") for number in numbers])


def test_a_document_comes_back_as_it_went_in(vault: Vault) -> None:
    there = dataclasses.replace(document(), drop="bulk")
    vault.put([there])
    stored = vault.document(there.id)
    assert stored is not None
    assert stored.document == there
    assert (stored.tier, stored.forced_tier, stored.reason, stored.decided, stored.signature) == (
        None, None, "", False, b"",
    )  # fmt: skip
    assert vault.document("0" * 32) is None


@pytest.mark.parametrize(
    "at",
    [
        None,
        DUSK,
        datetime(2024, 1, 1, 12, 0),
        datetime(2024, 1, 1, 12, 0, tzinfo=UTC),
        datetime(1665, 4, 3, 23, 59, 59, 999999, tzinfo=timezone(timedelta(seconds=-75))),
        datetime(2024, 7, 1, 12, 0, tzinfo=ZoneInfo("Europe/Berlin")),
    ],
)
def test_times_keep_their_offset_from_utc_and_naive_ones_stay_naive(vault: Vault, at: datetime | None) -> None:
    there = dataclasses.replace(document(), at=at)
    vault.put([there])
    stored = vault.document(there.id)
    assert stored is not None
    assert stored.document.at == at
    assert at is None or (stored.document.at is not None and stored.document.at.utcoffset() == at.utcoffset())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=30), max_size=4), st.text(max_size=20))
def test_any_text_comes_back_and_the_index_stays_right(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], title: str
) -> None:
    turns = tuple(Turn("A\0\n", bool(number % 2), text, "own") for number, text in enumerate(texts))
    there = Document("note", "notes", "key", title, turns)
    with Vault.create(Home(tmp_path_factory.mktemp("home") / "twin"), bytes(32)) as vault:
        vault.put([document(), there])
        stored = vault.document(there.id)
        assert stored is not None
        assert stored.document == there
        assert vault.verify() == []
        assert vault.forget(there.id)
        assert vault.verify() == []


def test_halves_of_characters_that_no_encoding_can_hold_are_replaced(vault: Vault) -> None:
    broken = dataclasses.replace(document(), title="a\udcffb", turns=(Turn("\ud800", True, "c\udc80d", "own"),))
    assert vault.put([broken]).added == 1
    stored = vault.document(broken.id)
    assert stored is not None
    assert (stored.document.title, stored.document.own_text) == ("a\ufffdb", "c\ufffdd")
    assert vault.put([broken]).unchanged == 1
    assert vault.search("a\udcffb", 5) == vault.search("a\ufffdb", 5)


def test_a_second_import_adds_nothing_and_keeps_what_was_decided(vault: Vault) -> None:
    documents = [document(number) for number in range(5)]
    assert vault.put(iter(documents)) == PutResult(5, 0, 0)
    kept(vault, 1)
    moved = [dataclasses.replace(there, origin="another/place:9") for there in documents]
    assert vault.put(moved) == PutResult(0, 0, 5)
    stored = vault.document(documents[1].id)
    assert stored is not None
    assert stored.kept
    assert vault.count() == 5


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "New"},
        {"at": DUSK + timedelta(1)},
        {"at": None},
        {"thread": "new"},
        {"drop": "bulk"},
        {"turns": ()},
    ],
)
def test_a_changed_document_replaces_the_old_one_and_is_undecided_again(
    vault: Vault, changes: dict[str, object]
) -> None:
    old = document()
    vault.put([old])
    kept(vault, 1)
    vault.set_tier([old.id], 1)
    changed = dataclasses.replace(old, **changes)
    assert vault.put([changed]) == PutResult(0, 1, 0)
    stored = vault.document(old.id)
    assert stored is not None
    assert stored.document == changed
    assert (stored.decided, stored.tier, stored.signature, stored.forced_tier) == (False, None, b"", 1)
    assert vault.verify() == []


def test_the_same_document_twice_in_one_import_is_one(vault: Vault) -> None:
    assert vault.put([document(), document(text="changed words")]) == PutResult(1, 1, 0)
    assert vault.count() == 1


def test_documents_come_in_the_order_of_import_and_by_kind(vault: Vault) -> None:
    vault.put([document(3), document(1, kind="note"), document(2)])
    keys = [stored.document.key for stored in vault.documents()]
    assert keys == ["key-3", "key-1", "key-2"]
    assert [stored.document.key for stored in vault.documents(kinds=["note"])] == ["key-1"]
    assert [stored.document.key for stored in vault.documents(kinds={"note", "mail"})] == keys
    assert list(vault.documents(kinds=[])) == []


def test_kept_and_undecided_can_be_asked_for(vault: Vault) -> None:
    vault.put([document(number) for number in range(3)])
    kept(vault, 0)
    vault.decide(document(1).id, tier=None, reason="too short", signature=b"")
    assert [stored.document.key for stored in vault.documents(only_kept=True)] == ["key-0"]
    assert [stored.document.key for stored in vault.documents(undecided=True)] == ["key-2"]
    dropped = vault.document(document(1).id)
    assert dropped is not None
    assert (dropped.decided, dropped.kept, dropped.reason) == (True, False, "too short")


def test_a_caller_may_decide_while_it_reads(vault: Vault) -> None:
    vault.put([document(number) for number in range(700)])
    seen = 0
    for stored in vault.documents(undecided=True):
        vault.decide(stored.document.id, tier=3, reason="", signature=b"x")
        seen += 1
    assert seen == 700
    assert not list(vault.documents(undecided=True))


def test_a_forced_tier_goes_before_the_given_one_and_can_be_taken_back(vault: Vault) -> None:
    vault.put([document()])
    kept(vault, 1, tier=3)
    for forced, effective in ((1, 1), (None, 3)):
        vault.set_tier([document().id], forced)
        stored = vault.document(document().id)
        assert stored is not None
        assert (stored.tier, stored.effective_tier) == (3, effective)


def test_stats_count_kinds_tiers_and_reasons(vault: Vault) -> None:
    vault.put([document(1, "one two three"), document(2, "four five"), document(3, "six", kind="note", drop="bulk")])
    vault.put([document(4, "seven eight", kind="note")])
    kept(vault, 1)
    vault.decide(document(2).id, tier=None, reason="too short", signature=b"")
    vault.decide(document(4, kind="note").id, tier=3, reason="", signature=b"")
    vault.set_tier([document(4, kind="note").id], 1)
    assert vault.stats() == VaultStats(
        by_kind={
            "mail": {"documents": 2, "kept": 1, "words_by_me": 5},
            "note": {"documents": 2, "kept": 1, "words_by_me": 3},
        },
        by_tier={1: {"documents": 1, "words": 2}, 2: {"documents": 1, "words": 3}},
        dropped={"bulk": 1, "too short": 1},
        by_language={"": {"documents": 2, "words": 5}},
    )


def test_an_empty_vault_answers_everything(vault: Vault) -> None:
    assert (vault.count(), vault.names(), vault.conversations(5), vault.search("x", 5)) == (0, frozenset(), [], [])
    assert vault.stats() == VaultStats({}, {}, {})
    assert vault.verify() == []
    assert vault.put([]) == PutResult()


def test_corrections_and_ratings_are_kept_by_slot_counted_and_forgotten(vault: Vault) -> None:
    prompt = (Message("user", "How was it?"), Message("assistant", "Well."), Message("user", "Tell \udce9 me."))
    kept_prompt = (*prompt[:2], Message("user", "Tell \ufffd me."))
    first = vault.put_pair("voice", 3, prompt, chosen="Mine.", rejected="Its.")
    vault.put_pair("voice", None, prompt, chosen="Mine.", rejected="Its.")
    vault.put_pair("work", 1, prompt, chosen="Other.", rejected="Its.")
    assert vault.pairs("voice")[0] == PreferencePair(first, kept_prompt, "Mine.", "Its.", 3)
    assert [one.version for one in vault.pairs("voice")] == [3, None]
    rating = vault.put_rating("voice", None, prompt, answer="Its.", good=True)
    assert vault.ratings("voice") == [Rating(rating, kept_prompt, "Its.", True, None)]
    assert (vault.stats().corrections, vault.stats().ratings) == (3, 1)
    assert vault.forget_preference(first)
    assert not vault.forget_preference(first)
    assert not vault.forget_preference("document-1")
    assert vault.forget_preference(rating)
    assert [one.version for one in vault.pairs("voice")] == [None]
    assert vault.ratings("voice") == []


def test_the_same_answer_is_corrected_or_rated_once(vault: Vault) -> None:
    prompt = (Message("user", "Well?"),)
    for version in (None, 1):
        for good in (True, False):
            vault.put_rating("voice", version, prompt, answer="Its.", good=good)
            vault.put_pair("voice", version, prompt, chosen="Mine.", rejected="Its.")
    assert [(one.version, one.good) for one in vault.ratings("voice")] == [(None, False), (1, False)]
    assert len(vault.pairs("voice")) == 2


def test_what_was_forgotten_stays_out_until_it_is_asked_for(vault: Vault) -> None:
    first, second = document(1), document(2)
    vault.put([first, second])
    vault.forget(first.id)
    assert vault.put([first, second]) == PutResult(0, 0, 1, forgotten=1)
    assert vault.document(first.id) is None
    assert [found.id for found in vault.search("harvest evening", 5)] == [second.id]
    assert vault.put([first, second], include_forgotten=True) == PutResult(1, 0, 1)
    assert vault.put([first, second]) == PutResult(0, 0, 2)
    assert vault.verify() == []


def test_of_a_forgotten_document_only_the_id_is_kept(vault: Vault) -> None:
    vault.put([document(1)])
    vault.forget(document(1).id)
    vault.forget(document(2).id)
    assert set(vault._db.rows("SELECT * FROM forgotten")) == {(document(1).id,), (beside(document(1)).id,)}


def test_forgetting_removes_the_document_and_its_words(vault: Vault) -> None:
    vault.put([document(1, "unmistakable"), document(2)])
    assert vault.forget(document(1).id)
    assert not vault.forget(document(1).id)
    assert vault.search("unmistakable", 5) == []
    assert (vault.count(), vault.verify()) == (1, [])


def test_names_are_remembered_once(vault: Vault) -> None:
    vault.remember_names(["me@example.org", "Me"])
    vault.remember_names(["Me"])
    assert vault.names() == {"me@example.org", "Me"}


def test_a_conversation_keeps_its_turns_and_what_answered_them(vault: Vault) -> None:
    first = vault.new_conversation("voice", "starter")
    second = vault.new_conversation("work", "starter")
    vault.add_message(first, "user", "hello " * 30)
    vault.add_message(first, "assistant", "good evening", slot="voice", version=3, complete=False)
    turns = vault.messages(first)
    assert [(turn.role, turn.slot, turn.version, turn.complete) for turn in turns] == [
        ("user", "", 0, True),
        ("assistant", "voice", 3, False),
    ]
    assert turns[0].content == "hello " * 30
    assert turns[0].at.tzinfo is not None
    rows = vault.conversations(5)
    assert [(row.id, row.slot, row.messages) for row in rows] == [(second, "work", 0), (first, "voice", 2)]
    assert len(rows[1].opening) == 80
    assert len(vault.conversations(1)) == 1


def test_a_message_to_no_conversation_is_refused(vault: Vault) -> None:
    with pytest.raises(UsageError, match="no conversation 7"):
        vault.add_message(7, "user", "hello")


def test_everything_is_there_after_closing_and_opening(home: Home) -> None:
    key = new_key()
    with Vault.create(home, key) as vault:
        vault.put([document()])
        vault.remember_names(["Me"])
        vault.add_message(vault.new_conversation("voice", "starter"), "user", "hello")
    with Vault.open(home, key) as vault:
        stored = vault.document(document().id)
        assert stored is not None
        assert stored.document == document()
        assert vault.names() == {"Me"}
        assert [turn.content for turn in vault.messages(1)] == ["hello"]


def test_a_failure_in_a_batch_stores_none_of_it(vault: Vault) -> None:
    def failing() -> object:
        yield document(1)
        raise RuntimeError("the importer broke")

    with pytest.raises(RuntimeError):
        vault.put(failing())  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        vault.put([document(1), None])  # type: ignore[list-item]
    assert vault.count() == 0
    assert vault.put([document(1)]).added == 1


def test_files_and_folder_are_for_the_owner_alone_whatever_the_umask(home: Home, tmp_path: Path) -> None:
    import os

    before = os.umask(0)
    try:
        with Vault.create(home, new_key()) as vault:
            vault.put([document()])
            modes = {path.name: path.stat().st_mode & 0o777 for path in home.vault.parent.iterdir()}
    finally:
        os.umask(before)
    assert set(modes) == {"vault.db", "vault.db-wal", "vault.db-shm"}
    assert set(modes.values()) == {0o600}
    assert home.vault.parent.stat().st_mode & 0o777 == 0o700


def test_a_second_vault_is_refused_and_the_first_left_alone(home: Home) -> None:
    key = new_key()
    with Vault.create(home, key) as vault:
        vault.put([document()])
    with pytest.raises(UsageError, match="already"):
        Vault.create(home, new_key())
    assert [path.name for path in home.vault.parent.iterdir()] == ["vault.db"]
    with Vault.open(home, key) as vault:
        assert vault.count() == 1

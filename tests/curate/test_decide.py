"""Curation of a real vault: every document decided once, the earlier of two duplicates kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mlxtwin.curate.decide import curate, seconds
from mlxtwin.curate.duplicates import SIGNATURE_BYTES
from mlxtwin.paths import Home
from mlxtwin.records import Document, Turn
from mlxtwin.security.crypto import new_key
from mlxtwin.vault import connection
from mlxtwin.vault.store import Vault

START = datetime(2024, 1, 1, tzinfo=UTC)


def mail(key: str, text: str, *, day: int | None = 0, mine: bool = True, drop: str = "") -> Document:
    turn = Turn("me" if mine else "Bo", mine, text, "own" if mine else "received")
    at = None if day is None else START + timedelta(days=day)
    return Document("mail", "mail", key, "title", (turn,), at=at, drop=drop)


def text(number: int) -> str:
    words = " ".join(f"thing{number}x{place} and" for place in range(30))
    return f"Today I saw {words} went home. It was late. I slept well."


def reasons(vault: Vault) -> dict[str, str]:
    return {stored.document.key: stored.reason for stored in vault.documents()}


def test_every_document_is_decided_with_a_reason_and_counted(vault: Vault) -> None:
    vault.put(
        [
            mail("a", text(1)),
            mail("b", text(1), day=3),
            mail("c", text(1) + " Bye.", day=4),
            mail("d", "Thanks"),
            mail("e", text(2), mine=False),
            mail("f", text(3), drop="bulk"),
            mail("g", "x = 1\ny = {x}\nz = f(x, y);\nprint(x == z)"),
        ]
    )
    report = curate(vault)
    assert (report.decided, report.kept) == (7, 1)
    assert report.dropped == {
        "bulk": 1, "exact duplicate": 1, "near duplicate": 1, "not by me": 1, "not prose": 1, "too short": 1,
    }  # fmt: skip
    assert all(stored.decided for stored in vault.documents())
    assert [stored.document.key for stored in vault.documents(only_kept=True)] == ["a"]


def test_what_is_not_by_me_stays_in_the_vault_as_context(vault: Vault) -> None:
    vault.put([mail("theirs", text(1), mine=False)])
    curate(vault)
    (stored,) = vault.documents()
    assert stored.document.turns[0].text == text(1)


def test_of_two_duplicates_the_earlier_in_time_is_kept_and_an_undated_one_is_last(vault: Vault) -> None:
    vault.put([mail("undated", text(1), day=None), mail("late", text(1), day=9), mail("early", text(1), day=2)])
    curate(vault)
    assert reasons(vault) == {"undated": "exact duplicate", "late": "exact duplicate", "early": ""}


def test_a_second_import_is_compared_with_what_was_kept_before(vault: Vault) -> None:
    vault.put([mail("old", text(1), day=5), mail("other", text(2), day=5)])
    curate(vault)
    vault.put([mail("again", text(1) + " Bye.", day=1), mail("new", text(3), day=1)])
    report = curate(vault)
    assert (report.decided, report.kept) == (2, 1)
    assert reasons(vault) == {"old": "", "other": "", "again": "near duplicate", "new": ""}


def test_curating_again_decides_nothing(vault: Vault) -> None:
    vault.put([mail("a", text(1)), mail("b", text(1))])
    curate(vault)
    before = list(vault.documents())
    assert curate(vault).decided == 0
    assert list(vault.documents()) == before


def test_a_changed_document_is_decided_anew(vault: Vault) -> None:
    vault.put([mail("a", "Thanks")])
    curate(vault)
    vault.put([mail("a", text(1))])
    assert curate(vault).kept == 1


def test_only_kept_documents_hold_a_signature(vault: Vault) -> None:
    vault.put([mail("a", text(1)), mail("b", text(1), day=1), mail("c", "Thanks")])
    curate(vault)
    assert {s.document.key: len(s.signature) for s in vault.documents()} == {"a": SIGNATURE_BYTES, "b": 0, "c": 0}


def test_the_order_of_import_does_not_matter(vault: Vault) -> None:
    documents = [mail(str(number), text(number // 2), day=number % 3) for number in range(40)]
    vault.put(documents)
    curate(vault)
    forwards = reasons(vault)
    for document in documents:
        vault.forget(document.id)
    vault.put(reversed(documents), include_forgotten=True)
    curate(vault)
    assert reasons(vault) == forwards


def test_a_tier_chosen_by_the_person_stays(vault: Vault) -> None:
    document = mail("a", text(1))
    vault.put([document])
    vault.set_tier([document.id], 3)
    curate(vault)
    (stored,) = vault.documents()
    assert (stored.tier, stored.effective_tier) == (1, 3)


def test_times_without_a_zone_and_before_1970_have_an_order() -> None:
    times = [datetime(1660, 1, 1), datetime(1999, 1, 1, tzinfo=UTC), datetime(1999, 1, 2), None]
    assert sorted(times, key=seconds) == times


def test_what_was_decided_by_hand_stays_so_after_an_import_of_a_changed_document(vault: Vault) -> None:
    dropped, short = mail("a", text(1)), mail("b", "Thanks")
    vault.put([dropped, short])
    curate(vault)
    vault.set_keep([dropped.id], False)
    vault.set_keep([short.id], True)
    assert reasons(vault) == {"a": "by hand", "b": ""}
    vault.put([mail("a", text(2)), mail("b", "Thank you")])
    assert curate(vault).decided == 2
    assert reasons(vault) == {"a": "by hand", "b": ""}
    assert [stored.document.key for stored in vault.documents(only_kept=True)] == ["b"]
    vault.set_keep([dropped.id, short.id], None)
    assert reasons(vault) == {"a": "", "b": "too short"}


def test_a_copy_of_what_was_kept_or_dropped_by_hand_is_a_duplicate(vault: Vault) -> None:
    vault.put([mail("kept", text(1), drop="bulk"), mail("dropped", text(2))])
    curate(vault)
    vault.set_keep([mail("kept", "").id], True)
    vault.set_keep([mail("dropped", "").id], False)
    vault.put([mail("kept again", text(1)), mail("dropped again", text(2))])
    curate(vault)
    found = reasons(vault)
    assert found == {
        "kept": "", "dropped": "by hand", "kept again": "exact duplicate", "dropped again": "exact duplicate",
    }  # fmt: skip


def test_what_is_kept_by_hand_goes_before_an_earlier_copy_in_one_call(vault: Vault) -> None:
    vault.put([mail("mine", text(1), day=9)])
    vault.set_keep([mail("mine", "").id], True)
    vault.put([mail("copy", text(1), day=1)])
    curate(vault)
    assert reasons(vault) == {"mine": "", "copy": "exact duplicate"}


def test_a_vault_from_before_these_rules_keeps_what_was_kept_and_is_decided_anew(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key()
    monkeypatch.setattr(connection, "MIGRATIONS", connection.MIGRATIONS[:8])
    with Vault.create(home, key) as old:
        old.put([mail("a", text(1)), mail("b", "Thanks")])
        with old._db.write() as raw:
            raw.execute("UPDATE documents SET decided = 1, tier = 3 WHERE key = 'a'")
            raw.execute("UPDATE documents SET decided = 1, reason = 'too short' WHERE key = 'b'")
    monkeypatch.undo()
    with Vault.open(home, key) as vault:
        assert reasons(vault) == {"a": "", "b": "too short"}
        assert vault.stats().by_language == {"": {"documents": 1, "words": 71}}
        assert len(vault.curation.placeholder_key()) == 32
        assert (curate(vault).decided, curate(vault).decided) == (2, 0)
        stored = vault.document(mail("a", "").id)
        assert stored is not None and (stored.tier, len(stored.signature)) == (1, SIGNATURE_BYTES)
        assert stored.quality is not None and stored.quality > 0.6
        assert vault.verify() == []


def test_decisions_are_told_of_once_though_others_are_looked_at_again(vault: Vault) -> None:
    shared = text(9)
    vault.put([mail("note", f"{text(1)} {shared}", day=2)])
    curate(vault)
    vault.put([mail("news", shared, day=1, mine=False)])
    report = curate(vault)
    assert (report.decided, report.kept, report.dropped) == (1, 0, {"not by me": 1})
    assert [len(stored.cuts) for stored in vault.documents()] == [1, 0]

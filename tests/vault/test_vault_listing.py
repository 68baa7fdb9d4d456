"""Lists of documents: which are wanted, in which order, and what is shown of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from samples import document

from mlxtwin.records import Document, Turn
from mlxtwin.vault.listing import Wanted
from mlxtwin.vault.store import Vault


def dated(key: str, day: int | None, **more: Any) -> Document:
    kind = more.pop("kind", "mail")
    turn = Turn("me", True, more.pop("text", f"words of {key}"), "own")
    at = None if day is None else datetime(2024, 1, day, tzinfo=UTC)
    return Document(kind, more.pop("source", kind), key, key, (turn,), at)


def keys(vault: Vault, **wanted: Any) -> list[str]:
    return [row.title for row in vault.listed_rows(vault.listed(Wanted(**wanted)))]


@pytest.fixture
def library(vault: Vault) -> Vault:
    documents = [
        dated("old", 1, text="the lighthouse keeper"),
        dated("undated", None, kind="note"),
        dated("new", 9, text="a light supper"),
        dated("chat", 5, kind="chat", source="whatsapp", text="lightly said"),
    ]
    vault.put(documents)
    vault.decide_many([(documents[0].id, 1, "", b""), (documents[1].id, 2, "", b""), (documents[2].id, 2, "bulk", b"")])
    return vault


def test_the_newest_stand_first_and_undated_ones_last(library: Vault) -> None:
    assert keys(library) == ["new", "chat", "old", "undated"]
    numbers = library.listed(Wanted())
    assert list(library.listed(Wanted(), 2)) == list(numbers[:2])


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"kind": "mail"}, ["new", "old"]),
        ({"source": "whatsapp"}, ["chat"]),
        ({"state": "kept"}, ["old", "undated"]),
        ({"state": "dropped"}, ["new"]),
        ({"state": "undecided"}, ["chat"]),
        ({"tier": 2}, ["undated"]),
        ({"words": "lig"}, ["new", "chat", "old"]),
        ({"words": "light"}, ["new", "chat", "old"]),
        ({"words": "light "}, ["new"]),
        ({"words": "li"}, []),
        ({"words": "keeper the"}, ["old"]),
        ({"words": "light", "kind": "mail", "state": "kept"}, ["old"]),
        ({"words": '"'}, ["new", "chat", "old", "undated"]),
        ({"words": "NOT (light*"}, []),
    ],
)
def test_every_filter_answers_alone_and_with_others(
    library: Vault, wanted: dict[str, Any], expected: list[str]
) -> None:
    assert keys(library, **wanted) == expected


def test_what_the_person_decided_shows_and_can_be_asked_for(library: Vault) -> None:
    new, old = dated("new", 9), dated("old", 1)
    library.set_keep([new.id], True)
    library.set_keep([old.id], False)
    assert keys(library, state="kept") == ["new", "undated"]
    assert keys(library, state="by hand") == ["new", "old"]
    rows = {row.title: row for row in library.listed_rows(library.listed(Wanted()))}
    assert (rows["new"].kept, rows["new"].forced_keep, rows["new"].reason) == (True, True, "")
    assert (rows["old"].kept, rows["old"].forced_keep, rows["old"].reason) == (False, False, "by hand")
    stats = library.stats()
    assert stats.dropped == {"by hand": 1}
    assert stats.by_kind["mail"]["kept"] == 1
    library.set_tier([new.id], 1)
    assert keys(library, tier=1) == ["new"]


def test_a_second_import_keeps_what_was_decided_by_hand(library: Vault) -> None:
    library.set_keep([dated("new", 9).id], True)
    library.put([dated("new", 9, text="other words")])
    stored = library.document(dated("new", 9).id)
    assert stored is not None
    assert (stored.decided, stored.forced_keep, stored.kept) == (False, True, False)


def test_those_forgotten_meanwhile_are_left_out(library: Vault) -> None:
    numbers = library.listed(Wanted())
    library.forget(dated("chat", 5, kind="chat", source="whatsapp").id)
    assert [row.title for row in library.listed_rows(numbers)] == ["new", "old", "undated"]


def test_sources_are_counted(library: Vault) -> None:
    library.put([document(1)])
    assert library.sources() == {"mail": 3, "note": 1, "whatsapp": 1}

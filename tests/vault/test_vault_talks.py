"""Conversations: pages of them, what was thought of each answer, and finding them again."""

from __future__ import annotations

import pytest

from mlxtwin.paths import Home
from mlxtwin.records import Message
from mlxtwin.security.crypto import new_key
from mlxtwin.vault import connection
from mlxtwin.vault.migrations import MIGRATIONS
from mlxtwin.vault.store import Vault


def talk(vault: Vault, *said: str, slot: str = "voice") -> int:
    conversation = vault.new_conversation(slot, "base")
    for place, text in enumerate(said):
        vault.add_message(conversation, "assistant" if place % 2 else "user", text, slot=slot, version=1)
    return conversation


def test_pages_go_backwards_and_forwards_and_end(vault: Vault) -> None:
    conversation = talk(vault, *(f"turn {number}" for number in range(10)))
    talk(vault, "another")
    last = vault.page(conversation, limit=4)
    assert [one.message.content for one in last] == ["turn 6", "turn 7", "turn 8", "turn 9"]
    before = vault.page(conversation, before=last[0].message.id, limit=4)
    assert [one.message.content for one in before] == ["turn 2", "turn 3", "turn 4", "turn 5"]
    first = vault.page(conversation, before=before[0].message.id, limit=4)
    assert [one.message.content for one in first] == ["turn 0", "turn 1"]
    assert vault.page(conversation, before=first[0].message.id) == []
    assert vault.page(conversation, after=before[-1].message.id, limit=4) == last
    assert vault.page(conversation, after=last[-1].message.id) == []


def test_a_page_says_what_was_thought_of_each_answer(vault: Vault) -> None:
    conversation = talk(vault, "Hi", "Yes.", "Again?", "Yes.")
    vault.put_rating("voice", 1, [Message("user", "Hi")], answer="Yes.", good=True)
    asked = [Message("user", "Hi"), Message("assistant", "Yes."), Message("user", "Again?")]
    vault.put_pair("voice", 1, asked, chosen="No.", rejected="Yes.")
    found = [(one.good, one.better) for one in vault.page(conversation)]
    assert found == [(None, ""), (True, ""), (None, ""), (None, "No.")]


def test_words_find_the_conversation_and_show_where(vault: Vault) -> None:
    first = talk(vault, "Tell me of the harbour", "The Café stood there")
    talk(vault, "Nothing", "at all")
    last = talk(vault, "The harbour", "again")
    assert [row.id for row in vault.search_conversations("harb")] == [last, first]
    (found,) = vault.search_conversations("cafe")
    assert (found.id, found.messages, found.opening) == (first, 2, "The Café stood there")
    assert vault.search_conversations("harbour nothing") == []
    assert vault.search_conversations("") == []
    assert [row.id for row in vault.search_conversations("harbour", 1)] == [last]


@pytest.mark.parametrize("query", ['"', "a OR", "NEAR(", "*", "\0", "-x", "%", "x" * 9999])
def test_no_query_is_an_error(vault: Vault, query: str) -> None:
    talk(vault, "Hi", "Hello")
    assert isinstance(vault.search_conversations(query), list)


def test_what_is_forgotten_is_found_no_more_and_the_index_stays_sound(vault: Vault) -> None:
    first, second = talk(vault, "the harbour", "yes"), talk(vault, "the harbour", "no")
    vault.forget_messages([vault.page(first)[0].message.id])
    assert [row.id for row in vault.search_conversations("harbour")] == [second]
    assert vault.forget_conversation(second)
    assert not vault.forget_conversation(second)
    assert vault.search_conversations("harbour") == []
    assert vault.messages(second) == []
    assert vault.verify() == []


def test_conversations_of_an_older_vault_are_found_too(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    key = new_key()
    monkeypatch.setattr(connection, "MIGRATIONS", MIGRATIONS[:6])
    with Vault.create(home, key) as vault:
        talk(vault, "the harbour", "yes")
    monkeypatch.undo()
    with Vault.open(home, key) as vault:
        assert len(vault.search_conversations("harbour")) == 1
        assert vault.verify() == []

"""Messages: words from text or archive, times of both ages, no words of reactions and events, replies with a quote."""

from __future__ import annotations

import plistlib
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person, Turn
from mlxtwin.sources.imessage import REMEMBERED, IMessage
from mlxtwin.sources.imessage_text import archived_text, edited_text

from .cases.imessage import START, archived, new_database, say


def read(database: sqlite3.Connection, folder: Path, *me: str) -> list[Document]:
    database.commit()
    file = folder / "chat.db"
    file.write_bytes(database.serialize())
    return list(IMessage().read(file, folder, Person.of(me)))


def turns(database: sqlite3.Connection, folder: Path) -> list[Turn]:
    return [turn for document in read(database, folder) for turn in document.turns]


@pytest.mark.parametrize("text", ["x", "y" * 127, "z" * 128, "w" * 40_000, "Brød 🥖\nNSString+", "+" * 300])
def test_an_archived_text_comes_back_whole(text: str) -> None:
    assert archived_text(archived(text)) == text


def test_a_mutable_string_is_read_as_well() -> None:
    data = archived("rye").replace(
        b"\x84\x84\x84\x08NSString", b"\x84\x84\x84\x0fNSMutableString\x01\x84\x84\x08NSString"
    )
    assert archived_text(data) == "rye"


def test_an_archive_that_is_cut_has_no_text() -> None:
    whole = archived("With patience " * 20)
    end = whole.index(b"\x86\x84\x02iI")
    assert [archived_text(whole[:cut]) for cut in range(end)] == [""] * end


@pytest.mark.parametrize("data", [None, 7, "text", b"", b"NSString", b"NSString\x84\x01+", b"NSString\x84\x01+\x83abc"])
def test_what_is_no_archive_has_no_text(data: object) -> None:
    assert archived_text(data) == ""


def test_the_person_is_who_the_database_says_whatever_name_is_given(tmp_path: Path) -> None:
    database = new_database()
    say(database, "Is it done?", 1)
    say(database, "Nearly.", 2, mine=True)
    for me in ((), ("bob@example.org",)):
        assert [document.own_text for document in read(database, tmp_path, *me)] == ["Nearly."]
    assert list(IMessage().authors(tmp_path / "chat.db")) == []


def test_the_text_is_taken_from_the_archive_where_there_is_no_other(tmp_path: Path) -> None:
    database = new_database()
    say(database, None, 1, mine=True, attributedBody=archived("From the archive"))
    say(database, "", 2, attributedBody=archived("As well"))
    say(database, "From the text", 3, mine=True, attributedBody=archived("Not this"))
    assert [turn.text for turn in turns(database, tmp_path)] == ["From the archive", "As well", "From the text"]


@pytest.mark.parametrize("unit", [1, 10**9])
def test_dates_count_seconds_or_their_billionths(tmp_path: Path, unit: int) -> None:
    database = new_database()
    say(database, "Rye", 0, date=START * unit)
    assert read(database, tmp_path)[0].at == datetime(2024, 3, 2, 10, tzinfo=UTC)


def test_a_date_that_cannot_be_is_no_crash(tmp_path: Path) -> None:
    database = new_database()
    for date in (None, "soon", 2**62, -(2**62), float("inf")):
        say(database, "Rye", 0, date=date)
    assert sum(turn.text.count("Rye") for turn in turns(database, tmp_path)) == 5


@pytest.mark.parametrize(
    "column",
    [
        {"associated_message_type": 2000},
        {"associated_message_type": 3005},
        {"associated_message_type": 1000},
        {"item_type": 2},
        {"group_action_type": 1},
        {"balloon_bundle_id": "com.apple.messages.MSMessageExtensionBalloonPlugin:0:game"},
    ],
)
def test_reactions_events_and_apps_say_nothing(tmp_path: Path, column: dict[str, object]) -> None:
    database = new_database()
    say(database, "Loved it", 1, mine=True, **column)
    assert read(database, tmp_path) == []


def test_a_link_is_what_the_person_sent(tmp_path: Path) -> None:
    database = new_database()
    app = "com.apple.messages.URLBalloonProvider"
    say(database, "Look: https://example.org", 1, mine=True, balloon_bundle_id=app)
    assert read(database, tmp_path)[0].own_text == "Look: https://example.org"


def test_an_edited_message_counts_as_last_worded_and_an_unsent_one_not_at_all(tmp_path: Path) -> None:
    database = new_database()
    history = {"ec": {"0": [{"d": 1.0, "t": archived("Wheat")}, {"d": 2.0, "t": archived("Rye")}]}}
    say(
        database,
        None,
        1,
        mine=True,
        date_edited=1,
        message_summary_info=plistlib.dumps(history, fmt=plistlib.FMT_BINARY),
    )
    say(database, None, 2, mine=True, date_edited=1, message_summary_info=plistlib.dumps({"rp": [0]}))
    assert [document.own_text for document in read(database, tmp_path)] == ["Rye"]


@pytest.mark.parametrize("data", [b"bplist00", b"bplist00" + b"\xff" * 40, b"<?xml version='1.0'?><!DOCTYPE x>", 5])
def test_a_damaged_history_of_edits_has_no_text(data: object) -> None:
    assert edited_text(data) == ""


def test_what_is_answered_is_quoted_unless_it_stands_just_before(tmp_path: Path) -> None:
    database = new_database()
    say(database, "How do you bake?", 1)
    say(database, "Slowly.", 2, mine=True, thread_originator_guid="m1")
    say(database, "With rye.", 3, mine=True, thread_originator_guid="m1")
    say(database, "Lost.", 4, thread_originator_guid="m99")
    found = [(turn.role, turn.text) for turn in turns(database, tmp_path)]
    assert found == [
        ("received", "How do you bake?"),
        ("own", "Slowly."),
        ("quoted", "How do you bake?"),
        ("own", "With rye."),
        ("received", "Lost."),
    ]


def test_only_so_many_messages_are_remembered_to_quote_from(tmp_path: Path) -> None:
    database = new_database()
    for minute in range(REMEMBERED + 2):
        say(database, f"Loaf {minute}", minute)
    say(database, "The first?", REMEMBERED + 3, mine=True, thread_originator_guid="m1")
    say(database, "The last.", REMEMBERED + 3, mine=True, thread_originator_guid=f"m{REMEMBERED}")
    assert [turn.text for turn in turns(database, tmp_path) if turn.role == "quoted"] == [f"Loaf {REMEMBERED - 1}"]


def test_what_is_passed_on_is_not_the_persons(tmp_path: Path) -> None:
    database = new_database()
    say(database, "A joke that went round", 1, mine=True, is_forward=1)
    document = read(database, tmp_path)[0]
    assert (document.drop, document.words_by_me) == ("not by me", 0)


def test_the_marks_of_attachments_are_gone(tmp_path: Path) -> None:
    database = new_database()
    say(database, "\ufffc", 1, mine=True)
    say(database, "\ufffcThe loaf\ufffc", 2, mine=True)
    assert [document.own_text for document in read(database, tmp_path)] == ["The loaf"]


def test_a_subject_stands_above_the_text(tmp_path: Path) -> None:
    database = new_database()
    say(database, "It rose.", 1, mine=True, subject="Bread")
    assert read(database, tmp_path)[0].own_text == "Bread\nIt rose."


def test_chats_come_one_after_the_other_and_each_by_date(tmp_path: Path) -> None:
    database = new_database()
    database.execute("INSERT INTO chat VALUES (2, 'g', 'chat9', 'Bakers')")
    say(database, "third", 30, chat=1)
    say(database, "group", 20, chat=2)
    say(database, "second", 10, chat=1)
    documents = read(database, tmp_path)
    assert [(one.title, one.thread, [turn.text for turn in one.turns]) for one in documents] == [
        ("bob@example.org", "bob@example.org", ["second\nthird"]),
        ("Bakers", "chat9", ["group"]),
    ]


def test_a_group_without_a_name_is_called_after_its_members(tmp_path: Path) -> None:
    database = new_database()
    database.execute("INSERT INTO handle VALUES (2, '+15550001', 'SMS')")
    database.execute("INSERT INTO chat VALUES (2, 'g', 'chat9', '')")
    database.executemany("INSERT INTO chat_handle_join VALUES (2, ?)", [(1,), (2,)])
    say(database, "Who bakes?", 1, chat=2, handle_id=2)
    document = read(database, tmp_path)[0]
    assert (document.title, document.turns[0].author) == ("+15550001 & bob@example.org", "+15550001")


def test_one_person_on_two_services_is_one_thread_and_nothing_comes_twice(tmp_path: Path) -> None:
    database = new_database()
    database.execute("INSERT INTO chat VALUES (2, 'SMS;-;bob@example.org', 'bob@example.org', NULL)")
    both = say(database, "first", 1, chat=1)
    database.execute("INSERT INTO chat_message_join VALUES (2, ?)", (both,))
    say(database, "second", 2, chat=2)
    documents = read(database, tmp_path)
    assert [[turn.text for turn in one.turns] for one in documents] == [["first\nsecond"]]


def test_the_date_beside_the_chat_orders_unless_it_is_missing(tmp_path: Path) -> None:
    database = new_database()
    database.execute("ALTER TABLE chat_message_join ADD COLUMN message_date INTEGER DEFAULT 0")
    for text, minute in (("third", 3), ("second", 2), ("first", 1)):
        number = say(database, text, minute)
        if text != "second":
            dated = "UPDATE chat_message_join SET message_date = (SELECT date FROM message WHERE ROWID = ?1)"
            database.execute(f"{dated} WHERE message_id = ?1", (number,))
    assert [turn.text for turn in turns(database, tmp_path)] == ["first\nsecond\nthird"]


def test_a_message_of_no_chat_is_left_out(tmp_path: Path) -> None:
    database = new_database()
    say(database, "deleted", 1, mine=True)
    database.execute("DELETE FROM chat_message_join")
    assert read(database, tmp_path) == []


def test_an_older_database_with_fewer_columns_is_read(tmp_path: Path) -> None:
    database = new_database()
    say(database, "Rye", 1, mine=True)
    for column in ("attributedBody", "thread_originator_guid", "message_summary_info", "is_forward", "item_type"):
        database.execute(f"ALTER TABLE message DROP COLUMN {column}")
    database.execute("DROP TABLE chat_handle_join")
    assert read(database, tmp_path)[0].own_text == "Rye"


def test_another_database_is_neither_recognised_nor_read(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE message (text)")
    database.close()
    assert IMessage().recognises(file) == 0
    with pytest.raises(SourceError, match=r"other.db is no database of Messages"):
        list(IMessage().read(file, tmp_path, Person.of(())))


def test_a_view_in_place_of_a_table_is_not_asked(tmp_path: Path) -> None:
    database = new_database()
    say(database, "Rye", 1, mine=True)
    database.execute("DROP TABLE chat_handle_join")
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS chat_id, i AS handle_id FROM n"
    )
    database.execute(f"CREATE VIEW chat_handle_join AS {endless}")
    assert read(database, tmp_path)[0].own_text == "Rye"


@pytest.mark.shared
def test_a_database_of_another_project_is_read(shared: Path) -> None:
    file = shared / "exports/imessage/tests/fixtures/chat.db"
    documents = list(IMessage().read(file, file.parent, Person.of(())))
    assert IMessage().recognises(file) > 0.9
    assert {document.thread for document in documents} == {"+15551234567", "alice@example.com", "chat123456789"}
    assert sum(turn.role == "own" for document in documents for turn in document.turns) == 6
    assert sum(turn.role == "quoted" for document in documents for turn in document.turns) == 1
    assert any("cool project" in turn.text for document in documents for turn in document.turns)
    assert IMessage().recognises(file.parent / "AddressBook-v22.abcddb") == 0

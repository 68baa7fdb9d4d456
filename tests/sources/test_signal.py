"""Signal: the text and the JSON that its exporters write, who "Me" is, and what the programs add to the words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.registry import match
from mlxtwin.sources.signal import Signal

NOBODY = Person.of([])


def read(root: Path, text: str, name: str = "chat.md", person: Person = NOBODY) -> list[Document]:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    found = match(file)
    assert found and found.name == "signal"
    return list(Signal().read(file, root, person))


def turns(documents: list[Document]) -> list[tuple[str, str, bool]]:
    return [(turn.author, turn.text, turn.mine) for one in documents for turn in one.turns]


def authors(root: Path, name: str) -> list[str]:
    return list(Signal().authors(root / name))


def lines(*entries: dict[str, Any]) -> str:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in entries)


@pytest.mark.parametrize("header", ["[2024-03-02, 10:01] ", "[2024-03-02 10:01:00] ", "2024-03-02 10:01 "])
def test_every_style_of_header_is_read(tmp_path: Path, header: str) -> None:
    documents = read(tmp_path, f"{header}Bob: Hi\n{header}Me: Hello: you\nthere\n", "Bob.txt")
    assert turns(documents) == [("Bob", "Hi", False), ("Me", "Hello: you\nthere", True)]
    assert documents[0].at == datetime(2024, 3, 2, 10, 1, tzinfo=UTC)
    assert not authors(tmp_path, "Bob.txt")


def test_an_export_without_me_asks_who_the_person_is(tmp_path: Path) -> None:
    text = "[2024-03-02, 10:01] Bob: Hi\n[2024-03-02, 10:02] Ann: Hello\n"
    assert turns(read(tmp_path, text, "a.txt", Person.of(["ann"]))) == [("Bob", "Hi", False), ("Ann", "Hello", True)]
    assert authors(tmp_path, "a.txt") == ["Bob", "Ann"]


def test_a_chat_in_which_only_another_wrote_asks_nobody(tmp_path: Path) -> None:
    documents = read(tmp_path, "[2024-03-02 10:01:00] Bob: Hi\n\n[2024-03-02 10:02:00] Bob: Are you there?\n")
    assert [one.drop for one in documents] == ["not by me"]
    assert not authors(tmp_path, "chat.md")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[2024-03-02, 10:01:05] Bob: Hi\n[2024-03-02, 10:02:05] Ann: Hello\n", "_chat.txt"),
        ("[2024-03-02, 10:01:05] Bob: Hi\n[2024-03-02, 10:02:05] Ann: Hello\n", "a.txt"),
        ("[2024-03-02 10:01:05] Bob: \u200eimage omitted\n[2024-03-02 10:02:05] Me: Hello\n", "a.txt"),
        ("2024-03-02 10:01 Bob: I said hi\n", "a.txt"),
        ("Dear diary\n[2024-03-02, 10:01] Me: Hello\n", "a.txt"),
    ],
)
def test_what_others_write_alike_is_left_to_them(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert Signal().recognises(tmp_path / name) == 0


def test_what_the_exporter_adds_is_no_words(tmp_path: Path) -> None:
    text = """[2024-03-02 10:01:00] Me: My loaf\x20\x20![loaf.jpg](./media/loaf.jpg)\x20\x20

[2024-03-02 10:02:00] Me: [🥖](../exported_stickers/a/1.webp)\x20\x20

[2024-03-02 10:03:00] Me:\x20\x20
(( 🥖 ))

[2024-03-02 10:04:00] Me: A [list](https://example.org) I made\x20\x20
(- Bob: 👍, Carl: ❤️ -)

[2024-03-02 10:05:00] Me: Outgoing voice call (accepted, 3m 2s)\x20\x20

[2024-03-02 10:06:00] Bob: Missed video call\x20\x20

[2024-03-02 10:07:00] Me: (This message was deleted)

"""
    assert turns(read(tmp_path, text)) == [("Me", "My loaf\nA [list](https://example.org) I made", True)]


def test_a_quote_stands_before_the_words_and_is_not_the_persons(tmp_path: Path) -> None:
    text = "[2024-03-02 10:01:00] Me: \n\n> Where?\n> And when?\n\nOn the stone.  \n\n"
    assert turns(read(tmp_path, text)) == [("", "Where?\nAnd when?", False), ("Me", "On the stone.", True)]


def test_a_chat_is_named_by_its_folder_or_by_whom_it_is_with(tmp_path: Path) -> None:
    text = "[2024-03-02 10:01:00] Bob: Hi\n\n[2024-03-02 10:02:00] Me: Ho\n\n"
    (inside,) = read(tmp_path, text, "The Bakers/chat.md")
    (alone,) = read(tmp_path, text, "chat.md")
    (note,) = read(tmp_path / "x", "[2024-03-02 10:02:00] Me: Buy flour\n\n", "chat.md")
    assert [one.thread for one in (inside, alone, note)] == ["The Bakers", "Bob", "Note to Self"]


def test_what_answers_brings_the_words_it_answers_in_the_short_form(tmp_path: Path) -> None:
    text = """2024-03-02 10:01 Bob: Where?
2024-03-02 10:02 Bob: And when?
2024-03-02 10:03 You: [reply to Bob on 2024-03-02 10:01, edited, 1 attachment] On the stone.
2024-03-02 10:04 You: [2 attachments]
2024-03-02 10:05 Bob: [call-history message]
2024-03-02 10:06 You: [sic] is Latin.
"""
    assert turns(read(tmp_path, text, "Bob (+4912345).txt")) == [
        ("Bob", "Where?\nAnd when?", False),
        ("", "Where?", False),
        ("You", "On the stone.\n[sic] is Latin.", True),
    ]


def test_fields_over_the_words_are_read(tmp_path: Path) -> None:
    text = """Conversation: The Bakers (group)

From: Bob (+4912345)
Type: incoming
Sent: Sat, 2 Mar 2024 11:01:00 +0100
Received: Sat, 2 Mar 2024 11:01:02 +0100

Where?

And when?

From: You
Type: outgoing
Sent: Sat, 2 Mar 2024 11:02:00 +0100
Attachment: loaf.jpg (image/jpeg, 1234 bytes)
Reaction: 👍 from Bob

> From: Bob (+4912345)
> Sent: Sat, 2 Mar 2024 11:01:00 +0100
>
> Where?

On the stone.

From: You
Type: outgoing
Sent: Sat, 2 Mar 2024 11:03:00 +0100
Attachment: loaf.jpg (image/jpeg, 1234 bytes)

From: You
Type: outgoing
Sent: Sat, 2 Mar 2024 11:04:00 +0100
Edited: 2 versions

| Version: 2
| Sent: Sat, 2 Mar 2024 11:05:00 +0100
|
| At noon.
|
| Version: 1
| Sent: Sat, 2 Mar 2024 11:04:00 +0100
|
| At none.

Type: keychange
Sent: Sat, 2 Mar 2024 11:06:00 +0100

"""
    documents = read(tmp_path, text, "Bakers.txt")
    assert turns(documents) == [
        ("Bob", "Where?\n\nAnd when?", False),
        ("", "Where?", False),
        ("You", "On the stone.\nAt noon.", True),
    ]
    assert documents[0].title == "The Bakers"
    assert documents[0].at == datetime(2024, 3, 2, 10, 1, tzinfo=UTC)


LINES = lines(
    {"date": "2024-03-02T10:01:07.123000", "sender": "Bob", "body": "Where?  ", "quote": "", "reactions": []},
    {"date": "2024-03-02T10:02:11", "sender": "Me", "body": "There.  ", "quote": "\n\n> Where?\n\n", "deleted": False},
    {"date": "2024-03-02T10:03:11", "sender": "Me", "body": "Oops  ", "quote": "", "deleted": True},
)


def test_lines_of_json_are_read_like_the_text_beside_them(tmp_path: Path) -> None:
    text = "[2024-03-02 10:01:07] Bob: Where?  \n\n[2024-03-02 10:02:11] Me: \n\n> Where?\n\nThere.  \n\n"
    from_json, from_text = read(tmp_path / "a", LINES, "Bob/data.json"), read(tmp_path / "b", text, "Bob/chat.md")
    assert turns(from_json) == turns(from_text)
    assert [one.id for one in from_json] == [one.id for one in from_text]


def test_lines_of_json_beside_the_same_text_are_not_read_twice(tmp_path: Path) -> None:
    read(tmp_path, LINES, "Bob/data.json")
    (tmp_path / "Bob/chat.md").write_text("[2024-03-02 10:01:07] Bob: Where?\n", encoding="utf-8")
    assert Signal().recognises(tmp_path / "Bob/data.json") == 0


def row(minute: int, body: str, kind: str = "incoming", **more: Any) -> dict[str, Any]:
    at = 1709373600000 + 60000 * minute
    return {"id": str(minute), "conversationId": "c1", "type": kind, "sent_at": at, "body": body, **more}


def test_rows_of_the_desktop_say_which_way_they_went(tmp_path: Path) -> None:
    rows = [
        row(1, "Where?", sourceServiceId="u2"),
        row(2, "There.", "outgoing", quote={"id": 1, "text": "Where?", "authorAci": "u2"}),
        row(3, "", "outgoing", hasAttachments=1),
        row(4, "gone", "outgoing", deletedForEveryone=True),
        row(5, "no words", "group-v2-change"),
    ]
    people = [{"id": "c1", "name": "The Bakers"}, {"id": "c2", "serviceId": "u2", "profileFullName": "Bob"}]
    expected = [("Bob", "Where?", False), ("", "Where?", False), ("Me", "There.", True)]
    documents = read(tmp_path, json.dumps({"conversations": people, "messages": rows}), "dump.json")
    assert turns(documents) == expected
    assert [(one.title, one.thread) for one in documents] == [("The Bakers", "c1")]
    alone = read(tmp_path, json.dumps(rows), "Bakers.json")
    assert [turn[1:] for turn in turns(alone)] == [turn[1:] for turn in expected]
    assert alone[0].title == "Bakers"
    assert not authors(tmp_path, "Bakers.json")


def frame(chat: str, author: str, minute: int, body: str, way: str, **more: Any) -> dict[str, Any]:
    said = {"text": {"body": body, "bodyRanges": []}, **more}
    at = str(1709373600000 + 60000 * minute)
    return {"chatItem": {"chatId": chat, "authorId": author, "dateSent": at, way: {}, "standardMessage": said}}


FRAMES = (
    {"version": "1", "backupTimeMs": "1709373600000"},
    {"account": {"givenName": "Ann"}},
    {"recipient": {"id": "1", "self": {}}},
    {"recipient": {"id": "2", "contact": {"aci": "YWFh", "profileGivenName": "Bob", "profileFamilyName": "Miller"}}},
    {"recipient": {"id": "3", "group": {"snapshot": {"title": {"title": "The Bakers"}}}}},
    {"chat": {"id": "10", "recipientId": "2"}},
    {"chat": {"id": "11", "recipientId": "3"}},
)


def test_frames_of_signals_own_export_are_sorted_into_their_chats(tmp_path: Path) -> None:
    quote = {"targetSentTimestamp": "1", "authorId": "2", "text": {"body": "Where?"}}
    text = lines(
        *FRAMES,
        frame("10", "2", 1, "Where?", "incoming"),
        frame("11", "2", 2, "Good morning, all.", "incoming"),
        frame("10", "1", 3, "There.", "outgoing", quote=quote),
        frame("11", "1", 4, "Good morning.", "outgoing"),
        frame("10", "2", 5, "no words of anybody", "directionless"),
        {"chatItem": {"chatId": "10", "authorId": "1", "dateSent": "1709374000000", "updateMessage": {}}},
    )
    documents = read(tmp_path, text, "main.jsonl")
    assert [(one.title, one.thread) for one in documents] == [("Bob Miller", "YWFh"), ("The Bakers", "The Bakers")]
    assert turns(documents) == [
        ("Bob Miller", "Where?", False),
        ("", "Where?", False),
        ("Me", "There.", True),
        ("Bob Miller", "Good morning, all.", False),
        ("Me", "Good morning.", True),
    ]
    assert not authors(tmp_path, "main.jsonl")


def test_frames_before_a_broken_line_are_kept(tmp_path: Path) -> None:
    text = lines(*FRAMES, frame("10", "1", 1, "Hi", "outgoing")) + '{"chatItem": {"chatId'
    (tmp_path / "main.jsonl").write_text(text, encoding="utf-8")
    found: list[Document] = []
    with pytest.raises(SourceError, match=r"main\.jsonl"):
        for document in Signal().read(tmp_path / "main.jsonl", tmp_path, NOBODY):
            found.append(document)
    assert [one.own_text for one in found] == ["Hi"]


def test_what_is_no_export_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Dear diary, today I baked.\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"a\.txt"):
        list(Signal().read(tmp_path / "a.txt", tmp_path, NOBODY))


@pytest.mark.shared
def test_the_export_of_another_project_comes_out_as_it_expects(shared: Path) -> None:
    folder = shared / "exports/signal/test/signal"
    documents = list(Signal().read(folder / "test_export.txt", folder, Person.of(["John Doe"])))
    expected = json.loads((folder / "target.json").read_text(encoding="utf-8"))
    assert sorted((turn.author, " ".join(turn.text.split()), f"{turn.at:%Y-%m-%dT%H:%M:%S}") for one in documents
                  for turn in one.turns) == sorted(
        (one["author"], one["message"], one["timestamp"]) for one in expected
    )  # fmt: skip

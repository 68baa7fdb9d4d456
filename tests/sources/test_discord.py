"""Discord: channels as JSON and text, the package of one's own data, and marks that become words."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.discord import Discord
from mlxtwin.sources.discord_json import readable
from mlxtwin.sources.registry import match

ANN = Person.of(["ann"])
NOBODY = Person.of([])
RULE = "=" * 62


def said(minute: int, words: str, who: str = "bob", kind: str = "Default", **more: Any) -> dict[str, Any]:
    author = {"id": {"ann": "11", "bob": "22"}[who], "name": who, "discriminator": "1234", "nickname": who.title()}
    at = f"2024-03-02T11:{minute:02}:00.5+01:00"
    return {"id": f"90{minute}", "type": kind, "timestamp": at, "content": words, "author": author, **more}


def channel(*messages: dict[str, Any]) -> str:
    guild, told = {"id": "1", "name": "Bakers"}, {"id": "2", "type": "GuildTextChat", "category": "x", "name": "rye"}
    return json.dumps({"guild": guild, "channel": told, "messages": list(messages), "messageCount": len(messages)})


def read(root: Path, text: str, name: str = "rye.json", person: Person = ANN) -> list[Document]:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    found = match(file)
    assert found and found.name == "discord"
    return list(Discord().read(file, root, person))


def turns(documents: list[Document]) -> list[tuple[str, str, bool]]:
    return [(turn.author, turn.text, turn.mine) for one in documents for turn in one.turns]


@pytest.mark.parametrize("name", ["ann", "Ann", "ann#1234", "11"])
def test_the_person_may_be_named_by_any_name_or_id(tmp_path: Path, name: str) -> None:
    documents = read(tmp_path, channel(said(1, "Hi"), said(2, "Ho", "ann")), person=Person.of([name]))
    assert turns(documents) == [("Bob", "Hi", False), ("Ann", "Ho", True)]
    assert (documents[0].title, documents[0].thread) == ("Bakers / rye", "2")
    assert documents[0].turns[0].at == datetime(2024, 3, 2, 10, 1, 0, 500_000, tzinfo=UTC)
    assert list(Discord().authors(tmp_path / "rye.json")) == ["Bob", "Ann"]


def test_an_answer_brings_what_it_answers_and_what_was_forwarded_is_quoted(tmp_path: Path) -> None:
    forwarded = {"content": "Flour is cheap.", "timestamp": "2024-03-01T10:00:00+00:00"}
    text = channel(
        said(1, "Where?"),
        said(2, "And when?"),
        said(3, "On the stone.", "ann", "Reply", reference={"messageId": "901"}),
        said(4, "Look!", "ann", forwardedMessage=forwarded),
        said(5, "", "ann", forwardedMessage=forwarded),
    )
    assert turns(read(tmp_path, text)) == [
        ("Bob", "Where?\nAnd when?", False),
        ("", "Where?", False),
        ("Ann", "On the stone.", True),
        ("", "Flour is cheap.", False),
        ("Ann", "Look!", True),
    ]


@pytest.mark.parametrize("kind", ["GuildMemberJoin", "ChannelPinnedMessage", "Call", "ThreadCreated", "7", "20"])
def test_notices_are_no_words(tmp_path: Path, kind: str) -> None:
    assert not read(tmp_path, channel(said(1, "Joined the server.", "ann", kind)))


def test_programs_that_bear_the_persons_name_are_not_the_person(tmp_path: Path) -> None:
    message = said(1, "Beep", "ann")
    message["author"]["isBot"] = True
    assert not read(tmp_path, channel(message))


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Hi <@22222> and <@!22222>, <@33333>", "Hi @Bob and @Bob, @someone"),
        ("<#44444> <@&55555>", "#channel @someone"),
        ("<:rye:66666><a:oat:77777>", ":rye::oat:"),
        ("at <t:1709373600:R>!", "at !"),
        ("a < b > c <@x> <https://example.org>", "a < b > c <@x> <https://example.org>"),
    ],
)
def test_marks_become_words(typed: str, shown: str) -> None:
    assert readable(typed, {"22222": "Bob"}) == shown


def test_quoted_lines_and_code_are_not_the_persons(tmp_path: Path) -> None:
    text = channel(said(1, "> Knead it.\nNever. >_<\n```py\nx = 1\n```", "ann"), said(2, "Oh\n>>> all\nof this", "ann"))
    assert turns(read(tmp_path, text)) == [
        ("", "x = 1\nKnead it.", False),
        ("Ann", "Never. >_<", True),
        ("", "all\nof this", False),
        ("Ann", "Oh", True),
    ]


def test_what_stands_before_damage_is_kept(tmp_path: Path) -> None:
    whole = channel(said(1, "Hi", "ann"), said(2, "Ho", "ann"))
    file = tmp_path / "rye.json"
    file.write_text(whole[: whole.index('"Ho"')], encoding="utf-8")
    found: list[Document] = []
    with pytest.raises(SourceError, match="cut off"):
        for document in Discord().read(file, tmp_path, ANN):
            found.append(document)
    assert [one.own_text for one in found] == ["Hi"]


def plain(*entries: str) -> str:
    head = f"{RULE}\nGuild: Bakers\nChannel: Bread / rye\nTopic: all about it\n{RULE}\n\n"
    return head + "\n".join(entries) + f"\n{RULE}\nExported {len(entries)} message(s)\n{RULE}\n"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("02/03/2024 10:01", "02/03/2024 10:02"),
        ("3/2/2024 10:01 AM", "3/2/2024 10:02 AM"),
        ("02-Mar-24 10:01 AM", "02-Mar-24 10:02 AM"),
        ("2024-03-02 10:01", "2024-03-02 10:02"),
        ("02.03.2024 10:01:00", "02.03.2024 10:02:00"),
    ],
)
def test_text_is_read_in_any_order_of_dates(tmp_path: Path, first: str, second: str) -> None:
    text = plain(f"[{first}] bob#1234\nHi\n\n", f"[{second}] ann (pinned)\nHello\nthere\n\n")
    documents = read(tmp_path, text, "rye.txt")
    assert turns(documents) == [("bob#1234", "Hi", False), ("ann", "Hello\nthere", True)]
    assert documents[0].at == datetime(2024, 3, 2, 10, 1, tzinfo=UTC)
    assert documents[0].title == "Bakers / Bread / rye"
    assert list(Discord().authors(tmp_path / "rye.txt")) == ["bob#1234", "ann"]


@pytest.mark.parametrize(("zone", "hour"), [("+02:00", 8), ("-0130", 11), ("+00:00", 10)])
def test_the_zone_that_a_text_tells_is_kept(tmp_path: Path, zone: str, hour: int) -> None:
    (document,) = read(tmp_path, plain(f"[2024-03-02 10:00 {zone}] ann\nHi\n\n"), "rye.txt")
    assert document.at == datetime(2024, 3, 2, hour, 30 if "30" in zone else 0, tzinfo=UTC)


def test_a_later_date_settles_the_order(tmp_path: Path) -> None:
    text = plain("[02/03/2024 10:01] ann\nHi\n\n", "[02/15/2024 10:02] ann\nHo\n\n")
    assert read(tmp_path, text, "rye.txt")[0].at == datetime(2024, 2, 3, 10, 1, tzinfo=UTC)


def test_what_the_exporter_adds_to_the_text_is_no_words(tmp_path: Path) -> None:
    text = plain(
        "[2024-03-02 10:01] ann\nMy loaf\n\n{Attachments}\nhttps://example.org/loaf.jpg\n\n{Reactions}\n🥖 (2)\n\n",
        "[2024-03-02 10:02] ann\n\n{Stickers}\nhttps://example.org/s.png\n\n",
        "[2024-03-02 10:03] ann\nPinned a message.\n\n",
        "[2024-03-02 10:04] ann\nIt is crisp\n\n{Embed}\nA page about bread\n\n",
    )
    assert turns(read(tmp_path, text, "rye.txt")) == [("ann", "My loaf\nIt is crisp", True)]


def own(number: int, time: str, words: str, attachments: str = "") -> dict[str, Any]:
    return {"ID": number, "Timestamp": f"2024-03-02 {time}", "Contents": words, "Attachments": attachments}


OWN = [
    own(1183589260452962364, "10:02:00", "On the stone.\nAt noon, <@22222>"),
    own(1183589260452962363, "10:01:30", "", "https://example.org/loaf.jpg"),
    own(1183589260452962362, "10:01:00", "> Where?\nHere"),
]
OWN_TURNS = [("", "Where?", False), ("me", "Here\nOn the stone.\nAt noon, @someone", True)]


def beside(root: Path) -> None:
    (root / "messages/c200001").mkdir(parents=True)
    told = {"id": "200001", "type": "GUILD_TEXT", "name": "rye", "guild": {"id": "1", "name": "Bakers"}}
    (root / "messages/c200001/channel.json").write_text(json.dumps(told), encoding="utf-8")
    index = {"200001": "rye in Bakers", "200002": None}
    (root / "messages/index.json").write_text(json.dumps(index), encoding="utf-8")


def test_all_in_the_package_is_the_persons(tmp_path: Path) -> None:
    beside(tmp_path)
    documents = read(tmp_path, json.dumps(OWN), "messages/c200001/messages.json", NOBODY)
    assert turns(documents) == OWN_TURNS
    assert [(one.title, one.thread, one.drop) for one in documents] == [("rye in Bakers", "200001", "")]
    assert not list(Discord().authors(tmp_path / "messages/c200001/messages.json"))


def test_the_older_package_of_tables_is_read_alike(tmp_path: Path) -> None:
    beside(tmp_path)
    file = tmp_path / "messages/c200001/messages.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        table = csv.DictWriter(opened, list(OWN[0]))
        table.writeheader()
        table.writerows({**one, "Timestamp": f"{one['Timestamp']}.123000+00:00"} for one in OWN)
    found = match(file)
    assert found and found.name == "discord"
    assert turns(list(Discord().read(file, tmp_path, NOBODY))) == OWN_TURNS


@pytest.mark.parametrize(("folder", "thread"), [("c200001", "200001"), ("x", "Discord")])
def test_a_package_without_lists_is_read(tmp_path: Path, folder: str, thread: str) -> None:
    (document,) = read(tmp_path, json.dumps(OWN), f"messages/{folder}/messages.json", NOBODY)
    assert document.thread == thread


def test_the_lists_of_the_package_are_no_messages(tmp_path: Path) -> None:
    beside(tmp_path)
    assert not [file for file in tmp_path.rglob("*.json") if Discord().recognises(file)]


@pytest.mark.parametrize("text", ["words", "[]", '{"guild": {}}', "a,b\n1,2\n"])
def test_what_is_no_export_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=r"x\.json"):
        list(Discord().read(tmp_path / "x.json", tmp_path, ANN))

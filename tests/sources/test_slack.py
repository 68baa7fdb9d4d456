"""Slack: names, marks and links as words, threads with what they answer, and which messages no person typed."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.slack import Slack

USERS = [
    {"id": "U01", "name": "ann", "real_name": "Ann Lee",
     "profile": {"real_name": "Ann Lee", "display_name": "annie", "email": "ann@example.org"}},
    {"id": "U02", "name": "bob", "profile": {"real_name": "Bob Miller", "display_name": ""}},
]  # fmt: skip
CHANNELS = [{"id": "C01", "name": "bread", "members": ["U01", "U02"]}, {"id": "C02", "name": "rye", "members": []}]
DMS = [{"id": "D01", "members": ["U01", "U02"]}]
MPIMS = [{"id": "G01", "name": "mpdm-ann--bob-1", "members": ["U01", "U02"]}]
ANN = Person.of(["Ann Lee"])


def said(second: int, words: str, user: str = "U02", **more: Any) -> dict[str, Any]:
    return {"type": "message", "user": user, "text": words, "ts": f"{1709373600 + second}.000100", **more}


def write(root: Path, place: str, content: Any) -> Path:
    file = root / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def export(root: Path, *days: tuple[str, list[dict[str, Any]]]) -> list[Path]:
    write(root, "users.json", USERS)
    write(root, "channels.json", CHANNELS)
    write(root, "dms.json", DMS)
    write(root, "mpims.json", MPIMS)
    return [write(root, place, content) for place, content in days]


def read(root: Path, *messages: dict[str, Any], person: Person = ANN) -> list[Document]:
    (file,) = export(root, ("bread/2024-03-02.json", list(messages)))
    return list(Slack().read(file, root, person))


def turns(documents: list[Document]) -> list[tuple[str, str, bool]]:
    return [(turn.author, turn.text, turn.mine) for one in documents for turn in one.turns]


@pytest.mark.parametrize("name", ["Ann Lee", "annie", "ann", "ANN@example.org", "u01"])
def test_the_person_may_be_named_by_any_name_or_address(tmp_path: Path, name: str) -> None:
    documents = read(tmp_path, said(1, "Hi"), said(2, "Ho", "U01"), person=Person.of([name]))
    assert turns(documents) == [("Bob Miller", "Hi", False), ("Ann Lee", "Ho", True)]
    assert documents[0].title == "#bread"
    assert documents[0].thread == "C01"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Hi <@U02> and <@U02|bob>, <@U99>", "Hi @Bob Miller and @Bob Miller, @U99"),
        ("in <#C02> or <#C02|rye> or <#C99|>", "in #rye or #rye or #C99"),
        ("<!here> <!subteam^S1|@bakers> <!date^1^{date}|today>", "@here @bakers today"),
        ("see <https://example.org/a|the recipe> or <https://example.org>", "see the recipe or https://example.org"),
        ("write <mailto:ann@example.org|ann@example.org>", "write ann@example.org"),
        ("rye &amp; oats &lt;3, &amp;lt; stays", "rye & oats <3, &lt; stays"),
        ("a < b and c > d", "a < b and c > d"),
    ],
)
def test_marks_become_the_words_that_a_reader_sees(tmp_path: Path, typed: str, shown: str) -> None:
    assert turns(read(tmp_path, said(1, typed, "U01"))) == [("Ann Lee", shown, True)]


def test_quoted_lines_and_code_are_not_the_persons(tmp_path: Path) -> None:
    typed = "&gt; Knead it twice.\nNever! &gt;_&lt;\n```x = 1```"
    assert turns(read(tmp_path, said(1, typed, "U01"))) == [
        ("", "x = 1\nKnead it twice.", False),
        ("Ann Lee", "Never! >_<", True),
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"subtype": "channel_join"},
        {"subtype": "channel_topic", "topic": "x"},
        {"subtype": "bot_message", "bot_id": "B1", "username": "ann"},
        {"subtype": "pinned_item"},
        {"subtype": "tombstone"},
        {"subtype": "message_deleted"},
        {"bot_id": "B1"},
        {"type": "event"},
        {"hidden": True},
        {"user": "USLACKBOT"},
    ],
)
def test_what_no_person_typed_is_left_out(tmp_path: Path, more: dict[str, Any]) -> None:
    assert not read(tmp_path, {**said(1, "no words of anybody", "U01"), **more})


def test_comments_on_files_are_words_and_the_upload_is_not(tmp_path: Path) -> None:
    old = "<@U01|ann> uploaded a file: <https://example.org/f|loaf.jpg> and commented: My loaf"
    comment = {"comment": "Crisp!", "user": "U01", "id": "F1"}
    documents = read(
        tmp_path,
        said(1, old, "U01", subtype="file_share", upload=True),
        said(2, "<@U01|ann> uploaded a file: <https://example.org/f|loaf.jpg>", "U01", subtype="file_share"),
        said(3, "A newer loaf", "U01", files=[{"id": "F2", "name": "loaf.jpg"}]),
        {
            "type": "message",
            "subtype": "file_comment",
            "text": "<@U01> commented",
            "comment": comment,
            "ts": "1709373605.1",
        },
    )
    assert turns(documents) == [("Ann Lee", "My loaf\nA newer loaf\nCrisp!", True)]


def test_a_thread_is_a_stretch_of_its_own_that_begins_with_what_it_answers(tmp_path: Path) -> None:
    root = said(1, "Where?", reply_count=2)
    root["thread_ts"] = root["ts"]
    documents = read(
        tmp_path,
        root,
        said(2, "Other news.", "U01"),
        said(3, "On the stone.", "U01", thread_ts=root["ts"]),
        said(4, "Thanks!", thread_ts=root["ts"]),
        said(5, "Any time.", "U01", thread_ts=root["ts"], subtype="thread_broadcast"),
    )
    assert [one.thread for one in documents] == ["C01", f"C01/{root['ts']}"]
    assert turns(documents[:1]) == [("Bob Miller", "Where?", False), ("Ann Lee", "Other news.", True)]
    assert turns(documents[1:]) == [
        ("", "Where?", False),
        ("Ann Lee", "On the stone.", True),
        ("Bob Miller", "Thanks!", False),
        ("Ann Lee", "Any time.", True),
    ]


def test_a_thread_that_goes_on_another_day_finds_what_it_answers(tmp_path: Path) -> None:
    root = said(1, "Where, <@U01>?", reply_count=1)
    root["thread_ts"] = root["ts"]
    answer = said(90_000, "On the stone.", "U01", thread_ts=root["ts"])
    lost = said(90_001, "Yes.", "U01", thread_ts="1600000000.000100")
    _, day = export(tmp_path, ("bread/2024-03-02.json", [root]), ("bread/2024-03-03.json", [answer, lost]))
    found = turns(list(Slack().read(day, tmp_path, ANN)))
    assert found == [("", "Where, @Ann Lee?", False), ("Ann Lee", "On the stone.", True), ("Ann Lee", "Yes.", True)]


def test_a_message_passed_on_is_quoted(tmp_path: Path) -> None:
    shared = {"text": "Flour is &lt;cheap&gt;", "is_msg_unfurl": True, "author_name": "Carl"}
    preview = {"text": "A page about bread", "title": "Bread"}
    assert turns(read(tmp_path, said(1, "Look", "U01", attachments=[shared, preview]))) == [
        ("", "Flour is <cheap>", False),
        ("Ann Lee", "Look", True),
    ]


def test_rich_text_stands_in_where_there_is_no_plain_text(tmp_path: Path) -> None:
    section = {"type": "rich_text_section", "elements": [
        {"type": "text", "text": "Hi "}, {"type": "user", "user_id": "U02"}, {"type": "text", "text": ", rye "},
        {"type": "emoji", "name": "bread"},
    ]}  # fmt: skip
    quote = {"type": "rich_text_quote", "elements": [{"type": "text", "text": "words of another"}]}
    blocks = [{"type": "rich_text", "elements": [quote, section]}, {"type": "section", "text": {"text": "a form"}}]
    assert turns(read(tmp_path, said(1, "", "U01", blocks=blocks))) == [
        ("Ann Lee", "Hi @Bob Miller, rye :bread:", True)
    ]


@pytest.mark.parametrize(
    ("folder", "title", "thread"),
    [("D01", "Ann Lee & Bob Miller", "D01"), ("mpdm-ann--bob-1", "Ann Lee & Bob Miller", "G01"), ("x", "#x", "x")],
)
def test_conversations_are_named_by_the_lists_or_their_folder(
    tmp_path: Path, folder: str, title: str, thread: str
) -> None:
    (file,) = export(tmp_path, (f"{folder}/2024-03-02.json", [said(1, "Hi", "U01")]))
    (document,) = Slack().read(file, tmp_path, ANN)
    assert (document.title, document.thread) == (title, thread)


@pytest.mark.parametrize("users", [None, "{broken", '["words", 3, {}]'])
def test_a_day_without_lists_or_with_damaged_ones_is_read(tmp_path: Path, users: str | None) -> None:
    profile = {"real_name": "Ann Lee", "display_name": "annie"}
    day = write(tmp_path, "bread/2024-03-02.json", [said(1, "Hi <@U02>", "U01", user_profile=profile), said(2, "Ho")])
    if users is not None:
        (tmp_path / "users.json").write_text(users, encoding="utf-8")
    documents = list(Slack().read(day, tmp_path, ANN))
    assert turns(documents) == [("Ann Lee", "Hi @U02", True), ("U02", "Ho", False)]


def test_lists_that_changed_are_read_anew(tmp_path: Path) -> None:
    assert turns(read(tmp_path, said(1, "Hi", "U01")))[0][0] == "Ann Lee"
    write(tmp_path, "users.json", [{"id": "U01", "real_name": "Ann Miller"}])
    day = tmp_path / "bread/2024-03-02.json"
    assert turns(list(Slack().read(day, tmp_path, ANN)))[0][0] == "Ann Miller"


def test_lists_and_other_files_of_the_export_are_no_days(tmp_path: Path) -> None:
    export(tmp_path)
    write(tmp_path, "integration_logs.json", [{"user_id": "U01", "date": "1", "change_type": "added"}])
    write(tmp_path, "bread/2024-03-02.json", [])
    assert not [file for file in tmp_path.rglob("*.json") if Slack().recognises(file)]


def test_authors_have_the_names_that_are_shown(tmp_path: Path) -> None:
    read(tmp_path, said(1, "Hi"), said(2, "Ho", "U01"), said(3, "no words", "U01", subtype="channel_join"))
    assert list(Slack().authors(tmp_path / "bread/2024-03-02.json")) == ["Bob Miller", "Ann Lee"]


def test_what_is_no_day_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text("words", encoding="utf-8")
    with pytest.raises(SourceError, match=r"x\.json"):
        list(Slack().read(file, tmp_path, ANN))


@pytest.mark.shared
def test_every_day_of_another_projects_export_is_read(shared: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(shared / "exports/slack/tests/testarchive.zip") as archive:
        archive.extractall(tmp_path)
    days: Counter[bool] = Counter()
    own: list[str] = []
    for file in sorted(path for path in tmp_path.rglob("*.json") if path.is_file()):
        known = Slack().recognises(file) > 0.9
        days[known] += 1
        documents = list(Slack().read(file, tmp_path, Person.of(["Harry Potter"]))) if known else []
        own += [one.own_text for one in documents if one.own_text]
        assert all("<@" not in turn.text and "&amp;" not in turn.text for one in documents for turn in one.turns)
    assert days == {True: 17, False: 3}
    assert len(own) >= 2

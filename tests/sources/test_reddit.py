"""Reddit's export: own comments and posts without quotes and titles of pages, messages by the name beside them."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources import reddit
from mlxtwin.sources.reddit import Reddit
from mlxtwin.sources.registry import match

COMMENT = "id,permalink,date,ip,subreddit,gildings,link,parent,body,media"
POST = "id,permalink,date,ip,subreddit,gildings,title,url,body"
MESSAGE = "id,permalink,thread_id,date,ip,from,to,subject,body"
CHAT = (
    "message_id,created_at,updated_at,username,message,thread_parent_message_id,channel_url,subreddit,channel_name,"
    "conversation_type"
)
DAY = "2024-03-02 10:{:02}:00 UTC"
PAGE = "https://www.reddit.com/r/bread/comments/p9/how_to_bake_rye/"


def put(folder: Path, name: str, header: str, *rows: dict[str, str]) -> Path:
    out = io.StringIO()
    writer = csv.DictWriter(out, header.split(","), restval="")
    writer.writeheader()
    writer.writerows(rows)
    (folder / name).write_text(out.getvalue())
    return folder / name


def read(file: Path, *me: str) -> list[Document]:
    return list(Reddit().read(file, file.parent, Person.of(me)))


def comment(folder: Path, body: str) -> Document:
    row = {"id": "k1", "permalink": f"{PAGE}k1/", "date": DAY.format(1), "subreddit": "bread", "body": body}
    return read(put(folder, "comments.csv", COMMENT, row))[0]


def post(folder: Path, **row: str) -> Document:
    return read(put(folder, "posts.csv", POST, {"id": "p9", "date": DAY.format(1), "subreddit": "bread", **row}))[0]


def message(number: int, thread: str, sender: str, body: str, subject: str = "Bread") -> dict[str, str]:
    told = {"id": f"m{number}", "thread_id": thread, "date": DAY.format(number), "from": sender}
    return {**told, "to": "somebody", "subject": subject, "body": body}


def chat(number: int, channel: str, sender: str, words: str, parent: str = "") -> dict[str, str]:
    told = {"message_id": f"m{number}", "created_at": DAY.format(number), "username": sender, "message": words}
    return {**told, "thread_parent_message_id": parent, "channel_url": channel, "channel_name": "Bakers"}


def test_a_comment_keeps_its_time_its_thread_and_the_title_it_stands_under(tmp_path: Path) -> None:
    document = comment(tmp_path, "With patience.")
    assert (document.kind, document.key, document.thread) == ("post", "comment/k1", "p9")
    assert (document.title, document.own_text) == ("how to bake rye", "With patience.")
    assert document.at == datetime(2024, 3, 2, 10, 1, tzinfo=UTC)


def test_lines_quoted_in_a_comment_are_not_the_persons(tmp_path: Path) -> None:
    document = comment(tmp_path, "> How do you bake?\n\nSlowly.\n\n&gt; And the stone?\n\nHot &amp; dry.")
    told = [("quoted", "How do you bake?"), ("own", "Slowly."), ("quoted", "And the stone?"), ("own", "Hot & dry.")]
    assert [(turn.role, turn.text) for turn in document.turns] == told


@pytest.mark.parametrize("body", ["[removed]", "[deleted]", " [Removed] ", "[ Removed by Reddit ]"])
def test_what_was_removed_is_dropped(tmp_path: Path, body: str) -> None:
    document = comment(tmp_path, body)
    assert (document.drop, document.turns) == ("deleted", ())


def test_a_comment_that_only_quotes_is_not_by_the_person(tmp_path: Path) -> None:
    assert comment(tmp_path, "> How do you bake?").drop == "not by me"


def test_a_post_is_its_body_under_its_title(tmp_path: Path) -> None:
    document = post(tmp_path, title="My loaf", body="It rose.", url=PAGE, permalink=PAGE)
    assert (document.title, document.own_text, document.key) == ("My loaf", "It rose.", "post/p9")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "Why rye?"),
        (PAGE, "Why rye?"),
        ("/r/bread/comments/p9/x/", "Why rye?"),
        ("https://example.org/rye", ""),
        ("https://i.redd.it/a.png", ""),
    ],
)
def test_a_title_alone_is_the_persons_unless_it_is_of_another_page(tmp_path: Path, url: str, words: str) -> None:
    document = post(tmp_path, title="Why rye?", url=url)
    assert (document.own_text, document.drop) == (words, "" if words else "empty")


def test_messages_are_sorted_into_threads_and_the_person_is_the_account_beside(tmp_path: Path) -> None:
    put(tmp_path, "statistics.csv", "statistic,value", {"statistic": "account name", "value": "Ann"})
    rows = [
        message(3, "t1", "ann", "> Is it done?\n\nNearly."),
        message(2, "t2", "/u/cid", "Rye or wheat?", "Flour"),
        message(1, "t1", "bob", "Is it done?"),
    ]
    file = put(tmp_path, "messages.csv", MESSAGE, *rows)
    first, second = read(file, "bob")
    assert [(turn.author, turn.role, turn.text) for turn in first.turns] == [
        ("bob", "received", "Is it done?"),
        ("", "quoted", "Is it done?"),
        ("ann", "own", "Nearly."),
    ]
    assert (first.title, first.thread, first.kind) == ("Bread", "t1", "chat")
    assert (second.title, second.turns[0].author, second.drop) == ("Flour", "cid", "not by me")
    assert list(Reddit().authors(file)) == []


def test_without_an_account_the_person_is_named(tmp_path: Path) -> None:
    file = put(
        tmp_path, "messages.csv", MESSAGE, message(1, "t1", "u/bob", "Done?"), message(2, "t1", "ann", "Nearly.")
    )
    assert list(Reddit().authors(file)) == ["bob", "ann"]
    assert [document.own_text for document in read(file, "ann")] == ["Nearly."]


def test_chats_quote_what_they_answer(tmp_path: Path) -> None:
    rows = [
        chat(1, "c1", "bob", "Rye?"), chat(2, "c1", "cid", "Wheat?"), chat(3, "c1", "ann", "The first.", "m1"),
        chat(4, "c1", "bob", "[deleted]"),
    ]  # fmt: skip
    document = read(put(tmp_path, "chat_history.csv", CHAT, *rows), "ann")[0]
    assert [(turn.role, turn.text) for turn in document.turns] == [
        ("received", "Rye?"),
        ("received", "Wheat?"),
        ("quoted", "Rye?"),
        ("own", "The first."),
    ]
    assert (document.title, document.thread) == ("Bakers", "c1")


def test_a_long_history_is_held_in_stretches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reddit, "HELD_CHARACTERS", 10)
    rows = [chat(number, f"c{number % 2}", "ann", "Rye and wheat") for number in range(6)]
    file = put(tmp_path, "chat_history.csv", CHAT, *rows)
    documents = read(file, "ann")
    assert "\n".join(document.own_text for document in documents).count("Rye and wheat") == 6
    assert [document.thread for document in documents] == ["c0", "c1"] * 3


@pytest.mark.parametrize("header", ["id,permalink,direction", "id,permalink,thread_id,date,ip,from,to", "a,b",
                                    "CONVERSATION ID,CONVERSATION TITLE,FROM,TO,DATE,SUBJECT,CONTENT"])  # fmt: skip
def test_other_tables_are_left_alone(tmp_path: Path, header: str) -> None:
    assert Reddit().recognises(put(tmp_path, "messages.csv", header)) == 0


def test_columns_may_stand_in_any_order_and_a_mark_may_come_first(tmp_path: Path) -> None:
    header = ",".join(reversed(COMMENT.split(",")))
    file = put(tmp_path, "comments_2.csv", header, {"id": "k1", "body": "Rye"})
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    importer = match(file)
    assert importer and importer.name == "reddit"
    assert read(file)[0].own_text == "Rye"


def test_a_comment_that_stands_twice_comes_once(tmp_path: Path) -> None:
    assert len(read(put(tmp_path, "comments.csv", COMMENT, {"id": "1", "body": "a"}, {"id": "1", "body": "a"}))) == 1


def test_another_table_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"votes\.csv is no file of Reddit's export"):
        read(put(tmp_path, "votes.csv", "id,permalink,direction", {"id": "1"}))

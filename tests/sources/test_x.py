"""X's archive: no retweets, links as they lead, threads, long tweets once, direct messages by the account."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.registry import match
from mlxtwin.sources.x_archive import X

from .cases.x import ACCOUNT, script, tweet


def read(folder: Path, text: str, name: str = "tweets.js", me: tuple[str, ...] = ()) -> list[Document]:
    (folder / name).write_text(text)
    return list(X().read(folder / name, folder, Person.of(me)))


def one(folder: Path, words: str, **more: Any) -> Document:
    return read(folder, script("tweets", [tweet(1, words, 1, **more)]))[0]


def letters(*messages: dict[str, Any], conversation: str = "100-200") -> str:
    told = {"dmConversation": {"conversationId": conversation, "messages": list(messages)}}
    return script("direct_messages", [told])


def letter(sender: str, words: str, minute: int, **more: Any) -> dict[str, Any]:
    told = {"senderId": sender, "text": words, "createdAt": f"2024-03-02T10:{minute:02}:00.000Z", **more}
    return {"messageCreate": told}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("tweets", [tweet(1, "Rye", 1)]),
        ("tweet", [tweet(1, "Rye", 1)]),
        ("tweet", [tweet(1, "Rye", 1)["tweet"]]),
        ("community_tweet", [tweet(1, "Rye", 1)]),
    ],
)
def test_tweets_of_all_ages_are_read(tmp_path: Path, name: str, values: list[Any]) -> None:
    document = read(tmp_path, script(name, values))[0]
    assert (document.own_text, document.kind, document.key) == ("Rye", "post", "1")
    assert document.at == datetime(2024, 3, 2, 10, 1, tzinfo=UTC)


def test_the_oldest_archives_are_read(tmp_path: Path) -> None:
    told = [{"id_str": "1", "text": "Rye", "created_at": "2013-01-02 10:00:00 +0000"}]
    document = read(tmp_path, f"Grailbird.data.tweets_2013_01 = \n {json.dumps(told)}", "2013_01.js")[0]
    assert (document.own_text, document.at) == ("Rye", datetime(2013, 1, 2, 10, tzinfo=UTC))


@pytest.mark.parametrize("name", ["deleted_tweets", "like", "account", "deleted_note_tweet"])
def test_other_files_of_the_archive_are_left_alone(tmp_path: Path, name: str) -> None:
    file = tmp_path / "x.js"
    file.write_text(script(name, [tweet(1, "Rye", 1)]))
    assert match(file) is None
    with pytest.raises(SourceError, match=r"x\.js is no file of X's archive"):
        list(X().read(file, tmp_path, Person.of(())))


@pytest.mark.parametrize(
    ("words", "own", "forwarded"),
    [
        ("RT @bob: My loaf", "", "My loaf"),
        ("Splendid! RT @bob: My loaf", "Splendid!", "My loaf"),
        ("Splendid! “RT @bob: My loaf”", "Splendid!", "My loaf"),
        ("START @bob: no retweet", "START @bob: no retweet", ""),
    ],
)
def test_what_is_passed_on_is_not_the_persons(tmp_path: Path, words: str, own: str, forwarded: str) -> None:
    document = one(tmp_path, words)
    assert document.own_text == own
    assert [turn.text for turn in document.turns if turn.role == "forwarded"] == ([forwarded] if forwarded else [])
    assert bool(document.drop) == (not own)


def test_a_retweet_that_only_its_record_tells_is_none_of_the_persons(tmp_path: Path) -> None:
    assert one(tmp_path, "My loaf", retweeted_status={"id_str": "7"}).drop == "a retweet"


def test_links_are_written_out_and_those_to_pictures_and_tweets_are_gone(tmp_path: Path) -> None:
    urls = [
        {"url": "https://t.co/aa", "expanded_url": "https://example.org/rye"},
        {"url": "https://t.co/bb", "expanded_url": "https://twitter.com/bob/status/77"},
    ]
    words = "Look https://t.co/aa and this https://t.co/bb\nhttps://t.co/picture"
    assert one(tmp_path, words, entities={"urls": urls}).own_text == "Look https://example.org/rye and this"


def test_a_picture_alone_has_no_words(tmp_path: Path) -> None:
    document = one(tmp_path, "https://t.co/picture")
    assert (document.drop, document.turns) == ("empty", ())


def test_entities_are_decoded_once(tmp_path: Path) -> None:
    assert one(tmp_path, "rye &amp; &lt;wheat&gt; &amp;lt;").own_text == "rye & <wheat> &lt;"


def test_a_reply_stands_in_its_thread_without_the_names_of_the_answered(tmp_path: Path) -> None:
    reply = {"in_reply_to_screen_name": "bob", "in_reply_to_status_id_str": "7"}
    document = one(tmp_path, "@bob @cid_1 I like @dan's loaf", **reply)
    assert (document.own_text, document.thread, document.title) == ("I like @dan's loaf", "7", "Reply to @bob")
    assert one(tmp_path, "@bob is a baker").own_text == "@bob is a baker"


def test_a_chain_of_own_replies_is_one_thread_whatever_the_order(tmp_path: Path) -> None:
    tweets = [
        tweet(3, "third", 3, in_reply_to_status_id_str="2"),
        tweet(2, "second", 2, in_reply_to_status_id_str="1"),
        tweet(4, "fourth", 4, in_reply_to_status_id_str="3"),
        tweet(1, "first", 1),
        tweet(8, "round", 5, in_reply_to_status_id_str="9"),
        tweet(9, "and round", 6, in_reply_to_status_id_str="8"),
    ]
    threads = {document.own_text: document.thread for document in read(tmp_path, script("tweets", tweets))}
    assert {threads[name] for name in ("first", "second", "third", "fourth")} == {"1"}
    assert threads["round"] == threads["and round"]


def test_a_long_tweet_is_learned_from_once(tmp_path: Path) -> None:
    whole = "With patience and a hot stone, " * 20 + "it rose."
    short = whole[:270] + "… https://t.co/self"
    note = {"noteTweetId": "n1", "createdAt": "2024-03-02T10:01:00.000Z", "core": {"text": whole, "urls": []}}
    notes = read(tmp_path, script("note_tweet", [{"noteTweet": note}]), "note-tweet.js")
    assert [document.own_text for document in notes] == [whole]
    others = [tweet(2, "Something else …", 2), tweet(3, whole[:270], 3)]
    drops = [document.drop for document in read(tmp_path, script("tweets", [tweet(1, short, 1), *others]))]
    assert drops == ["whole in another file", "", ""]


def test_a_tweet_that_stands_twice_comes_once(tmp_path: Path) -> None:
    assert len(read(tmp_path, script("tweets", [tweet(1, "Rye", 1), tweet(1, "Rye", 1)]))) == 1


def test_the_account_beside_tells_whose_messages_are_whose(tmp_path: Path) -> None:
    (tmp_path / "account.js").write_text(ACCOUNT)
    text = letters(letter("100", "Nearly.", 2), letter("200", "Is it done?", 1))
    document = read(tmp_path, text, "direct-messages.js", ("200",))[0]
    assert [(turn.author, turn.role, turn.text) for turn in document.turns] == [
        ("200", "received", "Is it done?"),
        ("ann", "own", "Nearly."),
    ]
    assert (document.kind, document.thread, document.title) == ("chat", "100-200", "Messages with 200")
    assert list(X().authors(tmp_path / "direct-messages.js")) == []


def test_without_an_account_the_person_is_named(tmp_path: Path) -> None:
    text = letters(letter("100", "Nearly.", 2), letter("200", "Is it done?", 1))
    assert read(tmp_path, text, "direct-messages.js")[0].drop == "not by me"
    assert read(tmp_path, text, "direct-messages.js", ("200",))[0].own_text == "Is it done?"
    assert sorted(X().authors(tmp_path / "direct-messages.js")) == ["100", "200"]


def test_a_group_is_called_what_it_was_called_last(tmp_path: Path) -> None:
    renamed = [
        {"conversationNameUpdate": {"name": "Bakers", "createdAt": "2024-03-02T11:00:00.000Z"}},
        {"conversationNameUpdate": {"name": "Cooks", "createdAt": "2024-03-02T09:00:00.000Z"}},
        {"joinConversation": {"initiatingUserId": "200"}},
    ]
    text = letters(letter("100", "Rye", 1), *renamed, conversation="777")
    assert read(tmp_path, text, "direct-messages-group.js")[0].title == "Bakers"


def test_links_in_messages_are_written_out(tmp_path: Path) -> None:
    urls = [{"url": "https://t.co/aa", "expanded": "https://example.org/rye"}]
    text = letters(letter("100", "See https://t.co/aa", 1, urls=urls))
    assert read(tmp_path, text, "direct-messages.js")[0].turns[0].text == "See https://example.org/rye"


@pytest.mark.parametrize(
    "value", [None, 5, "x", [], {"tweet": 5}, {"tweet": {"id_str": None}}, {"tweet": {"id": True}}]
)
def test_what_is_no_tweet_is_passed_over(tmp_path: Path, value: Any) -> None:
    assert [document.key for document in read(tmp_path, script("tweets", [value, tweet(1, "Rye", 1)]))] == ["1"]


@pytest.mark.shared
def test_an_archive_of_another_project_is_read(shared: Path) -> None:
    folder = shared / "exports/twitter/tests/fixtures/twitter/data"
    tweets = list(X().read(folder / "tweets.js", folder, Person.of(())))
    assert [document.drop for document in tweets] == ["", "", "a retweet"]
    assert tweets[1].own_text == "Looking forward to the review pass!"
    sent = list(X().read(folder / "direct-messages.js", folder, Person.of(())))
    assert [document.own_text for document in sent] == ["hey, sending you the design doc later today"]
    assert X().recognises(folder / "account.js") == 0

"""One document by itself: a reason to leave it out, or a tier."""

from __future__ import annotations

import pytest

from mlxtwin.curate.judge import judge
from mlxtwin.curate.prose import count_words, measure
from mlxtwin.records import Document, Kind, Turn

LETTER = (
    "Dear Ada, the boat came in at noon and we carried everything up to the house before the rain. "
    "I have put your books on the shelf by the window, where the light is best in the morning. "
    "Nobody has touched the piano since you left, and the cat sleeps on it. Write when you can!"
)
LISTING = "def area(r):\n    return 3.14 * r ** 2\n\nfor r in range(10):\n    print(area(r))\nx = {'a': 1}\n"


def document(kind: Kind, *own: str, drop: str = "") -> Document:
    turns = tuple(Turn("me", True, text, "own") for text in own)
    return Document(kind, "test", "key", "title", turns, drop=drop)


def told(kind: Kind, *own: str) -> tuple[int, str]:
    found = judge(document(kind, *own))
    return found.tier, found.reason


def reason(kind: Kind, *own: str) -> str:
    return judge(document(kind, *own)).reason


def test_finished_prose_is_kept_in_the_first_tier() -> None:
    assert told("note", LETTER) == (1, "")
    assert told("mail", LETTER) == (1, "")


def test_short_mails_and_transcripts_are_second_and_chat_is_third() -> None:
    assert told("mail", "I will bring the keys on Friday, so leave the back door locked please.") == (2, "")
    assert told("transcript", LETTER) == (2, "")
    assert told("chat", LETTER) == (3, "")
    assert told("mail", "See you at the station.") == (3, "")


def test_a_fragment_without_a_sentence_is_third() -> None:
    assert told("note", "thoughts on boats and the sea and why one goes back to it at all") == (3, "")


def test_one_or_two_words_are_too_short_but_not_in_a_chat_of_several() -> None:
    assert reason("mail", "Thanks, bye") == "too short"
    assert reason("chat", "Yeah.") == "too short"
    assert reason("chat", "Yeah.", "Ok.", "On my way") == ""
    assert reason("chat", "Yeah.", "Ok.", "Ok") == "too short"
    assert reason("chat", "我在路上了") == ""


@pytest.mark.parametrize(
    "text",
    [
        "- milk\n- eggs\n- two loaves of bread\n- butter\n- candles",
        "milk\neggs\nbread\nbutter",
        "https://example.org/a\nhttps://example.org/b\n[the third](https://example.org/c)",
        LISTING,
        "```\nmake all\nmake install the thing now\n```",
        "12 44 18\n19 20 21\n3.5 7.25 11",
        "full name,age,town,street\nBo Berg,12,Oslo,Main road\nAl Dahl,14,Bergen,High road",
        "| a | b |\n|---|---|\n| one | two |",
        "Name: Ann Baker\nStreet: Mill Lane\nTown: Crumb\nAllergies: none\nNext of kin: Bob",
        "2024-01-02 10:22:11 INFO oven warmed to the wanted heat\n2024-01-02 10:25:40 WARN door of the oven open\n"
        "2024-01-02 10:31:02 INFO door of the oven closed again",
        "Jan  2 10:22:11 bakery oven[312]: warmed up and waiting\nJan  2 10:25:40 bakery oven[312]: door open",
        'Traceback (most recent call last):\n  File "oven.py", line 3, in bake\n    raise Burnt(loaf)\nBurnt: the loaf',
        "loaf\tflour\twater\nrye\tmuch of it\tlittle\nspelt\tsome of it\tmore\nwheat\tless of it\tmost",
        "loaf      flour       water\nrye       much        little\nspelt     some        more",
        '{"loaf": "rye",\n "flour": "from the mill",\n "water": "from the well",\n "salt": "a little of it"}',
        "SELECT name FROM loaves WHERE baked = today\nUPDATE loaves SET sold = true WHERE name = rye",
        "Rye for beginners https://example.org/rye\nSpelt and water https://example.org/spelt\n"
        "A long talk about salt https://example.org/salt\nWhat ovens are made of https://example.org/ovens",
        "aGVsbG8gYnJlYWQgYW5kIHdhdGVyIGFuZCBzYWx0IGFuZCBoZWF0IGFuZCB0aW1lIGFuZCBtb3JlIHRpbWU\n" * 5,
    ],
)
def test_lists_links_code_and_numbers_are_not_prose(text: str) -> None:
    assert reason("note", text) == "not prose"


@pytest.mark.parametrize(
    "text",
    [
        "see you at noon then",
        "see you at noon",
        "Hi Bo,\n\nthe train leaves at nine; bring the\nblue bag, not the red one;\nand the tickets.\n\nBest,\nAnna",
        "- I went to the market, which was closed.\n- Then I walked home along the river.",
        f"{LETTER}\n\n{LISTING}",
        "2024-05-01 10:30 walked to the mill with Bob and bought two sacks of flour there",
        "Dear Bob: the oven is warm.\nOne thing: bring salt.\nAnother: the door sticks, so push.",
        "I liked this one, mostly for its crust: https://example.org/rye\nThis one is too sweet, but you may try. "
        "https://example.org/sweet\nNo idea what they did here! https://example.org/burnt",
        "Wir fahren am Samstag nach Köln; kommst du mit?",
        "What if functions such as f() or g() gave back the names inside of them, not a value? Then main() is a type.",
        "今天下午我们去河边走了很久。天气很好，回来的时候已经很晚了。",
    ],
)
def test_plain_words_are_prose_even_without_full_stops_or_with_a_listing_among_them(text: str) -> None:
    assert reason("note", text) == ""


def test_a_long_notebook_full_of_code_is_worth_its_prose() -> None:
    assert reason("note", f"{LETTER} {LETTER}\n\n{LISTING * 200}") == ""
    assert reason("note", LISTING * 200) == "not prose"


def test_short_lines_of_a_chat_are_no_list() -> None:
    assert reason("chat", "on the bus", "almost there", "door is open?", "coming") == ""


def test_words_of_others_alone_are_not_by_me() -> None:
    theirs = Document("mail", "test", "k", "t", (Turn("Bo", False, LETTER, "received"),))
    assert judge(theirs).reason == "not by me"
    quoted = Document(
        "mail", "test", "k", "t", (Turn("me", True, LETTER, "quoted"), Turn("me", True, "Me", "signature"))
    )
    assert judge(quoted).reason == "not by me"


def test_the_importer_s_reason_stands() -> None:
    assert judge(document("mail", LETTER, drop="automated")).reason == "automated"


def test_words_are_counted_in_scripts_without_blanks() -> None:
    assert count_words("three plain words") == 3
    assert count_words("我们去河边") == 3
    assert count_words("ok 我们") == 2


def test_prose_is_measured_by_line() -> None:
    found = measure("One sentence here. And two!\nhttps://example.org\n")
    assert (found.words, found.prose_words, found.sentences) == (6, 5, 2)

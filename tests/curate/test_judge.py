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


def reason(kind: Kind, *own: str) -> str:
    return judge(document(kind, *own))[1]


def test_finished_prose_is_kept_in_the_first_tier() -> None:
    assert judge(document("note", LETTER)) == (1, "")
    assert judge(document("mail", LETTER)) == (1, "")


def test_short_mails_and_transcripts_are_second_and_chat_is_third() -> None:
    assert judge(document("mail", "I will bring the keys on Friday, so leave the back door locked please.")) == (2, "")
    assert judge(document("transcript", LETTER)) == (2, "")
    assert judge(document("chat", LETTER)) == (3, "")
    assert judge(document("mail", "See you at the station.")) == (3, "")


def test_a_fragment_without_a_sentence_is_third() -> None:
    assert judge(document("note", "thoughts on boats and the sea and why one goes back to it at all")) == (3, "")


def test_one_or_two_words_are_too_short_but_not_in_a_chat_of_several() -> None:
    assert reason("mail", "Thanks, bye") == "too short"
    assert reason("chat", "Yeah.") == "too short"
    assert reason("chat", "Yeah.", "Ok.", "On my way") == ""


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
    assert judge(theirs)[1] == "not by me"
    quoted = Document(
        "mail", "test", "k", "t", (Turn("me", True, LETTER, "quoted"), Turn("me", True, "Me", "signature"))
    )
    assert judge(quoted)[1] == "not by me"


def test_the_importer_s_reason_stands() -> None:
    assert judge(document("mail", LETTER, drop="automated"))[1] == "automated"


def test_words_are_counted_in_scripts_without_blanks() -> None:
    assert count_words("three plain words") == 3
    assert count_words("我们去河边") == 3
    assert count_words("ok 我们") == 2


def test_prose_is_measured_by_line() -> None:
    found = measure("One sentence here. And two!\nhttps://example.org\n")
    assert (found.words, found.prose_words, found.sentences) == (6, 5, 2)

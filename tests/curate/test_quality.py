"""The score of a record is of what can be counted in it, and orders records as a reader would."""

from __future__ import annotations

import pytest
from writing import curated, own, prose, written

from mlxtwin.curate.judge import judge
from mlxtwin.curate.prose import measure
from mlxtwin.curate.quality import features, quality
from mlxtwin.records import KINDS, Document, Kind
from mlxtwin.vault.listing import Wanted
from mlxtwin.vault.store import Vault

LETTER = (
    "Dear Bob, the oven is warm again and the first loaves of the year are on the shelf by the window. We had no flour "
    "for a week, since the mill stood still in the frost, and so I read. Nobody came to the shop but the cat! Do come "
    "and see us when the road is free; there is bread enough, and I have much to tell you about the book."
)


def score(text: str, kind: Kind = "mail") -> float:
    return quality(kind, text, measure(text, lists=kind != "chat"))


@pytest.mark.parametrize(
    "worse",
    [
        LETTER[:60],
        LETTER.lower().replace(".", "").replace("!", "").replace(",", ""),
        LETTER.upper(),
        "bread " * 60 + ".",
        LETTER.replace(".", "!!!!!").replace(",", "......"),
        "\n".join(f"- {word}" for word in LETTER.split()),
        LETTER[:100] + "\nx = {'bread': 1}\nfor loaf in x:\n    bake(loaf)\nif x == 2:\n    return bake(x)",
    ],
    ids=["short", "no stops", "capitals", "one word", "rows of marks", "list", "code"],
)
def test_a_finished_letter_is_better_than_one_that_lacks_something(worse: str) -> None:
    assert 0 <= score(worse) < score(LETTER) - 0.04
    assert score(LETTER) > 0.75


def test_the_same_words_are_worth_less_in_talk_than_in_writing() -> None:
    order: list[Kind] = ["document", "mail", "transcript", "chat", "event"]
    scores = [score(LETTER, kind) for kind in order]
    assert scores == sorted(scores, reverse=True)
    assert score("ok\nlol\non my way", "chat") < 0.25


def test_it_is_between_0_and_1_for_anything() -> None:
    for text in (
        "",
        " ",
        "🎈",
        "a",
        "." * 500,
        "A.\n" * 900,
        "今天下午我们去河边走了很久。" * 90,
        prose(1, 900),
        "!?" * 90,
    ):
        for kind in KINDS:
            assert 0 <= score(text, kind) <= 1
            found = features(text, measure(text))
            assert all(0 <= getattr(found, name) <= 1 for name in type(found).__slots__), text


def test_a_script_without_capitals_or_blanks_is_not_held_against_a_text() -> None:
    chinese = "今天下午我们去河边走了很久。天气很好，回来的时候已经很晚了。猫在桌子上睡觉，没有人来买面包。" * 3
    assert score(chinese, "note") > 0.75
    assert judge(Document("note", "s", "k", "", (own(chinese),))).tier == 1


def test_quality_and_language_are_kept_with_each_document(vault: Vault) -> None:
    found = curated(vault, [written("letter", LETTER), written("word", "Perhaps not", kind="note")])
    assert found["letter"].quality == score(LETTER)
    assert found["letter"].language == "en"
    assert found["word"].quality is not None and found["word"].quality < 0.5
    (row,) = vault.listed_rows(vault.listed(Wanted(state="kept")))
    assert (row.quality, row.language) == (score(LETTER), "en")

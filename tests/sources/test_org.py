"""Org files: what is prose, whose it is, and which day an entry belongs to."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlxtwin.records import Document, Person
from mlxtwin.sources.org import Org
from mlxtwin.sources.registry import match

ANN = Person.of(["Ann"])


def read(root: Path, text: str, name: str = "bread.org", person: Person = ANN) -> list[Document]:
    file = root / name
    file.write_text(text, encoding="utf-8")
    return list(Org().read(file, root, person))


def own(root: Path, text: str) -> str:
    return "\n\n".join(document.own_text for document in read(root, text))


def days(documents: list[Document]) -> list[tuple[str, str, str]]:
    return [(one.title, f"{one.at:%Y-%m-%d}" if one.at else "", one.own_text) for one in documents]


def test_the_head_of_the_file_gives_title_and_date(tmp_path: Path) -> None:
    (document,) = read(tmp_path, "#+TITLE: On *rye*\n#+date: [2024-03-02 Sat 10:00]\n#+STARTUP: showall\n\nI baked.")
    assert (document.title, document.at) == ("On **rye**", datetime(2024, 3, 2, tzinfo=UTC))
    assert document.own_text == "I baked."


def test_another_author_makes_the_words_received_and_ones_own_does_not(tmp_path: Path) -> None:
    (mine,) = read(tmp_path, "#+AUTHOR: ann\n\n* Rye\nI baked.\n* Oats\nI ate.")
    (other,) = read(tmp_path, "#+AUTHOR: Bob\n\n* Rye\nI baked.\n* Oats\nI ate.")
    assert mine.own_text == "I baked.\n\n## Oats\n\nI ate."
    assert [(turn.role, turn.author, turn.mine) for turn in other.turns] == [("received", "Bob", False)]
    assert (other.drop, other.words_by_me) == ("not by me", 0)
    assert list(Org().authors(tmp_path / "bread.org")) == ["Bob"]


def test_an_address_beside_the_author_names_the_person_too(tmp_path: Path) -> None:
    text = "#+AUTHOR: A. Baker\n#+EMAIL: ann@example.org\n\nI baked."
    (document,) = read(tmp_path, text, person=Person.of(["ann@example.org"]))
    assert document.own_text == "I baked."


def test_what_keeps_a_heading_is_no_words(tmp_path: Path) -> None:
    text = (
        "#+TODO: OPEN | SHUT\n* SHUT [#A] COMMENT Rye [1/2] :food:home:\nCLOSED: [2024-03-02 Sat]\n"
        "SCHEDULED: <2024-03-01 Fri>\n:PROPERTIES:\n:ID: 12-ab\n:END:\n:LOGBOOK:\nCLOCK: [2024-03-02 Sat 10:00]\n"
        "- Note taken on [2024-03-02 Sat]\n:END:\nI baked.\n"
    )
    (document,) = read(tmp_path, text)
    assert (document.title, document.own_text) == ("bread: Rye", "I baked.")


def test_properties_that_are_never_closed_hide_no_words(tmp_path: Path) -> None:
    text = "* Rye\n:PROPERTIES:\n:ID: 1\nI baked.\n* Oats\n:LOGBOOK:\nx\n* Salt\nA pinch."
    assert own(tmp_path, text) == "I baked.\n\n- Oats\n\n## Salt\n\nA pinch."
    assert own(tmp_path, "* Rye\n:PROPERTIES:\nI baked.\n#+BEGIN_QUOTE\nDead.\n#+END_QUOTE\n") == "I baked."


def test_the_words_of_a_drawer_of_ones_own_are_kept(tmp_path: Path) -> None:
    assert own(tmp_path, "* Rye\n:NOTES:\nI baked.\n:END:\nAnd ate.") == "I baked.\n\nAnd ate."


def test_quotes_and_verses_are_quoted_and_a_quote_goes_on_after_a_block_within(tmp_path: Path) -> None:
    text = (
        "I read:\n#+BEGIN_QUOTE\nBread\nis dead.\n#+begin_center\nSo they say.\n#+end_center\nStill.\n#+END_QUOTE\n"
        "I do not.\n"
        "#+begin_verse\nThe rose is red\nand I am fed\n#+end_verse\n"
    )
    (document,) = read(tmp_path, text)
    assert [(turn.role, turn.text) for turn in document.turns] == [
        ("own", "I read:"),
        ("quoted", "Bread is dead.\n\nSo they say.\n\nStill."),
        ("own", "I do not."),
        ("quoted", "The rose is red\nand I am fed"),
    ]


def test_code_tables_results_comments_and_rules_are_no_words(tmp_path: Path) -> None:
    text = (
        "One.\n#+NAME: x\n#+BEGIN_SRC python\n,* no heading\nprint(1)\n#+END_SRC\n#+RESULTS:\n: 1\n| a | b |\n"
        "# a remark\n#+BEGIN: clocktable\nx\n#+END:\n-----\n#+begin_example\ny\n#+end_example\nTwo.\n"
    )
    assert own(tmp_path, text) == "One.\n\nTwo."


def test_code_that_is_never_closed_ends_with_the_next_heading(tmp_path: Path) -> None:
    assert own(tmp_path, "* Rye\n#+BEGIN_SRC sh\nls\n* Oats\nI ate.") == "- Rye\n\n## Oats\n\nI ate."


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("See [[https://example.org/a][the *page*]] now.", "See the **page** now."),
        ("See [[https://example.org/a]] and <https://example.org>.", "See  and ."),
        ("[[file:stone.png]]Hot.", "Hot."),
        ("[[https://example.org][stone.png]]Hot.", "Hot."),
        ("As in [[*The stone]] and [[id:12-ab][there]].", "As in The stone and there."),
        ("/Slowly/, =x=1= and ~y~, _now_, +not+.", "*Slowly*, `x=1` and `y`, now, ~~not~~."),
        ("Not a*b*c nor http://a.org/b/c nor 2 * 3 * 4.", "Not a*b*c nor http://a.org/b/c nor 2 * 3 * 4."),
        ("On <2024-03-02 Sat 10:00>--<2024-03-03 Sun> we went[fn:1].", "On 2024-03-02 we went."),
        ("Well[fn::as they say], {{{now}}}so <<here>>.", "Well(as they say), so ."),
        ("One\\\\", "One"),
    ],
)
def test_markup_within_a_line_becomes_markdown(tmp_path: Path, line: str, words: str) -> None:
    assert own(tmp_path, line) == words


def test_indented_text_is_no_code_and_lists_lose_their_boxes(tmp_path: Path) -> None:
    text = "* Rye\n    I baked\n    again.\n"
    text += "    - [X] flour\n      and more\n    - salt :: a pinch\n    1. [@3] [ ] stone\n    It rose."
    (document,) = read(tmp_path, text)
    assert document.own_text == "I baked again.\n- flour and more\n- salt: a pinch\n1. stone\n\nIt rose."


def test_a_tree_of_days_becomes_a_document_a_day(tmp_path: Path) -> None:
    text = (
        "* 2024\n** 2024-03 March\n*** 2024-03-02 Saturday\n**** Rye\nI baked.\n*** 2024-03-03 Sunday\nIt rose.\n"
        "*** 2024-03-04 Monday\n*** 2024-03-05 we went to the mill\n* Projects\nAn oven.\n"
    )
    assert days(read(tmp_path, text)) == [
        ("Rye", "2024-03-02", "I baked."),
        ("2024-03-03 Sunday", "2024-03-03", "It rose."),
        ("5 March 2024", "2024-03-05", "we went to the mill"),
        ("bread: Projects", "", "An oven."),
    ]


def test_an_entry_is_of_the_day_in_its_heading_its_properties_or_the_line_below(tmp_path: Path) -> None:
    text = (
        "* Rye <2024-03-02 Sat>\nI baked.\n* Oats\n:PROPERTIES:\n:CREATED: [2024-03-03 Sun 10:00]\n:END:\nI ate.\n"
        "* Salt\n[2024-03-04 Mon]\nA pinch.\n* [2024-03-05 Tue 10:00] bought a stone\n* Undated\nNo day.\n"
    )
    assert days(read(tmp_path, text)) == [
        ("Rye", "2024-03-02", "I baked."),
        ("Oats", "2024-03-03", "I ate."),
        ("Salt", "2024-03-04", "A pinch."),
        ("5 March 2024", "2024-03-05", "bought a stone"),
        ("bread: Undated", "", "No day."),
    ]


def test_headings_with_nothing_under_them_are_a_list(tmp_path: Path) -> None:
    text = "* Shopping\n** TODO Rye flour\n** DONE Salt\n* Thoughts\nI bake too much.\n"
    (document,) = read(tmp_path, text)
    assert document.own_text == "- Rye flour\n- Salt\n\n## Thoughts\n\nI bake too much."


def test_a_journal_file_without_a_suffix_is_found_by_its_content(tmp_path: Path) -> None:
    file = tmp_path / "20240302"
    file.write_text("* Saturday\n:PROPERTIES:\n:CREATED: 20240302\n:END:\n** 10:12 Rye\nI baked.\n")
    importer = match(file)
    assert importer and importer.name == "org"
    (document,) = importer.read(file, tmp_path, ANN)
    assert document.at == datetime(2024, 3, 2, tzinfo=UTC)


def test_markdown_and_plain_text_are_not_taken_for_org(tmp_path: Path) -> None:
    for name in ("a.md", "a.txt"):
        (tmp_path / name).write_text("#+TITLE: Rye\n\nI baked the bread again today, and it rose.\n")
        importer = match(tmp_path / name)
        assert importer and importer.name == "notes"
    (tmp_path / "plain").write_text("* one thing to do today\n* and another one after that\n")
    assert Org().recognises(tmp_path / "plain") == 0


def test_what_is_added_at_the_end_leaves_the_earlier_keys(tmp_path: Path) -> None:
    text = "* Inbox\n** Rye <2024-03-02 Sat>\nI baked.\n** Oats <2024-03-03 Sun>\nI ate.\n"
    before = [one.key for one in read(tmp_path, text)]
    after = [one.key for one in read(tmp_path, text + "** Salt <2024-03-04 Mon>\nA pinch.\n")]
    assert after[: len(before)] == before and len(after) == 3


@pytest.mark.shared
def test_the_org_files_of_other_projects_are_read_by_entry(shared: Path) -> None:
    root = shared / "exports" / "org"
    documents = [one for file in sorted(root.rglob("*.org")) for one in Org().read(file, root, Person.of([]))]
    assert len(documents) >= 12 and all(document.own_text for document in documents)
    assert {f"{one.at:%Y-%m-%d}" for one in documents if one.at} >= {
        "2018-08-06",
        "2019-05-10",
        "2019-10-16",
        "2016-05-14",
    }
    assert not any("[[" in turn.text or ":END:" in turn.text for one in documents for turn in one.turns)

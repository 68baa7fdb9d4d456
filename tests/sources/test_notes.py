"""Notes: what becomes a document, under which title and date, and which words are the person's."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlxtwin.records import Document, Person
from mlxtwin.sources.blocks import blocks
from mlxtwin.sources.dates import leading_date, name_date
from mlxtwin.sources.notes import Notes
from mlxtwin.sources.sections import PIECE_WORDS, WHOLE_WORDS

NOBODY = Person.of([])


def read(root: Path, name: str, text: str) -> list[Document]:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    assert Notes().recognises(file) > 0
    return list(Notes().read(file, root, NOBODY))


def paragraph(words: int, start: str = "So") -> str:
    return " ".join([start, *["word"] * (words - 2), "end."])


def test_front_matter_gives_title_and_date(tmp_path: Path) -> None:
    text = "---\ntitle: On bread\ndate: 2024-03-02\ntags: [food]\n---\n\nI baked again."
    (document,) = read(tmp_path, "a.md", text)
    assert (document.title, document.at) == ("On bread", datetime(2024, 3, 2, tzinfo=UTC))
    assert document.own_text == "I baked again."


def test_a_title_is_cut_also_with_that_of_a_part(tmp_path: Path) -> None:
    titles = [one.title for one in read(tmp_path, "a.md", f"---\ntitle: {'rye ' * 500}\n---\nI baked again.")]
    parts = "".join(f"\n\n## {'spelt ' * 80}{number}\n\n{paragraph(WHOLE_WORDS)}" for number in range(2))
    titles += [one.title for one in read(tmp_path, "b.md", f"---\ntitle: Bread\n---\n{parts}")]
    titles += [one.title for one in read(tmp_path, "c.md", f"---\ntitle: {'rye ' * 500}\n---\n")]
    assert len(titles) > 3 and all(len(title) <= 300 for title in titles)


def test_broken_front_matter_still_gives_its_plain_lines(tmp_path: Path) -> None:
    text = "---\ntitle: On: bread: [\ncreated: 2 March 2024\nx: {\n---\nI baked again."
    (document,) = read(tmp_path, "a.md", text)
    assert (document.title, document.at) == ("On: bread: [", datetime(2024, 3, 2, tzinfo=UTC))


def test_a_rule_that_opens_a_note_is_no_front_matter(tmp_path: Path) -> None:
    (document,) = read(tmp_path, "a.md", "---\nI baked again.\n\nAnd it rose.")
    assert document.own_text == "I baked again.\n\nAnd it rose."


@pytest.mark.parametrize(
    ("name", "text", "title"),
    [
        ("x.md", "# Bread\n\nI baked.", "Bread"),
        ("x.md", "Bread\n=====\n\nI baked.", "Bread"),
        ("2024-03-02-sour_dough.md", "I baked.", "sour dough"),
        ("2024-03-02.md", "I baked.", "2024 03 02"),
        ("kitchen/README.md", "I baked.", "kitchen"),
    ],
)
def test_the_title_comes_from_the_heading_or_the_name(tmp_path: Path, name: str, text: str, title: str) -> None:
    (document,) = read(tmp_path, name, text)
    assert (document.title, document.own_text) == (title, "I baked.")


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("2024-03-02-trip.md", (2024, 3, 2)),
        ("20240302.txt", (2024, 3, 2)),
        ("2020/05/trip.md", (2020, 5, 1)),
        ("blog/2008-10-27/trip.md", (2008, 10, 27)),
        ("room 12345678.md", None),
        ("trip.md", None),
    ],
)
def test_the_date_comes_from_the_name_or_the_folders(name: str, day: tuple[int, int, int] | None) -> None:
    found = name_date(name)
    assert (found and (found.year, found.month, found.day)) == day


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("2024-03-02: we went", "2024-03-02"),
        ("2 March 2024", "2024-03-02"),
        ("Saturday, March 2nd, 2024", "2024-03-02"),
        ("2. März 2024", "2024-03-02"),
        ("2 de marzo de 2024", "2024-03-02"),
        ("31/12/2024", "2024-12-31"),
        ("02/03/2024", None),
        ("January 1659⁠–⁠60".replace("\u2060", ""), "1660-01"),
        ("March 1862", "1862-03"),
        ("May I say in 2024", None),
        ("2024-13-45", None),
    ],
)
def test_a_date_is_read_in_many_forms(line: str, key: str | None) -> None:
    found = leading_date(line)
    assert (found and found.key) == key


def test_a_file_time_is_no_date(tmp_path: Path) -> None:
    (document,) = read(tmp_path, "a.md", "I baked again.")
    assert document.at is None


def test_a_blockquote_is_never_the_persons(tmp_path: Path) -> None:
    (document,) = read(tmp_path, "a.md", "She wrote:\n\n> Bread is\n> dead.\n\nI think not.\n> Or so.")
    assert [(turn.role, turn.mine, turn.text) for turn in document.turns] == [
        ("own", True, "She wrote:"),
        ("quoted", False, "Bread is dead."),
        ("own", True, "I think not."),
        ("quoted", False, "Or so."),
    ]


def test_a_note_of_quotes_only_is_not_by_the_person(tmp_path: Path) -> None:
    (document,) = read(tmp_path, "a.md", "# A poem\n\n> Roses\n")
    assert (document.drop, document.words_by_me) == ("not by me", 0)


def test_code_tables_pictures_and_addresses_are_no_words(tmp_path: Path) -> None:
    text = (
        "Look at [the page](https://example.org/a) and [this][1]:\n\n```py\nprint(1)\n\nx = 2\n```\n\n"
        "    indented = code\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n![cat](cat.png)\n\n<b>Bold</b> end.\n\n[1]: https://x.org\n"
    )
    (document,) = read(tmp_path, "a.md", text)
    assert document.own_text == "Look at the page and this:\n\nBold end."


def test_a_paragraph_broken_at_a_width_is_one_line_and_a_poem_is_not(tmp_path: Path) -> None:
    prose = (
        "Time and experience have verified to a demonstration the public utility\n"
        "of internal improvements. That the poorest and most thinly populated\n"
        "countries would be greatly benefited by the opening of good roads, is\nplain."
    )
    poem = "The rose is red\nand so is wine\nand I am dead"
    (document,) = read(tmp_path, "a.txt", f"{prose}\n\n{poem}\n")
    assert document.own_text == prose.replace("\n", " ") + "\n\n" + poem


def test_a_list_keeps_its_lines() -> None:
    (block,) = blocks(["- one", "  more", "- two"], markdown=True)
    assert block.text == "- one more\n- two"


def test_a_short_note_stays_whole_whatever_its_headings(tmp_path: Path) -> None:
    text = "# Bread\n\nIntro.\n\n## Flour\n\nWhite.\n\n## Water\n\nCold."
    (document,) = read(tmp_path, "a.md", text)
    assert document.own_text == "Intro.\n\n## Flour\n\nWhite.\n\n## Water\n\nCold."


def test_a_long_note_is_cut_at_headings_and_tiny_sections_join(tmp_path: Path) -> None:
    text = f"# Bread\n\n{paragraph(400)}\n\n## Flour\n\n{paragraph(500)}\n\n## Salt\n\nA pinch.\n"
    first, second = read(tmp_path, "a.md", text)
    assert (first.title, second.title) == ("Bread", "Bread: Flour")
    assert second.own_text.endswith("## Salt\n\nA pinch.")


def test_a_diary_becomes_a_document_a_day(tmp_path: Path) -> None:
    text = (
        "January 1659–60\n\n Blessed be God.\n\n Jan. 1st (Lord’s day). This morning I rose.\n\n And dined.\n\n"
        " 2nd. In the morning I went forth.\n\n 1st, to learn; and so on.\n\nFebruary 1659–60\n\n 3rd. Rose.\n"
    )
    found = [(one.title, one.at and one.at.date().isoformat(), one.own_text) for one in read(tmp_path, "d.txt", text)]
    assert found == [
        ("January 1660", "1660-01-01", "Blessed be God."),
        ("1 January 1660", "1660-01-01", "Jan. 1st (Lord’s day). This morning I rose.\n\nAnd dined."),
        ("2 January 1660", "1660-01-02", "2nd. In the morning I went forth.\n\n1st, to learn; and so on."),
        ("3 February 1660", "1660-02-03", "3rd. Rose."),
    ]


def test_dated_headings_cut_even_a_short_file(tmp_path: Path) -> None:
    first, second = read(tmp_path, "log.md", "# Log\n\n## 2024-03-02 Rain\n\nWet.\n\n## 2024-03-03\n\nDry.\n")
    assert (first.title, first.own_text, second.title) == ("2024-03-02 Rain", "Wet.", "3 March 2024")


def test_an_ordinal_outside_a_diary_cuts_nothing(tmp_path: Path) -> None:
    assert len(read(tmp_path, "a.txt", "We had two aims.\n\n1st. To learn.\n\n2nd. To teach.\n")) == 1


def test_a_collection_without_headings_is_cut_between_paragraphs(tmp_path: Path) -> None:
    texts = [paragraph(90, f"P{number}") for number in range(100)]
    documents = read(tmp_path, "papers.txt", "\n\n".join(texts))
    assert all(PIECE_WORDS / 2 < document.words_by_me < WHOLE_WORDS for document in documents)
    assert "\n\n".join(document.own_text for document in documents) == "\n\n".join(texts)


def test_an_endless_paragraph_is_cut_at_sentences(tmp_path: Path) -> None:
    text = " ".join(f"This is the sentence with the number {number}." for number in range(400))
    documents = read(tmp_path, "a.txt", text)
    assert len(documents) > 3
    assert all(document.own_text.endswith(".") and "\n" not in document.own_text for document in documents)
    assert " ".join(document.own_text for document in documents) == text


def test_what_is_added_at_the_end_leaves_the_earlier_keys(tmp_path: Path) -> None:
    days = "".join(f"## 2024-03-{day:02}\n\n{paragraph(60)}\n\n" for day in range(1, 20))
    before = [document.key for document in read(tmp_path, "log.md", days)]
    after = [document.key for document in read(tmp_path, "log.md", days + "## 2024-03-20\n\nNew.\n")]
    assert after[:-1] == before


def test_files_of_one_name_in_two_imports_have_different_keys(tmp_path: Path) -> None:
    (first,) = read(tmp_path / "a", "intro.md", "I baked.")
    (second,) = read(tmp_path / "b", "intro.md", "I sailed.")
    assert first.id != second.id


@pytest.mark.parametrize("name", ["data.csv", "page.html", "tool.py", "LICENSE", "licence.txt", "COPYING", "a.srt"])
def test_what_is_no_prose_is_not_recognised(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text("Permission is hereby granted, free of charge, to any person.")
    assert Notes().recognises(file) == 0


@pytest.mark.parametrize("text", ['{"a": 1}', "<!doctype html><p>x", "#!/bin/sh\necho", "12,5;13,5;1,2\n" * 50])
def test_a_text_file_that_holds_something_else_is_not_recognised(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.txt"
    file.write_text(text)
    assert Notes().recognises(file) == 0


@pytest.mark.parametrize("name", ["diary", "license plates.txt", "Meeting 3.5", "tagebuch.TXT"])
def test_prose_is_recognised_by_its_words(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text("Dear diary, today I counted the plates of the cars again.")
    assert Notes().recognises(file) > 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("part.03", "Dear diary, today I counted the plates of the cars again."),
        ("sender", "Ann Lee"),
        ("saved", "Subject: Plates\n\nDear diary, today I counted the plates of the cars again."),
    ],
)
def test_without_a_suffix_only_plain_prose_of_some_length_is_a_note(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert Notes().recognises(tmp_path / name) == 0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_every_usual_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes("Grüße aus Zürich – mit Brot.\r\n".encode(encoding))
    (document,) = Notes().read(tmp_path / "a.txt", tmp_path, NOBODY)
    assert document.own_text == "Grüße aus Zürich – mit Brot."


@pytest.mark.shared
def test_a_real_diary_of_ten_years_is_found_day_by_day(shared: Path) -> None:
    documents = list(Notes().read(shared / "people/pepys/diary.txt", shared / "people/pepys", NOBODY))
    days = {document.at.date() for document in documents if document.at}
    assert 3250 < len(days) < 3450
    assert len({document.key for document in documents}) == len(documents)
    assert sum(document.words_by_me for document in documents) > 1_150_000
    assert max(document.words_by_me for document in documents) <= WHOLE_WORDS


@pytest.mark.shared
def test_real_letters_in_one_file_become_many_documents(shared: Path) -> None:
    documents = list(Notes().read(shared / "people/lincoln/papers.txt", shared / "people/lincoln", NOBODY))
    assert 900 < len(documents) < 2000
    assert sum(document.words_by_me for document in documents) > 460_000

"""Obsidian: which files are its notes, and what of them is the person's prose."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlxtwin.records import Document, Person
from mlxtwin.sources.obsidian import Obsidian
from mlxtwin.sources.registry import files, match

NOBODY = Person.of([])


def note(root: Path, text: str, name: str = "a.md") -> Path:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def read(root: Path, text: str, name: str = "a.md") -> list[Document]:
    return list(Obsidian().read(note(root, text, name), root, NOBODY))


def own(root: Path, text: str) -> str:
    return "\n\n".join(document.own_text for document in read(root, text))


def taken(file: Path) -> str:
    importer = match(file)
    return importer.name if importer else ""


def test_every_note_of_a_vault_is_obsidians_however_deep_it_lies(tmp_path: Path) -> None:
    (tmp_path / "vault" / ".obsidian").mkdir(parents=True)
    for name in ("a.md", "Daily/2024/2024-03-02.md"):
        assert taken(note(tmp_path / "vault", "I baked.", name)) == "obsidian"
    assert taken(note(tmp_path, "I baked.", "plain.md")) == "notes"
    assert taken(note(tmp_path / "vault", "I baked the rye bread again today, and it rose.", "a.txt")) == "notes"


@pytest.mark.parametrize(
    "text",
    [
        "![[stone.png]]\n\nI baked.",
        "I baked [[Rye]] and [[Oats|some oats]].",
        "---\naliases: [Rye]\n---\n[[Oats]] again.",
        "> [!abstract] Rye\n> I baked.",
        "I baked %%ask Bob%% with [[Oats]].",
        "I baked with [[Oats]]. ^a1b2c3",
    ],
)
def test_a_note_outside_a_vault_is_known_by_what_only_obsidian_writes(tmp_path: Path, text: str) -> None:
    assert taken(note(tmp_path, text)) == "obsidian"


@pytest.mark.parametrize(
    "text",
    [
        "---\ntags: [bread]\n---\nI baked with [[Oats]].",
        "> [!NOTE]\n> I baked.",
        "I ran:\n\n```sh\nif [[ -f a ]]; then [[ -d b ]] && cat <<< %%x%%; fi\n![[x]]\n```",
        "A list of lists is `[[a]]` or `[[b]]`, and [[1, 2], [3]] holds numbers, as [[0]] and [[ 1 ]] do.",
        "|inventor = [[Norman Baker]]\n\ninventor = {[[Norman Baker]]}",
        "I baked at 100 %% of the heat, 20 %% less than you.",
    ],
)
def test_plain_markdown_stays_with_the_notes(tmp_path: Path, text: str) -> None:
    assert taken(note(tmp_path, text)) == "notes"


def test_a_licence_in_a_vault_is_nobodys_note_and_one_that_begins_with_a_day_is(tmp_path: Path) -> None:
    (tmp_path / ".obsidian").mkdir()
    assert taken(note(tmp_path, "Permission is granted.", "LICENSE.md")) == ""
    assert taken(note(tmp_path, "[[2024-03-02]] I baked.", "log.md")) == "obsidian"


def test_keys_are_of_the_place_in_the_vault_and_not_of_what_is_imported(tmp_path: Path) -> None:
    (tmp_path / "v" / ".obsidian").mkdir(parents=True)
    file = note(tmp_path / "v", "I baked.", "Daily/a.md")
    whole, part = (list(Obsidian().read(file, root, NOBODY)) for root in (tmp_path / "v", tmp_path / "v" / "Daily"))
    assert [one.key for one in whole] == [one.key for one in part]
    assert (whole[0].thread, whole[0].origin, part[0].origin) == ("Daily/a.md", "Daily/a.md", "a.md")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("With [[Kitchen/The stone]].", "With The stone."),
        ("With [[Kitchen/The stone|a hot stone]] and [[Salt\\|some salt]].", "With a hot stone and some salt."),
        ("In [[Rye#Flour]], [[#Salt]] and [[Rye#^a1b2c3]].", "In Rye, Salt and Rye."),
        ("Look:\n![[stone.png|100]]\nIt is hot.", "Look:\n\nIt is hot."),
        ("It %%was not%% is hot. ^a1b2c3", "It  is hot."),
        ("It is ==very== hot, `[[x]] ==y== #z`.", "It is very hot, `[[x]] ==y== #z`."),
        ("- [ ] Buy rye flour 📅 2024-03-04\n- [x] Bake", "- Buy rye flour\n- Bake"),
        ("See [a](<b c.md>) and [w](https://en.wikipedia.org/wiki/Rye_(bread)) [![](x.png)](y.html).", "See a and w ."),
        ("rating:: 5\nmood:: glad that it rose at last", "mood: glad that it rose at last"),
        ("One.\n\n```dataview\nlist from #bread\n```\n\nTwo.", "One.\n\nTwo."),
        ("The rose is red\nand so is wine", "The rose is red\nand so is wine"),
    ],
)
def test_what_obsidian_adds_to_markdown_becomes_words_or_nothing(tmp_path: Path, text: str, words: str) -> None:
    assert own(tmp_path, text) == words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("I made #bread for Bob.", "I made bread for Bob."),
        ("I made #food/rye_bread, and ate.", "I made rye bread, and ate."),
        ("I think of #bread.", "I think of bread."),
        ("This is about #bread", "This is about bread"),
        ("I baked today. #diary", "I baked today."),
        ("I baked #diary #food", "I baked"),
        ("#idea Build an oven", "Build an oven"),
        ("#bread is good", "bread is good"),
        ("- #idea Build an oven #later", "- Build an oven"),
        ("We came in as #1, in C# and F#.", "We came in as #1, in C# and F#."),
    ],
)
def test_a_tag_is_a_word_only_inside_a_sentence(tmp_path: Path, line: str, words: str) -> None:
    assert own(tmp_path, line) == words


def test_a_line_of_tags_only_is_no_line(tmp_path: Path) -> None:
    assert own(tmp_path, "#bread #rye\n\nI baked.\n\n- #salt\n- and ate") == "I baked.\n\n- and ate"


def test_comments_hide_what_is_between_them_and_an_open_one_ends_with_its_paragraph(tmp_path: Path) -> None:
    text = "One %%a\nb%% two.\n\n%%\nhidden\n\nstill hidden\n%%\n\nThree %%c\n\nFour."
    assert own(tmp_path, text) == "One\ntwo.\n\nThree\n\nFour."


def test_callouts_are_the_persons_with_their_titles_but_quotes(tmp_path: Path) -> None:
    text = (
        "> [!tip]- On salt\n> It *needs* salt.\n> ```js\n> let x\n> ```\n> > [!todo|wide]\n> > Buy some.\n"
        ">\n> > Said Bob.\n"
        "\n> [!QUOTE] Bob\n> Bread\n> > [!note] x\n> is dead.\n\nI do not think so.\n"
    )
    (document,) = read(tmp_path, text)
    assert [(turn.role, turn.text) for turn in document.turns] == [
        ("own", "On salt\n\nIt *needs* salt.\n\nBuy some."),
        ("quoted", "Said Bob.\n\nBob\nBread\n[!note] x\nis dead."),
        ("own", "I do not think so."),
    ]


def test_a_quote_under_a_bullet_is_a_quote(tmp_path: Path) -> None:
    (document,) = read(tmp_path, "- > Bread is dead.\n    > Long dead.\n\nNo.")
    assert document.own_text == "No."


def test_title_and_date_come_from_the_front_matter_the_heading_or_the_name(tmp_path: Path) -> None:
    (told,) = read(tmp_path, "---\ntitle: On rye\ndate created: Saturday, March 2nd 2024\n---\nI baked.")
    (headed,) = read(tmp_path, '---\ncreated: "[[2024-03-02]]"\n---\n# On rye\n\nI baked.')
    (named,) = read(tmp_path, "---\naliases: [On rye, Rye]\n---\nI baked.", "202403021015.md")
    assert [one.title for one in (told, headed, named)] == ["On rye"] * 3
    assert [one.at for one in (told, headed, named)] == [datetime(2024, 3, 2, tzinfo=UTC)] * 3


@pytest.mark.parametrize(
    "front",
    [
        "source: https://example.org/rye",
        'url: "https://example.org/rye"',
        "source:\n  - https://example.org/rye",
        "tags: [bread, clippings]",
        "tags: 'bread, #web-clip'",
        "tags:\n  - Clippings/bread",
        "kindle-sync:\n  bookId: 1",
    ],
)
def test_a_clip_is_kept_as_a_quote_and_dropped(tmp_path: Path, front: str) -> None:
    (document,) = read(tmp_path, f"---\n{front}\n---\n# Rye\n\nBread is dead.\n\n## Oats\n\nToo.")
    assert (document.title, document.drop, document.words_by_me) == ("Rye", "a web clip", 0)
    assert all(turn.role == "quoted" and not turn.mine for turn in document.turns)


def test_a_book_or_a_note_as_source_is_no_clip(tmp_path: Path) -> None:
    (document,) = read(tmp_path, '---\nsource: "[[The Book of Bread]]"\ntags: [clipping-board]\n---\nI read it.')
    assert (document.drop, document.own_text) == ("", "I read it.")


def test_highlights_of_a_reading_program_are_not_the_persons(tmp_path: Path) -> None:
    text = "# Rye\n\n## Metadata\n- Author: [[Bob]]\n- Category: #books\n\n## Highlights\n- Bread is dead.\n"
    assert {one.drop for one in read(tmp_path, text)} == {"a web clip"}


def test_a_drawing_is_no_note(tmp_path: Path) -> None:
    (document,) = read(tmp_path, "---\nexcalidraw-plugin: parsed\n---\n# Text Elements\nstone ^a1b2c3\n")
    assert (document.drop, document.words_by_me) == ("a drawing", 0)


def test_hostile_names_are_read_like_others(tmp_path: Path) -> None:
    (tmp_path / ".obsidian").mkdir()
    for name in ("a\nb.md", "$(id) %s {0}.md", "..x..md", os.fsdecode(b"caf\xe9.md")):
        file = note(tmp_path, "I baked.", name)
        assert taken(file) == "obsidian"
        (document,) = Obsidian().read(file, tmp_path, NOBODY)
        assert "I baked." in document.own_text and "\n" not in document.title


@pytest.mark.shared
def test_no_plain_note_of_other_people_is_taken_for_obsidians(shared: Path) -> None:
    for folder in ("people", "contrast"):
        notes = [file for file in files(shared / folder) if file.suffix in (".md", ".markdown")]
        assert len(notes) > 400
        assert not [file for file in notes if Obsidian().recognises(file)]


@pytest.mark.shared
def test_the_notes_that_others_wrote_for_obsidian_lose_their_marks(shared: Path) -> None:
    root = shared / "exports" / "notes"
    found = [file for file in sorted(root.rglob("*.md")) if Obsidian().recognises(file)]
    assert len(found) > 30
    for file in found:
        for document in Obsidian().read(file, root, NOBODY):
            text = "".join(turn.text for turn in document.turns if turn.role == "own")
            prose = "".join(text.split("`")[::2])
            assert not any(mark in prose for mark in ("![[", "]]", "[!", "%%")), file

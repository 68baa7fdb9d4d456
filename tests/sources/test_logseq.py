"""Logseq: pages and journals as prose in reading order, without what only Logseq reads."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlxtwin.records import Document, Person
from mlxtwin.sources.logseq import Logseq
from mlxtwin.sources.registry import files, match

NOBODY = Person.of([])
ID = "6018cc98-67a8-4eb2-bfd7-2affe517a7c7"


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    page(tmp_path / "graph", "{:feature/enable-journals? true}", "logseq/config.edn")
    return tmp_path / "graph"


def page(root: Path, text: str, name: str = "pages/a.md") -> Path:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def read(root: Path, text: str, name: str = "pages/a.md") -> list[Document]:
    return list(Logseq().read(page(root, text, name), root, NOBODY))


def own(root: Path, text: str, name: str = "pages/a.md") -> str:
    return "\n\n".join(document.own_text for document in read(root, text, name))


def taken(file: Path) -> str:
    importer = match(file)
    return importer.name if importer else ""


def test_the_pages_and_journals_of_a_graph_are_logseqs_in_both_formats(graph: Path) -> None:
    for name in ("pages/a.md", "pages/a.org", "journals/2024_03_02.md", "journals/2024_03_02.org", "notes.md"):
        assert taken(page(graph, "I baked.", name)) == "logseq"
    assert taken(page(graph, "* I baked.", "notes.org")) == "org"
    assert taken(page(graph.parent, "I baked.", "pages/a.md")) == "notes"


def test_in_a_folder_that_is_a_vault_too_the_pages_are_logseqs_and_the_rest_obsidians(graph: Path) -> None:
    (graph / ".obsidian").mkdir()
    assert taken(page(graph, "- I baked.")) == "logseq"
    assert taken(page(graph, "- I baked.", "Ideas/a.md")) == "obsidian"


@pytest.mark.parametrize(
    "text",
    [
        f"- I baked.\n  id:: {ID}\n\t- And ate.",
        "- TODO Buy rye\n- LATER Bake\n",
        f"- See (({ID}))\n- And {{{{embed x}}}}",
    ],
)
def test_a_page_outside_a_graph_is_known_by_what_only_logseq_writes(tmp_path: Path, text: str) -> None:
    assert taken(page(tmp_path, text)) == "logseq"


@pytest.mark.parametrize(
    "text",
    ["- I baked.\n- And ate.\n\t- Bread.", f"I saw\nid:: {ID}\nin a\n\npage of Bob's.", "- TODO Buy rye\n- Bake"],
)
def test_lists_in_plain_markdown_stay_with_the_notes(tmp_path: Path, text: str) -> None:
    assert taken(page(tmp_path, text)) == "notes"


def test_bullets_become_paragraphs_and_short_ones_below_them_a_list(graph: Path) -> None:
    long = "and so on " * 12 + "it went."
    text = f"- I baked.\n\t- rye\n\t- oats\n\t\t- with salt\n- {long}\n\t- {long}\n\t- It rose.\n-\n- It\n  rose."
    assert own(graph, text) == (f"I baked.\n- rye\n- oats\n- with salt\n\n{long}\n\n{long}\n- It rose.\n\nIt\nrose.")


def test_properties_drawers_and_plans_are_no_words(graph: Path) -> None:
    text = (
        "type:: [[Recipe]]\npublic:: true\n\n- I baked.\n  collapsed:: true\n  :LOGBOOK:\n  CLOCK: [2024-03-02 Sat]\n"
        "  :END:\n- DOING [#A] Buy rye\n  SCHEDULED: <2024-03-04 Mon>\n- [#B] Now eat\n- id:: 1\n- a:: b\n"
    )
    assert own(graph, text) == "I baked.\n\nBuy rye\n\nNow eat"


def test_what_stands_elsewhere_is_left_out_and_what_links_say_stays(graph: Path) -> None:
    text = (
        f"- As in (({ID})) and [the stone](({ID})), [salt]([[Kitchen/Salt]]).\n- {{{{query (and [[x]] {{y}})}}}}\n"
        f"- {{{{embed (({ID}))}}}} I baked {{{{cloze the rye}}}}. #card\n"
        "- With [[Kitchen/Salt]] and #[[hot stones]] too.\n"
        "- ![stone.png](../assets/stone.png){:height 5, :width 6}\n- ^^Hot^^ ==very== #bread #food\n"
        '- [:div [:b "x"]]\n  {:a 1}\n- [bread](https://example.org) `[[x]] {{y}} ^^z^^`\n'
    ).replace(f"[the stone](({ID}))", f"[the stone]((({ID})))")
    assert own(graph, text) == (
        "As in  and the stone, salt.\n\nI baked the rye.\n\nWith Kitchen/Salt and hot stones too.\n\nHot very\n\n"
        "bread `[[x]] {{y}} ^^z^^`"
    )


def test_quotes_and_highlights_are_quoted_also_with_lists_within(graph: Path) -> None:
    text = (
        "- Bob wrote\n  #+BEGIN_QUOTE\n  Bread is dead:\n  - rye\n  - oats\n  #+END_QUOTE\n- > Long dead.\n"
        "- I think not.\n"
        "- From a book.\n  ls-type:: annotation\n  hl-page:: 3\n- #+begin_note\n  A remark.\n  #+end_note\n"
    )
    (document,) = read(graph, text)
    assert [(turn.role, turn.text) for turn in document.turns] == [
        ("own", "Bob wrote"),
        ("quoted", "Bread is dead:\n- rye\n- oats\n\nLong dead."),
        ("own", "I think not."),
        ("quoted", "From a book."),
        ("own", "A remark."),
    ]


def test_a_quote_that_is_never_closed_ends_with_its_bullet(graph: Path) -> None:
    text = "- #+BEGIN_QUOTE\n  Bread is dead.\n- I think not.\n\t- > Long dead."
    assert own(graph, text) == "I think not."


def test_code_and_queries_are_no_words_and_dashes_in_code_no_bullets(graph: Path) -> None:
    text = "- One\n  ```\n  - x\n  ```\n- ```js\n  - y\n  ```\n- #+BEGIN_QUERY\n  {:title x}\n  #+END_QUERY\n- Two"
    assert own(graph, text) == "One\n\nTwo"


def test_headings_cut_a_long_page(graph: Path) -> None:
    text = "".join(f"- ## Part {number}\n\t- {'word ' * 300}\n" for number in (1, 2, 3))
    assert [one.title for one in read(graph, text, "pages/Bread.md")] == [
        "Bread: Part 1",
        "Bread: Part 2",
        "Bread: Part 3",
    ]


def test_an_org_page_is_read_like_one_in_markdown(graph: Path) -> None:
    text = (
        "#+TITLE: On rye\n* TODO I *baked* [[https://example.org][rye]].\n:PROPERTIES:\n:id: 1\n:END:\n"
        "** with [[Salt]]\n"
        "*** hot\n* #+BEGIN_QUOTE\nBread is dead.\n#+END_QUOTE\n* I think not.\nTruly.\n"
    )
    (document,) = read(graph, text, "pages/rye.org")
    assert document.title == "On rye"
    assert [(turn.role, turn.text) for turn in document.turns] == [
        ("own", "I **baked** rye.\n- with Salt\n- hot"),
        ("quoted", "Bread is dead."),
        ("own", "I think not.\nTruly."),
    ]


def test_a_journal_is_of_the_day_in_its_name_whatever_days_it_speaks_of(graph: Path) -> None:
    text = "- Saturday, 2 March 2024\n- [[2024-03-05]]: I bake.\n- 2024-03-06\n\t- I eat."
    (document,) = read(graph, text, "journals/2024_03_02.md")
    assert (document.title, document.at) == ("2024-03-02", datetime(2024, 3, 2, tzinfo=UTC))
    assert document.own_text == "2024-03-05: I bake.\n\n2024-03-06\n- I eat."


@pytest.mark.parametrize(
    ("name", "head", "title", "day"),
    [
        ("pages/Kitchen___Rye%3F.md", "", "Kitchen/Rye?", None),
        ("pages/rye.md", "title:: On [[rye]]\ndate:: [[2024-03-02]]\n\n", "On rye", 2),
        ("pages/rye.md", "---\ntitle: On rye\n---\n", "On rye", None),
        ("pages/rye.md", "created-at:: 1709373600000\n", "rye", 2),
        ("pages/%ff%00.md", "", "�", None),
    ],
)
def test_title_and_date_of_a_page(graph: Path, name: str, head: str, title: str, day: int | None) -> None:
    (document,) = read(graph, f"{head}- I baked.", name)
    assert (document.title, document.at.day if document.at else None) == (title, day)
    assert document.own_text == "I baked."


def test_a_clip_and_a_backup_are_dropped(graph: Path) -> None:
    (clip,) = read(graph, "source:: https://example.org/rye\n\n- Bread is dead.")
    (backup,) = read(graph, "- I baked.", "logseq/bak/pages/a/1.md")
    assert [(one.drop, one.words_by_me) for one in (clip, backup)] == [("a web clip", 0), ("a backup", 0)]
    assert taken(graph / "logseq/bak/pages/a/1.md") == "logseq"


def test_keys_are_of_the_place_in_the_graph_and_not_of_what_is_imported(graph: Path) -> None:
    file = page(graph, "- I baked.", "journals/2024_03_02.md")
    whole, part = (list(Logseq().read(file, root, NOBODY)) for root in (graph, graph / "journals"))
    assert [one.key for one in whole] == [one.key for one in part]


def test_hostile_names_are_read_like_others(graph: Path) -> None:
    for name in ("a\nb.md", "$(id) %s {0}.md", "..x..md", os.fsdecode(b"caf\xe9.md")):
        file = page(graph, "- I baked.", f"pages/{name}")
        (document,) = Logseq().read(file, graph, NOBODY)
        assert document.own_text == "I baked." and document.title == " ".join(document.title.split())


@pytest.mark.shared
def test_a_whole_graph_is_read_without_its_marks(shared: Path) -> None:
    root = shared / "exports" / "logseq"
    found = [file for file in files(root) if file.suffix in (".md", ".org")]
    documents = [one for file in found for one in Logseq().read(file, root, NOBODY)]
    assert len(found) == 332 and all(taken(file) == "logseq" for file in found)
    assert sum(document.words_by_me for document in documents) > 35_000
    assert {one.drop for one in documents} <= {"", "empty", "a web clip", "not by me"}
    text = "\n".join(turn.text for one in documents for turn in one.turns if turn.role == "own")
    prose = "".join(text.split("`")[::2])
    assert not any(mark in prose for mark in ("{{", "[[", "id:: ", "collapsed:: ", ":LOGBOOK:", "#+BEGIN"))
    assert all(one.at for one in documents if one.thread.startswith("journals/"))

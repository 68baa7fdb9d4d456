"""Roam Research: pages as prose, by whom each block is, and what of Roam's markup is no words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.registry import match
from mlxtwin.sources.roam import Roam

MADE = 1709373600000


def block(string: str, *children: dict[str, Any], by: str = "", **more: Any) -> dict[str, Any]:
    made = {"create-email": by} if by else {}
    return {"string": string, "uid": "aB3dE6gH9", "create-time": MADE, **made, **more, "children": list(children)}


def page(*blocks: dict[str, Any], title: str = "Bread", **more: Any) -> dict[str, Any]:
    return {"title": title, "uid": "pB3dE6gH9", "create-time": MADE, "children": list(blocks), **more}


def export(root: Path, *pages: Any) -> Path:
    (root / "kitchen.json").write_text(json.dumps(list(pages)), encoding="utf-8")
    return root / "kitchen.json"


def read(root: Path, *pages: Any, person: tuple[str, ...] = ()) -> list[Document]:
    return list(Roam().read(export(root, *pages), root, Person.of(person)))


def own(root: Path, *blocks: dict[str, Any]) -> str:
    return "\n\n".join(document.own_text for document in read(root, page(*blocks)))


def test_a_graph_is_found_by_its_fields_whatever_their_order(tmp_path: Path) -> None:
    last = {"children": [block("x" * 1000) for _ in range(100)], "title": "Bread"}
    for pages in ([page(block("I baked."))], [last]):
        importer = match(export(tmp_path, *pages).rename(tmp_path / "x"))
        assert importer and importer.name == "roam"
    (tmp_path / "x").write_text('[{"title": "Bread", "uid": 5, "text": "x"}]')
    assert Roam().recognises(tmp_path / "x") == 0


def test_bullets_become_paragraphs_lists_and_headings(tmp_path: Path) -> None:
    tree = (block("I baked.", block("rye", block("with salt")), block("oats")), block("Salt\nA pinch.", heading=2))
    assert own(tmp_path, *tree, block("It rose.")) == (
        "I baked.\n- rye\n- with salt\n- oats\n\n## Salt A pinch.\n\nIt rose."
    )


@pytest.mark.parametrize(
    ("string", "words"),
    [
        ("{{[[TODO]]}} Buy rye", "Buy rye"),
        ("{{DONE}} Baked", "Baked"),
        ("As in ((aB3dE6gH9)) and ((and so on)) or ((following)).", "As in  and ((and so on)) or ((following))."),
        ("[the stone](((aB3dE6gH9))) and [salt]([[Kitchen/Salt]]) [->](((aB3dE6gH9)))", "the stone and salt"),
        ("On [[March 2nd, 2024]] with [[Kitchen/Salt]].", "On March 2nd, 2024 with Kitchen/Salt."),
        ("With [[a [[very]] hot stone]].", "With a very hot stone."),
        ("I made #bread and #[[hot stones]] for Bob. #food", "I made bread and hot stones for Bob."),
        ("Mark it #.red #[[.blue]]", "Mark it"),
        ("^^Hot^^ __stone__ **now** ~~not~~", "Hot *stone* **now** ~~not~~"),
        ("A film {{[[video]]: https://example.org/{a}}} of bread {{or: a | b}}", "A film  of bread"),
        ("{{[[query]]: {and: [[a]] {not: [[b]]}}}}", ""),
        ("{{embed: ((aB3dE6gH9))}}", ""),
        ("Look ![](https://example.org/a.png) [here](https://example.org/b_(c))", "Look  here"),
        ("One ```js\nx``` two", "One \n two"),
        ("`{{x}} [[y]] ((aB3dE6gH9))`", "`{{x}} [[y]] ((aB3dE6gH9))`"),
        (":hiccup [:b 1]", ""),
        ("Author:: [[Bob Baker]]", ""),
        ("Mood:: glad that it rose", "Mood: glad that it rose"),
        ("---", ""),
        ("[[.--]]", ""),
    ],
)  # fmt: skip
def test_the_markup_of_a_block_becomes_words_or_nothing(tmp_path: Path, string: str, words: str) -> None:
    assert own(tmp_path, block(string)) == words.replace("One \n two", "One\ntwo")


def test_quotes_are_quoted_and_tables_and_diagrams_no_words(tmp_path: Path) -> None:
    tree = (
        block("> Bread is dead.\nLong dead."),
        block("[[>]] So they say."),
        block("I think not."),
        block("{{[[table]]}}", block("a", block("b"))),
        block("{{mermaid}}", block("pie title x")),
        block("{{[[kanban]]}}", block("rye to buy")),
    )
    (document,) = read(tmp_path, page(*tree))
    assert [(turn.role, turn.text) for turn in document.turns] == [
        ("quoted", "Bread is dead.\nLong dead.\n\nSo they say."),
        ("own", "I think not.\n- rye to buy"),
    ]


def test_blocks_are_the_persons_where_one_made_them_all(tmp_path: Path) -> None:
    (document,) = read(tmp_path, page(block("I baked.", by="bob@example.org"), block("It rose.")))
    assert document.own_text == "I baked.\n\nIt rose."
    assert list(Roam().authors(tmp_path / "kitchen.json")) == []


def test_in_a_shared_graph_each_block_is_its_makers_and_one_without_is_nobodys(tmp_path: Path) -> None:
    tree = (
        block("How?", by="Bob@example.org", heading=2),
        block("With patience.", by="ann@example.org"),
        block("Or haste.", **{":create/user": {":user/uid": "cD4"}}),
        block("It rose."),
        block("> Bread.", by="ann@example.org"),
    )
    (document,) = read(tmp_path, page(*tree), person=("Ann@Example.org",))
    assert [(turn.role, turn.author, turn.text) for turn in document.turns] == [
        ("received", "Bob@example.org", "How?"),
        ("own", "me", "With patience."),
        ("received", "cD4", "Or haste."),
        ("received", "somebody", "It rose."),
        ("quoted", "", "Bread."),
    ]
    authors = sorted(Roam().authors(tmp_path / "kitchen.json"))
    assert authors == ["Bob@example.org", "ann@example.org", "ann@example.org", "cD4"]


def test_a_page_of_a_day_is_of_that_day_and_another_of_when_it_was_made(tmp_path: Path) -> None:
    day, other, older = read(
        tmp_path,
        page(block("[[March 9th, 2024]]: I bake."), title="January 2nd, 2024"),
        page(block("I baked."), title="[[Rye]] bread", uid="x"),
        {"title": "Oats", "children": [block("a", **{"create-time": MADE + 1000}), block("b")]},
    )
    assert (day.title, day.at) == ("January 2nd, 2024", datetime(2024, 1, 2, tzinfo=UTC))
    assert (other.title, other.at) == ("Rye bread", datetime(2024, 3, 2, 10, tzinfo=UTC))
    assert older.at == other.at


def test_keys_tell_the_days_of_two_graphs_apart_and_stay(tmp_path: Path) -> None:
    pages = [page(block("I baked."), title="March 2nd, 2024", uid="03-02-2024", **{"create-time": at}) for at in (1, 2)]
    one, two = (read(tmp_path, each)[0] for each in pages)
    again = read(tmp_path, {**pages[0], "children": [block("First."), block("I baked.")]})[0]
    assert one.key == again.key != two.key
    untold = read(tmp_path, {"title": "Rye", "children": [block("a")]}, {"title": "Rye", "children": [block("b")]})
    assert [document.key for document in untold] == ["Rye#", "Rye.2#"]


def test_a_tree_deeper_than_python_recurses_is_read_or_refused(tmp_path: Path) -> None:
    deep = '{"string":"a","children":[' * 5000 + "]}" * 5000
    (tmp_path / "kitchen.json").write_text(f'[{{"title":"x","children":[{deep}]}}]')
    try:
        assert list(Roam().read(tmp_path / "kitchen.json", tmp_path, Person.of([])))
    except SourceError as error:
        assert error.message.startswith("kitchen.json")


@pytest.mark.parametrize("odd", [5, None, [], {"title": 5}, {"title": "x", "children": [5, None, {"string": 5}]}])
def test_odd_values_are_no_crash(tmp_path: Path, odd: Any) -> None:
    documents = read(tmp_path, odd, page(block("I baked."), **{"create-time": "x", "edit-time": "y"}))
    assert documents[-1].own_text == "I baked."


def test_a_file_cut_short_gives_what_came_before_and_says_so(tmp_path: Path) -> None:
    file = export(tmp_path, page(block("I baked.")), page(block("I ate."), title="Oats"))
    file.write_text(file.read_text()[:-30])
    documents = Roam().read(file, tmp_path, Person.of([]))
    assert next(documents).own_text == "I baked."
    with pytest.raises(SourceError, match=r"kitchen\.json is"):
        list(documents)


@pytest.mark.shared
def test_the_graphs_of_others_are_read_page_by_page(shared: Path) -> None:
    root = shared / "exports" / "notes" / "tests" / "roam"
    counts = {"help-graph-excerpt": 17, "shapes": 12, "small-test-graph": 1}
    for name, pages in counts.items():
        file = root / f"{name}.json"
        importer = match(file)
        assert importer and importer.name == "roam"
        documents = list(Roam().read(file, root, Person.of([])))
        assert len({one.thread for one in documents}) == pages
        text = "".join("\n".join(turn.text for one in documents for turn in one.turns).split("`")[::2])
        assert not any(mark in text for mark in ("{{", "[[", "TODO]]", "^^", "::"))
    assert len(set(Roam().authors(root / "help-graph-excerpt.json"))) == 7

"""Browsers' histories: a Document a day, titles and hosts, and no part of an address beside."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.browser import Browser
from mlxtwin.sources.registry import match

ANN = Person.of(["Ann"])
START = 1_709_373_600
CHROME = """CREATE TABLE urls(id INTEGER PRIMARY KEY, url TEXT, title TEXT, hidden INTEGER DEFAULT 0);
CREATE TABLE visits(id INTEGER PRIMARY KEY, url INTEGER, visit_time INTEGER, transition INTEGER DEFAULT 0);"""
FIREFOX = """CREATE TABLE moz_places(id INTEGER PRIMARY KEY, url TEXT, title TEXT, hidden INTEGER DEFAULT 0);
CREATE TABLE moz_historyvisits(id INTEGER PRIMARY KEY, place_id INTEGER, visit_date INTEGER, visit_type INTEGER);"""
SAFARI = """CREATE TABLE history_items(id INTEGER PRIMARY KEY, url TEXT);
CREATE TABLE history_visits(id INTEGER PRIMARY KEY, history_item INTEGER, visit_time REAL, title TEXT,
load_successful BOOLEAN DEFAULT 1);"""


def database(root: Path, schema: str, *rows: tuple[str, tuple[Any, ...]], name: str = "History") -> Path:
    file = root / name
    with closing(sqlite3.connect(file)) as made:
        made.executescript(schema)
        for statement, values in rows:
            made.execute(f"INSERT INTO {statement} VALUES ({', '.join('?' * len(values))})", values)
        made.commit()
    return file


def takeout(root: Path, items: Iterable[Any], name: str = "History.json") -> Path:
    (root / name).write_text(json.dumps({"Typed Url": [], "Browser History": list(items)}))
    return root / name


def visit(address: str, title: str = "", after: float = 0) -> dict[str, Any]:
    return {"url": address, "title": title, "time_usec": int((START + after) * 1e6)}


def read(file: Path) -> list[Document]:
    importer = match(file)
    assert importer and importer.name == "browser"
    return list(importer.read(file, file.parent, ANN))


def lines(file: Path) -> list[str]:
    return [line for document in read(file) for line in document.turns[0].text.split("\n")]


def test_chromes_kin_is_read_without_frames_and_hidden_pages(tmp_path: Path) -> None:
    since = 11_644_473_600
    file = database(
        tmp_path, CHROME,
        ("urls", (1, "https://www.example.org/bread?key=secret#top", "Bread", 0)),
        ("urls", (2, "https://ads.example/", "Ad", 1)),
        ("urls", (3, "https://frame.example/", "Frame", 0)), ("urls", (4, "chrome://settings", "Settings", 0)),
        *(
            ("visits", (number, number, int((START + since + number) * 1e6), 3 if number == 3 else 0))
            for number in range(1, 5)
        ),
    )  # fmt: skip
    (document,) = read(file)
    assert document.turns[0].text == "10:00 example.org: Bread"
    assert document.title == "Pages of 2 March 2024" and document.at is not None
    assert document.at.isoformat() == "2024-03-02T10:00:01+00:00"


def test_firefox_and_safari_are_read(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    firefox = database(
        tmp_path / "f", FIREFOX, ("moz_places", (1, "https://example.org/", "Bread", 0)),
        ("moz_places", (2, "https://example.org/pixel", "Pixel", 0)),
        ("moz_historyvisits", (1, 1, int(START * 1e6), 1)), ("moz_historyvisits", (2, 2, int(START * 1e6), 4)),
        name="places.sqlite",
    )  # fmt: skip
    safari = database(
        tmp_path, SAFARI, ("history_items", (1, "https://example.org/")),
        ("history_visits", (1, 1, START - 978_307_200.0, "Bread", 1)),
        ("history_visits", (2, 1, START - 978_307_200.0, "Fault", 0)),
        name="History.db",
    )  # fmt: skip
    assert lines(firefox) == lines(safari) == ["10:00 example.org: Bread"]


def test_an_older_database_that_lacks_columns_is_read(tmp_path: Path) -> None:
    older = CHROME.replace(", hidden INTEGER DEFAULT 0", "").replace(", transition INTEGER DEFAULT 0", "")
    time = int((START + 11_644_473_600) * 1e6)
    rows = [("urls", (1, "https://example.org/", "Bread")), ("visits", (1, 1, time))]
    assert lines(database(tmp_path, older, *rows)) == ["10:00 example.org: Bread"]


def test_there_is_a_document_a_day_in_order_whatever_the_order_of_the_file(tmp_path: Path) -> None:
    items = [
        visit("https://b.org/", "Late", 90_000),
        visit("https://a.org/", "Early"),
        visit("https://c.org/", "Mid", 60),
    ]
    found = read(takeout(tmp_path, items))
    assert [(document.origin, document.turns[0].text) for document in found] == [
        ("History.json#2024-03-02", "10:00 a.org: Early\n10:01 c.org: Mid"),
        ("History.json#2024-03-03", "11:00 b.org: Late"),
    ]
    assert all(one.kind == "event" and one.drop == "context only" and not one.words_by_me for one in found)


def test_a_later_export_of_the_same_day_has_the_same_key_and_another_browser_has_not(tmp_path: Path) -> None:
    keys = [
        read(takeout(tmp_path, items, f"{number}.json"))[0].key
        for number, items in enumerate(
            [
                [visit("https://a.org/", "A")],
                [visit("https://b.org/", "B", 5), visit("https://a.org/", "A")],
                [visit("https://a.org/", "A", 0.5)],
            ]
        )
    ]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize(
    ("address", "title", "line"),
    [
        ("https://ann:secret@example.org:8080/a?token=secret", "Bread", "example.org: Bread"),
        ("https://example.org/?token=secret", "https://example.org/?token=secret", "example.org"),
        ("https://example.org/?token=secret", "example.org/?token=secret", "example.org"),
        ("https://example.org/", "Bread at https://x.org/?key=secret now", "example.org: Bread at now"),
        ("https://example.org/", "a" * 500, f"example.org: {'a' * 200}"),
        ("https://example.org/", "Bread\n\x00 and   salt", "example.org: Bread and salt"),
    ],
)
def test_nothing_of_an_address_but_its_host_is_kept(tmp_path: Path, address: str, title: str, line: str) -> None:
    assert lines(takeout(tmp_path, [visit(address, title)])) == [f"10:00 {line}"]


@pytest.mark.parametrize(
    "address", ["file:///home/ann/diary", "about:blank", "https://[x", "javascript:secret", "", "data:,x"]
)
def test_what_is_no_page_of_the_web_is_left_out(tmp_path: Path, address: str) -> None:
    assert read(takeout(tmp_path, [visit(address, "Secret")])) == []


def test_a_page_is_told_once_a_day_and_a_day_has_its_limit(tmp_path: Path) -> None:
    items = [visit("https://a.org/", f"Page {number % 400}", number) for number in range(900)]
    assert len(lines(takeout(tmp_path, items))) == 300


@pytest.mark.parametrize(
    "item", [[], None, {"url": 1}, {"url": "https://a.org/"}, {"url": "https://a.org/", "time_usec": 1e300}]
)
def test_items_that_are_no_visits_are_passed_over(tmp_path: Path, item: Any) -> None:
    assert lines(takeout(tmp_path, [visit("https://b.org/", "B"), item])) == ["10:00 b.org: B"]


def test_an_export_of_browserexport_is_read_as_a_list_and_by_lines(tmp_path: Path) -> None:
    items = [
        {"url": "https://a.org/", "dt": START, "metadata": {"title": "A"}},
        {"url": "https://b.org/", "dt": "2024-03-02T10:01:00+00:00", "metadata": None},
    ]
    (tmp_path / "a.json").write_text(json.dumps(items))
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, items)) + "\nbroken\n")
    assert lines(tmp_path / "a.json") == lines(tmp_path / "a.jsonl") == ["10:00 a.org: A", "10:01 b.org"]


def test_what_stands_before_a_cut_is_kept(tmp_path: Path) -> None:
    whole = takeout(tmp_path, [visit("https://a.org/", "A"), visit("https://b.org/", "B", 60)]).read_bytes()
    (tmp_path / "cut.json").write_bytes(whole[:-30])
    found = []
    with pytest.raises(SourceError, match="cut off"):
        for document in Browser().read(tmp_path / "cut.json", tmp_path, ANN):
            found.append(document.turns[0].text)
    assert found == ["10:00 a.org: A"]


def test_other_databases_and_json_are_not_taken(tmp_path: Path) -> None:
    other = database(tmp_path, "CREATE TABLE visits(id INTEGER);", name="other.db")
    (tmp_path / "a.json").write_text('[{"url": "https://a.org/", "name": "A"}]')
    assert Browser().recognises(other) == Browser().recognises(tmp_path / "a.json") == 0
    for file in (other, tmp_path / "a.json"):
        with pytest.raises(SourceError, match="no browser's history"):
            list(Browser().read(file, tmp_path, ANN))


@pytest.mark.shared
def test_the_databases_of_anothers_test_suite_are_read(shared: Path) -> None:
    folder = shared / "exports/browser/tests/databases"
    days = {
        file.name: [document.origin.rpartition("#")[2] for document in read(file)]
        for file in sorted(folder.iterdir())
        if file.suffix in (".sqlite", ".json", ".jsonl")
    }
    assert days == {
        "brave.sqlite": ["2021-04-17"],
        "chrome.sqlite": ["2021-01-17", "2021-04-01"],
        "chromium.sqlite": ["2021-04-17"],
        "firefox_mobile_legacy.sqlite": ["2020-04-11", "2020-05-28", "2020-06-27"],
        "merged_dump.json": ["2020-09-15"],
        "merged_dump.jsonl": ["2020-09-15"],
        "qutebrowser.sqlite": ["2025-12-31"],
        "safari.sqlite": ["2021-04-18"],
        "vivaldi.sqlite": ["2021-04-19"],
    }

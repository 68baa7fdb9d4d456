"""Notion: pages as Markdown and as HTML, tables, what stands around a page's words, and what is not the person's."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.notion import Notion
from mlxtwin.sources.registry import match

from .cases.notion import PAGE
from .expected_words import missing_and_extra

ANN = Person.of(["ann"])
ID, OTHER, TABLE = "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "1" * 32, "2" * 32
LONG = "Nobody in the village bakes rye as slowly as the miller does"


def write(folder: Path, name: str, data: str) -> Path:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(data)
    return folder / name


def page(folder: Path, body: str, title: str = "Bread", id: str = ID) -> Path:
    return write(folder, f"{title} {id}.md", f"# {title}\n\n{body}")


def read(file: Path, person: Person = ANN) -> list[Document]:
    return list(Notion().read(file, file.parent, person))


def own(file: Path) -> str:
    return "\n\n".join(document.own_text for document in read(file))


def html(body: str, properties: str = "") -> str:
    return PAGE.replace('<p id="2">With patience and a hot stone.</p>', body).replace("<tbody>", f"<tbody>{properties}")


def test_a_page_is_found_by_its_name_and_what_stands_in_it(tmp_path: Path) -> None:
    importer = match(page(tmp_path, "With patience."))
    assert importer and importer.name == "notion"
    for name, text in (
        (f"Bread {ID}.md", "# Something else\n\nwords"),
        (f"Bread {ID}.md", "no title"),
        (f"Bread {ID[:-1]}.md", "# Bread\n\nwords"),
        ("Bread.md", "# Bread\n\nwords"),
        (f"Bread {ID}.txt", "# Bread\n\nwords"),
    ):
        file = write(tmp_path, name, text)
        assert Notion().recognises(file) == 0
        file.unlink()


def test_the_page_and_not_its_place_or_title_is_the_key(tmp_path: Path) -> None:
    (before,) = read(page(tmp_path, "Slow."))
    (after,) = read(page(tmp_path / "Home", "## Rye\n\nSlower.", "Rye"))
    (as_html,) = read(write(tmp_path, f"Bread {ID}.html", PAGE))
    assert before.id == after.id == as_html.id
    assert (before.title, before.key) == ("Bread", ID)


def test_links_boxes_and_empty_items_are_only_their_words(tmp_path: Path) -> None:
    body = (
        "See [Rye (dark)](Bread%20x/Rye%20(dark)%20" + OTHER + ".md) and [https://a.org](https://a.org).\n\n"
        "![a loaf](Bread%20(1).png)\n\n<aside>\n💡 Salt late.\n\n</aside>\n\n- [ ]  \n- [x]  Buy flour\n    \n"
        "    Half a sack.\n\n    An indented paragraph.\n\n```python\nseed = 1\n```"
    )
    assert own(page(tmp_path, body)).split("\n\n") == [
        "See Rye (dark) and .",
        "💡 Salt late.",
        "- [x]  Buy flour",
        "Half a sack.",
        "An indented paragraph.",
    ]


def test_quotes_are_nobodys(tmp_path: Path) -> None:
    (document,) = read(page(tmp_path, "> How do you bake it?\n\nSlowly."))
    assert [(turn.text, turn.role) for turn in document.turns] == [
        ("How do you bake it?", "quoted"),
        ("Slowly.", "own"),
    ]


def test_the_properties_of_a_row_are_no_text_and_tell_when(tmp_path: Path) -> None:
    write(tmp_path, f"Loaves {TABLE}.csv", "\ufeffName,Created,Kind,Notes\nBread,x,rye,y\n")
    body = f"Created: March 2, 2024 10:15 PM\nKind: rye, dark\nNotes: {LONG}\nat least in spring\n\nWith patience."
    file = page(tmp_path / f"Loaves {TABLE}", body)
    (document,) = read(file)
    assert document.own_text == f"{LONG} at least in spring\n\nWith patience."
    assert document.at == datetime(2024, 3, 2, 22, 15, tzinfo=UTC)


def test_properties_are_known_without_their_table_by_their_names(tmp_path: Path) -> None:
    assert own(page(tmp_path, "Created: March 2, 2024\nKind: rye\n\nWith patience.")) == "With patience."
    assert own(page(tmp_path, "Remember: buy flour\nAlso: salt\n\nWith patience.")).startswith("Remember: buy flour")


def test_the_folder_of_a_table_may_be_named_without_its_id(tmp_path: Path) -> None:
    write(tmp_path, f"Loaves {TABLE}.csv", "Name,Shape\nBread,round\n")
    assert own(page(tmp_path / "Loaves", "Shape: round\n\nWith patience.")) == "With patience."


def test_a_page_with_an_address_as_its_property_is_a_web_clip(tmp_path: Path) -> None:
    (document,) = read(page(tmp_path, "URL: https://example.org/rye\nTags: bread\n\nRye rises."))
    assert (document.drop, document.words_by_me) == ("a web clip", 0)


def test_a_page_that_somebody_else_made_is_theirs(tmp_path: Path) -> None:
    file = page(tmp_path, "Created by: Bob\nCreated: March 2, 2024\n\nWith patience.")
    (his,), (mine,) = read(file), read(file, Person.of(["bob"]))
    assert list(Notion().authors(file)) == ["Bob"]
    assert (his.drop, [turn.author for turn in his.turns]) == ("not by me", ["Bob"])
    assert mine.words_by_me == 2


def test_of_html_only_the_words_of_the_page_are_read(tmp_path: Path) -> None:
    body = (
        '<nav class="table_of_contents"><a href="#1">Seed</a></nav><p>Mine.</p>'
        '<figure><a href="x" class="bookmark source"><div class="bookmark-title">Seed</div></a></figure>'
        '<figure><div class="source"><a href="x">seed.pdf</a></div></figure>'
        '<table class="collection-content"><tbody><tr><td class="cell-title"><a>Seed</a></td><td>x</td></tr></table>'
        '<ul class="to-do-list"><li><div class="checkbox checkbox-on"></div> <span>Flour</span></li></ul>'
        '<ul class="toggle"><li><details open=""><summary>More</summary><p>Within.</p></details></li></ul>'
        '<figure class="callout" style="white-space:pre-wrap;display:flex"><div>Salt late.</div></figure>'
    )
    file = write(tmp_path, "x.html", html(body))
    text = own(file)
    assert text.split() == ["Mine.", "-", "[x]", "Flour", "-", "More", "Within.", "Salt", "late."]


def test_properties_in_html_are_known_by_their_kind(tmp_path: Path) -> None:
    row = '<tr class="property-row property-row-{}"><th>{}</th><td>{}</td></tr>'
    made = row.format("created_by", "Wer", '<span class="user">Bob</span>')
    said = row.format("text", "Notes", LONG)
    (document,) = read(write(tmp_path, "x.html", html("<p>Slowly.</p>", made + said)))
    assert (document.drop, document.at) == ("not by me", datetime(2024, 3, 2, 10, tzinfo=UTC))
    assert document.turns[0].text == LONG


def test_rows_that_say_something_are_notes_unless_they_have_a_page(tmp_path: Path) -> None:
    rows = f'Name,Created,Said\nBread,"March 2, 2024",{LONG}\nRye,,{LONG} too\nSpelt,,short\n{LONG} again,,\n'
    write(tmp_path, f"Loaves {TABLE}.csv", "Name\n")
    file = write(tmp_path, f"Loaves {TABLE}_all.csv", rows)
    page(tmp_path / f"Loaves {TABLE}", f"Said: {LONG}", "Bread")
    page(tmp_path / f"Loaves {TABLE}", "", f"{LONG} again"[:45])
    (document,) = read(file)
    assert (document.title, document.own_text) == ("Rye", f"{LONG} too")
    assert document.origin.endswith(".csv#3")


def test_a_part_of_a_table_is_passed_over_for_the_whole(tmp_path: Path) -> None:
    file = write(tmp_path, f"Loaves {TABLE}.csv", f"Name,Said\nRye,{LONG}\n")
    assert [document.title for document in read(file)] == ["Rye"]
    write(tmp_path, f"Loaves {TABLE}_all.csv", f"Name,Said\nRye,{LONG}\n")
    assert [document.drop for document in read(file)] == ["part of a table that is there whole"]


def test_the_list_of_all_pages_is_none(tmp_path: Path) -> None:
    item = '<ul id="id::0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"><li><p>Workspace identifier: 1</p></li></ul>'
    file = write(tmp_path, "index.html", f"<!DOCTYPE html><html><body>{item}</body></html>")
    assert Notion().recognises(file) > 0.9
    assert [document.drop for document in read(file)] == ["a list of pages"]


def test_a_page_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlxtwin.sources.notion.MOST_PAGE_BYTES", 20)
    with pytest.raises(SourceError, match="too large"):
        read(page(tmp_path, "words and words and words"))


def unpack(archive: zipfile.ZipFile, folder: Path) -> None:
    """An archive and the archives in it, files only."""
    for member in archive.infolist():
        data = archive.read(member)
        if member.filename.endswith(".zip"):
            unpack(zipfile.ZipFile(io.BytesIO(data)), folder)
        elif not member.is_dir():
            (folder / member.filename).parent.mkdir(parents=True, exist_ok=True)
            (folder / member.filename).write_bytes(data)


# What the other program writes and no page says: the kind of a callout, what a bookmark leads to, headings that are the
# titles of what stands under them (or under which nothing stands), and HTML that was typed as code.
TOLD_OTHERWISE = {"Notion-Testspace": 0, "Block Reference": 62, "Formatting Tests": 23, "Attachment Tests": 1}


@pytest.mark.shared
def test_the_words_of_real_pages_are_those_another_program_found(shared: Path, tmp_path: Path) -> None:
    folder = shared / "exports" / "notes" / "tests" / "notion"
    unpack(zipfile.ZipFile(folder / "notion-testspace.zip"), tmp_path)
    compared = 0
    for file in sorted(tmp_path.rglob("*.html")):
        documents = read(file)
        (expected,) = folder.joinpath("expected").rglob(f"{file.stem[:-33]}.md") if file.stem != "index" else (None,)
        if expected:
            missing, extra = missing_and_extra(expected.read_text(), documents, formulas=False)
            assert len(missing) <= TOLD_OTHERWISE[expected.stem], (file, missing)
            # The addresses of links within the workspace, for which the other program writes the page's title.
            assert set(extra) <= {"so", "4", "https", "www", "notion", "pvs"} | {
                word for word in extra if len(word) == 32
            }
            compared += 1
    (row,) = read(folder / "database-row.html")
    assert missing_and_extra((folder / "expected" / "database-row.md").read_text(), [row]) == ([], [])
    assert compared == 4


@pytest.mark.shared
def test_every_file_of_a_real_export_is_accounted_for(shared: Path, tmp_path: Path) -> None:
    folder = shared / "exports" / "notes" / "tests" / "notion"
    unpack(zipfile.ZipFile(folder / "Notion.Test.Export.zip"), tmp_path)
    told: Counter[str] = Counter()
    for file in sorted(path for path in tmp_path.rglob("*") if path.is_file()):
        assert Notion().recognises(file) > 0.9, file
        told.update(document.drop for document in read(file))
    # Each day of a habit tracker is a page with nothing but its properties.
    assert told == {"": 6, "empty": 272, "a list of pages": 1, "part of a table that is there whole": 1}

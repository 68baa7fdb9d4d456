"""Bear and TextBundles: folders, packed ones, backups, and Bear's own marks."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources.bear import Bear
from mlxtwin.sources.registry import match

from .cases.bear import ABOUT, INFO, packed
from .expected_words import missing_and_extra

ANN = Person.of(["ann"])


def info(**changes: Any) -> str:
    return json.dumps({**INFO, "net.shinyfrog.bear": {**ABOUT, **changes}})


def bundle(folder: Path, text: str, about: str = "", name: str = "text.md") -> Path:
    place = folder / "Bread.textbundle"
    place.mkdir(parents=True, exist_ok=True)
    (place / "info.json").write_text(about or info())
    (place / name).write_text(text)
    return place / name


def read(file: Path) -> list[Document]:
    return list(Bear().read(file, file.parent, ANN))


def own(file: Path) -> str:
    return "\n\n".join(document.own_text for document in read(file))


def test_a_bundle_tells_when_and_which_note_it_is(tmp_path: Path) -> None:
    file = bundle(tmp_path, "# Rye\n\nSlow.")
    importer = match(file)
    assert importer and importer.name == "bear"
    (document,) = read(file)
    assert (document.key, document.title, document.own_text) == ("6F1A-01", "Rye", "Slow.")
    assert document.at == datetime(2024, 3, 2, 10, tzinfo=UTC)


def test_a_bundle_of_another_program_is_named_after_its_folder(tmp_path: Path) -> None:
    file = bundle(tmp_path, "Slow.", '{"version": 2, "creatorIdentifier": "org.example.pen"}', "text.markdown")
    (document,) = read(file)
    assert (document.title, document.own_text) == ("Bread", "Slow.")
    assert read(bundle(tmp_path / "elsewhere", "Slow.", '{"version": 2}', "text.txt"))[0].id == document.id


def test_a_text_without_what_a_bundle_says_of_it_is_a_plain_note(tmp_path: Path) -> None:
    (tmp_path / "text.md").write_text("# Rye\n\nSlow.")
    assert Bear().recognises(tmp_path / "text.md") == 0
    (tmp_path / "info.json").write_text('{"name": "something else"}')
    assert Bear().recognises(tmp_path / "text.md") == 0


def test_a_bundle_of_html_is_read_as_it_is_shown(tmp_path: Path) -> None:
    assert own(bundle(tmp_path, "<h1>Rye</h1><p>Slow <b>bread</b>.</p>", name="text.html")) == "Slow **bread**."


@pytest.mark.parametrize(("changes", "reason"), [({"trashed": 1}, "in the trash"), ({"encrypted": 1}, "encrypted")])
def test_what_was_thrown_away_or_locked_is_kept_from_learning(tmp_path: Path, changes: Any, reason: str) -> None:
    (document,) = read(bundle(tmp_path, "# Rye\n\nSlow.", info(**changes)))
    assert document.drop == reason


def test_lines_of_tags_go_and_tags_in_a_sentence_stay(tmp_path: Path) -> None:
    text = (
        "# Rye\n#kitchen #home/slow food#\n\nSend #Bob the recipe, \\#1 of all.\n\n  #bread\n"
        "[[Spelt|the other one]] and [[Spelt]] are ==🟢light== or ::dark::, std::pair::first too.\n"
        '![](a.png)<!-- {"width":300} -->\n[image:0A1B2C3D-1/a.png]\n\n```\n#not a tag#\n```'
    )
    assert own(bundle(tmp_path, text)).split("\n") == [
        "Send #Bob the recipe, #1 of all.",
        "",
        "the other one and Spelt are light or dark, std::pair::first too.",
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Slow bread.\n\n#home/slow#", True),
        ("Slow bread. #slow food#", True),
        ("[Rye](bear://x-callback-url/open-note?id=1) is slow.", True),
        ("Slow bread.\n\n#home/slow", False),
        ("My #1 reason to like C# and F# is bread.", False),
        ("## Heading ##\n\n### Another ###", False),
    ],
)
def test_markdown_is_bears_where_only_bear_writes_so(tmp_path: Path, text: str, found: bool) -> None:
    (tmp_path / "Rye.md").write_text(f"# Rye\n\n{text}")
    importer = match(tmp_path / "Rye.md")
    assert importer and (importer.name == "bear") == found


def test_every_bundle_of_a_backup_is_a_note(tmp_path: Path) -> None:
    members = {
        "Notes/b.textbundle/text.md": "# Rye\n\nSlow.",
        "Notes/b.textbundle/info.json": info(uniqueIdentifier="b"),
        "Notes/a.textbundle/text.markdown": "Fast.",
        "Notes/a.textbundle/info.json": "{" * 5000,
        "__MACOSX/Notes/a.textbundle/text.md": "seed",
        "Notes/a.textbundle/assets/text.png": "seed",
        "Notes/tags.json": "{}",
    }
    (tmp_path / "Notes.bear2bk").write_bytes(packed(members))
    documents = read(tmp_path / "Notes.bear2bk")
    assert [(document.title, document.own_text) for document in documents] == [("a", "Fast."), ("Rye", "Slow.")]
    assert documents[1].origin == "Notes.bear2bk#b.textbundle"


def test_a_packed_bundle_may_be_flat(tmp_path: Path) -> None:
    (tmp_path / "Rye.textpack").write_bytes(packed({"text.md": "Slow.", "info.json": info()}))
    (document,) = read(tmp_path / "Rye.textpack")
    assert (document.key, document.title) == ("6F1A-01", "Rye")


def test_a_damaged_bundle_stops_none_of_the_others(tmp_path: Path) -> None:
    data = packed({"a.textbundle/text.md": "seed " * 50, "b.textbundle/text.md": "Slow."})
    name_and_extra = struct.unpack("<HH", data[26:30])
    at = 30 + sum(name_and_extra)
    (tmp_path / "x.textpack").write_bytes(data[:at] + b"\xff\xff\xff" + data[at + 3 :])
    documents = Bear().read(tmp_path / "x.textpack", tmp_path, ANN)
    assert next(documents).own_text == "Slow."
    with pytest.raises(SourceError, match=r"x\.textpack is damaged"):
        next(documents)


def test_a_bundle_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlxtwin.sources.bear.MOST_TEXT_BYTES", 1000)
    (tmp_path / "x.textpack").write_bytes(packed({"a.textbundle/text.md": "0" * 1_000_000}))
    with pytest.raises(SourceError, match=r"x\.textpack unpacks to more"):
        read(tmp_path / "x.textpack")


def test_an_archive_of_bundles_is_left_to_be_opened_as_one(tmp_path: Path) -> None:
    (tmp_path / "Export.zip").write_bytes(packed({"a.textbundle/text.md": "Slow."}))
    assert Bear().recognises(tmp_path / "Export.zip") == 0


# Lines of tags, which the other program keeps.
TAGS = {
    "File with asset, content, and a tag": {"Test", "Tag"},
    "Tag forms Bear writes": {"tag", "two", "words", "项目", "计划", "中文", "标签", "bad"},
    "Tags in other scripts": {"中文", "标签", "子标签", "仕事", "일정", "Ελλάδα", "русский"},
}


@pytest.mark.shared
def test_the_words_of_real_notes_are_those_another_program_found(shared: Path) -> None:
    folder = shared / "exports" / "notes" / "tests"
    compared = 0
    for backup in ("backup", "tags"):
        for document in read(folder / "bear" / f"{backup}.bear2bk"):
            expected = folder / "bear" / "expected" / backup / f"{document.title}.md"
            missing, extra = missing_and_extra(expected.read_text(), [document])
            assert (set(missing), extra) == (TAGS.get(document.title, set()), []), document.title
            compared += 1
    # The title of these is also the first heading of the text, where the other program keeps it.
    for name in ("example.textpack", "example 2.textpack", "Textbundle Example v1.textbundle/text.md"):
        (document,) = read(folder / "textbundle" / name)
        stem = name.partition("/")[0].rpartition(".")[0]
        (expected,) = (folder / "textbundle" / "expected" / stem).glob("*.md")
        missing, extra = missing_and_extra(expected.read_text(), [document])
        assert (sorted(missing), extra) == (sorted(document.title.split()), [])
        compared += 1
    assert compared == 11

"""Evernote's ENEX: notes as they stream by, and what in them is not the person's."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlxtwin.errors import SourceError
from mlxtwin.records import Document, Person
from mlxtwin.sources import evernote_scan
from mlxtwin.sources.evernote import Evernote

from .expected_words import missing_and_extra

ANN = Person.of(["ann"])
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE en-export SYSTEM "x.dtd">\n<en-export application="Evernote">'


def note(content: str, title: str = "Bread", created: str = "20240302T100000Z", more: str = "") -> str:
    made = f"<created>{created}</created>" if created else ""
    return f"<note><title>{title}</title><content><![CDATA[<en-note>{content}</en-note>]]></content>{made}{more}</note>"


def by(author: str) -> str:
    return f"<note-attributes><author>{author}</author></note-attributes>"


def export(folder: Path, *notes: str, end: str = "</en-export>") -> Path:
    file = folder / "Kitchen.enex"
    file.write_text(HEAD + "\n".join(notes) + end)
    return file


def read(file: Path, person: Person = ANN) -> list[Document]:
    return list(Evernote().read(file, file.parent, person))


def test_lists_ticks_and_lines_stay(tmp_path: Path) -> None:
    content = '<div>Buy</div><div><en-todo checked="true"/>flour</div><ul><li>rye<ul><li>dark</li></ul></li></ul>'
    (document,) = read(export(tmp_path, note(content)))
    assert document.own_text == "Buy\n- [x] flour\n\n- rye\n- dark"
    assert (document.title, document.at) == ("Bread", datetime(2024, 3, 2, 10, tzinfo=UTC))


def test_tasks_stand_where_their_list_does(tmp_path: Path) -> None:
    task = "<task><title>{}</title><taskStatus>{}</taskStatus><sortWeight>{}</sortWeight>{}</task>"
    here, gone = ("<taskGroupNoteLevelID>a-1</taskGroupNoteLevelID>", "<taskGroupNoteLevelID>b</taskGroupNoteLevelID>")
    tasks = task.format("bake &amp; eat", "open", "B", here) + task.format("knead", "completed", "A", here)
    place = '<div style="--en-task-group:true; --en-id:a-1;"><div>Not supported here</div></div>'
    more = tasks + task.format("rest", "open", "C", gone)
    (document,) = read(export(tmp_path, note(f"<div>first</div>{place}<div>last</div>", more=more)))
    assert document.own_text == "first\n\n- [x] knead\n- [ ] bake & eat\n\nlast\n\n- [ ] rest"


def test_encrypted_parts_and_attachments_are_left_out(tmp_path: Path) -> None:
    content = '<div>before</div><en-crypt hint="x">RU5D</en-crypt><en-media hash="1" type="image/png"/><div>after</div>'
    resource = (
        "<resource><data encoding='base64'>Zm9v</data><recognition><![CDATA[<t>seen</t>]]></recognition></resource>"
    )
    (document,) = read(export(tmp_path, note(content, more=resource)))
    assert document.own_text.split() == ["before", "after"]


@pytest.mark.parametrize(
    ("attribute", "reason"),
    [
        ("<source>web.clip7</source>", "a web clip"),
        ("<source-url>https://example.org/rye</source-url>", "a web clip"),
        ("<source-application>webclipper.evernote</source-application>", "a web clip"),
        ("<source>mail.smtp</source>", "a mail that was sent in"),
        ("<source>mobile.ios</source><source-url>evernote:///view/1</source-url>", ""),
    ],
)
def test_what_came_from_elsewhere_is_context(tmp_path: Path, attribute: str, reason: str) -> None:
    more = f"<note-attributes>{attribute}</note-attributes>"
    (document,) = read(export(tmp_path, note("<div>With patience.</div>", more=more)))
    assert document.drop == reason
    assert bool(document.words_by_me) == (not reason)
    assert [turn.text for turn in document.turns] == ["With patience."]


def test_a_clipped_part_of_a_note_is_a_quote(tmp_path: Path) -> None:
    clip = '<div style="--en-clipped-content:article; --en-clipped-source-url:https://example.org/">Rye rises.</div>'
    (document,) = read(export(tmp_path, note(f"<div>Look at this</div>{clip}")))
    assert [(turn.text, turn.role) for turn in document.turns] == [("Look at this", "own"), ("Rye rises.", "quoted")]


def test_the_only_author_of_a_file_is_the_person_under_their_own_name_alone(tmp_path: Path) -> None:
    file = export(tmp_path, note("hers", more=by("Bob")), note("mine too", created="20240303T100000Z"))
    assert list(Evernote().authors(file)) == ["Bob"]
    assert [(one.words_by_me, one.drop) for one in read(file)] == [(0, "not by me"), (2, "")]
    assert [one.words_by_me for one in read(file, Person.of(["bob"]))] == [1, 2]
    assert [one.words_by_me for one in read(file, Person.of([]))] == [1, 2]


def test_of_several_authors_only_the_persons_notes_are_theirs(tmp_path: Path) -> None:
    file = export(tmp_path, note("mine", more=by("Ann")), note("his", created="20240303T100000Z", more=by("Bob")))
    assert list(Evernote().authors(file)) == ["Ann", "Bob"]
    mine, his = read(file)
    assert (mine.own_text, his.drop) == ("mine", "not by me")
    assert [(turn.author, turn.role) for turn in his.turns] == [("Bob", "received")]


def test_a_note_is_the_same_one_after_it_was_changed(tmp_path: Path) -> None:
    (before,) = read(export(tmp_path, note("<h1>Rye</h1><div>slow</div>")))
    (after,) = read(export(tmp_path, note("<h2>Spelt</h2><div>fast</div>", title="Flour")))
    assert before.id == after.id


def test_notes_of_the_same_second_or_of_none_are_told_apart(tmp_path: Path) -> None:
    alike = [note(f"words {number}", created=made) for made in ("20240302T100000Z", "") for number in range(3)]
    documents = read(export(tmp_path, *alike, note("others", title="Rye")))
    assert len({document.id for document in documents}) == 7


def test_only_a_note_that_was_read_whole_comes_before_the_cut(tmp_path: Path) -> None:
    file = export(tmp_path, note("first"), note("second", created="20240303T100000Z")[:-30], end="")
    documents = Evernote().read(file, tmp_path, ANN)
    assert next(documents).own_text == "first"
    with pytest.raises(SourceError, match=r"Kitchen\.enex is cut off"):
        next(documents)


def test_text_that_is_escaped_and_not_marked_as_data_is_read(tmp_path: Path) -> None:
    content = "&lt;en-note&gt;&lt;div&gt;rye &amp;amp; spelt&lt;/div&gt;&lt;/en-note&gt;"
    (document,) = read(export(tmp_path, f"<note><title>A &amp; B</title><content>{content}</content></note>"))
    assert (document.title, document.own_text) == ("A & B", "rye & spelt")


def test_no_entity_that_the_file_declares_is_expanded(tmp_path: Path) -> None:
    file = tmp_path / "a.enex"
    declared = '<!DOCTYPE en-export [<!ENTITY a "seed seed"><!ENTITY b SYSTEM "file:///etc/hostname">]>'
    file.write_text(f'<?xml version="1.0"?>{declared}<en-export>{note("<div>x &a; &b; y</div>")}</en-export>')
    (document,) = read(file)
    assert document.own_text == "x &a; &b; y"


def test_a_page_about_exports_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# How to export\n\nThe file starts with <en-export> and a note.")
    assert Evernote().recognises(tmp_path / "a.md") == 0
    (tmp_path / "a.xml").write_text("<notes><note>rye</note></notes>")
    with pytest.raises(SourceError, match=r"a\.xml is no export of Evernote"):
        read(tmp_path / "a.xml")


def test_attachments_are_not_held_in_memory(tmp_path: Path) -> None:
    resource = f"<resource><data>{'A' * 40_000_000}</data></resource>"
    file = export(tmp_path, note("first", more=resource), note("second", created="20240303T100000Z"))
    tracemalloc.start()
    try:
        documents = read(file)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [document.own_text for document in documents] == ["first", "second"]
    assert peak < 12_000_000


def test_marks_are_found_however_small_the_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = export(tmp_path, note("<div>caf\u00e9 &amp; rye</div>", more="<resource><data>QUJD</data></resource>"))
    for size in (1, 2, 3, 7):
        monkeypatch.setattr(evernote_scan, "PIECE_BYTES", size)
        assert [document.own_text for document in read(file)] == ["caf\u00e9 & rye"]


# What the other program writes and no note says: links without words, hints to what is encrypted, dates of tasks.
MISSING = {
    "note-link-without-title": {"evernote", "view", "1000", "s1", "33333333", "3333", "333333333333"},
    "test-encryption": {"Encrypted", "content", "hint", "this", "is", "a"},
    "test-externalLink-naked": {"https", "444", "hu"},
    "test-externalLink-notext": {"https", "444", "hu"},
    "test-things-to-do": {"2022", "05", "22", "28"},
    # Headings with nothing under them; the last one is the title of what stands under it.
    "test-headings": {"Large", "Medium", "Small"},
}
EXTRA = {"test-empty-en-todo": ["x"]}
CLIPS = {"source-of-webclip", "test-image-dataUrl", "test-note-attributes", "test-noteWithSourceUrl"}


@pytest.mark.shared
def test_the_words_of_real_exports_are_those_another_program_found(shared: Path) -> None:
    folder = shared / "exports" / "notes" / "tests" / "evernote"
    compared = 0
    for file in sorted(folder.rglob("*.enex")):
        assert Evernote().recognises(file) > 0.9
        documents = read(file, Person.of(Evernote().authors(file)))
        assert all(document.drop in ("", "empty", "a web clip") for document in documents)
        assert any(document.drop == "a web clip" for document in documents) == (file.stem in CLIPS), file
        expected = sorted((file.parent / "expected" / file.stem).glob("*.md"))
        if expected:
            text = "\n\n".join(one.read_text() for one in expected)
            missing, extra = missing_and_extra(text, documents)
            assert set(missing) <= MISSING.get(file.stem, set()), file
            assert extra == EXTRA.get(file.stem, []), file
            compared += 1
    assert compared == 68
